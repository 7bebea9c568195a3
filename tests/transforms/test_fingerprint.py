"""The hash of a row, and its sum over a table (design.md, L4)."""

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Any

from pyspark.sql import SparkSession

from support_lakehouse.transforms.fingerprint import row_hash

TWO = ("a", "b")


def hashes(
    spark: SparkSession,
    rows: Sequence[tuple[Any, ...]],
    schema: str = "a string, b string",
    columns: Sequence[str] = TWO,
) -> list[int]:
    frame = spark.createDataFrame(rows, schema).select(row_hash(columns).alias("hash"))
    return [row["hash"] for row in frame.collect()]


def test_rows_that_differ_have_different_hashes(spark: SparkSession) -> None:
    rows = [("a", None), (None, "a"), ("a", ""), ("", "a"), ("", None), (None, ""), (None, None)]
    rows += [("a", "b"), ("b", "a"), ("ab", ""), ("", "ab"), ("", "")]
    assert len(set(hashes(spark, rows))) == 12


def test_equal_rows_have_equal_hashes(spark: SparkSession) -> None:
    assert all(one == other for one, other in pairwise(hashes(spark, [("a", None)] * 3)))


def test_a_sum_of_hashes_does_not_depend_on_the_order_of_rows(spark: SparkSession) -> None:
    rows = [("a", "1"), ("b", None), (None, "c"), ("a", "1")]
    assert sum(hashes(spark, rows)) == sum(hashes(spark, rows[::-1]))


def test_a_row_that_stands_twice_counts_twice(spark: SparkSession) -> None:
    once, twice = hashes(spark, [("a", "1")]), hashes(spark, [("a", "1"), ("a", "1")])
    assert sum(twice) == 2 * sum(once) != sum(once)


def test_the_names_of_the_columns_are_hashed_too(spark: SparkSession) -> None:
    one = hashes(spark, [("x", "y")])
    other = hashes(spark, [("x", "y")], "a string, c string", ("a", "c"))
    assert one != other


def test_columns_that_are_not_named_do_not_count(spark: SparkSession) -> None:
    schema = "a string, b string, _line bigint"
    assert len(set(hashes(spark, [("x", "y", 1), ("x", "y", 2)], schema))) == 1


def test_values_of_all_types_count(spark: SparkSession) -> None:
    schema = "a decimal(12,4), b bigint"
    rows = [(Decimal("1.5"), 1), (Decimal("15"), 1), (Decimal("1.5"), 2), (None, 1)]
    assert len(set(hashes(spark, rows, schema))) == 4
