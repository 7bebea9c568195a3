"""Owns what a person asks of a run, and the refusal of what cannot be asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from support_lakehouse.config import Config
from support_lakehouse.errors import UsageError
from support_lakehouse.model.books import LedgerEntry
from support_lakehouse.model.feed import Feed
from support_lakehouse.model.landing import FoundFile
from support_lakehouse.model.period import INITIAL, is_day, is_month
from support_lakehouse.model.plan import ACCEPTABLE


@dataclass(frozen=True)
class Asked:
    """What a person narrows a run to, and what they say is meant; None means all."""

    months: tuple[str, ...] | None = None
    days: tuple[str, ...] | None = None
    feeds: tuple[str, ...] | None = None
    sync_dates: Mapping[str, str] = field(default_factory=dict)
    accept: tuple[str, ...] = ()
    reset: bool = False
    rehash: bool = False


def asked_feeds(config: Config, asked: Asked) -> tuple[Feed, ...]:
    """The feeds to work on; UsageError for one that nobody declared."""
    known = {feed.name for feed in config.feeds}
    for name in asked.feeds or ():
        if name not in known:
            raise UsageError(
                f"no feed is called {name!r}", where="--feeds", expected=", ".join(sorted(known))
            )
    return tuple(f for f in config.feeds if asked.feeds is None or f.name in asked.feeds)


def check_words(asked: Asked) -> None:
    """UsageError for months, days and words to accept that are none, and what goes not together."""
    if asked.reset and asked.feeds:
        raise UsageError("a reset begins a new ledger for all feeds", where="--reset --feeds")
    for month in asked.months or ():
        if not is_month(month):
            raise UsageError(
                f"{month!r} is no month", expected="months like 202502, with commas between them"
            )
    for word in asked.accept:
        if word not in ACCEPTABLE:
            raise UsageError(
                f"{word!r} is nothing to accept", where="--accept", expected=", ".join(ACCEPTABLE)
            )
    for label, day in asked.sync_dates.items():
        if not is_day(day):
            raise UsageError(
                f"{label}={day} names no day", where="--sync-date", expected="as in day1=2026-01-02"
            )


def is_asked(found: FoundFile | LedgerEntry, feed: Feed, asked: Asked) -> bool:
    """Whether a file of the feed is of the months or days asked for; an extract always is."""
    if found.period == INITIAL:
        return True
    if feed.files.place == "month":
        return asked.months is None or found.period in asked.months
    if feed.files.place == "day":
        return asked.days is None or found.period in asked.days or found.label in asked.days
    return True


def check_periods_have_files(
    asked: Asked, found: Sequence[FoundFile], ledger: Sequence[LedgerEntry], data: Path
) -> None:
    """UsageError for a month or a day that was asked for and that no file is for."""
    there = {file.period for file in found} | {file.label for file in found}
    there |= {entry.period for entry in ledger} | {entry.label for entry in ledger}
    for month in asked.months or ():
        if month not in there:
            raise UsageError(
                f"no file for month {month}",
                where=str(data),
                expected=f"at least one change file like delta/agents_delta_{month}.csv",
            )
    for day in asked.days or ():
        if day not in there:
            raise UsageError(
                f"no file for day {day}",
                where=str(data),
                expected="a day like 2026-01-02, or its label, of which a feed asked for has files",
            )
