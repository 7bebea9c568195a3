"""Owns the queries that read a table in an order, part after part, run by DataFusion."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import pyarrow as pa
import pyarrow.compute as pc

from support_lakehouse.transforms.searching import text

_PLACES_OF_A_PART = 500
"""So many are remembered of each part: enough to cut by, and few of any table."""

Place = tuple[str | int, ...]
"""Where a row stands in the order: its values of the first columns that decide it."""


def places_sql(by: Sequence[str]) -> str:
    """Where each row stands in the order."""
    return f"SELECT {_listed(by)} FROM t"


def cuts_of(places: Iterable[pa.RecordBatch], rows_of_a_part: int) -> tuple[int, list[Place]]:
    """How many rows a table has, and the places that cut it into parts of about one size.

    It does not matter in which order the rows came, nor how the table's files overlap. There are
    no cuts where the column that decides first is neither text nor integer.
    """
    every = max(1, rows_of_a_part // _PLACES_OF_A_PART)
    rows, found = 0, []
    for batch in places:
        one_of_each = range(-rows % every, batch.num_rows, every)
        found.append(batch.take(pa.array(one_of_each, pa.int64())))
        rows += batch.num_rows
    if rows <= rows_of_a_part:
        return rows, []
    some = pa.Table.from_batches(found)
    some = some.select(_cutting(some.schema))
    if not some.num_columns:
        return rows, []
    some = some.take(pc.sort_indices(some, [(name, "ascending") for name in some.column_names]))
    step = rows_of_a_part // every
    cuts = (tuple(row.values()) for row in some.slice(step)[::step].to_pylist())
    return rows, list(dict.fromkeys(cut for cut in cuts if None not in cut))


def _cutting(schema: pa.Schema) -> list[str]:
    """The first columns, as far as a value of theirs can stand in a query."""
    can = [pa.types.is_string(kind) or pa.types.is_integer(kind) for kind in schema.types]
    names: list[str] = schema.names
    return names[: [*can, False].index(False)]


def parts_sql(columns: Sequence[str], by: Sequence[str], cuts: Sequence[Place]) -> Iterator[str]:
    """The rows of each part in order, one query a part; together they are all rows, once."""
    for low, high in pairwise([None, *cuts, None]):
        within = [f"NOT ({_before(by, low)})"] if low else []
        within += [_before(by, high)] if high else []
        where = f" WHERE {' AND '.join(within)}" if within else ""
        yield f"SELECT {_listed(columns)} FROM t{where} ORDER BY {_listed(by)}"


def _before(by: Sequence[str], place: Place) -> str:
    """The condition that a row stands before a place."""
    column, value = _listed(by[:1]), _literal(place[0])
    if len(place) == 1:
        return f"{column} < {value}"
    rest = _before(by[1:], place[1:])
    return f"({column} < {value} OR ({column} = {value} AND {rest}))"


def _literal(value: str | int) -> str:
    return text(value) if isinstance(value, str) else str(int(value))


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
