"""The verdict on a row: every reason, every warning (contracts.md, Reading)."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from chispa import assert_df_equality
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from support_lakehouse.io.session import session_for
from support_lakehouse.model.feed import Feed
from support_lakehouse.model.landing import Shape, header_text
from support_lakehouse.transforms.fields import value_of
from support_lakehouse.transforms.fold import accepted_changes, without_deletes
from support_lakehouse.transforms.judge import (
    BRONZE_COLUMNS,
    REASONS,
    accepted,
    bronze_rows,
    judged,
)
from tests.transforms.both_engines import assert_same_in_memory

HEADER = ("id", "name", "size", "price", "day", "seen", "action")
RECORD = (
    "period string, file string, line bigint, sha256 string, admission string, header string,"
    " raw string"
)
VERDICT = "line bigint, key string, action string, reasons array<string>, warnings array<string>"


@pytest.fixture(scope="module")
def spark(spark: SparkSession) -> SparkSession:
    """A session as a feed's own is in a run."""
    return session_for(spark, 0, lenient=True)


def feed(**changes: Any) -> Feed:
    """A feed with a column of each type; `name` is required."""
    declared = {
        "feed": "things",
        "kind": "changes",
        "files": {"initial": "initial/things.csv", "changes": "delta/things_{month}.csv"},
        "key": "id",
        "action": "action",
        "columns": {
            "id": "text",
            "name": {"type": "text", "required": True},
            "size": "integer",
            "price": "decimal(6,2)",
            "day": "date",
            "seen": "timestamp",
        },
    }
    return Feed.model_validate(declared | changes)


WARNING = feed(unreadable="warn")


def rows_of(
    spark: SparkSession, feed: Feed, raws: Sequence[str], header: Sequence[str] = HEADER
) -> DataFrame:
    """The bronze rows of records on lines 2, 3 and on."""
    place, told = ("202502", "delta/things_202502.csv"), ("5ha", "r1-0", header_text(header))
    records = [(*place, line, *told, raw) for line, raw in enumerate(raws, start=2)]
    frame = spark.createDataFrame(records, RECORD)
    rows = judged(frame, feed, Shape((tuple(header),)), run="r1")
    assert_same_in_memory(rows, feed, raws, header)
    return rows


def assert_verdicts(rows: DataFrame, expected: Sequence[tuple[Any, ...]]) -> None:
    """Compare verdicts, each reason written `rule:column`."""
    told = rows.selectExpr(
        *("line", "key", "action"),
        "transform(reasons, r -> concat_ws(':', r.rule, r.column)) AS reasons",
        "warnings",
    )
    wanted = rows.sparkSession.createDataFrame(expected, VERDICT)
    assert_df_equality(told, wanted, ignore_row_order=True, ignore_nullable=True)


def reasons_of(rows: DataFrame) -> list[Row]:
    """The reasons of the only row."""
    [row] = rows.collect()
    return row["reasons"]


def test_a_readable_row_has_neither_reasons_nor_warnings(spark: SparkSession) -> None:
    rows = rows_of(spark, feed(), ["1,Ann,4.0,12.5,2025-01-05,2025-01-05T14:30Z,add"])
    assert_verdicts(rows, [(2, "1", "add", None, None)])


def test_a_bronze_row_is_the_record_as_it_came_with_its_place(spark: SparkSession) -> None:
    rows = rows_of(spark, feed(), [' 1 ,"Ann",,,,,ADD '])
    [row] = rows.select(*BRONZE_COLUMNS[:10]).collect()
    place = ("202502", "delta/things_202502.csv", 2, "5ha", "r1", "r1-0")
    header = '["id", "name", "size", "price", "day", "seen", "action"]'
    assert tuple(row) == (*place, header, "1", "add", ' 1 ,"Ann",,,,,ADD ')


