"""Owns `diff`: which published figures moved between two states, by how much and why."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer

from support_lakehouse.cli import options as o
from support_lakehouse.cli import screen
from support_lakehouse.config import Config, load_config
from support_lakehouse.errors import Damaged, UsageError
from support_lakehouse.io import ops
from support_lakehouse.model.period import is_month, period_order
from support_lakehouse.stages.diff import Difference, Differing, Moved, reversed_
from support_lakehouse.stages.released import Released, open_released
from support_lakehouse.stages.sides import Cause
from support_lakehouse.transforms.report import KEYS, MEASURES

_STATE = re.compile(r"(?:(?P<release>[0-9]{1,18})@)?(?P<month>[0-9]{6})|(?P<only>[0-9]{1,18})")
_State = Annotated[
    str, typer.Argument(help="A release, as 3; a month, as 202502; or both, as 3@202502.")
]
_FEW = 40


def diff(
    a: _State,
    b: _State,
    lakehouse: o.Lakehouse = None,
    log: Annotated[bool, typer.Option("--log", help="List every key that moved.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=0, help="The most rows of a list.")] = _FEW,
    json: o.Json = False,
) -> None:
    """Tell which figures of the report moved from A to B, by how much, by which file and key."""
    config = load_config()
    root = (lakehouse or config.lakehouse).resolve()
    before, after = (_state(config, root, text) for text in (a, b))
    releases = ops.read_releases(root)
    if _age(before) <= _age(after):
        told = Differing(config, releases, before, after).difference()
    else:
        told = reversed_(Differing(config, releases, after, before).difference())
    if json:
        screen.print_json(_json(told, a, b, log=log))
    else:
        _tell(told, before, after)
        _tell_figures(told, limit)
        if log:
            _tell_log(told, limit)
    if not told.adds_up:
        lost = next(figure for figure in told.figures if not figure.explained)
        raise Damaged(
            f"{lost.measure} moved by {_signed(lost.after - lost.before)}, which its causes do not"
            " come to",
            where=f"support_report, {', '.join(lost.place)}",
            hint="`support-lakehouse verify --rows` says which rows are not as they should be.",
        )


def _state(config: Config, root: Path, text: str) -> Released:
    found = _STATE.fullmatch(text)
    month = found and found["month"]
    if found is None or (month and not is_month(month)):
        raise UsageError(
            f"{text!r} is no state", expected="a release, as 3, a month, as 202502, or 3@202502"
        )
    number = found["release"] or found["only"]
    return open_released(config, root, release=int(number) if number else None, as_of=month)


def _age(state: Released) -> tuple[int, bool, Any]:
    as_of = state.as_of
    return (state.release.release, as_of is None, period_order(as_of) if as_of else ())


def _name(state: Released) -> str:
    return f"release {state.release.release}" + (f" as of {state.as_of}" if state.as_of else "")


def _json(told: Difference, a: str, b: str, *, log: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "from": a,
        "to": b,
        "adds_up": told.adds_up,
        "figures": [_figure_json(figure) for figure in told.figures],
    }
    if log:
        shown["log"] = [_log_json(row) for row in told.log]
    return shown


def _figure_json(figure: Moved) -> dict[str, Any]:
    return {
        **dict(zip(KEYS, figure.place, strict=True)),
        "measure": figure.measure,
        "before": figure.before,
        "after": figure.after,
        "causes": [
            {
                "cause": cause.cause,
                "change": part.change,
                "files": [cause.file] if cause.file else [],
                "keys": part.keys,
                "key_count": part.key_count,
                "release": cause.release,
                "what": cause.what,
            }
            for cause, part in figure.causes
        ],
    }


def _log_json(row: Mapping[str, Any]) -> dict[str, Any]:
    file, line = row["place"] or (row["cause"].file or None, None)
    plain = {name: row[name] for name in ("key", *KEYS, *MEASURES)}
    return plain | {"cause": row["cause"].cause, "file": file, "line": line}


def _tell(told: Difference, before: Released, after: Released) -> None:
    """The summary: each cause with what it moved, all figures together."""
    if not told.figures:
        screen.say(f"From {_name(before)} to {_name(after)} no figure moved.")
        return
    rows = {figure.place for figure in told.figures}
    screen.say(
        f"From {_name(before)} to {_name(after)} {len(told.figures)} figures moved, in {len(rows)}"
        " rows of support_report."
    )
    screen.say()
    screen.table(
        ["cause", "keys", *_TITLES, "why", "file"],
        [
            [cause.cause or "UNKNOWN", keys, *map(_signed, sums), cause.what, _at(cause)]
            for cause, keys, sums in _by_cause(told)
        ],
    )
    screen.say()
    if told.adds_up:
        screen.say("The causes add up to the difference of every figure.")


_TITLES = ("interactions", "calls", "minutes")


def _by_cause(told: Difference) -> list[tuple[Cause, int, list[Decimal | int]]]:
    """Each cause, how many keys it moved, and what it adds to the report as a whole."""
    keys: dict[Cause, set[str]] = {}
    sums: dict[Cause, Counter[str]] = {}
    for row in told.log:
        keys.setdefault(row["cause"], set()).add(row["key"])
        sums.setdefault(row["cause"], Counter()).update({m: row[m] for m in MEASURES})
    return [(c, len(keys[c]), [sums[c][m] for m in MEASURES]) for c in sorted(keys)]


def _tell_figures(told: Difference, limit: int) -> None:
    rows = [
        [
            *(figure.place if first else ("", "", "")),
            _TITLES[MEASURES.index(figure.measure)] if first else "",
            f"{screen.short(figure.before)} -> {screen.short(figure.after)}" if first else "",
            _signed(part.change),
            f"{cause.cause or 'UNKNOWN'} {_some(part.keys, part.key_count)}",
            _at(cause),
        ]
        for figure in told.figures
        for cause, part, first in _firsts(figure)
    ]
    if rows:
        screen.say()
        columns = ["month", "centre", "department", "figure", "before -> after", "by"]
        screen.table([*columns, "cause and keys", "file"], rows[:limit])
        _tell_more(len(rows), limit)


def _firsts(figure: Moved) -> list[tuple[Cause, Any, bool]]:
    return [(cause, part, n == 0) for n, (cause, part) in enumerate(figure.causes)]


def _tell_log(told: Difference, limit: int) -> None:
    rows = [
        [
            row["key"],
            *(row[key] for key in KEYS),
            *(_signed(row[m]) for m in MEASURES),
            row["cause"].cause,
            *(row["place"] or (row["cause"].file, "")),
        ]
        for row in told.log
    ]
    if rows:
        screen.say()
        columns = ["key", "month", "centre", "department", *_TITLES, "cause", "file", "line"]
        screen.table(columns, rows[:limit])
        _tell_more(len(rows), limit)


def _tell_more(there: int, limit: int) -> None:
    if there > limit:
        screen.say(f"... and {there - limit} more: --limit {there} shows all.")


def _at(cause: Cause) -> str:
    return f"{cause.file}, line {cause.line}" if cause.line else cause.file


def _some(keys: Sequence[str], count: int) -> str:
    shown = ", ".join(keys[:3])
    return f"{shown} and {count - 3} more" if count > 3 else shown


def _signed(number: Decimal | int) -> str:
    return f"+{screen.short(number)}" if number > 0 else screen.short(number)
