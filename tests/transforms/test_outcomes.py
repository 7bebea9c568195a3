"""What each of several files does to a table, and what a snapshot's history says now (L1, L3)."""

from collections.abc import Sequence
from typing import Any

from chispa import assert_df_equality
from pyspark.sql import DataFrame, SparkSession

from support_lakehouse.model.feed import Feed
from support_lakehouse.transforms import fold
from support_lakehouse.transforms.fingerprint import row_hash

FEED = Feed.model_validate(
    {
        "feed": "things",
        "kind": "changes",
        "files": {"initial": "initial/things.csv", "changes": "delta/things_{month}.csv"},
        "key": "id",
        "action": "action",
        "columns": {"id": "text", "size": "integer", "updated": "date"},
    }
)
BY_UPDATED = FEED.model_copy(update={"order": ("updated",)})
CHANGE = (
    "id string, size bigint, updated string, _period string, _file string, _line bigint,"
    " _action string"
)
Told = tuple[str, int | None, str]


def changes(spark: SparkSession, files: dict[str, Sequence[Any]]) -> DataFrame:
    """Changes by file, a line each: id, size, action, and perhaps when it was updated."""
    rows = [
        (told[0], told[1], told[3] if len(told) > 3 else None, "202502", file, line, told[2])
        for file, lines in files.items()
        for line, told in enumerate(lines, start=2)
    ]
    frame = spark.createDataFrame(rows, CHANGE)
    return frame.withColumn(fold.ROW_HASH, row_hash(FEED.column_names))


def table(spark: SparkSession, **sizes: int | None) -> DataFrame:
    """Rows of silver: size by id."""
    rows = {"before.csv": [(id_, size, "add") for id_, size in sizes.items()]}
    return changes(spark, rows).drop(fold.ACTION)


def assert_outcomes(found: DataFrame, expected: dict[str, dict[str, int]]) -> None:
    rows = [(file, what, n) for file, told in expected.items() for what, n in told.items()]
    wanted = found.sparkSession.createDataFrame(rows, "file string, outcome string, rows bigint")
    assert_df_equality(found, wanted, ignore_row_order=True, ignore_nullable=True)


THREE: dict[str, Sequence[Told]] = {
    "a.csv": [
        ("changed", 2, "update"),
        ("new", 1, "update"),
        ("never", None, "delete"),
        ("same", 1, "add"),
        ("emptied", None, "update"),
    ],
    "b.csv": [
        ("changed", 2, "add"),
        ("new", None, "delete"),
        ("never", 1, "add"),
        ("same", None, "delete"),
        ("emptied", None, "update"),
    ],
    "c.csv": [
        ("changed", 1, "add"),
        ("new", 1, "add"),
        ("same", None, "delete"),
    ],
}


def test_each_file_meets_what_the_files_before_it_left(spark: SparkSession) -> None:
    before = table(spark, changed=1, same=1, emptied=1, untouched=1)
    assert_outcomes(
        fold.outcomes(changes(spark, THREE), before, FEED),
        {
            "a.csv": {"updated": 2, "inserted": 1, "absent_deletes": 1, "unchanged": 1},
            "b.csv": {"unchanged": 2, "deleted": 2, "inserted": 1},
            "c.csv": {"updated": 1, "inserted": 1, "absent_deletes": 1},
        },
    )


def test_without_a_table_the_first_file_meets_nothing(spark: SparkSession) -> None:
    assert_outcomes(
        fold.outcomes(changes(spark, THREE), None, FEED),
        {
            "a.csv": {"inserted": 4, "absent_deletes": 1},
            "b.csv": {"unchanged": 2, "deleted": 2, "inserted": 1},
            "c.csv": {"updated": 1, "inserted": 1, "absent_deletes": 1},
        },
    )


def test_of_a_key_that_stands_twice_in_a_file_the_last_line_counts_alone(
    spark: SparkSession,
) -> None:
    files: dict[str, Sequence[Told]] = {
        "a.csv": [("1", 1, "add"), ("1", None, "delete"), ("2", 1, "add"), ("2", 2, "add")],
        "b.csv": [("1", None, "delete"), ("1", 5, "add"), ("2", 9, "add"), ("2", 2, "add")],
    }
    assert_outcomes(
        fold.outcomes(changes(spark, files), None, FEED),
        {"a.csv": {"absent_deletes": 1, "inserted": 1}, "b.csv": {"inserted": 1, "unchanged": 1}},
    )


def test_a_row_of_nulls_is_there_like_any_other(spark: SparkSession) -> None:
    files: dict[str, Sequence[Told]] = {
        "a.csv": [("there", None, "update"), ("filled", 1, "update"), ("gone", None, "delete")]
    }
    before = table(spark, there=None, filled=None, gone=None)
    assert_outcomes(
        fold.outcomes(changes(spark, files), before, FEED),
        {"a.csv": {"unchanged": 1, "updated": 1, "deleted": 1}},
    )


