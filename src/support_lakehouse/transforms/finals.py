"""Owns what silver becomes in `<feed>_final`, on Arrow tables (contracts.md, Writing)."""

from collections.abc import Iterable, Iterator, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from support_lakehouse.model.feed import Column, Feed

UNKNOWN_KEY, UNKNOWN_TEXT = "UNKNOWN", "Unknown"


def final_of(
    silver: Iterable[pa.Table], feed: Feed, keys: Mapping[str, pa.ChunkedArray]
) -> Iterator[pa.Table]:
    """The rows of a silver table, which come in their order, as they are published.

    `keys` holds the keys of each feed that this one refers to.
    """
    rows = iter(silver)
    if feed.final.repair_references:
        rows = (_with_known_references(part, feed, keys) for part in rows)
    return with_unknown_member(rows, feed) if feed.final.unknown_member else rows


def with_unknown_member(silver: Iterable[pa.Table], feed: Feed) -> Iterator[pa.Table]:
    """The rows, sorted by key, and the member with the key UNKNOWN in its place among them.

    A delivered row of that key gives way to it.
    """
    is_told = False
    for rows in silver:
        key, schema = rows[feed.key], rows.schema
        yield rows.filter(pc.less(key, UNKNOWN_KEY))
        after = rows.filter(pc.greater(key, UNKNOWN_KEY))
        if after.num_rows and not is_told:
            yield _member(feed, schema)
            is_told = True
        yield after
    if not is_told:
        yield _member(feed, schema)


def _member(feed: Feed, schema: pa.Schema) -> pa.Table:
    return pa.table({c.name: [_unknown(c, feed)] for c in feed.columns}, schema=schema)


def _unknown(column: Column, feed: Feed) -> str | None:
    if column.name == feed.key or column.references:
        return UNKNOWN_KEY
    return UNKNOWN_TEXT if column.type.name == "text" else None


def _with_known_references(
    rows: pa.Table, feed: Feed, keys: Mapping[str, pa.ChunkedArray]
) -> pa.Table:
    for column, target in feed.references.items():
        resolves = pc.is_in(rows[column], value_set=_one(keys[target]), skip_nulls=True)
        repaired = pc.if_else(resolves, rows[column], UNKNOWN_KEY)
        rows = rows.set_column(rows.column_names.index(column), column, repaired)
    return rows


def _one(values: pa.ChunkedArray) -> pa.Array:
    return values.combine_chunks()
