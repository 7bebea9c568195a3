"""Owns the options that several commands share, and how their texts are read."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from support_lakehouse.errors import UsageError
from support_lakehouse.model.period import is_month


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


Data = Annotated[
    Path | None,
    typer.Option(
        "--data", help="The folder with initial/ and delta/. [default: conf/pipeline.yml]"
    ),
]
Lakehouse = Annotated[
    Path | None,
    typer.Option("--lakehouse", help="The folder of the tables. [default: conf/pipeline.yml]"),
]
Months = Annotated[
    str | None,
    typer.Option("--months", help="Months like 202502,202503. [default: all that are found]"),
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


def report_month(text: str | None, option: str) -> str | None:
    """A month as reports write it, YYYY-MM."""
    if text is not None and not (
        len(text) == 7 and text[4] == "-" and is_month(text[:4] + text[5:])
    ):
        raise UsageError(f"{text!r} is no month", where=option, expected="a month like 2025-01")
    return text
