"""Owns the part of a run that needs Spark: bronze, quarantine, silver, marts."""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property, reduce
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from support_lakehouse.config import Config
from support_lakehouse.errors import DataRefused, Refusal
from support_lakehouse.io import lake
from support_lakehouse.io.landing import is_as_found
from support_lakehouse.io.runlog import Stages
from support_lakehouse.io.session import SMALL_BYTES
from support_lakehouse.io.tables import Tables
from support_lakehouse.model.books import OPEN, REFUSED, LedgerEntry
from support_lakehouse.model.feed import Feed
from support_lakehouse.model.plan import Plan, feeds_at_work
from support_lakehouse.pipeline.sessions import IN_MEMORY_BYTES, Sessions, bytes_at_work
from support_lakehouse.stages import admit, judging
from support_lakehouse.stages.apply import Silver
from support_lakehouse.stages.books import Applied, Counted, count_rows, some_rejected
from support_lakehouse.stages.changed import (
    Changed,
    Moved,
    Work,
    changed,
    foreseen,
    may_add,
    moved,
)
from support_lakehouse.stages.entries import folded, with_repeated, with_unknown
from support_lakehouse.stages.gates import broken_gates
from support_lakehouse.stages.gold import build_marts
from support_lakehouse.stages.gold_tables import CATEGORIES, INTERACTIONS
from support_lakehouse.stages.judging import Judged
from support_lakehouse.stages.release import is_told
from support_lakehouse.transforms.cubes import COUNTED
from support_lakehouse.transforms.fold import accepted_changes

T = TypeVar("T")
COUNTED_BY_SPARK_BYTES = 16 * 1024**3
"""Of more bytes of files interactions are counted by Spark, and by all machines that it has."""


@dataclass(frozen=True)
class Loaded:
    """What loading did: the whole ledger after it, and what each period did to silver, by table.

    With `refusals` it did nothing but show the rejected rows.
    """

    ledger: tuple[LedgerEntry, ...] = ()
    applied: Mapping[str, Mapping[str, Applied]] = field(default_factory=dict)
    refusals: tuple[Refusal, ...] = ()


