"""Who is known and who is active, by day (contracts.md, Group C)."""

from datetime import date, datetime
from typing import Any

from chispa import assert_df_equality
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from support_lakehouse.transforms import roster

PLACED = "agent_id bigint, _period string, _file string"
DAYS = ["2026-01-01", "2026-01-02", "2026-01-04"]


def delivered(spark: SparkSession, *rows: tuple[int, str]) -> DataFrame:
    """Rows of a history: agent and day, each day's in a file of its own."""
    return spark.createDataFrame([(id_, day, f"{day}.json") for id_, day in rows], PLACED)


def history(spark: SparkSession, details: DataFrame, active: DataFrame) -> DataFrame:
    days = spark.createDataFrame([(day,) for day in DAYS], "day string")
    return roster.status_history(details, active, days)


def assert_history(found: DataFrame, expected: dict[int, str]) -> None:
    """By agent, a mark for each day: `+` active, `-` inactive, `.` not known yet."""
    rows = [
        (id_, date.fromisoformat(day), mark == "+")
        for id_, marks in expected.items()
        for day, mark in zip(DAYS, marks, strict=True)
        if mark != "."
    ]
    wanted = found.sparkSession.createDataFrame(
        rows, "agent_id bigint, sync_date date, is_active boolean"
    )
    assert_df_equality(found, wanted, ignore_row_order=True, ignore_nullable=True)


def test_an_agent_has_a_status_for_each_day_from_the_first_that_knows_them(
    spark: SparkSession,
) -> None:
    details = delivered(
        spark,
        *[(1, day) for day in DAYS],
        (2, "2026-01-01"),
        (3, "2026-01-02"),
        (4, "2026-01-04"),
        (5, "2026-01-01"),
    )
    active = delivered(
        spark,
        *[(1, day) for day in DAYS],
        (2, "2026-01-04"),
        (3, "2026-01-01"),
        (3, "2026-01-02"),
        (9, "2026-01-01"),
    )
    assert_history(
        history(spark, details, active),
        {1: "+++", 2: "--+", 3: ".+-", 4: "..-", 5: "---"},
    )


def test_a_late_day_of_details_makes_an_agent_known_from_then_on(spark: SparkSession) -> None:
    active = delivered(spark, (1, "2026-01-01"), (1, "2026-01-02"))
    before = delivered(spark, (1, "2026-01-04"))
    assert_history(history(spark, before, active), {1: "..-"})
    after = delivered(spark, (1, "2026-01-04"), (1, "2026-01-01"))
    assert_history(history(spark, after, active), {1: "++-"})


def test_without_any_list_of_active_agents_nobody_is_active(spark: SparkSession) -> None:
    details = delivered(spark, (1, "2026-01-01"))
    assert_history(history(spark, details, details.limit(0)), {1: "---"})


def test_who_is_active_but_not_known_on_that_day_is_counted_by_file(spark: SparkSession) -> None:
    details = delivered(spark, (1, "2026-01-01"), (2, "2026-01-04"))
    active = delivered(
        spark,
        (1, "2026-01-02"),
        (2, "2026-01-01"),
        (2, "2026-01-04"),
        (8, "2026-01-04"),
        (9, "2026-01-04"),
    )
    assert_df_equality(
        roster.active_but_unknown(details, active),
        spark.createDataFrame(
            [("2026-01-01.json", 1), ("2026-01-04.json", 2)], "_file string, agents bigint"
        ),
        ignore_row_order=True,
        ignore_nullable=True,
    )


SEEN = datetime(2026, 1, 1, 8, 30)
TEXTS = ("email", "name", "job_title", "language", "mobile", "phone", "time_zone")
DETAILS = "agent_id bigint, " + ", ".join(f"{name} string" for name in TEXTS)
DETAILS += ", available boolean, focus_mode boolean, agent_operational_status string"
DETAILS += ", last_active_at timestamp, created_at timestamp, updated_at timestamp, _period string"


def details_of(id_: int, day: str) -> tuple[Any, ...]:
    texts = [f"{name} of {id_}" for name in TEXTS]
    return (id_, *texts, True, None, "READY", SEEN, None, SEEN, day)


def test_the_roster_holds_each_known_agent_as_last_told_and_active_as_of_the_latest_day(
    spark: SparkSession,
) -> None:
    told = [details_of(1, "2026-01-04"), details_of(2, "2026-01-01"), details_of(3, "2026-01-02")]
    status = [
        (1, date(2026, 1, 2), False),
        (1, date(2026, 1, 4), True),
        (2, date(2026, 1, 2), True),
        (2, date(2026, 1, 4), False),
        (3, date(2026, 1, 4), True),
    ]
    at = "2026-01-05T00:00:00Z"
    found = roster.latest_agents(
        spark.createDataFrame(told, DETAILS),
        spark.createDataFrame(status, "agent_id bigint, sync_date date, is_active boolean"),
        "2026-01-04",
        at,
    )
    assert tuple(found.columns) == (*roster.COMPARED, "ingested_at")
    assert [kind for name, kind in found.dtypes if name == "ingested_at"] == ["timestamp"]
    assert found.where(F.col("ingested_at") != F.lit(at).cast("timestamp")).isEmpty()
    own = ("agent_id", "name", "available", "focus_mode", "last_active_at", "created_at")
    schema = "agent_id bigint, name string, available boolean, focus_mode boolean"
    schema += ", last_active_at timestamp, created_at timestamp, deactivated boolean"
    schema += ", status string, sync_day date, source string"
    expected = [
        (id_, f"name of {id_}", True, None, SEEN, None, not active, status, day, "api")
        for id_, active, status, day in (
            (1, True, "active", date(2026, 1, 4)),
            (2, False, "inactive", date(2026, 1, 1)),
            (3, True, "active", date(2026, 1, 2)),
        )
    ]
    assert_df_equality(
        found.select(*own, "deactivated", "status", "sync_day", "source"),
        spark.createDataFrame(expected, schema),
        ignore_row_order=True,
        ignore_nullable=True,
    )
