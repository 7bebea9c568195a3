"""What is counted from silver, by hand (sources.md, A)."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from chispa import assert_df_equality
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from support_lakehouse.model.settings import BusinessHours
from support_lakehouse.transforms import marts, named

EST = "-05:00"
INTERACTIONS = (
    "interaction_start timestamp, channel string, contact_center_id string, category_id string,"
    " agent_id string, call_duration_minutes decimal(12,4), agent_resolution_timestamp timestamp,"
    " interaction_end timestamp"
)
CUBE = (
    "month string, contact_center_id string, category_id string, total_interactions bigint,"
    " total_calls bigint, total_call_duration decimal(28,4)"
)
REPORT = (
    "month string, contact_center_name string, department string, total_interactions bigint,"
    " total_calls bigint, total_call_duration decimal(28,4)"
)
WORK_TIME = (
    "month string, contact_center_name string, department string, agent_id string,"
    " agent_name string, calls bigint, call_minutes decimal(28,4), work_minutes decimal(28,4),"
    " after_resolution_minutes decimal(28,4), calls_with_time_after_resolution bigint"
)
HOURS = (
    "contact_center_name string, weekday string, hour int, inside_business_hours boolean,"
    " interactions bigint, calls bigint"
)


def utc(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).replace(tzinfo=UTC)


def at(start: str, **told: Any) -> tuple[Any, ...]:
    """A phone call of one minute that begins then, or what is told instead."""
    usual = {"channel": "phone", "center": "C1", "category": "K1", "agent": "A1", "minutes": "1"}
    one = usual | {"resolved": None, "end": None} | told
    minutes = None if one["minutes"] is None else Decimal(one["minutes"])
    place = (one["channel"], one["center"], one["category"], one["agent"], minutes)
    return (utc(start), *place, utc(one["resolved"]), utc(one["end"]))


def interactions(spark: SparkSession, *rows: tuple[Any, ...]) -> DataFrame:
    return spark.createDataFrame(list(rows), INTERACTIONS)


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


def values(spark: SparkSession, rows: Sequence[Any], schema: str, value: Column) -> list[Any]:
    """What a column says of each row, in order."""
    frame = spark.createDataFrame(rows, schema)
    return [row["value"] for row in frame.select(value.alias("value")).collect()]


def test_a_month_is_that_of_the_business_zone(spark: SparkSession) -> None:
    moments = ["2025-03-01T01:30", "2025-03-01T04:59:59", "2025-03-01T05:00", "2025-01-01T00:00"]
    rows = [(utc(text),) for text in moments]
    found = values(
        spark, rows, "t timestamp", marts.month_text(marts.months_since_year_0(F.col("t"), EST))
    )
    assert found == ["2025-02", "2025-02", "2025-03", "2024-12"]


@pytest.mark.parametrize("zone", ["-05:00", "+05:30", "+17:59", "-00:45"])
def test_an_offset_moves_a_moment_as_spark_would(spark: SparkSession, zone: str) -> None:
    moments = ["0001-01-03T00:00", "1969-12-31T23:59:59.999999", "2024-02-29T12:30", "9999-12-30"]
    rows, t = [(utc(text),) for text in moments], F.col("t")
    found = values(spark, rows, "t timestamp", marts.in_business_zone(t, zone).cast("string"))
    expected = F.from_utc_timestamp(t, zone).cast("string")
    assert found == values(spark, rows, "t timestamp", expected)


def test_a_named_zone_keeps_its_summer_time(spark: SparkSession) -> None:
    moments = ["2025-04-01T04:30", "2025-04-01T03:30", "2025-12-01T04:30"]
    rows = [(utc(text),) for text in moments]
    month = marts.month_text(marts.months_since_year_0(F.col("t"), "America/New_York"))
    assert values(spark, rows, "t timestamp", month) == ["2025-04", "2025-03", "2025-11"]


def test_minutes_are_exact_to_four_decimals_half_up(spark: SparkSession) -> None:
    start = "2025-01-05T14:00:00"
    ends = ["2025-01-05T14:12:30", "2025-01-05T13:59:00", "2025-01-05T14:00:00.003000"]
    ends += ["2025-01-05T14:00:00.002999", "2025-01-05T14:00:20", "2025-01-05T13:59:59.997000"]
    rows = [(utc(start), utc(end)) for end in ends] + [(utc(start), None), (None, utc(start))]
    found = values(
        spark, rows, "a timestamp, b timestamp", marts.steps_between(F.col("a"), F.col("b"))
    )
    assert found == [125_000, -10_000, 1, 0, 3_333, -1, None, None]


def test_a_call_is_by_phone_in_any_case(spark: SparkSession) -> None:
    rows = [("phone",), ("PHONE",), ("Phone",), ("telephone",), ("chat",), (None,)]
    found = values(spark, rows, "channel string", marts.is_call(F.col("channel")))
    assert found == [True, True, True, False, False, False]


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


def test_the_cube_counts_by_month_and_keys_as_delivered(spark: SparkSession) -> None:
    rows = interactions(
        spark,
        at("2025-01-05T10:00", minutes="10.5"),
        at("2025-01-06T10:00", channel="chat", minutes="2.25"),
        at("2025-02-05T10:00"),
        at("2025-01-05T10:00", center="nowhere"),
        at("2025-01-05T10:00", category=None),
        at("2025-01-05T10:00", category=None, channel=None),
    )
    expected = [
        ("2025-01", "C1", "K1", 2, 1, Decimal("12.7500")),
        ("2025-02", "C1", "K1", 1, 1, Decimal("1.0000")),
        ("2025-01", "nowhere", "K1", 1, 1, Decimal("1.0000")),
        ("2025-01", "C1", None, 2, 1, Decimal("2.0000")),
    ]
    assert_rows(marts.interaction_cube(rows, EST), expected, CUBE)


def test_a_missing_duration_counts_as_nothing(spark: SparkSession) -> None:
    rows = interactions(spark, at("2025-01-05T10:00", minutes=None))
    expected = [("2025-01", "C1", "K1", 1, 1, Decimal("0.0000"))]
    assert_rows(marts.interaction_cube(rows, EST), expected, CUBE)


def test_sums_of_minutes_are_exact(spark: SparkSession) -> None:
    rows = [at("2025-01-05T10:00", minutes="0.1")] * 3
    rows += [at("2025-01-05T10:00", minutes="99999999.9999")] * 2
    expected = [("2025-01", "C1", "K1", 5, 5, Decimal("200000000.2998"))]
    assert_rows(marts.interaction_cube(interactions(spark, *rows), EST), expected, CUBE)


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


def work_time(spark: SparkSession, *rows: tuple[Any, ...], **names: str) -> DataFrame:
    """The work time of calls in Boston's billing, by agents of these names."""
    known = categories(spark, {"K1": "Billing"})
    return made(
        named.AGENT_WORK_TIME,
        marts.work_cube(interactions(spark, *rows).transform(marts.with_department, known), EST),
        centers(spark, {"C1": "Boston"}),
        agents(spark, names),
    )


