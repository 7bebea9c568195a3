"""Owns the reading of a table in an order, of which only a part is held at a time."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from support_lakehouse.errors import BooksDoNotBalance
from support_lakehouse.io import lake
from support_lakehouse.transforms import ordering

_ROWS_AT_ONCE = 500_000


def in_order(
    table: Path,
    version: int,
    columns: Sequence[str],
    by: Sequence[str],
    at_once: int = _ROWS_AT_ONCE,
) -> Iterator[pa.Table]:
    """The rows of a version sorted by some columns, texts as bytes, in one table or more.

    The order's columns are read first, to find where to cut: a table that Spark laid out by them
    is then read once, as its statistics tell which files a part is in.
    """
    pinned, told = {"t": (table, version)}, 0
    rows, cuts = ordering.cuts_of(lake.batches(ordering.places_sql(by), pinned), at_once)
    for sql in ordering.parts_sql(columns, by, cuts):
        part = lake.query(sql, pinned)
        told += part.num_rows
        yield part
    if told != rows:
        raise BooksDoNotBalance(
            f"{rows} rows to be read in order, {told} were",
            where=str(table),
            hint="This is a fault of the program; please report it.",
        )