def test_spark_compiles_the_verdict_with_all_that_it_is_made_of(spark: SparkSession) -> None:
    # What is not compiled takes each row apart anew: a tenth of what judging costs.
    place = {"period": "202502", "file": "a.csv", "sha256": "5ha", "admission": "r1-0"}
    told = {**place, "header": header_text(HEADER)}
    lines = session_for(spark, 10**9, lenient=True).range(9).withColumnRenamed("id", "line")
    records = lines.withColumns({name: F.lit(text) for name, text in told.items()})
    records = records.withColumn("raw", F.concat("line", F.lit(",Ann,4.0,12.5,2025-01-05,,add")))
    rows = judged(records, WARNING, Shape((HEADER,)), run="r1")
    plan = str(rows._jdf.queryExecution().executedPlan().toString())
    projects = [step for step in plan.splitlines() if "Project [" in step]
    assert projects
    assert [step for step in projects if not re.search(r"\*\(\d+\) Project", step)] == []


def test_a_null_breaks_only_required(spark: SparkSession) -> None:
    rows = rows_of(spark, feed(), ["1,Ann,,,,,add", "2,,,,,,add", ",Bob,,,,,add"])
    assert_verdicts(
        rows,
        [
            (2, "1", "add", None, None),
            (3, "2", "add", ["required:name"], None),
            (4, None, "add", ["required:id"], None),
        ],
    )


def test_a_wrong_width_is_the_rows_only_reason(spark: SparkSession) -> None:
    rows = rows_of(spark, feed(), ["1,Ann", ",,x,x,x,x,fix,"])
    assert_verdicts(rows, [(2, None, None, ["width"], None), (3, None, None, ["width"], None)])


def test_a_row_gets_all_its_reasons(spark: SparkSession) -> None:
    rows = rows_of(spark, feed(), [",,4.5,1e3,2025-02-30,now,fix"])
    reasons = ["action:action", "required:id", "required:name"]
    reasons += ["unreadable:size", "unreadable:price", "unreadable:day", "unreadable:seen"]
    assert_verdicts(rows, [(2, None, "fix", reasons, None)])


def test_every_reason_can_be_read_by_a_person(spark: SparkSession) -> None:
    rows = rows_of(spark, feed(), [",,4.5,1e3,2025-02-30,now,fix"])
    assert [reason["message"] for reason in reasons_of(rows)] == [
        "the action is none of add, update, delete",
        "id is empty",
        "name is empty",
        "size is not a whole number",
        "price is not a decimal number that fits decimal(6,2)",
        "day is not a date (YYYY-MM-DD)",
        "seen is not a timestamp (YYYY-MM-DDTHH:MM:SSZ)",
    ]


def test_a_wrong_width_says_both_widths(spark: SparkSession) -> None:
    [reason] = reasons_of(rows_of(spark, feed(), ["1,Ann"]))
    expected = ("width", None, "the row has 2 cells where the header has 7")
    assert (reason["rule"], reason["column"], reason["message"]) == expected


def test_an_empty_action_is_said_to_be_empty(spark: SparkSession) -> None:
    [reason] = reasons_of(rows_of(spark, feed(), ["1,Ann,,,,, "]))
    assert tuple(reason) == ("action", "action", "the action is empty")


def test_an_action_counts_in_any_case_and_with_blanks(spark: SparkSession) -> None:
    raws = ["1,A,,,,,ADD", "2,B,,,,, Update\t", "3,,,,,,\u00a0dElEtE"]
    assert_verdicts(
        rows_of(spark, feed(), raws),
        [
            (2, "1", "add", None, None),
            (3, "2", "update", None, None),
            (4, "3", "delete", None, None),
        ],
    )


def test_a_delete_needs_its_key_alone(spark: SparkSession) -> None:
    raws = ["1,,x,x,x,x,delete", ",,x,x,x,x,delete"]
    expected = [(2, "1", "delete", None, None), (3, None, "delete", ["required:id"], None)]
    assert_verdicts(rows_of(spark, feed(), raws), expected)
    assert_verdicts(rows_of(spark, WARNING, raws), expected)


def test_an_unknown_action_is_judged_like_an_upsert(spark: SparkSession) -> None:
    rows = rows_of(spark, feed(), ["1,,,,,,remove"])
    assert_verdicts(rows, [(2, "1", "remove", ["action:action", "required:name"], None)])


def test_rows_of_an_extract_are_adds(spark: SparkSession) -> None:
    rows = rows_of(spark, feed(), ["1,Ann,,,,"], header=HEADER[:-1])
    assert_verdicts(rows, [(2, "1", "add", None, None)])


