"""Owns what is found out by Spark about rows: silver folded again in one pass, and differences."""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from support_lakehouse.model.feed import Feed
from support_lakehouse.model.period import INITIAL
from support_lakehouse.transforms.fingerprint import row_hash
from support_lakehouse.transforms.fold import (
    FILE,
    LINE,
    PERIOD,
    latest_per_key,
    order_of,
    without_deletes,
)
from support_lakehouse.transforms.hashing import ROW_HASH

_RANK, _THERE, _MADE = "_rank_of_period", "_there", "_made"


def folded(changes: DataFrame, feed: Feed) -> DataFrame:
    """What accepted changes come to, in one pass and without MERGE; the history of a snapshot.

    In: the accepted changes of all files that count (of a lookup, of its last one). Out: one row
    per key; of a log per change; of a snapshot per key and period.
    """
    if feed.kind == "log":
        return changes.drop("_action")
    assert feed.key is not None
    if feed.kind == "snapshot":
        both = F.struct(F.col(feed.key), F.col(PERIOD))
        last = latest_per_key(changes.withColumn(_RANK, both), _RANK, order=order_of(feed))
    else:
        ranked = changes.withColumn(_RANK, _rank(F.col(PERIOD)))
        last = latest_per_key(ranked, feed.key, order=(_RANK, *order_of(feed)))
    return without_deletes(last).drop(_RANK)


def _rank(period: Column) -> Column:
    """A text by which periods sort as in model.period: the extract first, a month behind its days.

    It is null for the extract, which sorts first.
    """
    month = F.concat_ws("-", F.substring(period, 1, 4), F.substring(period, 5, 2), F.lit("99"))
    is_month = (F.length(period) == 6) & period.rlike("^[0-9]{6}$")
    return F.when(period != INITIAL, F.when(is_month, month).otherwise(period))


def odd_hashes(rows: DataFrame, keys: Sequence[str], hashed: Sequence[str]) -> DataFrame:
    """The keys, as text, of rows whose stored hash is not that of their columns."""
    return rows.where(~F.col(ROW_HASH).eqNullSafe(row_hash(hashed))).select(_key(keys))


def differences(
    rows: DataFrame, expected: DataFrame, keys: Sequence[str], compared: Sequence[str]
) -> DataFrame:
    """key, what: one row for each key where a table and what it should be differ.

    `what` is `missing`, `left over`, or the columns that differ, with commas.
    """
    there = rows.select(
        *(F.col(n).alias(f"{_THERE}_{n}") for n in dict.fromkeys((*keys, *compared)))
    )
    made = expected.select(*dict.fromkeys((*keys, *compared)), F.lit(True).alias(_MADE))
    there = there.withColumn(_THERE, F.lit(True))
    same = F.lit(True)
    for name in keys:
        same = same & F.col(name).eqNullSafe(F.col(f"{_THERE}_{name}"))
    changed = [
        F.when(~F.col(name).eqNullSafe(F.col(f"{_THERE}_{name}")), F.lit(name)) for name in compared
    ]
    what = (
        F.when(F.col(_THERE).isNull(), "missing")
        .when(F.col(_MADE).isNull(), "left over")
        .otherwise(F.concat_ws(", ", *changed))
    )
    either = [F.coalesce(F.col(n), F.col(f"{_THERE}_{n}")).alias(n) for n in keys]
    told = made.join(there, same, "full").select(*either, what.alias("what"))
    return told.where(F.col("what") != "").select(_key(keys), "what")


def without_origin(rows: DataFrame, changes: DataFrame, feed: Feed) -> DataFrame:
    """The keys of rows whose place is not that of an accepted change with the same values."""
    keys = [feed.key] if feed.key else [FILE, LINE]
    place = [*dict.fromkeys((*keys, FILE, LINE)), ROW_HASH]
    told = changes.select(*(F.col(name).alias(f"{_MADE}_{name}") for name in place))
    same = F.lit(True)
    for name in place:
        same = same & F.col(name).eqNullSafe(F.col(f"{_MADE}_{name}"))
    return rows.join(told, same, "left_anti").select(_key(keys))


def _key(names: Sequence[str]) -> Column:
    texts = [F.coalesce(F.col(name).cast("string"), F.lit("null")) for name in names]
    return F.concat_ws(", ", *texts).alias("key")
