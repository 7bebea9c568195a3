"""Owns the verdict on a row: every reason and warning, in the pass that reads it."""

from collections.abc import Sequence
from functools import reduce
from operator import or_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from support_lakehouse.model.feed import Column as Declared
from support_lakehouse.model.feed import Feed
from support_lakehouse.model.landing import Shape
from support_lakehouse.transforms import cells as C
from support_lakehouse.transforms.fields import (
    ASKED,
    CELLS,
    RIGHT_WIDTH,
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


def judged(records: DataFrame, feed: Feed, shape: Shape, *, run: str) -> DataFrame:
    """The records with their verdict: BRONZE_COLUMNS, the row's hash, and every typed value.

    In: one row per record with period, file, line, sha256, header, raw. Out: the same grain,
    lines of nothing but blanks left out. `reasons` is null for an accepted row, `warnings` is
    null where there are none; key and action are null where the row has a wrong width.
    """
    told = {
        "run": F.lit(run),
        "key": F.when(F.col(RIGHT_WIDTH), F.col(value_of(feed.key)).cast("string")),
        "action": F.when(F.col(RIGHT_WIDTH), F.col(ASKED)),
        "reasons": reasons(feed, shape),
        "warnings": warnings(feed),
        ROW_HASH: row_hash(("file", "line", "sha256", "raw")),
    }
    return with_fields(records.where(C.is_record(F.col("raw"))), feed, shape).select(
        *(told.get(name, F.col(name)).alias(name) for name in (*BRONZE_COLUMNS, ROW_HASH)),
        *(value_of(name) for name in feed.column_names),
    )


def bronze_rows(judged_records: DataFrame) -> DataFrame:
    """What bronze keeps of judged records: the raw record, its place and its verdict."""
    return judged_records.select(*BRONZE_COLUMNS, ROW_HASH)


def reasons(feed: Feed, shape: Shape) -> Column:
    """Every reason to reject a row: array of (rule, column, message), null for an accepted row.

    A wrong number of cells is a row's only reason, for then no cell is where it should be. A
    delete needs its key alone. An unknown action is judged like an upsert.
    """
    told = _all_true([_unknown_action(feed), *_broken_cells(feed)])
    return (
        F.when(~F.col(RIGHT_WIDTH), F.array(_wrong_width(shape)))
        .otherwise(told)
        .cast("array<struct<rule:string,column:string,message:string>>")
    )


def warnings(feed: Feed) -> Column:
    """`unreadable:<column>` for each cell that became null because it could not be read."""
    odd = [
        (_unreadable(column), F.lit(f"unreadable:{column.name}"))
        for column in feed.columns
        if column.type.name != "text" and not feed.rejects_unreadable(column)
    ]
    judged_here = F.col(RIGHT_WIDTH) & ~_deletes()
    return F.when(judged_here, _all_true(odd)).cast("array<string>")


def _all_true(told: Sequence[tuple[Column, Column]]) -> Column:
    """The texts of the conditions that hold, null where none does.

    The array is made for the few rows that need one: making it for all costs more than judging.
    """
    if not told:
        return F.lit(None)
    conditions = [condition for condition, _ in told]
    texts = F.array_compact(F.array(*(F.when(condition, text) for condition, text in told)))
    return F.when(reduce(or_, conditions), texts)


def _broken_cells(feed: Feed) -> list[tuple[Column, Column]]:
    found = []
    for column in feed.columns:
        concerned = F.lit(True) if column.name == feed.key else ~_deletes()
        if feed.required(column):
            told = _reason("required", column.name, f"{column.name} is empty")
            found.append((concerned & F.col(text_of(column.name)).isNull(), told))
        if column.type.name != "text" and feed.rejects_unreadable(column):
            shape = SHAPES[column.type.name].format(type=column.type)
            told = _reason("unreadable", column.name, f"{column.name} is not {shape}")
            found.append((concerned & _unreadable(column), told))
    return found


def _unknown_action(feed: Feed) -> tuple[Column, Column]:
    asked = F.col(ASKED)
    message = F.when(asked.isNull(), "the action is empty").otherwise(
        f"the action is none of {', '.join(ACTIONS)}"
    )
    return asked.isNull() | ~asked.isin(*ACTIONS), _reason("action", feed.action, message)


def _wrong_width(shape: Shape) -> Column:
    message = F.format_string(
        "the row has %d cells where the header has %d",
        F.size(CELLS),
        C.width(F.col("header"), shape.headers),
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
