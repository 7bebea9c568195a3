"""Owns the marts: which tables each is made of, and their making, side by side.

Cubes are made anew of all interactions, or, where a run put a few changes on top of many, brought
up to date by what these changed. Marts are made anew of cubes, or, where a run brought nothing but
other names, in those rows that show them.
"""

from collections.abc import Callable, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from pyspark.sql import DataFrame, SparkSession

from support_lakehouse.config import Config
from support_lakehouse.io import lake
from support_lakehouse.io.tables import Tables
from support_lakehouse.model.books import LedgerEntry
from support_lakehouse.transforms import marts, roster
from support_lakehouse.transforms.fingerprint import ROW_HASH, row_hash
from support_lakehouse.transforms.searching import one_of

CUBE, REPORT = "gold/interaction_cube", "gold/support_report"
WORK_CUBE, WORK_TIME = "gold/work_cube", "gold/agent_work_time"
HOURS_CUBE, HOURS = "gold/hours_cube", "gold/interaction_hours"
CUBES = (CUBE, WORK_CUBE, HOURS_CUBE)
ROSTER, STATUS_HISTORY = "silver/roster_agents", "silver/agent_status_history"
INTERACTIONS, CENTERS, CATEGORIES, AGENTS = (
    f"silver/{name}" for name in ("interactions", "contact_centers", "service_categories", "agents")
)
ROSTER_ACTIVE = "roster_active"
DETAILS, ACTIVE = "silver/roster_details", "silver/roster_active"


@dataclass(frozen=True)
class Renamed:
    """What has another name than it had, where no cube is another: keys and texts, by column.

    Whatever has one of `texts` in a mart is what a cube has under one of `keys`.
    """

    keys: Mapping[str, Sequence[str | None]]
    texts: Mapping[str, Sequence[str | None]]


@dataclass(frozen=True)
class Changed:
    """The interactions that a run touched, as they were and as they are (`marts.as_changes`).

    `renamed` tells of a run that touched none of them what it did instead, if that was little.
    """

    rows: DataFrame
    renamed: Renamed | None = None


@dataclass(frozen=True)
class Making:
    """What the making of a mart may look at; `came` are the silver tables with files that count.

    `changed`: what cubes are brought up to date by, None to make them anew.
    """

    session: SparkSession
    tables: Tables
    config: Config
    ledger: Sequence[LedgerEntry]
    came: Set[str]
    touched: Set[str]
    odd: dict[str, int]
    changed: Changed | None = None

    @property
    def renamed(self) -> Renamed | None:
        return self.changed.renamed if self.changed else None

    def cube(
        self, table: str, keys: Sequence[str], count: Callable[[DataFrame], DataFrame]
    ) -> DataFrame:
        """A cube of interactions, up to date: what its mart is to be made of.

        What it was not made of leaves it as it is.
        """
        by_department = marts.DEPARTMENT in keys
        if self.renamed:
            return self.tables.rows_where(self.session, table, _any_of(self.renamed.keys, keys))
        if self.changed is None:
            rows = self.read(INTERACTIONS)
            if by_department:
                rows = marts.with_department(rows, self.read(CATEGORIES))
            return self._replaced(table, count(rows), self.tables)
        if INTERACTIONS in self.touched or (by_department and CATEGORIES in self.touched):
            rows = marts.added(self.read(table).drop(ROW_HASH), count(self.changed.rows), keys)
            return self._replaced(table, rows, self.tables)
        return self.read(table)

    def read(self, table: str) -> DataFrame:
        return self.tables.read(self.session, table)

    def replace(self, mart: str, rows: DataFrame, *, cube: str) -> None:
        """Make the rows, which a cube was made into, all the mart holds of what they tell of."""
        tables = self.tables.of_what_fits(cube)
        if self.renamed:
            concerned = _any_of(self.renamed.texts, rows.columns)
            tables.replace_where(_hashed(rows), mart, concerned, statistics=rows.columns[0])
        else:
            self._replaced(mart, rows, tables)

    def _replaced(self, table: str, rows: DataFrame, tables: Tables) -> DataFrame:
        return tables.replaced(_hashed(rows).coalesce(1), table, statistics=rows.columns[0])

    def make(self, mart: "Mart") -> None:
        """Make a mart, or empty it where not all of its sources have come."""
        if self.came >= set(mart.sources):
            mart.make(self)
            return
        for table in mart.tables:
            if lake.version_of(self.tables.path(table)) is not None:
                rows = self.read(table)
                self.tables.replace(rows.limit(0), table, statistics=rows.columns[0])


