"""Owns `explain`: the life of one key, or what makes up one figure of the report."""

import difflib
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from support_lakehouse.cli import options as o
from support_lakehouse.cli import screen
from support_lakehouse.cli.life import ToldLife
from support_lakehouse.config import Config, load_config
from support_lakehouse.errors import Damaged, UsageError
from support_lakehouse.io import ops
from support_lakehouse.model.feed import Feed
from support_lakehouse.stages.explain import Explaining, texts_of
from support_lakehouse.stages.figure import Figure, Figures
from support_lakehouse.stages.kept import check_kept
from support_lakehouse.stages.released import open_released
from support_lakehouse.transforms.report import KEYS, MEASURES


def explain(
    what: Annotated[
        list[str],
        typer.Argument(
            metavar="FEED KEY | report MONTH CENTRE DEPARTMENT",
            help="A key of a feed, as `interactions INT1001`; or a figure, as `report 2025-01"
            " 'Boston MA NE' Billing`.",
        ),
    ],
    lakehouse: o.Lakehouse = None,
    release: o.ReleaseNumber = None,
    as_of: o.AsOf = None,
    show_personal: o.Personal = False,
    json: o.Json = False,
) -> None:
    """Tell the life of one key, or what one figure of the report is made of."""
    config = load_config()
    root = (lakehouse or config.lakehouse).resolve()
    if len(what) != (4 if what[0] == "report" else 2):
        raise UsageError(
            f"{' '.join(what)!r} asks for nothing",
            expected="FEED KEY, or report MONTH CENTRE DEPARTMENT",
        )
    feed = _feed(config, what[0]) if len(what) == 2 else None
    month = "" if feed else o.report_month(what[1], "MONTH") or ""
    released = open_released(root, release=release, as_of=as_of)
    releases = ops.read_releases(root)
    check_kept(root, releases, released.release)
    if feed is None:
        _explain_figure(Figures(config, released, releases), month, what[2], what[3], json=json)
        return
    life = Explaining(config, released, releases, feed).life(what[1])
    told = ToldLife(life, released, personal=show_personal)
    screen.print_json(told.json()) if json else told.tell(config)
    if not life.agrees:
        raise Damaged(
            f"{feed.table} does not hold what the records of {life.key} come to",
            where=f"release {released.release.release}",
            expected="a row as the last record says",
        )


def _explain_figure(
    figures: Figures, month: str, center: str, department: str, *, json: bool
) -> None:
    figure = figures.figure(month, center, department)
    screen.print_json(_figure_json(figure, figures)) if json else _tell_figure(figure, figures)
    if not figure.adds_up:
        raise Damaged(
            f"the interactions come to {_measures(figure.sums)}",
            where=f"support_report, {', '.join((month, center, department))}",
            expected=f"what is published, {_measures(figure.published)}",
        )


def _figure_json(figure: Figure, figures: Figures) -> dict[str, Any]:
    rows = zip(figure.interactions.to_pylist(), figure.came_in, strict=True)
    return {
        **figure.published,
        "release": figures.released.release.release,
        "as_of": figures.released.as_of,
        "sums": figure.sums,
        "interactions": [
            {
                "key": row["interaction_id"],
                **{m: row[m] for m in MEASURES},
                "contact_center_id": row["contact_center_id"],
                "category_id": row["category_id"],
                "release": release,
                "period": row["_period"],
                "file": row["_file"],
                "line": row["_line"],
            }
            for row, release in rows
        ],
        "names": [
            {
                "feed": named.feed,
                "key": named.key,
                "name": named.name,
                "interactions": named.interactions,
                "release": named.by.release if named.by else None,
                "file": named.by.file if named.by else None,
                "line": named.by.line if named.by else None,
            }
            for named in figure.names
        ],
    }


def _tell_figure(figure: Figure, figures: Figures) -> None:
    """Print the interactions of a figure, their sum, and who gave it its names."""
    place = ", ".join(str(figure.published[key]) for key in KEYS)
    month = f", as of {figures.released.as_of}" if figures.released.as_of else ""
    number = figures.released.release.release
    screen.say(f"{place}, in release {number}{month}: {_measures(figure.published)}.")
    screen.say()
    starts = texts_of(figure.interactions.select(["interaction_start"]))
    rows = zip(figure.interactions.to_pylist(), starts, figure.came_in, strict=True)
    screen.table(
        ["interaction", "start (UTC)", "call", "minutes", "release", "file", "line"],
        [
            [
                row["interaction_id"],
                start["interaction_start"],
                "yes" if row["total_calls"] else "",
                screen.short(row["total_call_duration"]),
                release,
                row["_file"],
                row["_line"],
            ]
            for row, start, release in rows
        ],
    )
    screen.say()
    agree = "That is" if figure.adds_up else "That is NOT"
    screen.say(f"Together: {_measures(figure.sums)}. {agree} what the report says.")
    screen.say(f"An interaction counts in the month of its start in the zone {figures.zone}.")
    screen.say()
    screen.table(
        ["names from", "key", "name", "interactions", "release", "file", "line"],
        [
            [n.feed, n.key or "(empty)", n.name, n.interactions]
            + ([n.by.release, n.by.file, n.by.line] if n.by else ["", "nobody says it", ""])
            for n in figure.names
        ],
    )


def _measures(row: Mapping[str, Any]) -> str:
    return (
        f"{row['total_interactions']} interactions, {row['total_calls']} calls,"
        f" {screen.short(row['total_call_duration'])} minutes"
    )


def _feed(config: Config, name: str) -> Feed:
    names = [feed.name for feed in config.feeds]
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1)
        raise UsageError(
            f"no feed is called {name!r}",
            expected=f"one of {', '.join(names)}",
            hint=f"Did you mean {near[0]}?" if near else "",
        )
    return config.feed(name)