@dataclass(frozen=True)
class Loading:
    """`sizes` tells for each feed the bytes of files that Spark would look at.

    `adds`: marts of interactions are brought up to date by what changed, not made anew. `foreseen`
    is being found out for that.
    """

    sessions: Sessions
    sizes: Mapping[str, int]
    config: Config
    lakehouse: Path
    plan: Plan
    run: str
    stages: Stages
    adds: bool
    foreseen: list[Future[Work | None]] = field(default_factory=list)

    @property
    def feeds(self) -> list[Feed]:
        return feeds_at_work(self.plan, self.config.feeds)

    @cached_property
    def tables(self) -> Tables:
        """The tables that all feeds write to."""
        return self.tables_of(*self.feeds)

    def tables_of(self, *feeds: Feed) -> Tables:
        return tables_of(self.plan, feeds, self.config, self.lakehouse, self.run)

    def load(self) -> Loaded:
        """Take the plan's files to the marts, or find out why they may not go in."""
        with self._judged() as records:
            if changed := self._changed_files():
                return Loaded(refusals=tuple(changed))
            refusals = self._refusals(records)
            if refusals:
                if not is_told(self.plan, refusals):
                    self._quarantine(records, REFUSED)
                return Loaded(refusals=tuple(refusals))
            self._admit(records)
            self._quarantine(records, OPEN)
            done = self.fold(records)
            if changed := self._changed_files():  # Spark reads them until now
                raise DataRefused(changed)
            return done

    def _changed_files(self) -> list[Refusal]:
        """The files that are not as they were listed: their hash would be of other bytes."""
        return [
            Refusal(
                file.feed,
                file.path,
                f"{file.path} changed while it was read. Expected a file to stay as it is during a"
                " run; nothing was taken, so run again once it is complete.",
            )
            for file in (scanned.found for scanned in self.plan.load)
            if not is_as_found(file)
        ]

    def fold(self, held: Mapping[str, Judged]) -> Loaded:
        """Bring silver and the marts up to what the plan's active files say.

        `held` are the judged records of new files; what else is folded comes from bronze.
        """
        done = side_by_side(self.feeds, lambda feed: self._silver(feed, held.get(feed.name)))
        told = {e.place: e for entries, _ in done.values() for e in entries}
        kept = [e for e in self.plan.ledger if e.place not in told]
        ledger = sorted([*kept, *told.values()], key=lambda e: e.place)
        applied = {feed.table: done[feed.name][1] for feed in self.feeds}
        with self.stages.stage("gold"), self._changed(applied) as changed:
            parts = (self._marts, self.tables, self.config, ledger, set(applied))
            odd = build_marts(*parts, changed=changed, by_spark=self._counts_by_spark)
        return Loaded(tuple(with_unknown(entry, odd) for entry in ledger), applied)

    def _marts(self) -> SparkSession:
        return self.sessions.of_tables(self.plan.bytes_at_stake() if self._counts_by_spark else 0)

    @property
    def _counts_by_spark(self) -> bool:
        facts = [feed.name for feed in self.config.feeds if feed.table == INTERACTIONS]
        return sum(map(self.plan.bytes_at_stake, facts)) > COUNTED_BY_SPARK_BYTES

    @contextmanager
    def _changed(self, applied: Mapping[str, Mapping[str, Applied]]) -> Iterator[Changed | None]:
        """What to bring marts up to date by; None to make them anew."""
        if not self.adds:
            yield None
            return
        assert self.plan.last is not None
        with changed(self.tables, self.plan.last, applied, lambda: self._moved) as told:
            yield told

    @cached_property
    def _moved(self) -> Moved:
        assert self.plan.last is not None
        work = self.foreseen[0].result() if self.foreseen else None
        return moved(self.tables, self.plan.last, self.config.settings.business_zone, work)

    def _foresee(self, feed: Feed, judged: Judged, pool: ThreadPoolExecutor) -> None:
        """Begin to look at the interactions of categories that are going to move."""
        if self.adds and feed.table == CATEGORIES and isinstance(judged.changes, pa.Table):
            assert self.plan.last is not None
            parts = (self.tables, self.plan.last, judged.changes)
            told = pool.submit(foreseen, *parts, self.config.settings.business_zone)
            self.foreseen.append(told)

    @contextmanager
    def _judged(self) -> Iterator[dict[str, Judged]]:
        """The judged records of each feed's new files, held until all tables are made of them."""
        staging = self.lakehouse / "staging" / self.run
        new = [feed for feed in self.feeds if self.plan.files_of(feed.name)]
        try:
            with ThreadPoolExecutor(1) as beside, ExitStack() as held:

                def judge(feed: Feed) -> Judged:
                    judged = self._judge(feed, staging, held)
                    self._foresee(feed, judged, beside)
                    return judged

                yield side_by_side(new, judge)
        finally:
            shutil.rmtree(staging, ignore_errors=True)

    def _judge(self, feed: Feed, staging: Path, held: ExitStack) -> Judged:
        files = self.plan.files_of(feed.name)
        size = sum(file.unpacked_bytes for file in files)
        if self.sessions.is_for(size) or not judging.can_judge(feed, files):
            return judging.by_spark(self._judged_by_spark(feed, staging, held), feed)
        with self.stages.stage("judge", feed=feed.name):
            if size <= IN_MEMORY_BYTES:
                return judging.in_memory(feed, files, self.run)
            return judging.in_files(feed, files, self.run, staging)

    def _judged_by_spark(self, feed: Feed, staging: Path, held: ExitStack) -> DataFrame:
        files, tables = self.plan.files_of(feed.name), self.tables
        small = self.sizes[feed.name] <= SMALL_BYTES
        hold = tables.held_by_driver if small else tables.held
        return reduce(
            DataFrame.unionByName,
            [
                admit.told_again(held.enter_context(hold(admit.to_hold(rows))), tables, own)
                for own, rows in admit.judge(self.sessions.of(feed), tables, feed, files, staging)
            ],
        )

    def _refusals(self, records: Mapping[str, Judged]) -> list[Refusal]:
        gated = [f for f in self.feeds if f.name in records and f.delivery != type(f.delivery)()]
        if not gated:
            return []

        def broken(feed: Feed) -> list[Refusal]:
            bronze = records[feed.name].bronze
            return broken_gates(bronze, feed, self.plan, lambda: self.sessions.of(feed))

        with self.stages.stage("gates", feeds=len(gated)):
            told = side_by_side(gated, broken)
        return [refusal for refusals in told.values() for refusal in refusals]

    def _admit(self, records: Mapping[str, Judged]) -> None:
        def one(feed: Feed) -> None:
            with self.stages.stage("bronze", feed=feed.name):
                admit.admit(self.tables_of(feed), feed, records[feed.name].bronze)

        side_by_side([feed for feed in self.feeds if feed.name in records], one)

    def _quarantine(self, records: Mapping[str, Judged], state: str) -> None:
        """Skipped where nothing came, or no row was rejected and no older entry is concerned."""
        if not records:
            return
        there = lake.version_of(self.tables.path(admit.QUARANTINE)) is not None
        if not there and not self._some_rejected(records, state):
            return
        with self.stages.stage("quarantine"):
            rules = {feed.name: feed.fingerprint for feed in self.config.feeds}
            one = next(feed for feed in self.feeds if feed.name in records)
            parts = (lambda: self.sessions.of(one), self.tables, records, self.plan.load, rules)
            admit.quarantine(*parts, state=state, anew=self.plan.reset)

    def _some_rejected(self, records: Mapping[str, Judged], state: str) -> bool:
        """Bronze tells it of what was admitted, without another look at all that is held."""
        if any(judged.rejected for judged in records.values()):
            return True
        frames = {
            name: judged.bronze
            for name, judged in records.items()
            if isinstance(judged.bronze, DataFrame)
        }
        if state == REFUSED:
            return any(
                not rows.where(rows.reasons.isNotNull()).isEmpty() for rows in frames.values()
            )
        tables = (
            self.tables.path(admit.bronze_of(feed)) for feed in self.feeds if feed.name in frames
        )
        files = [file.admission for file in self.plan.load]
        return any(some_rejected(table, lake.newest_version(table), files) for table in tables)

    def _silver(
        self, feed: Feed, held: Judged | None
    ) -> tuple[list[LedgerEntry], dict[str, Applied]]:
        """One feed's silver, and the ledger's lines on all files that were folded."""
        timeline, table = self.plan.timeline(feed), self.tables.path(admit.bronze_of(feed))
        version, entries = lake.newest_version(table), timeline.files
        counted = count_rows(table, version, entries) if entries else {}
        new = {file.found.path for file in self.plan.files_of(feed.name)}
        if held is not None and {entry.file for entry in entries} <= new:
            changes = held.changes
        else:
            session = self.sessions.of(feed)
            records = admit.stored(session, self.tables_of(feed), feed, entries)
            changes = accepted_changes(records, feed)
        applied = self._way(feed, counted).apply(changes, timeline)
        outcomes = {file: o for done in applied.values() for file, o in done.outcomes.items()}
        told = [
            folded(entry, counted[entry.file], outcomes[entry.file], self.plan.number)
            for entry in entries
        ]
        if feed.kind == "log":
            places = {entry.place for entry in told}
            others = [e for e in self.plan.ledger if e.feed == feed.name and e.place not in places]
            told = with_repeated(feed, [*others, *told], table, version)
        return told, applied

    def _way(self, feed: Feed, counted: Mapping[str, Counted]) -> Silver:
        tables, big = self.tables_of(feed), self.plan.bytes_at_stake(feed.name) > SMALL_BYTES
        shown = COUNTED if self.adds and feed.table == INTERACTIONS else ()
        parts = (tables, feed, counted, self.stages, lambda: self.sessions.of(feed))
        return Silver(*parts, anew=self.plan.reset, big=big, shown=shown)


