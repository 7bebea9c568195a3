"""Owns the verdict on a row: every reason and warning, in the pass that reads it."""

from collections.abc import Sequence
from functools import reduce
from operator import or_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from support_lakehouse.model.checks import (
    ACTIONS,
    NO_ACTION,
    OTHER_ACTION,
    WIDTH,
    Check,
    checks,
    width_level,
)
from support_lakehouse.model.feed import Feed
from support_lakehouse.model.landing import Shape
from support_lakehouse.model.rules import Expression, Level
from support_lakehouse.transforms import cells as C
from support_lakehouse.transforms.fields import (
    ASKED,
    CELLS,
    SOUND,
    value_of,
    with_fields,
)
from support_lakehouse.transforms.fingerprint import row_hash
from support_lakehouse.transforms.hashing import ROW_HASH
from support_lakehouse.transforms.rules import BROKEN, expression_of

BRONZE_COLUMNS = (
    *("period", "file", "line", "sha256", "run", "admission", "header", "key", "action", "raw"),
    *("reasons", "warnings"),
)
HASHED = ("file", "line", "sha256", "key", "action", "raw", "reasons", "warnings")
"""What the hash of a row of bronze is of. What else it says is the same for all of an admission."""
REASONS = "array<struct<rule:string,column:string,message:string>>"
Told = tuple[Column, Column]


def judged(records: DataFrame, feed: Feed, shape: Shape, *, run: str) -> DataFrame:
    """The records with their verdict: BRONZE_COLUMNS, and every typed value.

    In: one row per record with period, file, line, sha256, admission, header, raw. Out: the same
    grain, lines of nothing but blanks left out, and any other column as it came. `reasons` is null
    for an accepted row, `warnings` is null where there are none; key and action are null where the
    record is not sound.
    """
    others = [name for name in records.columns if name not in BRONZE_COLUMNS]
    sound = F.lit(True) if width_level(feed) == "warn" else F.col(SOUND)
    told = {
        "run": F.lit(run),
        "key": F.when(sound, _key(feed)),
        "action": F.when(sound, F.col(ASKED)),
        "reasons": reasons(feed, shape),
        "warnings": warnings(feed),
    }
    fields = with_fields(records.where(C.is_record(F.col("raw"))), feed, shape)
    return with_expressions(fields, feed).select(
        *(told.get(name, F.col(name)).alias(name) for name in BRONZE_COLUMNS),
        *(value_of(name) for name in feed.column_names),
        *others,
    )


def bronze_rows(judged_records: DataFrame) -> DataFrame:
    """What bronze keeps of judged records: the raw record, its place and its verdict, hashed."""
    return judged_records.select(*BRONZE_COLUMNS, row_hash(HASHED).alias(ROW_HASH))


def accepted(judged_records: DataFrame) -> DataFrame:
    """The records without any reason to reject them."""
    return judged_records.where(F.col("reasons").isNull())


def with_expressions(records: DataFrame, feed: Feed) -> DataFrame:
    """The records with what each expression of the feed's rules comes to.

    In an expression the columns are called as the feed calls them, so all others step aside.
    Raises pyspark's AnalysisException or ParseException for what Spark cannot make sense of.
    """
    rules = [rule for rule in feed.rules if isinstance(rule, Expression)]
    if not rules:
        return records
    aside = {name: f"_aside_{name}" for name in records.columns}
    frame = records.withColumnsRenamed(aside).withColumns(
        {name: F.col(aside[value_of(name)]) for name in feed.column_names}
    )
    frame = frame.withColumns(
        {expression_of(rule.name): F.expr(rule.sql).cast("boolean") for rule in rules}
    )
    return frame.drop(*feed.column_names).withColumnsRenamed({v: k for k, v in aside.items()})


def reasons(feed: Feed, shape: Shape) -> Column:
    """Every reason to reject a row: array of (rule, column, message), null for an accepted row.

    A record that is not sound has no other reason, for then no cell is where it should be. A
    delete is judged by its key alone. An unknown action is judged like an upsert.
    """
    broken = [
        (condition, _reason(check.rule, check.column, check.message))
        for condition, check in _broken(feed, "error")
    ]
    told = _all_true([*([_unknown_action(feed)] if feed.action else []), *broken])
    if feed.is_json:
        return F.when(~F.col(SOUND), F.array(_no_json())).otherwise(told).cast(REASONS)
    if width_level(feed) == "warn":
        return told.cast(REASONS)
    return F.when(~F.col(SOUND), F.array(_wrong_width(shape))).otherwise(told).cast(REASONS)


def warnings(feed: Feed) -> Column:
    """What is odd about a row that may stay: texts like `unreadable:hire_date`."""
    odd = [(condition, F.lit(check.warning)) for condition, check in _broken(feed, "warn")]
    if width_level(feed) == "warn":
        odd.insert(0, (~F.col(SOUND), F.lit("width")))
        return _all_true(odd).cast("array<string>")
    return F.when(F.col(SOUND), _all_true(odd)).cast("array<string>")


def _key(feed: Feed) -> Column:
    """The row's key as text; the place of a row that has no other."""
    if feed.key is None:
        return F.concat_ws(":", F.col("file"), F.col("line").cast("string"))
    return F.col(value_of(feed.key)).cast("string")


def _all_true(told: Sequence[Told]) -> Column:
    """The texts of the conditions that hold, null where none does.

    The array is made for the few rows that need one: making it for all costs more than judging.
    Of arrays within an array, as whatever takes a function keeps Spark from compiling the verdict.
    """
    if not told:
        return F.lit(None)
    conditions = [condition for condition, _ in told]
    none = F.array()
    texts = F.flatten(F.array(*(F.when(c, F.array(text)).otherwise(none) for c, text in told)))
    return F.when(reduce(or_, conditions), texts)


def _broken(feed: Feed, level: Level) -> list[tuple[Column, Check]]:
    """The checks of a level, and whether a row fails them."""

    def concerned(check: Check) -> Column:
        return F.lit(True) if check.of_deletes else ~_deletes()

    return [
        (concerned(check) & BROKEN[check.kind](check.about, feed), check)
        for check in checks(feed, level)
    ]


def _unknown_action(feed: Feed) -> Told:
    asked = F.col(ASKED)
    message = F.when(asked.isNull(), NO_ACTION).otherwise(OTHER_ACTION)
    return asked.isNull() | ~asked.isin(*ACTIONS), _reason("action", feed.action, message)


def _wrong_width(shape: Shape) -> Column:
    message = F.format_string(
        WIDTH,
        F.size(CELLS),
        C.width(C.place_of_header(F.col("header"), shape.headers), shape.headers),
    )
    return _reason("width", None, message)


def _no_json() -> Column:
    return _reason("json", None, "the record is not one JSON object")


def _deletes() -> Column:
    return F.col(ASKED).eqNullSafe("delete")


def _reason(rule: str, column: str | None, message: Column | str) -> Column:
    told = message if isinstance(message, Column) else F.lit(message)
    named = F.lit(column).cast("string")
    return F.struct(F.lit(rule).alias("rule"), named.alias("column"), told.alias("message"))
