"""Owns the fold: which change of a key counts, and what it does to the row that is there (L1)."""

from collections.abc import Sequence
from functools import reduce
from operator import or_

from pyspark.sql import Column, DataFrame
from pyspark.sql import Window as W
from pyspark.sql import functions as F

from support_lakehouse.model.feed import Feed
from support_lakehouse.model.merge import SPARK, Merge
from support_lakehouse.model.spans import Range
from support_lakehouse.transforms.fields import value_of
from support_lakehouse.transforms.fingerprint import row_hash
from support_lakehouse.transforms.hashing import ROW_HASH

PERIOD, FILE, LINE = "_period", "_file", "_line"
PLACE = (PERIOD, FILE, LINE)
ACTION = "_action"


def order_of(feed: Feed) -> tuple[str, ...]:
    """What decides within a period which change of a key is last (contracts.md, Order)."""
    return (*feed.order, FILE, LINE)


def accepted_changes(judged_records: DataFrame, feed: Feed) -> DataFrame:
    """Typed changes of a feed: its columns, their hash, the place they came from, the action.

    In: judged records with their typed values. Out: one row per accepted record.
    """
    return (
        judged_records.where(F.col("reasons").isNull())
        .select(
            *(F.col(value_of(name)).alias(name) for name in feed.column_names),
            *(F.col(name[1:]).alias(name) for name in PLACE),
            F.col("action").alias(ACTION),
        )
        .withColumn(ROW_HASH, row_hash(feed.column_names))
    )


def of_files(changes: DataFrame, files: Sequence[str]) -> DataFrame:
    """The changes that came in some files."""
    return changes.where(F.col(FILE).isin(list(files)))


def latest_per_key(changes: DataFrame, key: str, *, order: Sequence[str]) -> DataFrame:
    """One row per key: the one that sorts last by `order`, which must be a total order.

    In: one row per change. Out: the same columns, one row per key. Null order sorts first.
    """
    return _last(changes, (key,), order)


def latest_per_key_and_file(changes: DataFrame, feed: Feed) -> DataFrame:
    """One row per key and file: the last of each file."""
    assert feed.key is not None
    return _last(changes, (feed.key, FILE), order_of(feed))


def _last(changes: DataFrame, keys: Sequence[str], order: Sequence[str]) -> DataFrame:
    newest_first = W.partitionBy(*keys).orderBy(*(F.col(name).desc_nulls_last() for name in order))
    ranked = changes.withColumn("_rank", F.row_number().over(newest_first))
    return ranked.where(F.col("_rank") == 1).drop("_rank")


def without_deletes(changes: DataFrame) -> DataFrame:
    """What a table without any row becomes by the changes: those that are no delete."""
    return changes.where(F.col(ACTION) != "delete").drop(ACTION)


def latest_state(history: DataFrame, feed: Feed, newest: str) -> DataFrame:
    """What a snapshot's history says now: the last row of each key, or the last delivery's alone.

    In: one row per key and period; `newest` is the period of the last delivery, which may have no
    row. Out: one row per key.
    """
    assert feed.key is not None
    if feed.absent == "remove":
        return history.where(F.col(PERIOD) == newest)
    return latest_per_key(history, feed.key, order=(PERIOD, *order_of(feed)))


def outcomes(changes: DataFrame, before: DataFrame | None, feed: Feed) -> DataFrame:
    """What each file of a fold does, as if the files came one after another: file, outcome, rows.

    In: accepted changes of one fold and the table as it was before, None where there was none.
    Rows that give way to a later one of their own file are not counted here.
    """
    assert feed.key is not None
    sequence = W.partitionBy(feed.key).orderBy(
        *(F.col(n).asc_nulls_first() for n in order_of(feed))
    )
    own = latest_per_key_and_file(changes.select(
        feed.key, *dict.fromkeys((*feed.order, FILE, LINE, ACTION, ROW_HASH))
    ), feed)  # fmt: skip
    told = own.withColumns(
        {
            "_was": F.lag(F.col(ACTION)).over(sequence),
            "_hash": F.lag(F.col(ROW_HASH)).over(sequence),
        }
    )
    if before is None:
        told = told.withColumns({"_there": F.lit(False), "_there_hash": F.lit(None).cast("bigint")})
    else:
        there = before.select(
            F.col(feed.key).alias("_there_key"),
            F.lit(True).alias("_there"),
            F.col(ROW_HASH).alias("_there_hash"),
        )
        told = told.join(there, F.col(feed.key) == F.col("_there_key"), "left")
    met = F.when(F.col("_was").isNotNull(), F.col("_was") != "delete").otherwise(
        F.coalesce(F.col("_there"), F.lit(False))
    )
    hash_ = F.when(F.col("_was").isNotNull(), F.col("_hash")).otherwise(F.col("_there_hash"))
    outcome = (
        F.when((F.col(ACTION) == "delete") & met, "deleted")
        .when(F.col(ACTION) == "delete", "absent_deletes")
        .when(~met, "inserted")
        .when(F.col(ROW_HASH).eqNullSafe(hash_), "unchanged")
        .otherwise("updated")
    )
    return told.groupBy(F.col(FILE).alias("file"), outcome.alias("outcome")).agg(
        F.count("*").alias("rows")
    )


def effective(changes: DataFrame, rows: DataFrame, feed: Feed) -> DataFrame:
    """The changes that would change a table: its rows joined to one change per key."""
    merge = merge_of(feed)
    met = rows.select(F.lit(True).alias("_met"), merge.key, ROW_HASH)
    found = F.col("_met").isNotNull()
    counts = F.when(F.expr(merge.delete_when(SPARK)), found).otherwise(
        ~found | F.expr(merge.update_when(SPARK))
    )
    return source_of(changes).join(met, F.expr(merge.on(SPARK)), "left").where(counts)


def is_within(key: str, ranges: Sequence[Range]) -> Column:
    """Whether the key lies in one of the ranges, ends included."""
    return reduce(or_, (F.col(key).between(low, high) for low, high in ranges), F.lit(False))


def merge_of(feed: Feed) -> Merge:
    """How one change per key of a feed meets its table."""
    assert feed.key is not None
    written = (*feed.column_names, *PLACE, ROW_HASH)
    return Merge(feed.key, written, action=ACTION, row_hash=ROW_HASH)


def source_of(changes: DataFrame) -> DataFrame:
    """The changes as Spark merges them, each column called `_new_` and its name."""
    source = changes.withColumnsRenamed({name: f"_new_{name}" for name in changes.columns})
    # True of every row: Spark sieves a big target by the keys of a source (a bloom filter) only
    # where something is asked of the source.
    return source.where(F.col(f"_new_{LINE}") >= 0)
