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
from support_lakehouse.transforms.hashing import ROW_HASH, row_hashes


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


@dataclass(frozen=True)
class Updated:
    """A cube or mart brought up to date: its rows that stay, those that go, those that come."""

    stay: pa.Table
    go: pa.Table
    come: pa.Table

    @property
    def rows(self) -> pa.Table:
        """All that it holds now."""
        return pa.concat_tables([self.stay, self.come])


def as_it_is(rows: pa.Table) -> Updated:
    """A cube of which nothing changed."""
    return Updated(rows, rows.slice(0, 0), rows.slice(0, 0))


def updated(rows: pa.Table, changes: pa.Table, keys: Sequence[str]) -> Updated:
    """A cube or mart, with the hashes of its rows, and what is to be added to it by keys.

    What some change has the keys of is added up as by `marts.added`; all else stays as it is, so
    the cost of adding and hashing is that of the changes.
    """
    plain = rows.schema.remove(rows.schema.get_field_index(ROW_HASH))
    changes = changes.select(plain.names).cast(plain)
    measures = [name for name in plain.names if name not in keys]
    concerned = _with_keys_of(rows, changes, keys)
    go = rows.filter(concerned)
    told = summed(pa.concat_tables([go.select(plain.names), changes]), keys, measures)
    there = reduce(pc.or_, (pc.not_equal(told[name], 0) for name in measures))
    come = hashed(told.filter(there).select(plain.names)).cast(rows.schema)
    return Updated(rows.filter(pc.invert(concerned)), go, come)


def hashed(rows: pa.Table) -> pa.Table:
    """The rows with the hash of each, as `fingerprint.row_hash` has it."""
    return rows.append_column(ROW_HASH, row_hashes(rows))


def _with_keys_of(rows: pa.Table, others: pa.Table, keys: Sequence[str]) -> pa.ChunkedArray:
    """Whether each row has the keys of one of some others; null is a key of its own.

    The keys so far of all others are numbered, so that each key more is looked up as one number.
    """
    own, theirs = (pa.chunked_array([pa.repeat(0, t.num_rows)]) for t in (rows, others))
    for key in keys:
        values = pc.unique(others[key])
        numbered = [
            pc.add(pc.multiply(so_far, len(values)), pc.index_in(table[key], values))
            for so_far, table in ((own, rows), (theirs, others))
        ]
        known = pc.unique(numbered[1])
        own, theirs = (pc.index_in(number, known).cast(pa.int64()) for number in numbered)
    return pc.is_valid(own)


def changed_mart(
    cube: Updated, mart: Mart, were: Sequence[pa.Table], now: Sequence[pa.Table]
) -> pa.Table:
    """What is to be added to a mart: for a cube, and where names are not those that were.

    `were` and `now`: the dimensions of the names, in their order.
    """
    moved = [
        pc.is_in(cube.stay[name.key], renamed(then, today, name))
        for name, then, today in zip(mart.names, were, now, strict=True)
    ]
    both = cube.stay.filter(reduce(pc.or_, moved))
    gone = mart_of(pa.concat_tables([cube.go, both]), mart, were)
    came = mart_of(pa.concat_tables([cube.come, both]), mart, now)
    return pa.concat_tables([came, less(gone, mart.keys)])


def summed(rows: pa.Table, keys: Sequence[str], measures: Sequence[str]) -> pa.Table:
    """The sum of each measure, of the measure's own type, by keys; null is a key of its own."""
    sums = rows.group_by(list(keys)).aggregate([(name, "sum") for name in measures])
    types = {name: rows.schema.field(name).type for name in measures}
    told = {name: pc.cast(sums[f"{name}_sum"], types[name]) for name in measures}
    return pa.table({key: sums[key] for key in keys} | told)


def renamed(was: pa.Table, now: pa.Table, name: Name) -> pa.Array:
    """The keys of a dimension that stand for another name than they did."""
    keys = pa.chunked_array([*was[name.key].chunks, *now[name.key].chunks], pa.string()).unique()
    other = pc.not_equal(_names(keys, was, name), _names(keys, now, name))
    return keys.filter(other)


def _names(keys: pa.Array, dimension: pa.Table, name: Name) -> pa.ChunkedArray:
    """What stands for each key, or `Unknown` where it is empty or there is none."""
    known = dimension.filter(pc.not_equal(dimension[name.key], UNKNOWN_KEY)).combine_chunks()
    there = known.filter(pc.not_equal(known[name.column], ""))
    found = pc.index_in(keys, there[name.key].combine_chunks())
    return there[name.column].take(found).fill_null(UNKNOWN_TEXT)
