"""Owns what a run changed among interactions, where that is less than all of them by far."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructType

from support_lakehouse.io import lake
from support_lakehouse.io.datafiles import key_ranges
from support_lakehouse.io.tables import Tables, frame_of
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
    WORK_CUBE,
    Changed,
    Renamed,
)
from support_lakehouse.stages.release import code_fingerprint
from support_lakehouse.transforms import fold, marts, named

WORTH_ADDING_BYTES = 64 * 1024 * 1024
"""Of fewer bytes of files the marts are made anew sooner than it is found out what changed."""
SHARE = 10
"""Changes of more than a tenth of all bytes are not few."""
_FEW = 1_000_000
"""So many interactions are held in memory."""
_FEW_NAMES = 500
"""DataFusion takes a list of so many; a list of many thousands overruns its stack."""
_BY_CATEGORY = """
SELECT category_id, sum(total_interactions) AS interactions FROM t GROUP BY category_id
"""
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
    sources = {table for cube in CUBES for table in (*cube.counted_from, *cube.dimensions)}
    came = {feed.table for feed in feeds if feed.name in {entry.feed for entry in plan.known}}
    return (
        new * SHARE <= sum(own) >= WORTH_ADDING_BYTES
        and (last.code, last.config) == (code_fingerprint(), config)
        and came.issuperset(sources)
        and not plan.left(facts.name)
        and not any(entry.feed == facts.name for entry in plan.returned)
        and timeline.rewind_to is None
        and not any(one.begins for one in timeline.folds)
        and all(_stands(last, cube.table, lakehouse) for cube in CUBES)
        and INTERACTIONS in last.tables
    )


def _stands(last: Release, table: str, lakehouse: Path) -> bool:
    """Whether the table is as it was released."""
    state = last.tables.get(table)
    return state is not None and lake.version_of(lakehouse / table) == state.version


@contextmanager
def changed(
    session: SparkSession, tables: Tables, last: Release, feed: Feed, records: DataFrame | None
) -> Iterator[Callable[[], Changed | Renamed]]:
    """What a run changed, held while it is looked at. `records` are its interactions, if any.

    Called when silver is up to date, what is yielded tells it. The rows of changed keys are looked
    up meanwhile, as they were: that takes seconds, but hardly any of the JVM.
    """
    with ExitStack() as held, ThreadPoolExecutor(1) as beside:
        looking = _Looking(session, tables, last, feed, held)
        came = beside.submit(looking.of_files, records)
        yield lambda: _renamed(tables, last) or looking.told(*came.result())


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

    def told(self, keys: DataFrame, before: DataFrame, after: DataFrame) -> Changed:
        """What files brought, and, when it is asked for, what it comes to by department."""

        def by_department() -> DataFrame:
            was = self._departments(self.last.tables[CATEGORIES].version)
            now = self._departments()
            moved = self._moved(keys, was, now) or before.limit(0)
            sides = ((before, was), (after, now))
            counted = (
                rows.unionByName(moved).transform(
                    marts.with_department, frame_of(self.session, departments)
                )
                for rows, departments in sides
            )
            return marts.as_changes(*counted)

        return Changed(marts.as_changes(before, after), by_department)

    def _departments(self, version: int | None = None) -> pa.Table:
        return _dimension(self.tables, CATEGORIES, named.DEPARTMENT, version)

    def _moved(self, keys: DataFrame, was: pa.Table, now: pa.Table) -> DataFrame | None:
        """The other interactions of categories that went to another department, if there are."""
        version = self.last.tables[CUBE].version
        counted = self.tables.query(CUBE, _BY_CATEGORY, version)
        moved = named.moved(counted, was, now, named.DEPARTMENT)
        concerned = sum(moved["interactions"].to_pylist())
        if not concerned:
            return None
        there = frame_of(self.session, moved.select(["category_id"]))
        few = self.tables.small and concerned <= _FEW
        others = _rows_of_keys(there, self.tables, self._version, in_memory=few)
        return self._hold(others.join(keys, self._key, "anti"))

    def _hold(self, rows: DataFrame) -> DataFrame:
        return self.held.enter_context(self.tables.held(rows))


def _renamed(tables: Tables, last: Release) -> Renamed | None:
    """Which centres and agents have another name; None where more than names may be another.

    And None where so many have that all is made anew sooner, or a mart would have to be by Spark.
    """
    shown = [table for cube in CUBES for table in (cube.table, cube.mart_table)]
    if not all(_stands(last, table, tables.root) for table in (INTERACTIONS, CATEGORIES, *shown)):
        return None
    at_hand = replace(tables, small=True)
    if not all(at_hand.in_memory(table) for table in (*shown, CENTERS, AGENTS)):
        return None

    def moved(name: named.Name, dimension: str, cube: str) -> tuple[list[Key], list[Key]]:
        """The keys whose name is one that moved, and the names that moved."""
        if _stands(last, dimension, tables.root):
            return [], []
        keys = tables.query(cube, f"SELECT DISTINCT {name.key} FROM t")
        was = _dimension(tables, dimension, name, last.tables[dimension].version)
        return named.renamed(keys[name.key], was, _dimension(tables, dimension, name), name)

    centers, names = moved(named.CENTER, CENTERS, HOURS_CUBE)
    agents, _ = moved(named.AGENT, AGENTS, WORK_CUBE)
    if len(centers) + len(names) + len(agents) > _FEW_NAMES:
        return None
    return Renamed(
        {"contact_center_id": centers, "agent_id": agents},
        {"contact_center_name": names, "agent_id": agents},
    )


def _dimension(
    tables: Tables, table: str, name: named.Name, version: int | None = None
) -> pa.Table:
    return tables.query(table, f"SELECT {name.key}, {name.column} FROM t", version)


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