def test_work_ends_with_the_resolution_and_what_follows_is_told_apart(spark: SparkSession) -> None:
    found = work_time(
        spark,
        at("2025-01-05T10:00", minutes="15", resolved="2025-01-05T10:10", end="2025-01-05T10:15"),
        at("2025-01-05T11:00", minutes="4", resolved="2025-01-05T11:04", end="2025-01-05T11:04"),
        at("2025-01-05T12:00", minutes="3", resolved="2025-01-05T12:05", end="2025-01-05T12:03"),
        at("2025-01-05T13:00", minutes=None),
        at("2025-01-05T10:00", channel="chat"),
        A1="Ann",
    )
    minutes = (Decimal("22.0000"), Decimal("19.0000"), Decimal("5.0000"))
    expected = [("2025-01", "Boston", "Billing", "A1", "Ann", 4, *minutes, 1)]
    assert_rows(found, expected, WORK_TIME)


def test_an_agent_that_resolves_to_nothing_is_unknown(spark: SparkSession) -> None:
    rows = [at("2025-01-05T10:00", agent=agent) for agent in ("A1", None, "UNKNOWN")]
    found = work_time(spark, *rows, UNKNOWN="Nobody")
    told = found.select("agent_id", "agent_name")
    expected = [("A1", "Unknown"), (None, "Unknown"), ("UNKNOWN", "Unknown")]
    assert_rows(told, expected, "agent_id string, agent_name string")


def test_hours_are_those_of_the_business_zone(spark: SparkSession) -> None:
    rows = interactions(
        spark,
        at("2025-01-06T14:00"),  # Monday 09:00
        at("2025-01-06T14:59:59", channel="chat"),
        at("2025-01-06T13:59:59"),  # Monday 08:59
        at("2025-01-06T21:59:59"),  # Monday 16:59
        at("2025-01-06T22:00"),  # Monday 17:00
        at("2025-01-06T04:30"),  # Sunday 23:30
        at("2025-01-11T15:00", center="gone"),  # Saturday 10:00
    )
    hours = BusinessHours.model_validate({"from": 9, "to": 17})
    cube = marts.hours_cube(rows, EST, hours)
    found = made(named.INTERACTION_HOURS, cube, centers(spark, {"C1": "Boston"}))
    expected = [
        ("Boston", "mon", 9, True, 2, 1),
        ("Boston", "mon", 8, False, 1, 1),
        ("Boston", "mon", 16, True, 1, 1),
        ("Boston", "mon", 17, False, 1, 1),
        ("Boston", "sun", 23, False, 1, 1),
        ("Unknown", "sat", 10, False, 1, 1),
    ]
    assert_rows(found, expected, HOURS)


def test_a_cube_is_what_it_was_and_what_changed(spark: SparkSession) -> None:
    stays = at("2025-01-05T10:00", minutes="10")
    other = at("2025-01-05T11:00", minutes="1.5", category="K2")
    moved = [at(f"2025-0{month}-06T10:00", minutes="4", center=None) for month in (1, 2)]

    def cube(*rows: tuple[Any, ...]) -> DataFrame:
        return marts.interaction_cube(interactions(spark, *rows), EST)

    was, is_ = [stays, other, moved[0]], [stays, moved[1], stays]
    before, after = (interactions(spark, *rows) for rows in ([*was[1:], stays], is_))
    changes = marts.interaction_cube(marts.as_changes(before, after), EST)
    found = marts.added(cube(*was), changes, marts.CUBE_KEYS)
    by_arrow = named.added(cube(*was).toArrow(), changes.toArrow(), marts.CUBE_KEYS)
    told = spark.createDataFrame(by_arrow, found.schema)
    assert_df_equality(told, found, ignore_row_order=True)
    expected = [
        ("2025-01", "C1", "K1", 2, 2, Decimal("20.0000")),
        ("2025-02", None, "K1", 1, 1, Decimal("4.0000")),
    ]
    assert_rows(found, expected, CUBE)


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
