"""Owns `quarantine`: the rejected rows, to be looked at, corrected, judged again or given up."""

import csv
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
import typer

from support_lakehouse.cli import options as o
from support_lakehouse.cli import screen
from support_lakehouse.config import Config, load_config
from support_lakehouse.errors import UsageError
from support_lakehouse.io import export as files
from support_lakehouse.io import ops
from support_lakehouse.model.books import STATES
from support_lakehouse.model.feed import Feed
from support_lakehouse.pipeline import replay as pipeline
from support_lakehouse.transforms.by_hand import (
    MASK,
    cell_columns,
    sheet_columns,
    sheet_name,
    sheet_row,
)

quarantine = typer.Typer(
    help="Rejected rows: look, correct, judge again, give up.", no_args_is_help=True
)

FeedName = Annotated[str | None, typer.Option("--feed", help="Of one feed. [default: all]")]


@quarantine.command("list")
def list_(
    lakehouse: o.Lakehouse = None,
    feed: FeedName = None,
    reason: Annotated[
        str | None, typer.Option("--reason", help="A rule, or rule:column. [default: all]")
    ] = None,
    state: Annotated[
        str | None, typer.Option("--state", help=f"One of {', '.join(STATES)}. [default: all]")
    ] = None,
    json: o.Json = False,
) -> None:
    """List rejected rows with their reasons."""
    config = load_config()
    _check(config, feed, state)
    entries = [e for e in _entries(config, lakehouse) if _matches(e, feed, reason, state)]
    if json:
        screen.print_json([_told(entry) for entry in entries])
        return
    if not entries:
        screen.say("No such row is in quarantine.")
        return
    rows = [
        [e["id"], e["feed"], e["file"], e["line"], e["state"], e["attempts"], _messages(e)]
        for e in entries
    ]
    screen.table(["id", "feed", "file", "line", "state", "attempts", "reasons"], rows)


@quarantine.command()
def show(
    id: Annotated[str, typer.Argument(help="As `quarantine list` tells it.")],
    lakehouse: o.Lakehouse = None,
    show_personal: o.Personal = False,
    json: o.Json = False,
) -> None:
    """Show one rejected row as it came."""
    config = load_config()
    entry = next((e for e in _entries(config, lakehouse) if e["id"] == id), None)
    if entry is None:
        raise UsageError(f"no entry has the id {id}", expected="an id of `quarantine list`")
    feed = config.feed(entry["feed"])
    cells = sheet_row(entry, feed, personal=show_personal)
    if json:
        told = _told(entry) | {"raw": cells["raw"], "cells": _cells(cells, feed)}
        screen.print_json(told)
        return
    screen.say(f"{entry['file']}, line {entry['line']} ({entry['state']})")
    for reason in entry["reasons"] or []:
        screen.say(f"  {reason['message']}")
    screen.table(["column", "cell"], [[n, text] for n, text in _cells(cells, feed).items()])
    if cells["raw"] == MASK:
        screen.say("Personal data is masked; --show-personal shows it.")
    else:
        screen.say(entry["raw"])


@quarantine.command()
def export(
    output: Annotated[Path, typer.Option("--output", help="The CSV file to write.")],
    feed: Annotated[str, typer.Option("--feed", help="The feed.")],
    lakehouse: o.Lakehouse = None,
    show_personal: o.Personal = False,
) -> None:
    """Write a feed's open rows as a sheet, to be corrected by hand and replayed."""
    config = load_config()
    _check(config, feed, None)
    own = config.feed(feed)
    entries = [e for e in _entries(config, lakehouse) if _matches(e, feed, None, "open")]
    rows = [sheet_row(entry, own, personal=show_personal) for entry in entries]
    schema = pa.schema([(name, pa.string()) for name in sheet_columns(own)])
    files.write(pa.Table.from_pylist(rows, schema=schema), output, "csv")
    screen.say(f"Wrote {output} ({len(rows)} rows). Correct the cells, then:")
    screen.say(f"  support-lakehouse quarantine replay --feed {feed} --corrected {output}")