def side_by_side(feeds: Sequence[Feed], work: Callable[[Feed], T]) -> dict[str, T]:
    """Do the work of each feed in a thread of its own."""
    if not feeds:
        return {}
    with ThreadPoolExecutor(len(feeds)) as pool:
        done = pool.map(work, feeds)
        return {feed.name: result for feed, result in zip(feeds, done, strict=True)}


@contextmanager
def loading(
    config: Config,
    lakehouse: Path,
    plan: Plan,
    run: str,
    stages: Stages,
    *,
    spark: SparkSession | None,
) -> Iterator[Loading]:
    """What loads a plan; `spark` is used and left open, else a session is started and ended."""
    adds = may_add(plan, config.feeds, config.fingerprint, lakehouse)
    feeds = feeds_at_work(plan, config.feeds)
    sizes = {
        feed.name: bytes_at_work(plan, feed, tables_of(plan, [feed], config, lakehouse, run))
        for feed in feeds
    }
    sessions = Sessions(spark, lakehouse, run, sizes, stages)
    try:
        yield Loading(sessions, sizes, config, lakehouse, plan, run, stages, adds)
    finally:
        sessions.end()


def tables_of(
    plan: Plan, feeds: Sequence[Feed], config: Config, lakehouse: Path, run: str
) -> Tables:
    """The tables that some feeds write to, which is little or much."""
    small = plan.bytes_to_fold(feeds) <= SMALL_BYTES
    return Tables(lakehouse, run, config.settings.retention, small)
