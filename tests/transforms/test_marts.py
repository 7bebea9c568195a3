"""Marts: cubes with names, by hand (sources.md, A)."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa
from chispa import assert_df_equality
from pyspark.sql import DataFrame, SparkSession

from support_lakehouse.transforms import marts, named

CUBE = (
    "month string, contact_center_id string, category_id string, total_interactions bigint,"
    " total_calls bigint, total_call_duration decimal(28,4)"
)
REPORT = (
    "month string, contact_center_name string, department string, total_interactions bigint,"
    " total_calls bigint, total_call_duration decimal(28,4)"
)
WORK_CUBE = (
    "month string, contact_center_id string, department string, agent_id string, calls bigint,"
    " call_minutes decimal(28,4), work_minutes decimal(28,4),"
    " after_resolution_minutes decimal(28,4), calls_with_time_after_resolution bigint"
)
HOURS = (
    "contact_center_name string, weekday string, hour int, inside_business_hours boolean,"
    " interactions bigint, calls bigint"
)


def centers(spark: SparkSession, names: dict[str, str | None]) -> DataFrame:
    schema = "contact_center_id string, contact_center_name string"
    return spark.createDataFrame(list(names.items()), schema)


def categories(spark: SparkSession, departments: dict[str, str | None]) -> DataFrame:
    return spark.createDataFrame(list(departments.items()), "category_id string, department string")


def agents(spark: SparkSession, names: dict[str, str | None]) -> DataFrame:
    return spark.createDataFrame(list(names.items()), "agent_id string, full_name string")


def assert_rows(frame: DataFrame, expected: Sequence[tuple[Any, ...]], schema: str) -> None:
    wanted = frame.sparkSession.createDataFrame(expected, schema)
    assert_df_equality(frame, wanted, ignore_row_order=True, ignore_nullable=True)


def made(mart: named.Mart, cube: DataFrame, *dimensions: DataFrame) -> DataFrame:
    """The mart by Spark, which is that by Arrow."""
    by_spark = marts.mart_of(cube, mart, dimensions)
    by_arrow = named.mart_of(cube.toArrow(), mart, [rows.toArrow() for rows in dimensions])
    told = cube.sparkSession.createDataFrame(by_arrow, by_spark.schema)
    assert_df_equality(told, by_spark, ignore_row_order=True)
    return by_spark


def test_a_missing_or_empty_name_is_unknown(spark: SparkSession) -> None:
    keys = ("C1", "none", "empty", "gone", "UNKNOWN", None)
    cube = spark.createDataFrame(
        [(key, "mon", 9, True, 2, 1) for key in keys],
        "contact_center_id string, weekday string, hour int, inside_business_hours boolean,"
        " interactions bigint, calls bigint",
    )
    names = {"C1": "Boston", "none": None, "empty": "", "UNKNOWN": "Nowhere", "idle": "Tampa"}
    found = made(named.INTERACTION_HOURS, cube, centers(spark, names))
    expected = [("Boston", "mon", 9, True, 2, 1), ("Unknown", "mon", 9, True, 10, 5)]
    assert_rows(found, expected, HOURS)


def test_the_report_tells_names_and_adds_centres_of_one_name(spark: SparkSession) -> None:
    cube = [
        ("2025-01", "C1", "K1", 2, 1, Decimal("10.0000")),
        ("2025-01", "C2", "K2", 1, 1, Decimal("0.5000")),
        ("2025-01", "C3", "K1", 4, 0, Decimal("0.0000")),
        ("2025-02", "C1", "K1", 1, 1, Decimal("3.0000")),
    ]
    report = made(
        named.SUPPORT_REPORT,
        spark.createDataFrame(cube, CUBE),
        centers(spark, {"C1": "Boston", "C2": "Boston", "C3": "Atlanta"}),
        categories(spark, {"K1": "Billing", "K2": "Billing"}),
    )
    expected = [
        ("2025-01", "Boston", "Billing", 3, 2, Decimal("10.5000")),
        ("2025-01", "Atlanta", "Billing", 4, 0, Decimal("0.0000")),
        ("2025-02", "Boston", "Billing", 1, 1, Decimal("3.0000")),
    ]
    assert_rows(report, expected, REPORT)


def test_what_resolves_to_nothing_or_to_no_name_is_unknown(spark: SparkSession) -> None:
    cube = [
        ("2025-01", "gone", "K1", 1, 0, Decimal("0.0000")),
        ("2025-01", None, None, 1, 0, Decimal("0.0000")),
        ("2025-01", "nameless", "nameless", 1, 0, Decimal("0.0000")),
        ("2025-01", "UNKNOWN", "UNKNOWN", 1, 0, Decimal("0.0000")),
    ]
    report = made(
        named.SUPPORT_REPORT,
        spark.createDataFrame(cube, CUBE),
        centers(spark, {"nameless": None, "UNKNOWN": "Nowhere"}),
        categories(spark, {"K1": "Billing", "nameless": None, "UNKNOWN": "None"}),
    )
    expected = [
        ("2025-01", "Unknown", "Billing", 1, 0, Decimal("0.0000")),
        ("2025-01", "Unknown", "Unknown", 3, 0, Decimal("0.0000")),
    ]
    assert_rows(report, expected, REPORT)


def test_an_agent_that_resolves_to_nothing_is_unknown(spark: SparkSession) -> None:
    zero = Decimal("0.0000")
    cube = [
        ("2025-01", "C1", "Billing", agent, 1, zero, zero, zero, 0)
        for agent in ("A1", "A2", None, "UNKNOWN")
    ]
    found = made(
        named.AGENT_WORK_TIME,
        spark.createDataFrame(cube, WORK_CUBE),
        centers(spark, {"C1": "Boston"}),
        agents(spark, {"UNKNOWN": "Nobody", "A2": "Ann"}),
    )
    told = found.select("contact_center_name", "agent_id", "agent_name", "calls")
    expected = [
        ("Boston", "A1", "Unknown", 1),
        ("Boston", "A2", "Ann", 1),
        ("Boston", None, "Unknown", 1),
        ("Boston", "UNKNOWN", "Unknown", 1),
    ]
    schema = "contact_center_name string, agent_id string, agent_name string, calls bigint"
    assert_rows(told, expected, schema)


def test_rows_of_a_key_with_another_name_are_told(spark: SparkSession) -> None:
    keys = ("K1", "K2", "K3", "gone", "new", None)
    counted = pa.table({"category_id": keys, "interactions": range(6)})
    was = {"K1": "Billing", "K2": "Sales", "K3": None, "gone": "Sales", "idle": "Sales"}
    now = {"K1": "Billing", "K2": "Repair", "K3": "Unknown", "new": "Sales", "idle": "Repair"}
    sides = (categories(spark, told).toArrow() for told in (was, now))
    found = named.moved(counted, *sides, named.DEPARTMENT)
    assert found.to_pylist() == [
        {"category_id": "K2", "interactions": 1},
        {"category_id": "gone", "interactions": 3},
        {"category_id": "new", "interactions": 4},
    ]


def test_names_that_moved_are_told_with_all_keys_that_have_one_now(spark: SparkSession) -> None:
    keys = pa.chunked_array([["C1", "C2", "C3", "C4", "gone", None]])
    was = {"C1": "Boston", "C2": "Austin", "C3": "Tampa", "C4": None, "gone": "Miami"}
    now = {"C1": "Austin", "C2": "Austin", "C3": "Tampa", "C4": None, "new": "Omaha"}
    sides = (centers(spark, told).toArrow() for told in (was, now))
    found = named.renamed(keys, *sides, named.CENTER)
    assert found == (["C1", "C2", "C4", "gone", None], ["Austin", "Boston", "Miami", "Unknown"])


def test_where_all_names_stay_none_is_told(spark: SparkSession) -> None:
    keys, names = pa.chunked_array([["C1", None]]), centers(spark, {"C1": "Boston"}).toArrow()
    assert named.renamed(keys, names, names, named.CENTER) == ([], [])
