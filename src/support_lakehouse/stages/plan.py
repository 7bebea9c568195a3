"""Owns the plan: what a run would load, skip and refuse, found out without Spark."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from support_lakehouse.config import Config
from support_lakehouse.errors import ConfigError, Refusal, UsageError
from support_lakehouse.io import lake, landing, ops
from support_lakehouse.model.books import DECISIONS_HELD, WITHDRAWAL_HELD, LedgerEntry
from support_lakehouse.model.feed import Feed
from support_lakehouse.model.landing import FoundFile, ScannedFile
from support_lakehouse.model.period import INITIAL, is_day, is_month
from support_lakehouse.model.plan import ACCEPTABLE, Plan, with_replays
from support_lakehouse.model.release import Release
from support_lakehouse.stages.moved import published_months

_DELTA_TYPES = {"text": "string", "integer": "long", "time": "string"}
"""How Delta calls the types that it calls otherwise than a feed does."""


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


def make_plan(config: Config, data: Path, lakehouse: Path, asked: Asked) -> Plan:
    """List, hash, compare with the ledger, check names and headers, and decide the order.

    Raises UsageError for a month that is none or has no file, and for unknown feeds or words.
    """
    feeds = _asked_feeds(config, asked)
    _check_words(asked)
    listing = landing.list_files(data, config.feeds)
    releases = tuple(ops.read_releases(lakehouse))
    told = read_ledger(lakehouse, releases)
    known = tuple(e for e in told if e.state == "loaded")
    aside = tuple(e for e in told if e.is_aside)
    ledger = () if asked.reset else known
    if not asked.reset and releases:
        _check_columns(feeds, releases[-1], lakehouse)
    by_name = {feed.name: feed for feed in feeds}
    of_feeds = [file for file in listing.found if file.feed in by_name]
    found, unnamed = _with_days(of_feeds, by_name, ledger, asked.sync_dates)
    wanted = [f for f in found if _is_asked(f, by_name[f.feed], asked)]
    waiting = _withdrawals_held(ledger, aside, by_name, asked)
    decisions = [
        e
        for e in aside
        if e.state == DECISIONS_HELD and e.feed in by_name and _is_asked(e, by_name[e.feed], asked)
    ]
    out = waiting if "held" in asked.accept else ()
    _check_periods_have_files(asked, wanted, ledger, data)
    sorted_out = _SortedOut([r for r in listing.refused if r.feed in by_name] + unnamed)
    loaded = {entry.place: entry for entry in ledger}
    put_aside = [e for e in aside if not e.is_second and not asked.reset]
    for file in wanted:
        feed, entry = by_name[file.feed], loaded.get((file.feed, file.path))
        # Of one path several contents may have been put aside: one withdrawn, one held.
        same = (e for e in put_aside if e.place == (file.feed, file.path))
        before = next((e for e in same if _is_same(file, e, rehash=True)), None)
        if before is not None:
            if before.state == "held" and "held" in asked.accept:
                sorted_out.scan(file, feed, entry)
            elif before.state == "held":
                sorted_out.held.append(file)
        elif entry is not None and _is_same(file, entry, rehash=asked.rehash):
            sorted_out.skipped += [] if entry in out else [file]
        elif entry is None or entry in out or _takes_corrections(feed, asked):
            sorted_out.scan(file, feed, entry)
        else:
            sorted_out.refusals.append(_correction(file, entry, releases))
    withdrawn = tuple(e for e in out if e not in sorted_out.corrected)
    left = {entry.place for entry in (*sorted_out.corrected, *withdrawn)}
    instead = left | {(file.feed, file.path) for file in sorted_out.held}
    plan = Plan(
        releases=releases,
        known=known,
        ledger=tuple(entry for entry in ledger if entry.place not in left),
        found=found,
        load=tuple(sorted_out.load),
        corrected=tuple(sorted_out.corrected),
        withdrawn=withdrawn,
        aside=aside,
        held=tuple(sorted_out.held),
        staying=tuple(entry for entry in waiting if entry.place not in instead),
        skipped=tuple(sorted_out.skipped),
        unmatched=listing.unmatched,
        reset=asked.reset,
        accepted=asked.accept,
    )
    refusals = [*sorted_out.refusals, *_without_extract(feeds, found, ledger)]
    if "short-snapshots" not in asked.accept:
        refusals += _alone(feeds, plan, {r.feed for r in refusals})
    plan = with_replays(replace(plan, refusals=tuple(dict.fromkeys(refusals))), feeds)
    plan = _with_decisions(plan, feeds, () if asked.reset else decisions)
    if not (plan.works or plan.again):
        return plan
    return replace(plan, may_move=published_months(lakehouse, plan.last))


def _with_decisions(plan: Plan, feeds: Sequence[Feed], lines: Sequence[LedgerEntry]) -> Plan:
    """The plan with the files whose held decisions are carried out, or stay held.

    Those of a file that does not count wait with it, and are not told.
    """
    new = {(f.found.feed, f.found.path, f.sha256) for f in plan.load}
    loaded = {entry.content: entry for entry in plan.ledger}
    lines = tuple(line for line in lines if line.content in new or line.content in loaded)
    if "held" not in plan.accepted:
        return replace(plan, undecided=lines)
    back = {line.content: loaded[line.content] for line in lines if line.content in loaded}
    others = tuple(entry for entry in plan.ledger if entry.content not in back)
    whole = with_replays(replace(plan, ledger=others, returned=tuple(back.values())), feeds)
    return replace(plan, again=lines, replays=whole.replays)


def read_ledger(lakehouse: Path, releases: Sequence[Release]) -> tuple[LedgerEntry, ...]:
    """The ledger as the last release says; empty before the first."""
    table = releases[-1].tables.get(ops.FILES) if releases else None
    return tuple(ops.read_files(lakehouse, table.version)) if table else ()


@dataclass
class _SortedOut:
    """Files as they are sorted into those to load, to skip and to refuse."""

    refusals: list[Refusal]
    load: list[ScannedFile] = field(default_factory=list)
    corrected: list[LedgerEntry] = field(default_factory=list)
    skipped: list[FoundFile] = field(default_factory=list)
    held: list[FoundFile] = field(default_factory=list)

    def scan(self, found: FoundFile, feed: Feed, before: LedgerEntry | None) -> None:
        try:
            self.load.append(landing.scan(found, feed))
        except landing.FileRefused as refused:
            self.refusals.append(Refusal(found.feed, found.path, str(refused)))
            return
        if before is not None:
            self.corrected.append(before)


def _asked_feeds(config: Config, asked: Asked) -> tuple[Feed, ...]:
    known = {feed.name for feed in config.feeds}
    for name in asked.feeds or ():
        if name not in known:
            raise UsageError(
                f"no feed is called {name!r}", where="--feeds", expected=", ".join(sorted(known))
            )
    return tuple(f for f in config.feeds if asked.feeds is None or f.name in asked.feeds)


def _check_words(asked: Asked) -> None:
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


def _check_columns(feeds: Iterable[Feed], last: Release, lakehouse: Path) -> None:
    for feed in feeds:
        if feed.table not in last.tables:
            continue
        found = lake.columns_of(lakehouse / feed.table, last.tables[feed.table].version)
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


def _with_days(
    found: Iterable[FoundFile],
    feeds: Mapping[str, Feed],
    ledger: Iterable[LedgerEntry],
    told: Mapping[str, str],
) -> tuple[tuple[FoundFile, ...], list[Refusal]]:
    """The files with the day that a label stands for; refusals of those whose day nobody knows."""
    days = {e.label: e.period for e in ledger if e.label}
    for label, day in told.items():
        if days.get(label, day) != day:
            raise UsageError(
                f"{label} was loaded as {days[label]}, not as {day}", where="--sync-date"
            )
    days |= told
    named, refused = [], []
    for file in found:
        if feeds[file.feed].files.place != "day" or file.period:
            named.append(file)
        elif file.label in days:
            named.append(replace(file, period=days[file.label]))
        else:
            why = (
                f"{file.path} is for {file.label}, which is no date. Expected a folder like"
                f" sync-2026-01-02, or --sync-date {file.label}=2026-01-02 with its day."
            )
            refused.append(Refusal(file.feed, file.path, why))
    return tuple(sorted(named, key=lambda f: (f.order, f.feed))), refused


def _withdrawals_held(
    ledger: Iterable[LedgerEntry],
    aside: Iterable[LedgerEntry],
    feeds: Mapping[str, Feed],
    asked: Asked,
) -> tuple[LedgerEntry, ...]:
    """The loaded files asked for that were out before a rollback; they may have left the folder."""
    places = {entry.place for entry in aside if entry.state == WITHDRAWAL_HELD}
    own = [entry for entry in ledger if entry.place in places and entry.feed in feeds]
    return tuple(entry for entry in own if _is_asked(entry, feeds[entry.feed], asked))


def _is_asked(found: FoundFile | LedgerEntry, feed: Feed, asked: Asked) -> bool:
    if found.period == INITIAL:
        return True
    if feed.files.place == "month":
        return asked.months is None or found.period in asked.months
    if feed.files.place == "day":
        return asked.days is None or found.period in asked.days or found.label in asked.days
    return True


def _check_periods_have_files(
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
            raise UsageError(f"no file for day {day}", where=str(data))


def _is_same(found: FoundFile, entry: LedgerEntry, *, rehash: bool) -> bool:
    """Whether the file has the bytes that were loaded; unchanged times spare the hash."""
    told = (found.size, found.mtime_ns, found.inode)
    if told == (entry.size, entry.mtime_ns, entry.inode) and not rehash:
        return True
    return found.size == entry.size and landing.sha256_of(found.location) == entry.sha256


def _takes_corrections(feed: Feed, asked: Asked) -> bool:
    return feed.corrections == "accept" or "corrections" in asked.accept


def _correction(found: FoundFile, entry: LedgerEntry, releases: Sequence[Release]) -> Refusal:
    at = next((r.at for r in releases if r.release == entry.release), "earlier")
    return Refusal(
        found.feed,
        found.path,
        f"{found.path} was loaded in release {entry.release} ({at}) with other bytes: sha256"
        f" {entry.sha256[:12]} then, {landing.sha256_of(found.location)[:12]} now. Expected a file"
        " to stay as it was; put the old one back, or take the new one in its place with --accept"
        " corrections.",
    )


def _without_extract(
    feeds: Iterable[Feed], found: Sequence[FoundFile], ledger: Sequence[LedgerEntry]
) -> list[Refusal]:
    """Feeds of a group at work that have nothing to begin with."""
    there = {f.feed for f in found if f.period == INITIAL} | {entry.feed for entry in ledger}
    present = {f.feed for f in found} | {entry.feed for entry in ledger}
    groups = {feed.group_name for feed in feeds if feed.name in present}
    return [
        Refusal(
            feed.name,
            feed.files.initial or "",
            f"{feed.files.initial} is not there. Expected an extract to begin {feed.name} with;"
            " put it into the data folder.",
        )
        for feed in feeds
        if feed.kind == "changes" and feed.group_name in groups and feed.name not in there
    ]


def _alone(feeds: Iterable[Feed], plan: Plan, refused: Collection[str]) -> list[Refusal]:
    """Deliveries whose counterpart is missing, as a day's details without its list of agents."""
    refusals = []
    for feed in feeds:
        partner = feed.delivery.together_with
        if partner is None or partner in refused:
            continue
        there = {entry.period for entry in plan.active(partner)}
        for day in sorted({entry.period for entry in plan.new_entries(feed.name)} - there):
            why = (
                f"{feed.name} has a delivery for {day}, {partner} has none. Expected both; deliver"
                " the missing one, or say with --accept short-snapshots that it is meant."
            )
            files = [e.file for e in plan.new_entries(feed.name) if e.period == day]
            refusals.append(Refusal(feed.name, files[0], why))
    return refusals
