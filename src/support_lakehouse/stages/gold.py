"""Owns the making of cubes and marts, side by side.

Cubes are made anew of all interactions, or, where a run put a few changes on top of many, brought
up to date by what these changed; so are marts, by that and by names that are others.
"""

from collections.abc import Callable, Mapping, Sequence, Set
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
from pyspark.sql import DataFrame

from support_lakehouse.config import Config
from support_lakehouse.io import lake
from support_lakehouse.io.frames import Rows, Sessions, frame_of
from support_lakehouse.io.tables import Tables
from support_lakehouse.model.books import LedgerEntry
from support_lakehouse.model.release import Release
from support_lakehouse.model.settings import Settings
from support_lakehouse.stages.changed import Changed, Turned
from support_lakehouse.stages.gold_tables import (
    ACTIVE,
    CATEGORIES,
    CUBES,
    DETAILS,
    INTERACTIONS,
    ROSTER,
    ROSTER_ACTIVE,
    STATUS_HISTORY,
    Cube,
)
from support_lakehouse.transforms import cubes, marts, named, roster
from support_lakehouse.transforms.cubes import Dialect
from support_lakehouse.transforms.fingerprint import row_hash
from support_lakehouse.transforms.hashing import ROW_HASH


@dataclass(frozen=True)
class Making:
    """What the making of a mart may look at; `came` are the silver tables with files that count.

    `changed`: what cubes and marts are brought up to date by; None to make them anew.
    `by_spark`: as where there is too much for one machine; else DataFusion counts. `writing` is
    what `pool` was given to write, to be waited for when all is made.
    """

    session: Sessions
    tables: Tables
    config: Config
    ledger: Sequence[LedgerEntry]
    came: Set[str]
    touched: Set[str]
    odd: dict[str, int]
    changed: Changed | None
    by_spark: bool
    pool: ThreadPoolExecutor
    writing: list[Future[Rows]] = field(default_factory=list)

    def bring_up_to_date(self, cube: Cube) -> None:
        """Have a cube and its mart say what silver says, in memory where all of that fits."""
        if self.changed is None:
            self._make_anew(cube)
            return
        changes, turned, last = None, self.changed.turned, self.changed.last
        if turned is not None and self.touched & {*cube.counted_from}:
            if cube.by_department and turned.moved.work is None:
                self._make_anew(cube)
                return
            changes = self._changes(cube, turned)
        was = self._rows(cube.table)
        if isinstance(was, pa.Table) and all(map(self._fits, (cube.mart_table, *cube.dimensions))):
            self._update(cube, was, changes, last)
            return
        if changes is not None:
            frames = (self._frame(was).drop(ROW_HASH), self._frame(changes))
            was = self._replaced(cube.table, marts.added(*frames, cube.keys), cube.keys)
        self._make_mart(cube, was)

    def _make_anew(self, cube: Cube) -> None:
        self._make_mart(cube, self._replaced(cube.table, self._anew(cube), cube.keys))

    def _make_mart(self, cube: Cube, rows: Rows) -> None:
        names = [self._rows(table) for table in cube.dimensions]
        made: Rows
        if isinstance(rows, pa.Table) and all(isinstance(told, pa.Table) for told in names):
            made = named.mart_of(rows, cube.mart, names)
        else:
            made = marts.mart_of(self._frame(rows), cube.mart, [self._frame(d) for d in names])
        self._replaced(cube.mart_table, made, cube.mart.keys)

    def _update(self, cube: Cube, was: pa.Table, changes: pa.Table | None, last: Release) -> None:
        """Write a cube and its mart where changes, or other names than in the last release, do."""
        now = named.as_it_is(was)
        if changes is not None:
            now = named.updated(was, changes, cube.keys)
            self._replaced(cube.table, now.rows, cube.keys)
        then, today = (
            [self._names(*of, at) for of in zip(cube.dimensions, cube.mart.names, strict=True)]
            for at in (last, None)
        )
        changes = named.changed_mart(now, cube.mart, then, today)
        if changes.num_rows:
            mart = named.updated(self._rows(cube.mart_table), changes, cube.mart.keys)
            self._replaced(cube.mart_table, mart.rows, cube.mart.keys)

    def _names(self, dimension: str, name: named.Name, at: Release | None) -> pa.Table:
        """The names of a dimension as they are, or as a release has them."""
        version = at.tables[dimension].version if at else None
        return self.tables.query(dimension, f"SELECT {name.key}, {name.column} FROM t", version)

    def _anew(self, cube: Cube) -> Rows:
        if self.by_spark:
            frames = {_called(table): self.read(table) for table in cube.counted_from}
            return self.session().sql(cube.count(cubes.SPARK, self.config.settings), None, **frames)
        return self._counted(cube.count, {t: self.tables.path(t) for t in cube.counted_from})

    def _counted(
        self, count: Callable[[Dialect, Settings], str], sources: Mapping[str, Path]
    ) -> pa.Table:
        sql = count(cubes.DATAFUSION, self.config.settings)
        names = {_called(table): _called(table) for table in sources}
        pinned = {_called(t): (path, lake.newest_version(path)) for t, path in sources.items()}
        return lake.query(sql.format(**names), pinned)

    def _changes(self, cube: Cube, turned: Turned) -> pa.Table:
        """What is to be added to a cube."""
        came, gone = (
            self._by_department(turned)
            if cube.by_department
            else (
                self._counted(cube.count, {INTERACTIONS: side})
                for side in (turned.new, turned.gone)
            )
        )
        return pa.concat_tables([came, named.less(gone, cube.keys)])

    def _by_department(self, turned: Turned) -> tuple[pa.Table, pa.Table]:
        """What came and what is gone by department, where categories may be in another one.

        All changes count in the departments that are; what was there before of a category that
        moved goes there from the department that was.
        """

        def counted(source: Path) -> pa.Table:
            return self._counted(
                lambda sql, told: cubes.work_cube(sql, told.business_zone, "category_id"),
                {INTERACTIONS: source},
            )

        def resolved(rows: pa.Table, departments: pa.Table) -> pa.Table:
            return named.mart_of(rows, named.WORK_BY_DEPARTMENT, [departments])

        moved = turned.moved
        assert moved.work is not None
        came = [resolved(rows, moved.now) for rows in (counted(turned.new), moved.work)]
        gone = [resolved(counted(turned.gone), moved.now), resolved(moved.work, moved.were)]
        return pa.concat_tables(came), pa.concat_tables(gone)

    def _rows(self, table: str) -> Rows:
        """All of a table, in memory if it fits and DataFusion counts."""
        if not self._fits(table):
            return self.read(table)
        return self.tables.query(table, "SELECT * FROM t")

    def _fits(self, table: str) -> bool:
        return not self.by_spark and self.tables.fits(table)

    def _replaced(self, table: str, rows: Rows, keys: Sequence[str]) -> Rows:
        """Make rows all that a table holds, and go on with them; those at hand while written."""

        def write() -> Rows:
            return self.tables.replaced(_hashed(rows), table, statistics=keys[0])

        if isinstance(rows, DataFrame):
            return write()
        self.writing.append(self.pool.submit(write))
        return rows

    def _frame(self, rows: Rows) -> DataFrame:
        return frame_of(self.session, rows)

    def read(self, table: str) -> DataFrame:
        return self.tables.read(self.session(), table)

    def make(self, step: "Step") -> None:
        """Make the tables of a step, or empty them where not all of its sources have come."""
        if self.came >= set(step.sources):
            step.make(self)
            return
        for table in step.tables:
            if lake.version_of(self.tables.path(table)) is not None:
                rows = self.read(table)
                self.tables.replace(rows.limit(0), table, statistics=rows.columns[0])


