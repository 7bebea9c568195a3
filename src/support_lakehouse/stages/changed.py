"""Owns what a run changed among interactions, where that is less than all of them by far."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructType

from support_lakehouse.io import lake
from support_lakehouse.io.datafiles import key_ranges
from support_lakehouse.io.tables import Tables
from support_lakehouse.model.feed import Feed
from support_lakehouse.model.plan import Plan
from support_lakehouse.model.release import Release
from support_lakehouse.model.spans import touched
from support_lakehouse.stages.gold import (
    AGENTS,
    CATEGORIES,
    CENTERS,
    CUBE,
    CUBES,
    HOURS_CUBE,
    INTERACTIONS,
    MARTS,
    WORK_CUBE,
    Changed,
    Renamed,
)
from support_lakehouse.stages.release import code_fingerprint
from support_lakehouse.transforms import fold, marts

WORTH_ADDING_BYTES = 64 * 1024 * 1024
"""Of fewer bytes of files the marts are made anew sooner than it is found out what changed."""
SHARE = 10
"""Changes of more than a tenth of all bytes are not few."""
_FEW = 1_000_000
"""So many interactions are held in memory."""
_FEW_NAMES = 500
"""DataFusion takes a list of so many; a list of many thousands overruns its stack."""
Key = str | None
_COUNTED = (
    *("interaction_id", "channel", "category_id", "agent_id", "contact_center_id"),
    *("interaction_start", "agent_resolution_timestamp", "interaction_end"),
    "call_duration_minutes",
)


def may_add(plan: Plan, feeds: Sequence[Feed], config: str, lakehouse: Path) -> bool:
    """Whether the cubes hold what the last release says and the run only put files on top.

    Then, and only then, what they were and what these files changed tells what they are.
    """
    last = plan.last
    facts = next((feed for feed in feeds if feed.table == INTERACTIONS), None)
    if last is None or facts is None or plan.reset:
        return False
    own = [entry.size for entry in plan.known if entry.feed == facts.name]
    new = sum(file.unpacked_bytes for file in plan.files_of(facts.name))
    timeline = plan.timeline(facts)
    sources = {table for mart in MARTS if {*mart.tables} & {*CUBES} for table in mart.sources}
    came = {feed.table for feed in feeds if feed.name in {entry.feed for entry in plan.known}}
    return (
        new * SHARE <= sum(own) >= WORTH_ADDING_BYTES
        and (last.code, last.config) == (code_fingerprint(), config)
        and came.issuperset(sources)
        and not plan.left(facts.name)
        and not any(entry.feed == facts.name for entry in plan.returned)
        and timeline.rewind_to is None
        and not any(one.begins for one in timeline.folds)
        and all(_stands(last, table, lakehouse) for table in CUBES)
        and INTERACTIONS in last.tables
    )


def _stands(last: Release, table: str, lakehouse: Path) -> bool:
    """Whether the table is as it was released."""
    state = last.tables.get(table)
    return state is not None and lake.version_of(lakehouse / table) == state.version


@contextmanager
def changed(
    session: SparkSession, tables: Tables, last: Release, feed: Feed, records: DataFrame | None
) -> Iterator[Callable[[], Changed]]:
    """What a run changed, held while it is looked at. `records` are its interactions, if any.

    Called when silver is up to date, what is yielded tells it. The rows of changed keys are looked
    up meanwhile, as they were: that takes seconds, but hardly any of the JVM.
    """
    with ExitStack() as held, ThreadPoolExecutor(1) as beside:
        looking = _Looking(session, tables, last, feed, held)
        came = beside.submit(looking.of_files, records)
        yield lambda: Changed(looking.rows(*came.result()), _renamed(session, tables, last))


@dataclass(frozen=True)
class _Looking:
    """The way to what a run changed: keys, and interactions of them before and after the run."""

    session: SparkSession
    tables: Tables
    last: Release
    feed: Feed
    held: ExitStack

    @property
    def _key(self) -> str:
        assert self.feed.key is not None, "interactions are changes by key"
        return self.feed.key

    @property
    def _version(self) -> int:
        return self.last.tables[INTERACTIONS].version

    def of_files(self, records: DataFrame | None) -> tuple[DataFrame, DataFrame, DataFrame]:
        """What files brought."""
        if records is None:
            schema = lake.schema_of(self.tables.path(INTERACTIONS), self._version)
            none = self.session.createDataFrame([], StructType.fromJson(schema)).select(*_COUNTED)
            return none.select(self._key), none, none
        order = (fold.PERIOD, *fold.order_of(self.feed))
        told = fold.accepted_changes(records, self.feed)
        told = fold.latest_per_key(told, self._key, order=order).select(*_COUNTED, fold.ACTION)
        told = self._hold(told)
        keys = told.select(self._key)
        before = _rows_of_keys(keys, self.tables, self._version, in_memory=self.tables.small)
        return keys, self._hold(before), fold.without_deletes(told)

    def rows(self, keys: DataFrame, before: DataFrame, after: DataFrame) -> DataFrame:
        """All of them with the department that they counted in and the one they count in."""
        was = self._released(CATEGORIES)
        now = self.tables.read(self.session, CATEGORIES)
        if not _stands(self.last, CATEGORIES, self.tables.root):
            moved = marts.departments_moved(self._released(CUBE), was, now)
            before, after = self._with_moved(moved, keys, before, after)
        return marts.as_changes(
            before.transform(marts.with_department, was),
            after.transform(marts.with_department, now),
        )

    def _with_moved(
        self, moved: DataFrame, keys: DataFrame, before: DataFrame, after: DataFrame
    ) -> tuple[DataFrame, DataFrame]:
        """And those of categories that went to another department, as they count there."""
        moved = self._hold(moved)
        concerned = sum(row.interactions for row in moved.collect())
        if not concerned:
            return before, after
        few, there = self.tables.small and concerned <= _FEW, moved.select("category_id")
        rows = _rows_of_keys(there, self.tables, self._version, in_memory=few)
        others = self._hold(rows.join(keys, self._key, "anti"))
        return before.unionByName(others), after.unionByName(others)

    def _released(self, table: str) -> DataFrame:
        return self.tables.read(self.session, table, self.last.tables[table].version)

    def _hold(self, rows: DataFrame) -> DataFrame:
        return self.held.enter_context(self.tables.held(rows))


def _renamed(session: SparkSession, tables: Tables, last: Release) -> Renamed | None:
    """Which centres and agents have another name; None where more than names may be another.

    And None where so many have that all is made anew sooner, or a mart would have to be by Spark.
    """
    named = {table for mart in MARTS if {*mart.tables} & {*CUBES} for table in mart.tables}
    as_released = (INTERACTIONS, CATEGORIES, *sorted(named))
    if not all(_stands(last, table, tables.root) for table in as_released):
        return None
    if not all(tables.of_what_fits(table).in_memory(table) for table in named):
        return None

    def moved(key: str, name: str, dimension: str, cube: str) -> tuple[list[Key], list[Key]]:
        """The keys whose name is one that moved, and the names that moved."""
        if _stands(last, dimension, tables.root):
            return [], []
        keys = tables.distinct(session, cube, key)
        was = tables.read(session, dimension, last.tables[dimension].version)
        told = marts.names_then_and_now(keys, was, tables.read(session, dimension), name).toArrow()
        rows = list(zip(*(column.to_pylist() for column in told.columns), strict=True))
        names = {one for _, was, now in rows if was != now for one in (was, now)}
        return [key for key, _, now in rows if now in names], sorted(names)

    centers, names = moved("contact_center_id", "contact_center_name", CENTERS, HOURS_CUBE)
    agents, _ = moved("agent_id", "full_name", AGENTS, WORK_CUBE)
    if len(centers) + len(names) + len(agents) > _FEW_NAMES:
        return None
    return Renamed(
        {"contact_center_id": centers, "agent_id": agents},
        {"contact_center_name": names, "agent_id": agents},
    )


def _rows_of_keys(wanted: DataFrame, tables: Tables, version: int, *, in_memory: bool) -> DataFrame:
    """The interactions of a version with one of some keys, the only column of `wanted`."""
    if in_memory:
        return tables.rows_of_keys(wanted, INTERACTIONS, version, _COUNTED)
    (key,) = wanted.columns
    was = tables.read(wanted.sparkSession, INTERACTIONS, version).select(*_COUNTED)
    files = key_ranges(tables.path(INTERACTIONS), version, key)
    within = files and touched(files, sorted(wanted.toArrow()[key].to_pylist()))
    near = was if within is None else was.where(fold.is_within(key, within))
    return near.join(wanted, key, "left_semi")
