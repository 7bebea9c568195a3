"""Owns what silver becomes in `<feed>_final`, on Arrow tables (contracts.md, Writing)."""

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from support_lakehouse.model.feed import Column, Feed

UNKNOWN_KEY, UNKNOWN_TEXT = "UNKNOWN", "Unknown"


def final_of(silver: pa.Table, feed: Feed, keys: Mapping[str, pa.ChunkedArray]) -> pa.Table:
    """The rows of a silver table as they are published, sorted by key, a log's by place.

    `keys` holds the keys of each feed that this one refers to.
    """
    rows = silver.select(list(feed.column_names))
    if feed.final.repair_references:
        for column, target in feed.references.items():
            rows = _with_known_references(rows, column, keys[target])
    if feed.final.unknown_member:
        rows = with_unknown_member(rows, feed)
    if feed.kind == "log":
        place = pa.table({name: silver[name] for name in ("_file", "_line")})
        return rows.take(pc.sort_indices(place, [(n, "ascending") for n in place.column_names]))
    return rows.take(pc.sort_indices(rows[feed.key]))


def with_unknown_member(rows: pa.Table, feed: Feed) -> pa.Table:
    """The rows and the member with the key UNKNOWN; a delivered row of that key gives way to it."""
    others = rows.filter(pc.not_equal(rows[feed.key], UNKNOWN_KEY))
    member = {column.name: [_unknown(column, feed)] for column in feed.columns}
    return pa.concat_tables([others, pa.table(member, schema=rows.schema)])


def _unknown(column: Column, feed: Feed) -> str | None:
    if column.name == feed.key or column.references:
        return UNKNOWN_KEY
    return UNKNOWN_TEXT if column.type.name == "text" else None


def _with_known_references(rows: pa.Table, column: str, keys: pa.ChunkedArray) -> pa.Table:
    resolves = pc.is_in(rows[column], value_set=_one(keys), skip_nulls=True)
    repaired = pc.if_else(resolves, rows[column], UNKNOWN_KEY)
    return rows.set_column(rows.column_names.index(column), column, repaired)


def _one(values: pa.ChunkedArray) -> pa.Array:
    return values.combine_chunks()
