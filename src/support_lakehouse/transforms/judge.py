"""Owns the verdict on a row: every reason to reject it, every warning, in the pass that reads it."""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from support_lakehouse.model.feed import Column as Declared
from support_lakehouse.model.feed import Feed
from support_lakehouse.transforms import cells as C
from support_lakehouse.transforms.fields import (
    ASKED,
    CELLS,
    RIGHT_WIDTH,
    Headers,
    text_of,
    value_of,
    with_fields,
)
from support_lakehouse.transforms.fingerprint import ROW_HASH, row_hash
from support_lakehouse.transforms.types import SHAPES

ACTIONS = ("add", "update", "delete")
BRONZE_COLUMNS = (
    *("period", "file", "line", "sha256", "run", "header", "key", "action", "raw"),
    *("reasons", "warnings"),
)
_REASONS = "array<struct<rule:string,column:string,message:string>>"


def judged(records: DataFrame, feed: Feed, headers: Headers, *, run: str) -> DataFrame:
    """Bronze rows of the records: BRONZE_COLUMNS and the row's hash.

    In: one row per record with period, file, line, sha256, header, raw. Out: the same grain,
    lines of nothing but blanks left out. `reasons` is null for an accepted row, `warnings` is
    null where there are none; key and action are null where the row has a wrong width.
    """
    told = {
        "run": F.lit(run),
        "key": F.when(F.col(RIGHT_WIDTH), F.col(value_of(feed.key)).cast("string")),
        "action": F.when(F.col(RIGHT_WIDTH), F.col(ASKED)),
        "reasons": reasons(feed, headers),
        "warnings": warnings(feed),
        ROW_HASH: row_hash(("file", "line", "sha256", "raw")),
    }
    fielded = with_fields(records.where(C.is_record(F.col("raw"))), feed, headers)
    return fielded.withColumns(told).select(*BRONZE_COLUMNS, ROW_HASH)


def reasons(feed: Feed, headers: Headers) -> Column:
    """Every reason to reject a row: array of (rule, column, message); null for an accepted row.

    A wrong number of cells is a row's only reason, for then no cell is where it should be. A
    delete needs its key alone. An unknown action is judged like an upsert.
    """
    found = [_unknown_action(feed), *_broken_cells(feed)]
    broken = F.when(_any(found), F.array_compact(F.array(*found)))
    narrow = F.when(~F.col(RIGHT_WIDTH), F.array(_wrong_width(headers)))
    return F.coalesce(narrow, broken).cast(_REASONS)


def warnings(feed: Feed) -> Column:
    """`unreadable:<column>` for each cell that became null because it could not be read."""
    found = [
        F.when(_unreadable(column), F.lit(f"unreadable:{column.name}"))
        for column in feed.columns
        if column.type.name != "text" and not feed.rejects_unreadable(column)
    ]
    if not found:
        return F.lit(None).cast("array<string>")
    counts = F.col(RIGHT_WIDTH) & ~_deletes() & _any(found)
    return F.when(counts, F.array_compact(F.array(*found)))


def _broken_cells(feed: Feed) -> list[Column]:
    found = []
    for column in feed.columns:
        concerned = F.lit(True) if column.name == feed.key else ~_deletes()
        if feed.required(column):
            told = _reason("required", column.name, f"{column.name} is empty")
            found.append(F.when(concerned & F.col(text_of(column.name)).isNull(), told))
        if column.type.name != "text" and feed.rejects_unreadable(column):
            shape = SHAPES[column.type.name].format(type=column.type)
            told = _reason("unreadable", column.name, f"{column.name} is not {shape}")
            found.append(F.when(concerned & _unreadable(column), told))
    return found


def _unknown_action(feed: Feed) -> Column:
    asked = F.col(ASKED)
    message = F.when(asked.isNull(), "the action is empty").otherwise(
        f"the action is none of {', '.join(ACTIONS)}"
    )
    unknown = asked.isNull() | ~asked.isin(*ACTIONS)
    return F.when(unknown, _reason("action", feed.action, message))


def _wrong_width(headers: Headers) -> Column:
    message = F.format_string(
        "the row has %d cells where the header has %d",
        F.size(CELLS),
        C.width(F.col("header"), headers),
    )
    return _reason("width", None, message)


def _deletes() -> Column:
    return F.col(ASKED).eqNullSafe("delete")


def _unreadable(column: Declared) -> Column:
    return F.col(text_of(column.name)).isNotNull() & F.col(value_of(column.name)).isNull()


def _reason(rule: str, column: str | None, message: Column | str) -> Column:
    told = message if isinstance(message, Column) else F.lit(message)
    named = F.lit(column).cast("string")
    return F.struct(F.lit(rule).alias("rule"), named.alias("column"), told.alias("message"))


def _any(found: Sequence[Column]) -> Column:
    one = found[0].isNotNull()
    for other in found[1:]:
        one = one | other.isNotNull()
    return one
