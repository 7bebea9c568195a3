"""Owns the options that several commands share, and how their texts are read."""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from support_lakehouse.errors import UsageError
from support_lakehouse.model.period import is_day, is_month


class FormatChoice(StrEnum):
    """The formats of published files."""

    csv = "csv"
    json = "json"
    parquet = "parquet"


class LogLevel(StrEnum):
    """How much goes into the log file."""

    debug = "debug"
    info = "info"
    warning = "warning"
    error = "error"


class ZoneChoice(StrEnum):
    """The zone in which exported timestamps are written."""

    utc = "utc"
    business = "business"


def _reason(why: str) -> str:
    if not why.strip():
        raise UsageError("--why is empty", expected="a few words for the journal")
    return why.strip()


Why = Annotated[str, typer.Option("--why", help="For the journal.", callback=_reason)]
Data = Annotated[
    Path | None,
    typer.Option("--data", help="The folder that the files land in. [default: conf/pipeline.yml]"),
]
Lakehouse = Annotated[
    Path | None,
    typer.Option("--lakehouse", help="The folder of the tables. [default: conf/pipeline.yml]"),
]
Months = Annotated[
    str | None,
    typer.Option("--months", help="Months like 202502,202503. [default: all that are found]"),
]
Days = Annotated[
    str | None,
    typer.Option("--days", help="Days or labels of the roster, with commas. [default: all]"),
]
Feeds = Annotated[
    str | None, typer.Option("--feeds", help="Feeds to work on, with commas. [default: all]")
]
SyncDates = Annotated[
    list[str] | None,
    typer.Option("--sync-date", help="The day of a label, as day1=2026-01-02. Repeatable."),
]
Accept = Annotated[
    list[str] | None,
    typer.Option(
        "--accept",
        help="Say that it is meant: corrections, short-snapshots, rejects, held. Repeatable.",
    ),
]
Rehash = Annotated[
    bool, typer.Option("--rehash", help="Hash every file, even where its times are unchanged.")
]
Format = Annotated[
    FormatChoice | None,
    typer.Option("--format", help="How files are written. [default: conf/pipeline.yml]"),
]
NoFinals = Annotated[bool, typer.Option("--no-finals", help="Publish the report alone.")]
Reset = Annotated[
    bool,
    typer.Option("--reset", help="Rebuild from the extract and a new ledger; history stays."),
]
Personal = Annotated[
    bool, typer.Option("--show-personal", help="Show what is declared personal data.")
]
Level = Annotated[LogLevel, typer.Option("--log-level", help="How much the log file tells.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON value and nothing else.")]
AsOf = Annotated[
    str | None, typer.Option("--as-of", help="By the files up to a month, like 202502.")
]
ReleaseNumber = Annotated[
    int | None, typer.Option("--release", help="As released then. [default: the newest]")
]


def months_of(text: str | None) -> tuple[str, ...] | None:
    """The months in a list with commas, in order; None where none were asked for."""
    if text is None or not text.strip():
        return None
    months = tuple(dict.fromkeys(part.strip() for part in text.split(",")))
    for month in months:
        if not is_month(month):
            raise UsageError(
                f"{month!r} is no month", where="--months", expected="months like 202502,202503"
            )
    return tuple(sorted(months))


def listed(text: str | None) -> tuple[str, ...] | None:
    """The words of a list with commas; None where none were given."""
    words = tuple(dict.fromkeys(part.strip() for part in (text or "").split(",") if part.strip()))
    return words or None


def accepted(texts: Sequence[str]) -> tuple[str, ...]:
    """What a person says is meant, sorted."""
    return tuple(sorted({word for text in texts for word in listed(text) or ()}))


def sync_dates_of(texts: Iterable[str]) -> dict[str, str]:
    """Labels with their days, from texts like `day1=2026-01-02`."""
    told: dict[str, str] = {}
    for text in texts:
        label, equals, day = text.partition("=")
        if not (label and equals and is_day(day)):
            raise UsageError(
                f"{text!r} names no day", where="--sync-date", expected="as in day1=2026-01-02"
            )
        if told.setdefault(label, day) != day:
            raise UsageError(f"{label} is given two days", where="--sync-date")
    return told


def report_month(text: str | None, option: str) -> str | None:
    """A month as reports write it, YYYY-MM."""
    if text is not None and not (
        len(text) == 7 and text[4] == "-" and is_month(text[:4] + text[5:])
    ):
        raise UsageError(f"{text!r} is no month", where=option, expected="a month like 2025-01")
    return text
