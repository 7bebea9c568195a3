"""Owns what a run changed among interactions, where that is less than all of them by far."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from support_lakehouse.io import datafiles, lake
from support_lakehouse.io.marking import Turnover
from support_lakehouse.io.tables import Tables
from support_lakehouse.model.feed import Feed
from support_lakehouse.model.plan import Plan
from support_lakehouse.model.release import Release
from support_lakehouse.stages.books import Applied
from support_lakehouse.stages.gold_tables import (
    AGENTS,
    CATEGORIES,
    CENTERS,
    CUBE,
    CUBES,
    HOURS_CUBE,
    INTERACTIONS,
    WORK_CUBE,
)
from support_lakehouse.stages.release import code_fingerprint
from support_lakehouse.transforms import cubes, named
from support_lakehouse.transforms.cubes import COUNTED

WORTH_ADDING_BYTES = 64 * 1024 * 1024
"""Of fewer bytes of files the marts are made anew sooner than it is found out what changed."""
SHARE = 10
"""Changes of more than a tenth of all bytes are not few."""
_FEW_NAMES = 500
"""DataFusion takes a list of so many; a list of many thousands overruns its stack."""
Key = str | None


@dataclass(frozen=True)
class Renamed:
    """What has another name than it had, where no cube is another: keys and texts, by column.

    Whatever has one of `texts` in a mart is what a cube has under one of `keys`.
    """

    keys: Mapping[str, Sequence[str | None]]
    texts: Mapping[str, Sequence[str | None]]


@dataclass(frozen=True)
class Moved:
    """The departments by category, as they were before a run and as they are.

    `work`: the work cube by category, before the run, of categories that are in another department
    now; None where these are too many to name.
    """

    were: pa.Table
    now: pa.Table
    work: pa.Table | None


@dataclass(frozen=True)
class Changed:
    """The interactions that a run took out of silver, and those that it put in: tables of them."""

    gone: Path
    new: Path
    moved: Moved


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


def moved(tables: Tables, last: Release, zone: str) -> Moved:
    """Which categories are in another department than in the last release, and their work in it.

    Looks at all interactions, but as they were: that can go on while others are merged into them.
    """
    were = _dimension(tables, CATEGORIES, named.DEPARTMENT, last.tables[CATEGORIES].version)
    now = _dimension(tables, CATEGORIES, named.DEPARTMENT)
    there = tables.query(CUBE, "SELECT DISTINCT category_id FROM t", last.tables[CUBE].version)
    keys = named.moved(there, were, now, named.DEPARTMENT)["category_id"].to_pylist()
    if len(keys) > _FEW_NAMES:
        return Moved(were, now, None)
    there = (tables.path(INTERACTIONS), last.tables[INTERACTIONS].version)
    rows = datafiles.rows_with(*there, "category_id", keys, COUNTED)
    sql = cubes.work_cube(cubes.DATAFUSION, zone, "category_id").format(interactions="t")
    with lake.at_hand(rows, tables.staging) as own:
        return Moved(were, now, lake.query(sql, {"t": (own, 0)}))


@contextmanager
def changed(
    tables: Tables,
    last: Release,
    applied: Mapping[str, Mapping[str, Applied]],
    moved: Callable[[], Moved],
) -> Iterator[Changed | Renamed | None]:
    """What a run changed, for as long as this is open; None where that is not known."""
    renamed = _renamed(tables, last)
    if renamed is not None:
        yield renamed
        return
    turnovers = _turnovers(last, applied.get(INTERACTIONS, {}))
    if turnovers is None:
        yield None
        return
    version = last.tables[INTERACTIONS].version
    nothing = tables.query(INTERACTIONS, f"SELECT {', '.join(COUNTED)} FROM t LIMIT 0", version)
    sides = ([one.gone for one in turnovers], [one.new for one in turnovers])
    with ExitStack() as held:
        gone, new = (
            held.enter_context(lake.at_hand(pa.concat_tables([nothing, *rows]), tables.staging))
            for rows in sides
        )
        yield Changed(gone, new, moved())


def _turnovers(last: Release, folded: Mapping[str, Applied]) -> list[Turnover] | None:
    """What each period did to the rows of interactions; None where one of them does not tell."""
    version, told = last.tables[INTERACTIONS].version, []
    for done in folded.values():
        if done.version != version:
            if done.turnover is None:
                return None
            told.append(done.turnover)
        version = done.version
    return told


def _renamed(tables: Tables, last: Release) -> Renamed | None:
    """Which centres and agents have another name; None where more than names may be another.

    And None where so many have that all is made anew sooner, or a mart would have to be by Spark.
    """
    shown = [table for cube in CUBES for table in (cube.table, cube.mart_table)]
    if not all(_stands(last, table, tables.root) for table in (INTERACTIONS, CATEGORIES, *shown)):
        return None
    at_hand = replace(tables, small=True)
    if not all(map(at_hand.in_memory, shown)) or not all(map(tables.fits, (CENTERS, AGENTS))):
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
