"""Owns what a run changed among interactions, where that is less than all of them by far."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from support_lakehouse.io import lake
from support_lakehouse.io.marking import Turnover
from support_lakehouse.io.tables import Tables
from support_lakehouse.model.feed import Feed
from support_lakehouse.model.plan import Plan
from support_lakehouse.model.release import Release, maker_of
from support_lakehouse.stages.books import Applied
from support_lakehouse.stages.gold_tables import (
    CATEGORIES,
    CUBE,
    CUBES,
    INTERACTIONS,
)
from support_lakehouse.stages.release import code_fingerprint
from support_lakehouse.transforms import cubes, named
from support_lakehouse.transforms.cubes import COUNTED
from support_lakehouse.transforms.fold import ACTION, FILE, LINE, PERIOD
from support_lakehouse.transforms.searching import one_of

WORTH_ADDING_BYTES = 64 * 1024 * 1024
"""Of fewer bytes of files the marts are made anew sooner than it is found out what changed."""
SHARE = 10
"""Changes of more than a tenth of all bytes are not few."""
_FEW_NAMES = 500
"""DataFusion takes a list of so many; a list of many thousands overruns its stack."""
Key = str | None


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
class Turned:
    """The interactions that a run took out of silver, and those that it put in: tables of them."""

    gone: Path
    new: Path
    moved: Moved


@dataclass(frozen=True)
class Changed:
    """What a run changed on top of the last release: names, and what cubes count, if anything."""

    last: Release
    turned: Turned | None


def may_add(plan: Plan, feeds: Sequence[Feed], config: str, lakehouse: Path) -> bool:
    """Whether cubes and marts hold what the last release says and the run only puts files on top.

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
        and came.issuperset(sources)
        and not plan.left(facts.name)
        and not any(entry.feed == facts.name for entry in plan.returned)
        and timeline.rewind_to is None
        and not any(one.begins for one in timeline.folds)
        and all(
            _stands(last, table, lakehouse) and _is_of_today(table, last, plan, config)
            for cube in CUBES
            for table in (cube.table, cube.mart_table)
        )
        and INTERACTIONS in last.tables
    )


def _stands(last: Release, table: str, lakehouse: Path) -> bool:
    """Whether the table is as it was released."""
    state = last.tables.get(table)
    return state is not None and lake.version_of(lakehouse / table) == state.version


def _is_of_today(table: str, last: Release, plan: Plan, config: str) -> bool:
    """Whether this program made the table by this configuration, whatever was released since."""
    made = maker_of(table, last, plan.releases)
    return (made.code, made.config) == (code_fingerprint(), config)


@dataclass(frozen=True)
class Work:
    """The work cube by category, as the last release has it, of some categories."""

    keys: frozenset[Key]
    rows: pa.Table


def foreseen(tables: Tables, last: Release, changes: pa.Table, zone: str) -> Work | None:
    """The work of the categories that move if these changes come to their table.

    It takes a look at all interactions, which can go on while others are still judged.
    """
    were = _dimension(tables, CATEGORIES, named.DEPARTMENT, last.tables[CATEGORIES].version)
    names = dict(zip(*(column.to_pylist() for column in were.columns), strict=True))
    told = changes.sort_by([(name, "ascending") for name in (PERIOD, FILE, LINE)])
    for row in told.select([named.DEPARTMENT.key, named.DEPARTMENT.column, ACTION]).to_pylist():
        key, name, action = row.values()
        names.pop(key, None)
        if action != "delete":
            names[key] = name
    now = pa.Table.from_arrays(
        [pa.array(list(part), pa.string()) for part in (names.keys(), names.values())],
        were.column_names,
    )
    return _work_of(tables, last, _that_moved(tables, last, were, now), zone)


def moved(tables: Tables, last: Release, zone: str, work: Work | None = None) -> Moved:
    """Which categories are in another department than in the last release, and their work in it.

    `work` was foreseen; it counts where it is of the very categories that did move.
    """
    were = _dimension(tables, CATEGORIES, named.DEPARTMENT, last.tables[CATEGORIES].version)
    now = _dimension(tables, CATEGORIES, named.DEPARTMENT)
    keys = _that_moved(tables, last, were, now)
    if work is None or work.keys != keys:
        work = _work_of(tables, last, keys, zone)
    return Moved(were, now, work.rows if work else None)


def _that_moved(tables: Tables, last: Release, were: pa.Table, now: pa.Table) -> frozenset[Key]:
    there = tables.query(CUBE, "SELECT DISTINCT category_id FROM t", last.tables[CUBE].version)
    moved = named.renamed(were, now, named.DEPARTMENT).to_pylist()
    return frozenset(there["category_id"].to_pylist()).intersection(moved)


def _work_of(tables: Tables, last: Release, keys: frozenset[Key], zone: str) -> Work | None:
    """None where the categories are too many to name."""
    if len(keys) > _FEW_NAMES:
        return None
    of_them = one_of("category_id", sorted(keys, key=str))
    sql = cubes.work_cube(cubes.DATAFUSION, zone, "category_id", of_them).format(interactions="t")
    return Work(keys, tables.query(INTERACTIONS, sql, last.tables[INTERACTIONS].version))


@contextmanager
def changed(
    tables: Tables,
    last: Release,
    applied: Mapping[str, Mapping[str, Applied]],
    moved: Callable[[], Moved],
) -> Iterator[Changed | None]:
    """What a run changed, for as long as this is open; None where that is not known."""
    if all(_stands(last, table, tables.root) for table in (INTERACTIONS, CATEGORIES)):
        yield Changed(last, None)
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
        yield Changed(last, Turned(gone, new, moved()))


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


def _dimension(
    tables: Tables, table: str, name: named.Name, version: int | None = None
) -> pa.Table:
    return tables.query(table, f"SELECT {name.key}, {name.column} FROM t", version)
