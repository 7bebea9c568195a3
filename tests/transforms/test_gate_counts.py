"""What is counted of a delivery before it may go in (contracts.md, Refusing)."""

from chispa import assert_df_equality
from pyspark.sql import DataFrame, SparkSession

from support_lakehouse.transforms import gates

REASON = [("required", "id", "id is empty")]
SCHEMA = (
    "period string, file string, key string,"
    " reasons array<struct<rule:string,column:string,message:string>>"
)


def records(spark: SparkSession) -> DataFrame:
    rows = [
        ("2025-01-01", "a.json", "1", None),
        ("2025-01-01", "a.json", "1", None),
        ("2025-01-01", "a.json", "2", REASON),
        ("2025-01-01", "b.json", "1", None),
        ("2025-01-01", "b.json", "3", None),
        ("2025-01-02", "c.json", None, REASON),
        ("2025-01-03", "d.json", "1", None),
    ]
    return spark.createDataFrame(rows, SCHEMA)


def test_rows_and_rejected_rows_are_counted_by_file(spark: SparkSession) -> None:
    expected = [("a.json", 3, 1), ("b.json", 2, 0), ("c.json", 1, 1), ("d.json", 1, 0)]
    assert_df_equality(
        gates.rows_by_file(records(spark)),
        spark.createDataFrame(expected, "file string, rows bigint, rejected bigint"),
        ignore_row_order=True,
        ignore_nullable=True,
    )


def test_a_key_counts_once_in_all_files_of_its_period_and_only_where_accepted(
    spark: SparkSession,
) -> None:
    assert_df_equality(
        gates.keys_by_period(records(spark)),
        spark.createDataFrame([("2025-01-01", 2), ("2025-01-03", 1)], "period string, keys bigint"),
        ignore_row_order=True,
        ignore_nullable=True,
    )
