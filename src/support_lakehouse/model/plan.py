"""Owns what a run will do: the files it takes, skips and refuses, and what they are folded into."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from support_lakehouse.errors import Refusal
from support_lakehouse.model.books import DECISIONS_HELD, WITHDRAWAL_HELD, LedgerEntry
from support_lakehouse.model.feed import Feed
from support_lakehouse.model.landing import FoundFile, ScannedFile
from support_lakehouse.model.period import INITIAL, period_order
from support_lakehouse.model.release import Release, Versions
from support_lakehouse.model.timeline import Timeline, timeline

ACCEPTABLE = ("corrections", "short-snapshots", "rejects", "held")
"""What a person can say is meant (contracts.md, Refusing)."""


@dataclass(frozen=True)
class Plan:
    """What a run will do.

    `known` are the files that are loaded before it; `ledger` those that it leaves as they are,
    which are none for a reset. `load` are the files it takes, `corrected` the entries that some of
    these take the place of, `withdrawn` entries that a person takes out, `returned` entries whose
    rejected rows came back. `aside` are withdrawn and held entries: they stay so while their bytes
    are the same; `held` are the files found that are held, `staying` the loaded entries whose
    withdrawal is held. `undecided` are lines on files whose decisions are held, `again` those whose
    decisions are carried out, in a release after that of the files. `replays` tells for a feed the
    periods that are folded again, `may_move` the reported months whose figures may become others.
    """

    releases: tuple[Release, ...]
    known: tuple[LedgerEntry, ...] = ()
    ledger: tuple[LedgerEntry, ...] = ()
    found: tuple[FoundFile, ...] = ()
    load: tuple[ScannedFile, ...] = ()
    corrected: tuple[LedgerEntry, ...] = ()
    withdrawn: tuple[LedgerEntry, ...] = ()
    aside: tuple[LedgerEntry, ...] = ()
    held: tuple[FoundFile, ...] = ()
    staying: tuple[LedgerEntry, ...] = ()
    returned: tuple[LedgerEntry, ...] = ()
    undecided: tuple[LedgerEntry, ...] = ()
    again: tuple[LedgerEntry, ...] = ()
    skipped: tuple[FoundFile, ...] = ()
    unmatched: tuple[str, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    reset: bool = False
    accepted: tuple[str, ...] = ()
    replays: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    may_move: tuple[str, ...] = ()

    @property
    def last(self) -> Release | None:
        return self.releases[-1] if self.releases else None

    @property
    def number(self) -> int:
        """The number of the release that the run will make."""
        return self.last.release + 1 if self.last else 1

    @property
    def works(self) -> bool:
        """Whether there is anything to load or fold, decisions to carry out again aside."""
        return bool(self.load or self.returned or self.withdrawn)

    def bytes_at_stake(self, feed: str | None = None) -> int:
        """The size of all files that a feed's tables will be made of, or all feeds' tables."""
        loaded = sum(e.size for e in (*self.ledger, *self.returned) if feed in (None, e.feed))
        return loaded + sum(f.unpacked_bytes for f in self.load if feed in (None, f.found.feed))

    def bytes_to_fold(self, feeds: Iterable[Feed]) -> int:
        """The size of the files that go into silver, whatever stands there of others already."""
        unpacked = {(f.found.feed, f.found.path): f.unpacked_bytes for f in self.load}
        folded = (entry for feed in feeds for entry in self.timeline(feed).files)
        return sum(unpacked.get(entry.place, entry.size) for entry in folded)

    def files_of(self, feed: str) -> tuple[ScannedFile, ...]:
        return tuple(file for file in self.load if file.found.feed == feed)

    def admitted_by(self, run: str) -> "Plan":
        """The plan with a name for the admission of each file that it takes."""
        load = tuple(replace(file, admission=f"{run}-{n}") for n, file in enumerate(self.load))
        return replace(self, load=load)

    def new_entries(self, feed: str) -> tuple[LedgerEntry, ...]:
        """The ledger's lines on the files of a feed that the run takes, not counted yet."""
        return tuple(map(_entry, self.files_of(feed)))

    def changed(self, feed: str) -> tuple[LedgerEntry, ...]:
        """The files of a feed whose rows are other ones after the run."""
        back = tuple(entry for entry in self.returned if entry.feed == feed)
        return (*self.new_entries(feed), *back)

    @property
    def emptied(self) -> tuple[str, ...]:
        """The feeds that have no row after a reset, as none of their files is there any more."""
        if not self.reset:
            return ()
        there = {file.found.feed for file in self.load}
        return tuple(sorted({entry.feed for entry in self.known} - there))

    def left(self, feed: str) -> tuple[LedgerEntry, ...]:
        """The entries of a feed whose rows count no more."""
        if feed in self.emptied:
            return tuple(entry for entry in self.known if entry.feed == feed)
        return tuple(e for e in (*self.corrected, *self.withdrawn) if e.feed == feed)

    def kept_aside(self) -> tuple[LedgerEntry, ...]:
        """Withdrawn and held entries that stand in the ledger after the run."""
        taken = {(file.found.feed, file.found.path): file.sha256 for file in self.load}
        gone = {entry.content for entry in self.withdrawn}

        def stays(entry: LedgerEntry) -> bool:
            if entry.state == DECISIONS_HELD:  # of what is taken, those about the same bytes
                of_taken = taken.get(entry.place, entry.sha256) == entry.sha256
                return of_taken and entry.content not in gone
            done = entry.state == WITHDRAWAL_HELD and entry.content in gone
            return entry.place not in taken and not done

        kept = () if self.reset else filter(stays, self.aside)
        new = (replace(entry, state="withdrawn") for entry in self.withdrawn)
        return (*kept, *new)

    def active(self, feed: str) -> tuple[LedgerEntry, ...]:
        """All files of a feed that count after the run."""
        kept = tuple(entry for entry in self.ledger if entry.feed == feed)
        return (*kept, *self.changed(feed))

    def timeline(self, feed: Feed) -> Timeline:
        """What the feed's silver table is put through."""
        changed = self.changed(feed.name)
        left = {entry.period for entry in self.left(feed.name)}
        paths = {entry.file for entry in changed}
        told = timeline(feed, self.active(feed.name), paths, left, self._versions(feed.table))
        if self.reset and feed.kind == "snapshot" and told.folds:
            first, *others = told.folds  # days whose files are gone must not stay
            return replace(told, folds=(replace(first, begins=True), *others))
        return told

    def first_period(self, feed: Feed) -> str:
        """The first period as of which the feed's table is another after the run."""
        if any(fold.begins for fold in self.timeline(feed).folds):
            return INITIAL
        touched = periods_of([*self.changed(feed.name), *self.left(feed.name)])
        return min(touched, key=period_order)

    def _versions(self, table: str) -> Mapping[str, int]:
        if self.reset or self.last is None:
            return {}
        return {p: tables[table] for p, tables in self.last.as_of.items() if table in tables}


