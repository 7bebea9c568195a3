"""Owns the plan: what a run would load, skip and refuse, found out without Spark."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from support_lakehouse.config import Config
from support_lakehouse.errors import ConfigError, Refusal, UsageError
from support_lakehouse.io import lake, landing, ops
from support_lakehouse.model.books import LedgerEntry
from support_lakehouse.model.feed import Feed
from support_lakehouse.model.landing import FoundFile, ScannedFile
from support_lakehouse.model.period import INITIAL, is_month, period_order
from support_lakehouse.model.release import Release

_DELTA_TYPES = {"text": "string", "integer": "long"}
"""How Delta calls the types that it calls otherwise than a feed does."""


@dataclass(frozen=True)
class Plan:
    """What a run will do.

    `known` are the files that are loaded before it; `ledger` those that it builds on, which are
    none for a reset.
    """

    releases: tuple[Release, ...]
    known: tuple[LedgerEntry, ...]
    ledger: tuple[LedgerEntry, ...]
    found: tuple[FoundFile, ...]
    load: tuple[ScannedFile, ...]
    skipped: tuple[FoundFile, ...]
    unmatched: tuple[str, ...]
    refusals: tuple[Refusal, ...]
    reset: bool

    @property
    def last(self) -> Release | None:
        return self.releases[-1] if self.releases else None

    def bytes_at_stake(self, feed: str | None = None) -> int:
        """The size of all files that a feed's tables will be made of, or all feeds' tables."""
        loaded = sum(entry.size for entry in self.ledger if feed in (None, entry.feed))
        return loaded + sum(f.found.size for f in self.load if feed in (None, f.found.feed))

    def files_of(self, feed: str) -> tuple[ScannedFile, ...]:
        return tuple(file for file in self.load if file.found.feed == feed)


def make_plan(
    config: Config, data: Path, lakehouse: Path, *, months: Sequence[str] | None, reset: bool
) -> Plan:
    """List, hash, compare with the ledger, check names and headers, and decide the order.

    `months` of None means all. Raises UsageError for a month that is none or has no file.
    """
    _check_months(months or ())
    listing = landing.list_files(data, config.feeds)
    releases = tuple(ops.read_releases(lakehouse))
    known = tuple(e for e in read_ledger(lakehouse, releases) if e.state == "loaded")
    ledger = () if reset else known
    asked = [f for f in listing.found if _is_asked(f, months)]
    _check_months_have_files(months or (), asked, ledger, data)
    if not reset and releases:
        _check_columns(config.feeds, releases[-1], lakehouse)
    refusals = list(listing.refused)
    loaded = {(entry.feed, entry.file): entry for entry in ledger}
    load: list[ScannedFile] = []
    skipped: list[FoundFile] = []
    for found in asked:
        entry = loaded.get((found.feed, found.path))
        if entry is None:
            _scan_into(load, refusals, found, config.feed(found.feed))
        elif _is_same(found, entry):
            skipped.append(found)
        else:
            refusals.append(_correction(found, entry, releases))
    refusals += _late(load, ledger)
    refusals += _without_extract(config.feeds, asked, ledger)
    return Plan(
        releases=releases,
        known=known,
        ledger=ledger,
        found=listing.found,
        load=tuple(load),
        skipped=tuple(skipped),
        unmatched=listing.unmatched,
        refusals=tuple(dict.fromkeys(refusals)),
        reset=reset,
    )


def read_ledger(lakehouse: Path, releases: Sequence[Release]) -> tuple[LedgerEntry, ...]:
    """The ledger as the last release says; empty before the first."""
    table = releases[-1].tables.get(ops.FILES) if releases else None
    return tuple(ops.read_files(lakehouse, table.version)) if table else ()


def _check_months(months: Iterable[str]) -> None:
    for month in months:
        if not is_month(month):
            raise UsageError(
                f"{month!r} is no month", expected="months like 202502, with commas between them"
            )


def _check_columns(feeds: Iterable[Feed], last: Release, lakehouse: Path) -> None:
    for feed in feeds:
        table = f"silver/{feed.name}"
        if table not in last.tables:
            continue
        found = lake.columns_of(lakehouse / table, last.tables[table].version)
        there = {name: kind for name, kind in found.items() if not name.startswith("_")}
        declared = {c.name: _DELTA_TYPES.get(str(c.type), str(c.type)) for c in feed.columns}
        changed = {name for name, _ in there.items() ^ declared.items()}
        if changed:
            raise ConfigError(
                f"the columns {', '.join(sorted(changed))} of {feed.name} are declared otherwise"
                f" than release {last.release} has them",
                where="conf/feeds",
                hint="Rebuild the tables from the files with --reset, or put the feed back.",
            )


def _is_asked(found: FoundFile, months: Sequence[str] | None) -> bool:
    return months is None or found.period == INITIAL or found.period in months


def _check_months_have_files(
    months: Iterable[str], found: Sequence[FoundFile], ledger: Sequence[LedgerEntry], data: Path
) -> None:
    periods = {file.period for file in found} | {entry.period for entry in ledger}
    for month in months:
        if month not in periods:
            raise UsageError(
                f"no file for month {month}",
                where=str(data),
                expected=f"at least one change file like delta/agents_delta_{month}.csv",
            )


def _scan_into(
    load: list[ScannedFile], refusals: list[Refusal], found: FoundFile, feed: Feed
) -> None:
    try:
        load.append(landing.scan(found, feed))
    except landing.FileRefused as refused:
        refusals.append(Refusal(found.feed, found.path, str(refused)))


def _is_same(found: FoundFile, entry: LedgerEntry) -> bool:
    """Whether the file has the bytes that were loaded; unchanged times spare the hash."""
    told = (found.size, found.mtime_ns, found.inode)
    if told == (entry.size, entry.mtime_ns, entry.inode):
        return True
    return found.size == entry.size and landing.sha256_of(found.location) == entry.sha256


def _correction(found: FoundFile, entry: LedgerEntry, releases: Sequence[Release]) -> Refusal:
    at = next((r.at for r in releases if r.release == entry.release), "earlier")
    return Refusal(
        found.feed,
        found.path,
        f"{found.path} was loaded in release {entry.release} ({at}) with other bytes: sha256"
        f" {entry.sha256[:12]} then, {landing.sha256_of(found.location)[:12]} now. Expected a file"
        " to stay as it was; put the old one back, or rebuild from the files with --reset.",
    )


def _late(load: Sequence[ScannedFile], ledger: Sequence[LedgerEntry]) -> list[Refusal]:
    refusals = []
    for file in load:
        applied = [e.period for e in ledger if e.feed == file.found.feed]
        newest = max(applied, key=period_order, default=INITIAL)
        if applied and period_order(file.found.period) <= period_order(newest):
            why = (
                f"{file.found.path} is for {file.found.period}, and {newest} is applied already."
                " Expected months in order; --reset rebuilds from all files in order."
            )
            refusals.append(Refusal(file.found.feed, file.found.path, why))
    return refusals


def _without_extract(
    feeds: Iterable[Feed], found: Sequence[FoundFile], ledger: Sequence[LedgerEntry]
) -> list[Refusal]:
    there = {f.feed for f in found if f.period == INITIAL}
    there |= {entry.feed for entry in ledger}
    return [
        Refusal(
            feed.name,
            feed.files.initial,
            f"{feed.files.initial} is not there. Expected an extract to begin {feed.name} with;"
            " put it into the data folder.",
        )
        for feed in feeds
        if feed.name not in there
    ]
