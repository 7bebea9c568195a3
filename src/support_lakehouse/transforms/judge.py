"""Owns the verdict on a row: every reason to reject it, every warning, in the pass that reads it."""

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
_FOUND, _ODD = "_found", "_odd"


def judged(records: DataFrame, feed: Feed, headers: Headers, *, run: str) -> DataFrame:
    """Bronze rows of the records: BRONZE_COLUMNS and the row's hash.

    In: one row per record with period, file, line, sha256, header, raw. Out: the same grain,
    lines of nothing but blanks left out. `reasons` is null for an accepted row, `warnings` is
    null where there are none; key and action are null where the row has a wrong width.
    """
    fielded = with_fields(records.where(C.is_record(F.col("raw"))), feed, headers)
    found = fielded.withColumns({_FOUND: broken_rules(feed, headers), _ODD: odd_cells(feed)})
    told = {
        "run": F.lit(run),
        "key": F.when(F.col(RIGHT_WIDTH), F.col(value_of(feed.key)).cast("string")),
        "action": F.when(F.col(RIGHT_WIDTH), F.col(ASKED)),
        "reasons": F.when(F.size(_FOUND) > 0, F.col(_FOUND)),
        "warnings": F.when(F.size(_ODD) > 0, F.col(_ODD)),
        ROW_HASH: row_hash(("file", "line", "sha256", "raw")),
    }
    return found.select(
        *(told.get(name, F.col(name)).alias(name) for name in (*BRONZE_COLUMNS, ROW_HASH))
    )


def broken_rules(feed: Feed, headers: Headers) -> Column:
    """Every reason to reject a row: array of (rule, column, message), empty for an accepted row.

    A wrong number of cells is a row's only reason, for then no cell is where it should be. A
    delete needs its key alone. An unknown action is judged like an upsert.
    """
    found = F.array_compact(F.array(_unknown_action(feed), *_broken_cells(feed)))
    return (
        F.when(F.col(RIGHT_WIDTH), found)
        .otherwise(F.array(_wrong_width(headers)))
        .cast("array<struct<rule:string,column:string,message:string>>")
    )


def odd_cells(feed: Feed) -> Column:
    """`unreadable:<column>` for each cell that became null because it could not be read."""
    found = [
        F.when(_unreadable(column), F.lit(f"unreadable:{column.name}"))
        for column in feed.columns
        if column.type.name != "text" and not feed.rejects_unreadable(column)
    ]
    judged_here = F.col(RIGHT_WIDTH) & ~_deletes()
    told = F.array_compact(F.array(*found)) if found else F.array()
    return F.when(judged_here, told).cast("array<string>")


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
