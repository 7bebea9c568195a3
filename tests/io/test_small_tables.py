"""Tables that delta-rs writes and reads for Spark: the same rows, with the same types."""

from datetime import timedelta
from pathlib import Path

import pytest
from chispa import assert_df_equality
from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from support_lakehouse.io.frames import frame_of
from support_lakehouse.io.tables import Tables

SCHEMA = (
    "id string, at timestamp, wall timestamp_ntz, day date, amount decimal(12,4), size bigint,"
    " ratio double, yes boolean, notes array<struct<rule:string,column:string>>"
)
MADE = {
    "at": "timestamp '2025-03-01T05:00:00Z'",
    "wall": "timestamp_ntz '2025-03-01T05:00:00'",
    "day": "date '2025-03-01'",
    "amount": "cast(1.5 as decimal(12,4))",
    "size": "7L",
    "ratio": "0.5D",
    "yes": "true",
    "notes": "array(named_struct('rule', 'r', 'column', cast(null as string)))",
}


def test_what_is_written_is_read_again(spark: SparkSession, tmp_path: Path) -> None:
    tables = Tables(tmp_path, "r1", timedelta(days=31), small=True)
    nulls = spark.createDataFrame([("nothing", *[None] * 8)], SCHEMA)
    made = {name: F.expr(sql) for name, sql in MADE.items()}
    rows = nulls.unionByName(spark.createDataFrame([("all",)], "id string").withColumns(made))
    tables.replace(rows, "silver/things", statistics="id")
    found = tables.read(spark, "silver/things")
    assert_df_equality(found, rows, ignore_row_order=True, ignore_nullable=True)


def test_a_table_without_rows_is_read_as_well(spark: SparkSession, tmp_path: Path) -> None:
    tables = Tables(tmp_path, "r1", timedelta(days=31), small=True)
    nothing = spark.createDataFrame([], SCHEMA)
    tables.replace(nothing, "silver/things", statistics="id")
    assert_df_equality(tables.read(spark, "silver/things"), nothing, ignore_nullable=True)
    made = tables.replaced(nothing, "silver/things", statistics="id")
    assert_df_equality(frame_of(lambda: spark, made, nothing.schema), nothing, ignore_nullable=True)


def test_a_table_that_asks_for_more_is_sparks(spark: SparkSession, tmp_path: Path) -> None:
    tables = Tables(tmp_path, "r1", timedelta(days=31), small=True)
    rows = spark.createDataFrame([("k1", 1)], "id string, size bigint")
    tables.replace(rows, "silver/things", statistics="id")
    assert tables.in_memory("silver/things")
    path = tmp_path / "silver/things"
    spark.sql(f"ALTER TABLE delta.`{path}` ADD CONSTRAINT small CHECK (size < 9)")
    assert not tables.in_memory("silver/things")
    with pytest.raises(Py4JJavaError, match="CHECK constraint small"):
        tables.append(rows.selectExpr("id", "size + 10 AS size"), "silver/things", statistics="id")
