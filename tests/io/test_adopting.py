"""Files of a run's own become data files of a table, which every reader takes for any other."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from deltalake import DeltaTable
from pyspark.sql import SparkSession

from support_lakehouse.errors import UsageError
from support_lakehouse.io import delta_log, lake
from support_lakehouse.io.frames import frame_of, read_at
from support_lakehouse.io.staged import PartWriter, Staged, together
from support_lakehouse.io.tables import Tables

TABLE = "silver/things"
AT = datetime(2025, 1, 5, 10, tzinfo=UTC)


def rows_of(*numbers: int) -> pa.Table:
    """Rows whose key, moment, amount and text all tell a number; the text is null for 0."""
    texts = [f"text {n}" if n else None for n in numbers]
    file = pa.DictionaryArray.from_arrays(pa.array([0] * len(numbers), pa.int32()), ["a.csv"])
    return pa.table(
        {
            "id": pa.array([f"k{n:02}" for n in numbers], pa.string()),
            "at": pa.array([AT + timedelta(days=n) for n in numbers], pa.timestamp("us", "UTC")),
            "amount": pa.array([Decimal(n) / 4 for n in numbers], pa.decimal128(12, 4)),
            "texts": pa.array([[t] if t else None for t in texts], pa.list_(pa.string())),
            "_file": file,
            "_action": pa.array(["add"] * len(numbers), pa.string()),
        }
    )


def staged(folder: Path, *parts: Sequence[int]) -> Staged:
    """Rows in files, one for each part; the action is in the files alone."""
    told = []
    for number, numbers in enumerate(parts):
        writer = PartWriter("a.csv", folder / f"{number}.parquet", unlike=["id"], bounds=["id"])
        writer.write(rows_of())
        for n in numbers:
            writer.write(rows_of(n))
        told.append(writer.done())
    return together(told).without("_action")


@pytest.fixture
def tables(tmp_path: Path) -> Tables:
    return Tables(tmp_path, "20260301t000000-aaaaaa", timedelta(days=800))


def keys(table: Path, version: int | None = None) -> list[str]:
    told = lake.newest_version(table) if version is None else version
    return sorted(lake.read(table, told)["id"].to_pylist())


def test_a_new_table_is_read_alike_by_spark_and_without(
    spark: SparkSession, tables: Tables, tmp_path: Path
) -> None:
    rows = staged(tmp_path / "staging", [3, 1], [0, 2])
    version = tables.replace(rows, TABLE, statistics="id", feed="things", period="202502")
    path, told = tables.path(TABLE), rows_of(3, 1, 0, 2).drop_columns(["_action"])
    expected = sorted(told.to_pylist(), key=lambda row: row["id"])
    assert version == 0
    found = [read_at(spark, path, 0).toArrow(), lake.read(path, 0)]
    assert [t.sort_by("id").to_pylist() for t in found] == [expected, expected]
    assert found[0].schema.names == found[1].schema.names == told.schema.names
    assert read_at(spark, path, 0).schema.simpleString() == (
        "struct<id:string,at:timestamp,amount:decimal(12,4),texts:array<string>,_file:string>"
    )


def test_the_log_tells_who_wrote_how_much_and_where_keys_are(
    tables: Tables, tmp_path: Path
) -> None:
    tables.replace(
        staged(tmp_path / "staging", [3, 1], [5]), TABLE, statistics="id", feed="f", period="p"
    )
    path = tables.path(TABLE)
    commit = lake.commit_of(path, 0)
    assert json.loads(commit["userMetadata"]) == {"run": tables.run, "feed": "f", "period": "p"}
    assert lake.metrics_of(path, 0)["numOutputRows"] == 3
    actions = pa.table(DeltaTable(path).get_add_actions(flatten=True)).sort_by("min.id")
    assert actions.select(["num_records", "min.id", "max.id"]).to_pylist() == [
        {"num_records": 2, "min.id": "k01", "max.id": "k03"},
        {"num_records": 1, "min.id": "k05", "max.id": "k05"},
    ]
    configuration = DeltaTable(path).metadata().configuration
    assert configuration["delta.dataSkippingStatsColumns"] == "id"
    assert configuration["delta.logRetentionDuration"] == "interval 800 days"


def test_rows_are_put_on_top_or_in_the_place_of_all(tables: Tables, tmp_path: Path) -> None:
    path = tables.path(TABLE)
    tables.append(staged(tmp_path / "a", [1]), TABLE, statistics="id")
    tables.append(staged(tmp_path / "b", [2]), TABLE, statistics="id")
    assert keys(path) == ["k01", "k02"]
    tables.replace(staged(tmp_path / "c", [7]), TABLE, statistics="id")
    assert keys(path) == ["k07"]
    assert keys(path, 1) == ["k01", "k02"]
    assert lake.newest_version(path) == 2


def test_spark_marks_deletes_and_goes_on_with_the_table(
    spark: SparkSession, tables: Tables, tmp_path: Path
) -> None:
    tables.replace(staged(tmp_path / "a", [1, 2, 3]), TABLE, statistics="id", vectors=True)
    path = tables.path(TABLE)
    assert tables.marks(TABLE)
    spark.sql(f"DELETE FROM delta.`{path}` WHERE id = 'k02'")
    assert lake.metrics_of(path, 1)["numDeletionVectorsAdded"] == 1
    assert keys(path) == ["k01", "k03"]
    tables.replace(staged(tmp_path / "b", [9]), TABLE, statistics="id", vectors=True)
    assert keys(path) == ["k09"] == [row["id"] for row in read_at(spark, path, 2).collect()]
    assert keys(path, 1) == ["k01", "k03"]


def test_other_columns_are_a_new_schema_of_the_same_table(
    spark: SparkSession, tables: Tables, tmp_path: Path
) -> None:
    tables.replace(staged(tmp_path / "a", [1]), TABLE, statistics="id")
    path = tables.path(TABLE)
    named = DeltaTable(path).metadata().id
    tables.replace(staged(tmp_path / "b", [2]).without("amount"), TABLE, statistics="id")
    assert read_at(spark, path, 1).columns == ["id", "at", "texts", "_file"]
    assert read_at(spark, path, 0).columns == ["id", "at", "amount", "texts", "_file"]
    assert DeltaTable(path).metadata().id == named


def test_rows_in_memory_take_the_same_way_where_the_table_marks_rows(
    spark: SparkSession, tables: Tables
) -> None:
    tables.replace(rows_of(1, 2), TABLE, statistics="id", vectors=True)
    path = tables.path(TABLE)
    assert tables.marks(TABLE)
    tables.replace(rows_of(3), TABLE, statistics="id")
    assert keys(path) == ["k03"] == [row["id"] for row in read_at(spark, path, 1).collect()]


def test_a_checkpoint_stands_for_entries_that_are_gone(tables: Tables, tmp_path: Path) -> None:
    tables.replace(staged(tmp_path / "a", [1]), TABLE, statistics="id")
    tables.append(staged(tmp_path / "b", [2]), TABLE, statistics="id")
    path = tables.path(TABLE)
    DeltaTable(path).create_checkpoint()
    delta_log.entry_of(path, 0).unlink()
    tables.replace(staged(tmp_path / "c", [3]), TABLE, statistics="id")
    assert keys(path) == ["k03"]


def test_staged_rows_are_read_by_spark_and_in_memory(spark: SparkSession, tmp_path: Path) -> None:
    rows = staged(tmp_path / "it's {a} [folder]", [1, 0], [2])
    told = rows_of(1, 0, 2).drop_columns(["_action"]).to_pylist()
    assert rows.read().to_pylist() == told
    found = frame_of(lambda: spark, rows).orderBy("id").toArrow().to_pylist()
    assert found == sorted(told, key=lambda row: row["id"])
    assert rows.num_rows == 3
    assert rows.of_files(["b.csv"]).read().num_rows == 0
    assert frame_of(lambda: spark, rows.of_files([])).count() == 0
    assert rows.read(pc.field("texts").is_valid()).num_rows == 2


def test_a_table_that_asks_for_more_is_left_to_spark(
    spark: SparkSession, tables: Tables, tmp_path: Path
) -> None:
    tables.replace(staged(tmp_path / "a", [1]), TABLE, statistics="id", vectors=True)
    path = tables.path(TABLE)
    spark.sql(f"ALTER TABLE delta.`{path}` ADD CONSTRAINT small CHECK (amount < 9)")
    assert not tables.marks(TABLE)
    with pytest.raises(UsageError, match=r"asks of who writes it: checkConstraints.*spark-submit"):
        tables.append(staged(tmp_path / "b", [40]), TABLE, statistics="id")
    assert keys(path) == ["k01"]
    assert lake.newest_version(path) == 1