def _called(table: str) -> str:
    """What a silver table is called in the SQL of cubes."""
    return {INTERACTIONS: "interactions", CATEGORIES: "categories"}[table]


def _hashed(rows: Rows) -> Rows:
    if isinstance(rows, DataFrame):
        return rows.withColumn(ROW_HASH, row_hash(rows.columns))
    return rows if ROW_HASH in rows.column_names else named.hashed(rows)


def roster_tables(at: Making) -> None:
    """The roster as of its latest day, and who was active on each day."""
    days = sorted({e.period for e in at.ledger if e.feed in ("roster_agents", ROSTER_ACTIVE)})
    synced = at.session().createDataFrame([(day,) for day in days], "day string")
    details = at.read(f"{DETAILS}_history")
    active = at.read(f"{ACTIVE}_history") if ACTIVE in at.came else details.limit(0)
    history = roster.status_history(details, active, synced)
    at.tables.replace(
        history.withColumn(ROW_HASH, row_hash(history.columns)),
        STATUS_HISTORY,
        statistics="agent_id,sync_date",
        feed=ROSTER_ACTIVE,
    )
    latest = roster.latest_agents(at.read(DETAILS), history, days[-1], at.tables.at)
    at.odd.update(dict(roster.active_but_unknown(details, active).collect()))
    hashed = latest.withColumn(ROW_HASH, row_hash(roster.COMPARED))
    at.tables.replace(hashed, ROSTER, statistics="agent_id,sync_day", feed="roster_agents")


@dataclass(frozen=True)
class Step:
    """One making: the tables that it makes, those it is made of, and those it can do without."""

    make: Callable[[Making], None]
    tables: tuple[str, ...]
    sources: tuple[str, ...]
    also: tuple[str, ...] = ()


def _of(cube: Cube) -> Step:
    sources = tuple(dict.fromkeys((*cube.counted_from, *cube.dimensions)))
    return Step(lambda at: at.bring_up_to_date(cube), (cube.table, cube.mart_table), sources)


STEPS = (
    *(_of(cube) for cube in CUBES),
    Step(roster_tables, (ROSTER, STATUS_HISTORY), (DETAILS,), also=(ACTIVE,)),
)


def build_marts(
    session: Sessions,
    tables: Tables,
    config: Config,
    ledger: Sequence[LedgerEntry],
    touched: Set[str],
    *,
    changed: Changed | None = None,
    by_spark: bool = False,
) -> dict[str, int] | None:
    """Bring every mart up to date of whose sources one was touched.

    A source without any file that counts has not come, whatever stands there of files that were
    withdrawn or held: a mart without all of its sources has no row. Told: for each file of active
    agents with any, how many of them nobody knew on that day; None where nobody looked.
    """
    with_files = {entry.feed for entry in ledger if entry.state == "loaded"}
    came = {feed.table for feed in config.feeds if feed.name in with_files}
    todo = [step for step in STEPS if {*step.sources, *step.also} & touched]
    if not todo:
        return None
    with ThreadPoolExecutor(3 * len(todo)) as pool:  # each step has two tables to write
        parts = (session, tables, config, ledger, came, touched)
        at = Making(*parts, {}, changed, by_spark, pool)
        for making in [pool.submit(at.make, step) for step in todo]:
            making.result()
        for written in at.writing:
            written.result()
    return at.odd if any(ROSTER in step.tables for step in todo) else None
