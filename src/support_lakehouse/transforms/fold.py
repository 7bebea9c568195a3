"""Owns the fold: which change of a key counts, and what it does to the row that is there (L1)."""

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import Window as W
from pyspark.sql import functions as F

from support_lakehouse.model.feed import Feed
from support_lakehouse.transforms.fields import value_of
from support_lakehouse.transforms.fingerprint import ROW_HASH, row_hash

PLACE = ("_period", "_file", "_line")
ACTION = "_action"


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


def latest_per_key(changes: DataFrame, key: str, *, order: Sequence[str]) -> DataFrame:
    """One row per key: the one that sorts last by `order`, which must be a total order.

    In: one row per change. Out: the same columns, one row per key. Null order sorts first.
    """
    newest_first = W.partitionBy(key).orderBy(*(F.col(name).desc_nulls_last() for name in order))
    ranked = changes.withColumn("_rank", F.row_number().over(newest_first))
    return ranked.where(F.col("_rank") == 1).drop("_rank")


def without_deletes(changes: DataFrame) -> DataFrame:
    """What a table without any row becomes by the changes: those that are no delete."""
    return changes.where(F.col(ACTION) != "delete").drop(ACTION)


def effective(changes: DataFrame, rows: DataFrame, feed: Feed) -> DataFrame:
    """The changes that would change a table: its rows joined to one change per key."""
    met = rows.select(F.lit(True).alias("_met"), *feed.column_names)
    merge = merge_of(changes, feed)
    found = F.col("_met").isNotNull()
    counts = F.when(merge.delete_when, found).otherwise(~found | merge.update_when)
    return merge.source.join(met, merge.on, "left").where(counts)


@dataclass(frozen=True)
class Merge:
    """A MERGE as expressions: target columns under their names, source columns under `new_`."""

    source: DataFrame
    on: Column
    delete_when: Column
    update_when: Column
    insert_when: Column
    assignments: dict[str, Column]


def merge_of(changes: DataFrame, feed: Feed) -> Merge:
    """How one change per key meets the table: delete, full-row update, insert, or nothing.

    A row that would not change is left alone: null-safe, over the feed's columns.
    """
    written = [*feed.column_names, *PLACE, ROW_HASH]
    source = changes.withColumnsRenamed({name: f"new_{name}" for name in [*written, ACTION]})
    deletes = F.col(f"new_{ACTION}") == "delete"
    same = F.lit(True)
    for name in feed.column_names:
        same = same & F.col(name).eqNullSafe(F.col(f"new_{name}"))
    return Merge(
        source=source,
        on=F.col(feed.key) == F.col(f"new_{feed.key}"),
        delete_when=deletes,
        update_when=~same,
        insert_when=~deletes,
        assignments={name: F.col(f"new_{name}") for name in written},
    )