def test_where_the_feed_warns_an_unreadable_cell_is_a_warning(spark: SparkSession) -> None:
    rows = rows_of(spark, WARNING, ["1,Ann,4.5,12.5,yesterday,,add"])
    warnings = ["unreadable:size", "unreadable:day"]
    assert_verdicts(rows, [(2, "1", "add", None, warnings)])


def test_a_column_may_reject_where_its_feed_warns_and_the_other_way(spark: SparkSession) -> None:
    columns = {"id": "text", "size": {"type": "integer", "unreadable": "reject"}, "day": "date"}
    rejects = feed(unreadable="warn", columns=columns)
    columns = {"id": "text", "size": {"type": "integer", "unreadable": "warn"}, "day": "date"}
    warns = feed(unreadable="reject", columns=columns)
    header = ("id", "size", "day", "action")
    size, day = "unreadable:size", "unreadable:day"
    told = [rows_of(spark, one, ["1,x,x,add"], header) for one in (rejects, warns)]
    assert_verdicts(told[0], [(2, "1", "add", [size], [day])])
    assert_verdicts(told[1], [(2, "1", "add", [day], [size])])


def test_an_unreadable_required_cell_rejects_even_where_the_feed_warns(
    spark: SparkSession,
) -> None:
    columns = {"id": "integer", "seen": {"type": "timestamp", "required": True}}
    rows = rows_of(
        spark,
        feed(unreadable="warn", columns=columns),
        ["7.0,2025-01-05T14:30Z,add", "x,now,add", "x,,delete"],
        header=("id", "seen", "action"),
    )
    assert_verdicts(
        rows,
        [
            (2, "7", "add", None, None),
            (3, None, "add", ["unreadable:id", "unreadable:seen"], None),
            (4, None, "delete", ["unreadable:id"], None),
        ],
    )


def test_lines_of_blanks_are_no_rows_and_commas_are_one(spark: SparkSession) -> None:
    rows = rows_of(spark, feed(), ["", " \t\u00a0", "1,Ann,,,,,add", ",,,,,,"])
    reasons = ["action:action", "required:id", "required:name"]
    assert_verdicts(rows, [(4, "1", "add", None, None), (5, None, None, reasons, None)])


def test_quoted_cells_are_trimmed_too(spark: SparkSession) -> None:
    rows = rows_of(spark, feed(), ['" 1\u00a0",Ann,"\t4 ",,,"","add "'])
    assert_verdicts(rows, [(2, "1", "add", None, None)])


def test_a_file_may_lack_an_optional_column_and_have_its_own_order(spark: SparkSession) -> None:
    columns = {"id": "text", "size": {"type": "integer", "optional": True}, "day": "date"}
    one, other = ("id", "size", "day", "action"), ("action", "more", "day", "id")
    records = [
        ("202502", "a.csv", 2, "5ha", "r1-0", header_text(one), "1,x,2025-01-05,add"),
        ("202502", "b.csv", 3, "5ha", "r1-1", header_text(other), "update,?,x,2"),
    ]
    frame = spark.createDataFrame(records, RECORD)
    rows = judged(frame, feed(columns=columns), Shape((one, other)), run="r1")
    assert_verdicts(
        rows,
        [
            (2, "1", "add", ["unreadable:size"], None),
            (3, "2", "update", ["unreadable:day"], None),
        ],
    )


def test_a_row_comes_with_its_typed_values_and_null_for_what_is_unreadable(
    spark: SparkSession,
) -> None:
    seen = "2025-01-05T14:30:00+02:00"
    rows = rows_of(spark, feed(), [f"1,Ann,4.0,12.5,2025-01-05,{seen},add", "2,,x,x,x,x,delete"])
    names = [value_of(name) for name in HEADER[:-1]]
    moment = datetime(2025, 1, 5, 12, 30, tzinfo=UTC)
    expected = [
        ("1", "Ann", 4, Decimal("12.50"), date(2025, 1, 5), moment),
        ("2", None, None, None, None, None),
    ]
    schema = ["string", "string", "bigint", "decimal(6,2)", "date", "timestamp"]
    told = ", ".join(f"{name} {type_}" for name, type_ in zip(names, schema, strict=True))
    assert_df_equality(
        rows.orderBy("line").select(*names),
        spark.createDataFrame(expected, told),
        ignore_nullable=True,
    )