@quarantine.command()
def replay(
    lakehouse: o.Lakehouse = None,
    feed: FeedName = None,
    corrected: Annotated[
        Path | None, typer.Option("--corrected", help="A sheet of `quarantine export`.")
    ] = None,
    why: Annotated[str, typer.Option("--why", help="For the journal.")] = "",
    json: o.Json = False,
) -> None:
    """Judge open rows again, by today's rules or with corrected cells."""
    config = load_config()
    _check(config, feed, None)
    sheet = _sheet(corrected) if corrected else None
    with screen.progress(shown=not json) as tell:
        done = pipeline.replay(
            config, _root(config, lakehouse), feed=feed, corrected=sheet, why=why, tell=tell
        )
    if json:
        told = {"release": done.release.release if done.release else None}
        screen.print_json(
            told
            | {"returned": dict(done.returned), "rejected": dict(done.rejected)}
            | {"published": [str(p) for p in done.published], "seconds": dict(done.seconds)}
        )
        return
    if not done.returned and not done.rejected:
        screen.say("Nothing to judge again: no open row was changed, and no rule of its feed.")
        return
    screen.say_returned(done.returned, done.rejected)
    assert done.release is not None
    screen.say(f"Release {done.release.release}, state {done.release.state}.")
    for path in done.published:
        screen.say(f"Published {path}")


@quarantine.command()
def discard(
    ids: Annotated[list[str], typer.Argument(help="As `quarantine list` tells them.")],
    why: o.Why,
    lakehouse: o.Lakehouse = None,
) -> None:
    """Give rejected rows up for good."""
    config = load_config()
    made = pipeline.discard(config, _root(config, lakehouse), ids, why=why)
    screen.say(f"Discarded {len(ids)} rows in release {made.release}.")


def _root(config: Config, named: Path | None) -> Path:
    return (named or config.lakehouse).resolve()


def _entries(config: Config, lakehouse: Path | None) -> list[dict[str, Any]]:
    root = _root(config, lakehouse)
    return pipeline.entries_of(root, ops.read_releases(root))


def _check(config: Config, feed: str | None, state: str | None) -> None:
    names = [f.name for f in config.feeds]
    if feed is not None and feed not in names:
        raise UsageError(f"no feed is called {feed!r}", where="--feed", expected=", ".join(names))
    if state is not None and state not in STATES:
        raise UsageError(f"{state!r} is no state", where="--state", expected=", ".join(STATES))


def _matches(
    entry: dict[str, Any], feed: str | None, reason: str | None, state: str | None
) -> bool:
    rules = {r["rule"] for r in entry["reasons"] or []}
    rules |= {f"{r['rule']}:{r['column']}" for r in entry["reasons"] or []}
    return (
        feed in (None, entry["feed"])
        and state in (None, entry["state"])
        and (reason is None or reason in rules)
    )


def _messages(entry: dict[str, Any]) -> str:
    return "; ".join(reason["message"] for reason in entry["reasons"] or [])


def _told(entry: dict[str, Any]) -> dict[str, Any]:
    names = ("id", "feed", "file", "line", "period", "state")
    return {name: entry[name] for name in names} | {
        "reasons": entry["reasons"] or [],
        "attempts": entry["attempts"],
    }


def _cells(row: dict[str, str], feed: Feed) -> dict[str, str]:
    return {name: row[sheet_name(name)] for name in cell_columns(feed)}


def _sheet(path: Path) -> dict[str, dict[str, str]]:
    try:
        csv.field_size_limit(2**31 - 1)
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"not readable as a CSV file: {error}", where=str(path)) from error
    if rows and "id" not in rows[0]:
        raise UsageError(
            "there is no column id", where=str(path), expected="a sheet of `quarantine export`"
        )
    return {row["id"]: {k: v or "" for k, v in row.items() if k} for row in rows if row["id"]}
