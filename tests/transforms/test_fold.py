"""Which change of a key counts, and what it does to the row that is there (design.md, L1)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from chispa import assert_df_equality
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from support_lakehouse.io import lake
from support_lakehouse.io.tables import Tables
from support_lakehouse.model.feed import Feed
from support_lakehouse.model.landing import Shape, header_text
from support_lakehouse.transforms import fold
from support_lakehouse.transforms.fields import with_fields
from support_lakehouse.transforms.fingerprint import row_hash

FEED = Feed.model_validate(
    {
        "feed": "things",
        "kind": "changes",
        "files": {"initial": "initial/things.csv", "changes": "delta/things_{month}.csv"},
        "key": "id",
        "action": "action",
        "unreadable": "warn",
        "columns": {"id": "text", "name": "text", "size": "integer"},
    }
)
CHANGES = (
    "id string, name string, size bigint, _period string, _file string, _line bigint,"
    " _action string"
)
FEBRUARY = ("202502", "delta/things_202502.csv")


def changes(spark: SparkSession, rows: Sequence[tuple[Any, ...]]) -> DataFrame:
    """Changes of February: id, name, size, line, action."""
    placed = [(*row[:3], *FEBRUARY, *row[3:]) for row in rows]
    frame = spark.createDataFrame(placed, CHANGES)
    return frame.withColumn("_row_hash", row_hash(FEED.column_names))


def test_accepted_rows_become_typed_changes_with_their_place(spark: SparkSession) -> None:
    header = ("size", "action", "id", "name")
    schema = (
        "period string, file string, line bigint, header string, raw string, action string,"
        " reasons array<string>"
    )
    bronze = [
        (*FEBRUARY, 2, header_text(header), ' 4.0 ,ADD,"1"," Ann "', "add", None),
        (*FEBRUARY, 3, header_text(header), "x,delete,2,", "delete", None),
        (*FEBRUARY, 4, header_text(header), "5,fix,3,Cy", "fix", ["action"]),
    ]
    records = with_fields(spark.createDataFrame(bronze, schema), FEED, Shape((header,)))
    found = fold.accepted_changes(records, FEED)
    expected = [
        ("1", "Ann", 4, *FEBRUARY, 2, "add"),
        ("2", None, None, *FEBRUARY, 3, "delete"),
    ]
    assert_df_equality(
        found.drop("_row_hash"),
        spark.createDataFrame(expected, CHANGES),
        ignore_row_order=True,
        ignore_nullable=True,
    )
    assert found.where(F.col("_row_hash").isNull()).isEmpty()


def test_the_last_line_of_a_key_wins(spark: SparkSession) -> None:
    rows = [("1", "old", 1, 2, "add"), ("2", "only", 1, 3, "add"), ("1", "new", 1, 10, "delete")]
    winners = fold.latest_per_key(changes(spark, rows), "id", order=fold.PLACE)
    expected = changes(spark, [("1", "new", 1, 10, "delete"), ("2", "only", 1, 3, "add")])
    assert_df_equality(winners, expected, ignore_row_order=True, ignore_nullable=True)


def test_files_go_by_their_path_as_bytes_before_their_lines(spark: SparkSession) -> None:
    schema = "id string, _period string, _file string, _line bigint"
    rows = [
        ("1", "202502", "Z.csv", 9),
        ("1", "202502", "a.csv", 8),
        ("1", "202502", "é.csv", 1),
        ("2", "202502", "b.csv", 1),
        ("2", "202502", "a.csv", 9),
    ]
    winners = fold.latest_per_key(spark.createDataFrame(rows, schema), "id", order=fold.PLACE)
    expected = [("1", "202502", "é.csv", 1), ("2", "202502", "b.csv", 1)]
    wanted = spark.createDataFrame(expected, schema)
    assert_df_equality(winners, wanted, ignore_row_order=True, ignore_nullable=True)


def test_a_declared_order_goes_first_and_none_sorts_before_all(spark: SparkSession) -> None:
    schema = "id string, updated string, _line bigint"
    rows = [("1", "2025-01-02", 1), ("1", "2025-01-01", 2), ("1", None, 3), ("2", None, 1)]
    winners = fold.latest_per_key(
        spark.createDataFrame(rows, schema), "id", order=("updated", "_line")
    )
    wanted = spark.createDataFrame([("1", "2025-01-02", 1), ("2", None, 1)], schema)
    assert_df_equality(winners, wanted, ignore_row_order=True, ignore_nullable=True)


def test_a_new_table_holds_what_is_no_delete(spark: SparkSession) -> None:
    rows = [("1", "a", 1, 2, "add"), ("2", "b", 1, 3, "update"), ("3", None, None, 4, "delete")]
    begun = fold.without_deletes(changes(spark, rows))
    expected = changes(spark, rows[:2]).drop("_action")
    assert_df_equality(begun, expected, ignore_row_order=True, ignore_nullable=True)


@pytest.fixture(scope="module", params=("Spark", "delta-rs", "marking"))
def merged(
    spark: SparkSession, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> tuple[dict[str, tuple[Any, ...]], dict[str, int]]:
    """The rows by key after one MERGE of each engine, and the numbers that it tells.

    Every change stands on line 9 of February, every row of before on line 1 of the extract.
    """
    tables = Tables(tmp_path_factory.mktemp("lakehouse"), "r1", timedelta(days=31))
    before = [("same", "a", 1), ("other", "a", 1), ("from null", None, 1), ("to null", "a", 1)]
    before += [("added again", "a", 1), ("deleted", "a", 1), ("untouched", "a", 1)]
    before += [("null stays", None, None)]
    silver = spark.createDataFrame(before, "id string, name string, size bigint").withColumns(
        {
            "_period": F.lit("initial"),
            "_file": F.lit("initial/things.csv"),
            "_line": F.lit(1).cast("bigint"),
            "_row_hash": row_hash(FEED.column_names),
        }
    )
    marks = request.param == "marking"
    tables.replace(silver, "silver/things", statistics="id", vectors=marks)
    rows = [
        ("same", "a", 1, 9, "update"),
        ("other", "a", 2, 9, "update"),
        ("from null", "b", 1, 9, "update"),
        ("to null", None, 1, 9, "update"),
        ("added again", "b", 1, 9, "add"),
        ("null stays", None, None, 9, "update"),
        ("deleted", None, None, 9, "delete"),
        ("never there", None, None, 9, "delete"),
        ("new", "c", 3, 9, "add"),
        ("updated though new", "d", 4, 9, "update"),
    ]
    merge, told = fold.merge_of(FEED), changes(spark, rows)
    to = {"feed": "things", "period": "202502"}
    if request.param != "Spark":
        tables = replace(tables, small=True)
        assert tables.marks("silver/things") == marks
        version, _ = tables.merge_in_memory(told.toArrow(), "silver/things", merge, **to)
    else:
        version = tables.merge(fold.source_of(told), "silver/things", merge, **to)
    table = tables.path("silver/things")
    found = lake.read(table, version).to_pylist()
    by_key = {row["id"]: (row["name"], row["size"], row["_line"]) for row in found}
    return by_key, lake.metrics_of(table, version)


def test_an_add_and_an_update_write_the_whole_row(merged: Any) -> None:
    rows, _ = merged
    assert rows["new"] == ("c", 3, 9)
    assert rows["other"] == ("a", 2, 9)


def test_an_add_of_a_key_that_is_there_is_applied_as_written(merged: Any) -> None:
    assert merged[0]["added again"] == ("b", 1, 9)


def test_an_update_of_a_key_that_is_not_there_is_applied_as_written(merged: Any) -> None:
    assert merged[0]["updated though new"] == ("d", 4, 9)


def test_a_delete_removes_the_row_and_of_no_row_nothing(merged: Any) -> None:
    assert {"deleted", "never there"} & set(merged[0]) == set()


def test_a_change_from_or_to_null_is_a_change(merged: Any) -> None:
    assert merged[0]["from null"] == ("b", 1, 9)
    assert merged[0]["to null"] == (None, 1, 9)


def test_a_row_that_would_not_change_is_left_alone(merged: Any) -> None:
    rows, _ = merged
    assert rows["same"] == ("a", 1, 1)
    assert rows["null stays"] == (None, None, 1)
    assert rows["untouched"] == ("a", 1, 1)


def test_delta_tells_every_change_and_what_it_did(merged: Any) -> None:
    _, told = merged
    names = ("numSourceRows", "numTargetRowsInserted", "numTargetRowsUpdated")
    assert [told[name] for name in names] == [10, 2, 4]
    assert told["numTargetRowsDeleted"] == 1


@pytest.mark.parametrize(
    ("change", "keys"),
    [
        (("1", "a", 1, 3, "update"), []),
        (("2", None, None, 3, "delete"), []),
        (("1", None, None, 3, "delete"), ["1"]),
        (("1", "a", None, 3, "add"), ["1"]),
        (("2", "a", 1, 3, "update"), ["2"]),
    ],
    ids=["a row as it is", "a delete of no row", "a delete", "a changed cell", "a new key"],
)
def test_a_change_is_effective_where_the_table_would_change(
    spark: SparkSession, change: tuple[Any, ...], keys: list[str]
) -> None:
    there = fold.without_deletes(changes(spark, [("1", "a", 1, 2, "add")]))
    found = fold.effective(changes(spark, [change]), there, FEED)
    assert [row._new_id for row in found.collect()] == keys