def with_replays(plan: Plan, feeds: Sequence[Feed]) -> Plan:
    """The plan with the periods of each feed that it folds again."""
    told = {feed.name: plan.timeline(feed).replays for feed in feeds_at_work(plan, feeds)}
    return replace(plan, replays={name: periods for name, periods in told.items() if periods})


def feeds_at_work(plan: Plan, feeds: Sequence[Feed]) -> list[Feed]:
    """The feeds that the plan has something to fold for."""
    return [feed for feed in feeds if plan.changed(feed.name) or plan.left(feed.name)]


def as_of(
    plan: Plan, feeds: Sequence[Feed], folded: Mapping[str, Mapping[str, int]]
) -> dict[str, Versions]:
    """For each known period the version of every silver table after the last period up to it.

    `folded` tells for each table that the run worked on the version after each period it folded.
    Tables of feeds whose periods are not folded one after another have one version only.
    """
    dated = {f.table: f for f in feeds if f.is_dated}
    now = {table: periods for table, periods in folded.items() if table in dated}
    first = {table: period_order(plan.first_period(dated[table])) for table in now}
    known = {} if plan.reset or not plan.last else plan.last.as_of
    # From the first period that changed on, only what was folded now is true.
    before = {
        period: {t: v for t, v in there.items() if t not in now or period_order(period) < first[t]}
        for period, there in known.items()
    }
    periods = sorted({*before, *(p for done in now.values() for p in done)}, key=period_order)
    told: dict[str, Versions] = {}
    versions: dict[str, int] = {}
    for period in periods:
        versions |= before.get(period, {})
        versions |= {table: done[period] for table, done in now.items() if period in done}
        told[period] = dict(versions)
    return told


def periods_of(entries: Collection[LedgerEntry]) -> set[str]:
    """The periods of some files."""
    return {entry.period for entry in entries}


def _entry(file: ScannedFile) -> LedgerEntry:
    found = file.found
    return LedgerEntry(
        feed=found.feed,
        file=found.path,
        period=found.period,
        sha256=file.sha256,
        size=found.size,
        mtime_ns=found.mtime_ns,
        inode=found.inode,
        admissions=(file.admission,),
        label=found.label if found.label != found.period else "",
        header=file.header.names,
        drift=file.header.drift,
    )
