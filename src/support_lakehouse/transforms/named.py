"""Owns how a mart is made of its cube: names stand for keys, and what then is alike adds up.

Done by Arrow, for what fits into memory; `marts` has the same by Spark, for what does not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc

from support_lakehouse.transforms.cubes import WORK_KEYS
from support_lakehouse.transforms.finals import UNKNOWN_KEY, UNKNOWN_TEXT


@dataclass(frozen=True)
class Name:
    """What stands for a key: a column of a dimension, as the mart calls it."""

    key: str
    column: str
    called: str


@dataclass(frozen=True)
class Mart:
    """One row per `keys`, which a cube has, or gets from `names`; measures are all else it has."""

    keys: tuple[str, ...]
    names: tuple[Name, ...]

    def measures(self, columns: Sequence[str]) -> list[str]:
        """Those of a cube's columns that add up."""
        others = {*self.keys, *(name.key for name in self.names)}
        return [c for c in columns if c not in others and not c.startswith("_")]


CENTER = Name("contact_center_id", "contact_center_name", "contact_center_name")
DEPARTMENT = Name("category_id", "department", "department")
AGENT = Name("agent_id", "full_name", "agent_name")
SUPPORT_REPORT = Mart(("month", "contact_center_name", "department"), (CENTER, DEPARTMENT))
AGENT_WORK_TIME = Mart(
    ("month", "contact_center_name", "department", "agent_id", "agent_name"), (CENTER, AGENT)
)
WORK_BY_DEPARTMENT = Mart(WORK_KEYS, (DEPARTMENT,))
"""No mart: the work cube, of what calls cost by category."""
INTERACTION_HOURS = Mart(
    ("contact_center_name", "weekday", "hour", "inside_business_hours"), (CENTER,)
)


def mart_of(cube: pa.Table, mart: Mart, dimensions: Sequence[pa.Table]) -> pa.Table:
    """The mart, of a cube and of the dimensions of its names, in their order."""
    for name, dimension in zip(mart.names, dimensions, strict=True):
        cube = cube.append_column(name.called, _names(cube[name.key], dimension, name))
    return summed(cube, mart.keys, mart.measures(cube.column_names))


def less(cube: pa.Table, keys: Sequence[str]) -> pa.Table:
    """A cube of what is to be counted no more."""
    told = {n: cube[n] if n in keys else pc.negate(cube[n]) for n in cube.column_names}
    return pa.table(told, schema=cube.schema)


def added(cube: pa.Table, changes: pa.Table, keys: Sequence[str]) -> pa.Table:
    """A cube brought up to date, as by `marts.added`."""
    measures = [name for name in changes.column_names if name not in keys]
    was = cube.select([*keys, *measures])
    both = pa.concat_tables([was, changes.select(was.column_names).cast(was.schema)])
    told = summed(both, keys, measures)
    return told.filter(reduce(pc.or_, (pc.not_equal(told[name], 0) for name in measures)))


def summed(rows: pa.Table, keys: Sequence[str], measures: Sequence[str]) -> pa.Table:
    """The sum of each measure, of the measure's own type, by keys; null is a key of its own."""
    sums = rows.group_by(list(keys)).aggregate([(name, "sum") for name in measures])
    types = {name: rows.schema.field(name).type for name in measures}
    told = {name: pc.cast(sums[f"{name}_sum"], types[name]) for name in measures}
    return pa.table({key: sums[key] for key in keys} | told)


def moved(rows: pa.Table, was: pa.Table, now: pa.Table, name: Name) -> pa.Table:
    """The rows whose key stands for another name than it did."""
    keys = rows[name.key]
    return rows.filter(pc.not_equal(_names(keys, was, name), _names(keys, now, name)))


def renamed(
    keys: pa.ChunkedArray, was: pa.Table, now: pa.Table, name: Name
) -> tuple[list[str | None], list[str | None]]:
    """The names that some keys stood for and do not, or do and did not; the keys that have one."""
    then, today = _names(keys, was, name), _names(keys, now, name)
    other = pc.not_equal(then, today)
    names = sorted({*then.filter(other).to_pylist(), *today.filter(other).to_pylist()})
    having = pc.is_in(today, pa.array(names, today.type))
    return keys.filter(having).to_pylist(), names


def _names(keys: pa.ChunkedArray, dimension: pa.Table, name: Name) -> pa.ChunkedArray:
    """What stands for each key, or `Unknown` where it is empty or there is none."""
    known = dimension.filter(pc.not_equal(dimension[name.key], UNKNOWN_KEY)).combine_chunks()
    there = known.filter(pc.not_equal(known[name.column], ""))
    found = pc.index_in(keys, there[name.key].combine_chunks())
    return there[name.column].take(found).fill_null(UNKNOWN_TEXT)