def test_order_columns_go_before_files_and_none_comes_first(spark: SparkSession) -> None:
    files = {
        "a.csv": [("1", 1, "add", "2025-01-02"), ("2", 1, "add", "2025-01-02")],
        "b.csv": [("1", 2, "add", "2025-01-01"), ("2", None, "delete", None)],
        "c.csv": [("1", 1, "add", "2025-01-02")],
    }
    assert_outcomes(
        fold.outcomes(changes(spark, files), table(spark, **{"2": 7}), BY_UPDATED),
        {
            "b.csv": {"inserted": 1, "deleted": 1},
            "a.csv": {"updated": 1, "inserted": 1},
            "c.csv": {"unchanged": 1},
        },
    )


def test_within_a_file_order_columns_decide_which_row_stands_for_it(spark: SparkSession) -> None:
    files = {
        "a.csv": [("1", 2, "add", "2025-01-02"), ("1", 1, "add", "2025-01-01")],
        "b.csv": [("1", 2, "add", "2025-01-02")],
    }
    own = fold.latest_per_key_and_file(changes(spark, files), BY_UPDATED)
    assert sorted((r["_file"], r["_line"]) for r in own.collect()) == [("a.csv", 2), ("b.csv", 2)]
    assert_outcomes(
        fold.outcomes(changes(spark, files), None, BY_UPDATED),
        {"a.csv": {"inserted": 1}, "b.csv": {"unchanged": 1}},
    )


def test_a_table_may_call_its_columns_as_outcomes_calls_its_own(spark: SparkSession) -> None:
    columns = {"file": "text", "outcome": "text", "rows": "integer"}
    feed = Feed.model_validate(_declared(columns))
    place = "_period string, _file string, _line bigint, _action string"
    rows = [("k", "o", 1, "202502", "a.csv", 2, "add")]
    frame = spark.createDataFrame(rows, f"file string, outcome string, rows bigint, {place}")
    told = frame.withColumn(fold.ROW_HASH, row_hash(tuple(columns)))
    assert_outcomes(fold.outcomes(told, None, feed), {"a.csv": {"inserted": 1}})
    before = told.drop(fold.ACTION)
    assert_outcomes(fold.outcomes(told, before, feed), {"a.csv": {"unchanged": 1}})


def test_a_table_may_call_its_columns_as_the_merge_calls_its_own(spark: SparkSession) -> None:
    columns = {"file": "text", "size": "integer", "new_size": "integer"}
    feed = Feed.model_validate(_declared(columns))
    place = "_period string, _file string, _line bigint, _action string"
    rows = [("k", 1, 2, "202502", "a.csv", 2, "add")]
    frame = spark.createDataFrame(rows, f"file string, size bigint, new_size bigint, {place}")
    told = frame.withColumn(fold.ROW_HASH, row_hash(tuple(columns)))
    assert fold.effective(told, told.drop(fold.ACTION), feed).isEmpty()


def _declared(columns: dict[str, str]) -> dict[str, Any]:
    files = {"initial": "a.csv", "changes": "a_{month}.csv"}
    more = {"kind": "changes", "action": "action", "key": "file", "columns": columns}
    return {"feed": "things", "files": files} | more


SNAPSHOT = Feed.model_validate(
    {
        "feed": "staff",
        "kind": "snapshot",
        "files": "staff/{date}/*.json",
        "format": "json",
        "key": "id",
        "order": ["updated"],
        "columns": {"id": "text", "name": "text", "updated": "date"},
    }
)
KEEPING = SNAPSHOT.model_copy(update={"absent": "keep"})
ROW = "id string, name string, updated string, _period string, _file string, _line bigint"
HISTORY = [
    ("1", "left on the 1st", "2025-01-01", "2025-01-01", "z.json", 9),
    ("2", "old", "2025-01-09", "2025-01-01", "z.json", 9),
    ("2", "new", "2025-01-02", "2025-01-02", "a.json", 1),
    ("3", "only yesterday", None, "2025-01-02", "a.json", 2),
    ("2", "newest", None, "2025-01-10", "a.json", 1),
    ("4", "joined", None, "2025-01-10", "a.json", 2),
]


def assert_latest(spark: SparkSession, feed: Feed, places: Sequence[int]) -> None:
    found = fold.latest_state(spark.createDataFrame(HISTORY, ROW), feed, "2025-01-10")
    wanted = spark.createDataFrame([HISTORY[place] for place in places], ROW)
    assert_df_equality(found, wanted, ignore_row_order=True, ignore_nullable=True)


def test_the_last_delivery_alone_is_the_latest_state(spark: SparkSession) -> None:
    assert_latest(spark, SNAPSHOT, [4, 5])


def test_a_last_delivery_without_rows_leaves_none(spark: SparkSession) -> None:
    history = spark.createDataFrame(HISTORY, ROW)
    assert fold.latest_state(history, SNAPSHOT, "2025-01-11").isEmpty()


def test_a_key_that_the_last_delivery_lacks_may_be_kept_as_it_last_was(
    spark: SparkSession,
) -> None:
    assert_latest(spark, KEEPING, [0, 3, 4, 5])


def test_of_no_history_there_is_no_state(spark: SparkSession) -> None:
    nothing = spark.createDataFrame([], ROW)
    assert fold.latest_state(nothing, SNAPSHOT, "").isEmpty()
    assert fold.latest_state(nothing, KEEPING, "").isEmpty()