def test_bronze_keeps_the_record_and_its_verdict_and_no_value(spark: SparkSession) -> None:
    rows = rows_of(spark, feed(), ["1,Ann,4.0,,,,add"])
    assert bronze_rows(rows).columns == [*BRONZE_COLUMNS, "_row_hash"]


def test_a_row_is_accepted_that_has_no_reason_whatever_it_warns_of(spark: SparkSession) -> None:
    rows = rows_of(spark, WARNING, ["1,Ann,,,,,add", "2,Bob,x,,,,add", "3,,,,,,add"])
    assert [row["line"] for row in accepted(rows).orderBy("line").collect()] == [2, 3]


def test_the_hash_of_a_row_is_of_its_record_its_place_and_its_verdict(spark: SparkSession) -> None:
    other = feed(unreadable="warn", rules=[{"rule": "length", "column": "name", "max": 1}])
    bronze = [
        bronze_rows(rows_of(spark, one, [raw]))
        for one, raw in (
            (feed(), "1,Ann,x,,,,add"),
            (other, "1,Ann,x,,,,add"),
            (feed(), "1,Ann,x,,,,add "),
        )
    ]
    others = {"file": "f", "sha256": "s", "key": "2", "action": "delete"}
    bronze += [bronze[0].withColumn(name, F.lit(value)) for name, value in others.items()]
    bronze += [
        bronze[0].withColumn("line", F.lit(9).cast("bigint")),
        bronze[0].withColumn("reasons", F.lit(None).cast(REASONS)),
        bronze[0].withColumn("warnings", F.array(F.lit("length:name"))),
    ]
    hashes = [bronze_rows(one).collect()[0]["_row_hash"] for one in bronze]
    assert len(set(hashes)) == len(hashes)
    labels = ("period", "run", "admission", "header")  # the ledger knows them
    same = bronze[0].withColumns({name: F.lit("other") for name in labels})
    assert bronze_rows(same).collect()[0]["_row_hash"] == hashes[0]


def test_a_row_of_a_log_without_a_key_is_known_by_its_place(spark: SparkSession) -> None:
    log = Feed.model_validate(
        {"feed": "log", "kind": "log", "files": "log/*.csv", "columns": {"what": "text"}}
    )
    rows = rows_of(spark, log, ["delete", "x,y"], header=["what"])
    key = "delta/things_202502.csv:2"
    assert_verdicts(rows, [(2, key, "add", None, None), (3, None, None, ["width"], None)])


WIDE = feed(
    columns={"id": "text", "name": "text", "size": "integer"},
    rules=[{"rule": "width", "level": "warn"}],
)


def test_a_wrong_width_may_be_a_warning_and_the_cells_there_are_are_judged(
    spark: SparkSession,
) -> None:
    raws = ["add,1,Ann,4", "add,1,Ann", "add,1,Ann,4,5", "add", "add,1,Ann,x,y"]
    rows = rows_of(spark, WIDE, raws, header=["action", "id", "name", "size"])
    told = rows.selectExpr(
        *("line", "transform(reasons, r -> concat_ws(':', r.rule, r.column)) AS reasons"),
        *("warnings", value_of("size")),
    )
    assert [tuple(row) for row in told.orderBy("line").collect()] == [
        (2, None, None, 4),
        (3, None, ["width"], None),
        (4, None, ["width"], 4),
        (5, ["required:id"], ["width"], None),
        (6, ["unreadable:size"], ["width"], None),
    ]


def test_a_row_that_stays_in_spite_of_its_width_is_a_change_like_any_other(
    spark: SparkSession,
) -> None:
    rows = rows_of(spark, WIDE, ["add,1,Ann"], header=["action", "id", "name", "size"])
    assert_verdicts(rows, [(2, "1", "add", None, ["width"])])
    assert without_deletes(accepted_changes(rows, WIDE)).count() == 1


def test_a_column_that_is_required_twice_is_missed_once(spark: SparkSession) -> None:
    twice = feed(rules=[{"rule": "required", "column": name} for name in ("id", "name")])
    rows = rows_of(spark, twice, [",,,,,,add"])
    assert_verdicts(rows, [(2, None, "add", ["required:id", "required:name"], None)])