def _hashed(rows: DataFrame) -> DataFrame:
    return rows.withColumn(ROW_HASH, row_hash(rows.columns))


def _any_of(told: Mapping[str, Sequence[str | None]], columns: Sequence[str]) -> str:
    own = (one_of(name, values) for name, values in told.items() if name in columns)
    return " OR ".join(own) or "false"


def cube_and_report(at: Making) -> None:
    """The report is made of the cube."""
    zone = at.config.settings.business_zone
    cube = at.cube(CUBE, marts.CUBE_KEYS, lambda rows: marts.interaction_cube(rows, zone))
    rows = marts.support_report(cube, at.read(CENTERS), at.read(CATEGORIES))
    at.replace(REPORT, rows, cube=CUBE)


def work_time(at: Making) -> None:
    zone = at.config.settings.business_zone
    cube = at.cube(WORK_CUBE, marts.WORK_KEYS, lambda rows: marts.work_cube(rows, zone))
    rows = marts.agent_work_time(cube, at.read(CENTERS), at.read(AGENTS))
    at.replace(WORK_TIME, rows, cube=WORK_CUBE)


def hours(at: Making) -> None:
    zone, open_ = at.config.settings.business_zone, at.config.settings.business_hours
    cube = at.cube(HOURS_CUBE, marts.HOURS_KEYS, lambda rows: marts.hours_cube(rows, zone, open_))
    at.replace(HOURS, marts.interaction_hours(cube, at.read(CENTERS)), cube=HOURS_CUBE)


def roster_tables(at: Making) -> None:
    """The roster as of its latest day, and who was active on each day."""
    days = sorted({e.period for e in at.ledger if e.feed in ("roster_agents", ROSTER_ACTIVE)})
    synced = at.session.createDataFrame([(day,) for day in days], "day string")
    details = at.read(f"{DETAILS}_history")
    active = at.read(f"{ACTIVE}_history") if ACTIVE in at.came else details.limit(0)
    history = roster.status_history(details, active, synced)
    at.tables.replace(
        _hashed(history),
        STATUS_HISTORY,
        statistics="agent_id,sync_date",
        feed=ROSTER_ACTIVE,
    )
    latest = roster.latest_agents(at.read(DETAILS), history, days[-1], at.tables.at)
    at.odd.update(dict(roster.active_but_unknown(details, active).collect()))
    hashed = latest.withColumn(ROW_HASH, row_hash(roster.COMPARED))
    at.tables.replace(hashed, ROSTER, statistics="agent_id,sync_day", feed="roster_agents")


@dataclass(frozen=True)
class Mart:
    """One making: the tables that it makes, those it is made of, and those it can do without."""

    make: Callable[[Making], None]
    tables: tuple[str, ...]
    sources: tuple[str, ...]
    also: tuple[str, ...] = ()


MARTS = (
    Mart(cube_and_report, (CUBE, REPORT), (INTERACTIONS, CENTERS, CATEGORIES)),
    Mart(work_time, (WORK_CUBE, WORK_TIME), (INTERACTIONS, CENTERS, CATEGORIES, AGENTS)),
    Mart(hours, (HOURS_CUBE, HOURS), (INTERACTIONS, CENTERS)),
    Mart(roster_tables, (ROSTER, STATUS_HISTORY), (DETAILS,), also=(ACTIVE,)),
)


def build_marts(
    session: SparkSession,
    tables: Tables,
    config: Config,
    ledger: Sequence[LedgerEntry],
    touched: Set[str],
    *,
    changed: Changed | None = None,
) -> dict[str, int] | None:
    """Bring every mart up to date of whose sources one was touched.

    A source without any file that counts has not come, whatever stands there of files that were
    withdrawn or held: a mart without all of its sources has no row. Told: for each file of active
    agents with any, how many of them nobody knew on that day; None where nobody looked.
    """
    with_files = {entry.feed for entry in ledger if entry.state == "loaded"}
    came = {feed.table for feed in config.feeds if feed.name in with_files}
    at = Making(session, tables, config, ledger, came, touched, {}, changed)
    todo = [mart for mart in MARTS if {*mart.sources, *mart.also} & touched]
    if not todo:
        return None
    with ThreadPoolExecutor(len(todo)) as pool:
        for done in [pool.submit(at.make, mart) for mart in todo]:
            done.result()
    return at.odd if any(ROSTER in mart.tables for mart in todo) else None
