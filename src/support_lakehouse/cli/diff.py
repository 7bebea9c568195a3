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
from support_lakehouse.config import load_config
from support_lakehouse.errors import Damaged, UsageError
from support_lakehouse.io import ops
from support_lakehouse.model.period import is_month, period_order
from support_lakehouse.stages.diff import Differing
from support_lakehouse.stages.kept import check_kept
from support_lakehouse.stages.released import Released, open_released
from support_lakehouse.transforms.difference import Cause, Difference, Moved, Part, reversed_
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
    before, after = (_state(root, text) for text in (a, b))
    releases = ops.read_releases(root)
    for state in (before, after):
        check_kept(root, releases, state.release)
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


def _state(root: Path, text: str) -> Released:
    found = _STATE.fullmatch(text)
    month = found and found["month"]
    if found is None or (month and not is_month(month)):
        raise UsageError(
            f"{text!r} is no state", expected="a release, as 3, a month, as 202502, or 3@202502"
        )
    number = found["release"] or found["only"]
    return open_released(root, release=int(number) if number else None, as_of=month)


def _age(state: Released) -> tuple[int, bool, Any]:
    as_of = state.as_of
    return (state.release.release, as_of is None, period_order(as_of) if as_of else ())


def _name(state: Released) -> str:
    return f"release {state.release.release}" + (f" as of {state.as_of}" if state.as_of else "")


def _json(told: Difference, a: str, b: str, *, log: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "from": _plain(a),
        "to": _plain(b),
        "adds_up": told.adds_up,
        "figures": [_figure_json(figure) for figure in told.figures],
    }
    if log:
        shown["log"] = [_log_json(row) for row in told.log]
    return shown


def _plain(state: str) -> int | str:
    """A release as a number, a month as text."""
    return int(state) if len(state) < 6 and state.isdecimal() else state


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
            [cause.cause or "UNKNOWN", keys, *sums, cause.what, _at(cause)]
            for cause, keys, sums in _by_cause(told)
        ],
    )
    screen.say()
    if told.adds_up:
        screen.say("The causes add up to the difference of every figure.")


_TITLES = ("interactions", "calls", "minutes")


def _by_cause(told: Difference) -> list[tuple[Cause, int, list[str]]]:
    """Each cause, how many keys it moved, and what it adds to the report as a whole.

    A dimension adds nothing: told is how much goes by another name.
    """
    keys: dict[Cause, set[str]] = {}
    sums: dict[Cause, Counter[str]] = {}
    for row in told.log:
        keys.setdefault(row["cause"], set()).add(row["key"])
        into = {m: row[m] for m in MEASURES if not row["cause"].key or row[m] > 0}
        sums.setdefault(row["cause"], Counter()).update(into)
    return [(c, len(keys[c]), [_moved(c, sums[c][m]) for m in MEASURES]) for c in sorted(keys)]


def _moved(cause: Cause, sum_: Decimal | int) -> str:
    return f"{screen.short(sum_)} moved" if cause.key and sum_ else _signed(sum_)


def _tell_figures(told: Difference, limit: int) -> None:
    """A line for each row of the report that moved, and, of several causes, one for each."""
    places: dict[tuple[str, str, str], list[Moved]] = {}
    for figure in told.figures:
        places.setdefault(figure.place, []).append(figure)
    rows = [line for figures in places.values() for line in _lines(figures)]
    if rows:
        screen.say()
        columns = ["month", "centre", "department", *_TITLES, "cause and keys", "file"]
        screen.table(columns, rows[:limit])
        _tell_more(len(rows), limit)


def _lines(figures: Sequence[Moved]) -> list[list[Any]]:
    by_measure = {figure.measure: figure for figure in figures}
    causes: dict[Cause, dict[str, Part]] = {}
    for figure in figures:
        for cause, part in figure.causes:
            causes.setdefault(cause, {})[figure.measure] = part
    changed = [_from_to(by_measure.get(m)) for m in MEASURES]
    if len(causes) == 1:
        (cause,) = causes
        return [[*figures[0].place, *changed, _who(cause, causes[cause]), _at(cause)]]
    first: list[Any] = [*figures[0].place, *changed, "", ""]
    others = [
        ["", "", ""]
        + [_signed(parts[m].change) if m in parts else "" for m in MEASURES]
        + [_who(cause, parts), _at(cause)]
        for cause, parts in causes.items()
    ]
    return [first, *others]


def _from_to(figure: Moved | None) -> str:
    if figure is None:
        return ""
    return f"{screen.short(figure.before)} -> {screen.short(figure.after)}"


def _who(cause: Cause, parts: Mapping[str, Part]) -> str:
    most = max(parts.values(), key=lambda part: part.key_count)
    more = f" and {most.key_count - 3} more" if most.key_count > 3 else ""
    return f"{cause.cause or 'UNKNOWN'}: {', '.join(most.keys[:3])}{more}"


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


def _signed(number: Decimal | int) -> str:
    return f"+{screen.short(number)}" if number > 0 else screen.short(number)
