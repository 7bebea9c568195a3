"""What is counted of interactions, by hand (sources.md, A): each by Spark and by DataFusion."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from chispa import assert_df_equality
from pyspark.sql import DataFrame, SparkSession

from support_lakehouse.io import lake
from support_lakehouse.io.frames import frame_of
from support_lakehouse.model.settings import BusinessHours
from support_lakehouse.transforms import cubes, marts, named
from support_lakehouse.transforms.cubes import Dialect
from support_lakehouse.transforms.hashing import ROW_HASH

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
WORK = (
    "month string, contact_center_id string, {key} string, agent_id string, calls bigint,"
    " call_minutes decimal(28,4), work_minutes decimal(28,4),"
    " after_resolution_minutes decimal(28,4), calls_with_time_after_resolution bigint"
)
HOURS = (
    "contact_center_id string, weekday string, hour int, inside_business_hours boolean,"
    " interactions bigint, calls bigint"
)
Cube = Callable[[Dialect], str]
Row = tuple[Any, ...]


def utc(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).replace(tzinfo=UTC)


def at(start: str, **told: Any) -> Row:
    """A phone call of one minute that begins then, or what is told instead."""
    usual = {"channel": "phone", "center": "C1", "category": "K1", "agent": "A1", "minutes": "1"}
    one = usual | {"resolved": None, "end": None} | told
    minutes = None if one["minutes"] is None else Decimal(one["minutes"])
    place = (one["channel"], one["center"], one["category"], one["agent"], minutes)
    return (utc(start), *place, utc(one["resolved"]), utc(one["end"]))


def assert_rows(frame: DataFrame, expected: Sequence[Row], schema: str) -> None:
    wanted = frame.sparkSession.createDataFrame(expected, schema)
    assert_df_equality(frame, wanted, ignore_row_order=True, ignore_nullable=True)


class Engines:
    """Spark and DataFusion, which are asked the same and have to say the same."""

    def __init__(self, spark: SparkSession, folder: Path) -> None:
        self.spark, self.folder = spark, folder

    def rows(self, of: Cube, schema: str, **tables: DataFrame) -> DataFrame:
        """What a cube's SQL says of some tables."""
        by_spark = self.spark.sql(of(cubes.SPARK), None, **tables)
        told = {name: frame.toArrow() for name, frame in tables.items()}
        by_datafusion = frame_of(lambda: self.spark, self._asked(of(cubes.DATAFUSION), told), None)
        assert_df_equality(by_datafusion, by_spark, ignore_row_order=True, ignore_nullable=True)
        return by_spark

    def _asked(self, sql: str, tables: dict[str, pa.Table]) -> pa.Table:
        if not tables:
            return lake.query(sql, {})
        (name, rows), *others = tables.items()
        with lake.at_hand(rows, self.folder) as path:
            if not others:
                return lake.query(sql.format(**{name: name}), {name: (path, 0)})
            ((other, more),) = others
            with lake.at_hand(more, self.folder) as beside:
                names = {name: name, other: other}
                return lake.query(sql.format(**names), {name: (path, 0), other: (beside, 0)})

    def values(self, rows: Sequence[Row], schema: str, of: Cube) -> list[Any]:
        """What an expression says of each row, in order."""
        numbered = self.spark.createDataFrame(
            [(n, *row) for n, row in enumerate(rows)], f"n bigint, {schema}"
        )

        def asked(sql: Dialect) -> str:
            return f"SELECT n, {of(sql)} AS value FROM {{rows}}"

        found = self.rows(asked, f"n bigint, {schema}", rows=numbered)
        return [row["value"] for row in found.orderBy("n").collect()]

    def interactions(self, *rows: Row) -> DataFrame:
        return self.spark.createDataFrame(list(rows), INTERACTIONS)


@pytest.fixture
def engines(spark: SparkSession, tmp_path: Path) -> Engines:
    return Engines(spark, tmp_path)


def month(zone: str) -> Cube:
    def of(sql: Dialect) -> str:
        months = cubes.months_since_year_0(sql, "t", zone)
        return sql.month_text.format(months=f"({months})")

    return of


def test_a_month_is_that_of_the_business_zone(engines: Engines) -> None:
    moments = ["2025-03-01T01:30", "2025-03-01T04:59:59", "2025-03-01T05:00", "2025-01-01T00:00"]
    found = engines.values([(utc(text),) for text in moments], "t timestamp", month(EST))
    assert found == ["2025-02", "2025-02", "2025-03", "2024-12"]


def test_months_at_both_ends_of_time_have_four_digits_or_more(engines: Engines) -> None:
    moments = [("0001-01-01T03:00",), ("9999-12-31T12:00",), ("0987-06-05T12:00",)]
    rows = [(utc(text),) for (text,) in moments]
    assert engines.values(rows, "t timestamp", month(EST)) == ["0000-12", "9999-12", "0987-06"]
    assert engines.values(rows, "t timestamp", month("+14:00"))[1] == "10000-01"


@pytest.mark.parametrize("zone", ["-05:00", "+05:30", "+17:59", "-00:45"])
def test_an_offset_moves_a_moment_as_spark_would(engines: Engines, zone: str) -> None:
    moments = ["0001-01-03T00:00", "1969-12-31T23:59:59.999999", "2024-02-29T12:30", "9999-12-30"]
    rows = [(utc(text),) for text in moments]
    found = engines.values(rows, "t timestamp", lambda sql: cubes.in_zone(sql, "t", zone))
    frame = engines.spark.createDataFrame(rows, "t timestamp")
    expected = frame.selectExpr(f"from_utc_timestamp(t, '{zone}') AS value").collect()
    assert found == [row["value"] for row in expected]


def test_a_named_zone_keeps_its_summer_time(engines: Engines) -> None:
    moments = ["2025-04-01T04:30", "2025-04-01T03:30", "2025-12-01T04:30"]
    rows = [(utc(text),) for text in moments]
    found = engines.values(rows, "t timestamp", month("America/New_York"))
    assert found == ["2025-04", "2025-03", "2025-11"]


def test_minutes_are_exact_to_four_decimals_half_up(engines: Engines) -> None:
    start = "2025-01-05T14:00:00"
    ends = ["2025-01-05T14:12:30", "2025-01-05T13:59:00", "2025-01-05T14:00:00.003000"]
    ends += ["2025-01-05T14:00:00.002999", "2025-01-05T14:00:20", "2025-01-05T13:59:59.997000"]
    rows = [(utc(start), utc(end)) for end in ends] + [(utc(start), None), (None, utc(start))]
    found = engines.values(
        rows, "a timestamp, b timestamp", lambda sql: cubes.steps_between(sql, "a", "b")
    )
    assert found == [125_000, -10_000, 1, 0, 3_333, -1, None, None]


def test_a_call_is_by_phone_in_any_case(engines: Engines) -> None:
    rows = [("phone",), ("PHONE",), ("Phone",), ("telephone",), ("chat",), (None,)]
    found = engines.values(rows, "channel string", lambda sql: cubes.IS_CALL)
    assert found == [True, True, True, False, False, False]


def cube(engines: Engines, *rows: Row) -> DataFrame:
    told = engines.interactions(*rows)
    return engines.rows(lambda sql: cubes.interaction_cube(sql, EST), CUBE, interactions=told)


def test_the_cube_counts_by_month_and_keys_as_delivered(engines: Engines) -> None:
    found = cube(
        engines,
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
    assert_rows(found, expected, CUBE)


def test_a_missing_duration_counts_as_nothing(engines: Engines) -> None:
    expected = [("2025-01", "C1", "K1", 1, 1, Decimal("0.0000"))]
    assert_rows(cube(engines, at("2025-01-05T10:00", minutes=None)), expected, CUBE)


def test_sums_of_minutes_are_exact(engines: Engines) -> None:
    rows = [at("2025-01-05T10:00", minutes="0.1")] * 3
    rows += [at("2025-01-05T10:00", minutes="99999999.9999")] * 2
    expected = [("2025-01", "C1", "K1", 5, 5, Decimal("200000000.2998"))]
    assert_rows(cube(engines, *rows), expected, CUBE)


WORKED = (
    at("2025-01-05T10:00", minutes="15", resolved="2025-01-05T10:10", end="2025-01-05T10:15"),
    at("2025-01-05T11:00", minutes="4", resolved="2025-01-05T11:04", end="2025-01-05T11:04"),
    at("2025-01-05T12:00", minutes="3", resolved="2025-01-05T12:05", end="2025-01-05T12:03"),
    at("2025-01-05T13:00", minutes=None),
    at("2025-01-05T10:00", channel="chat"),
)
MINUTES = (Decimal("22.0000"), Decimal("19.0000"), Decimal("5.0000"))


def work(engines: Engines, departments: dict[str, str | None], *rows: Row) -> DataFrame:
    known = engines.spark.createDataFrame(
        list(departments.items()), "category_id string, department string"
    )
    return engines.rows(
        lambda sql: cubes.work_cube(sql, EST),
        WORK.format(key="department"),
        interactions=engines.interactions(*rows),
        categories=known,
    )


def test_work_ends_with_the_resolution_and_what_follows_is_told_apart(engines: Engines) -> None:
    expected = [("2025-01", "C1", "Billing", "A1", 4, *MINUTES, 1)]
    found = work(engines, {"K1": "Billing"}, *WORKED)
    assert_rows(found, expected, WORK.format(key="department"))


def test_a_category_of_no_department_is_unknown(engines: Engines) -> None:
    keys = ("K1", "none", "empty", "gone", "UNKNOWN", None)
    rows = [at("2025-01-05T10:00", category=key) for key in keys]
    departments = {"K1": "Billing", "none": None, "empty": "", "UNKNOWN": "Nowhere", "idle": "IT"}
    told = work(engines, departments, *rows).select("department", "calls")
    assert_rows(told, [("Billing", 1), ("Unknown", 5)], "department string, calls bigint")


def test_work_of_some_categories_comes_to_the_same_when_it_is_resolved(engines: Engines) -> None:
    told = engines.interactions(*WORKED, at("2025-01-05T10:00", category="K2"))
    found = engines.rows(
        lambda sql: cubes.work_cube(sql, EST, "category_id", "category_id IN ('K1')"),
        WORK.format(key="category_id"),
        interactions=told,
    )
    expected = [("2025-01", "C1", "K1", "A1", 4, *MINUTES, 1)]
    assert_rows(found, expected, WORK.format(key="category_id"))
    departments = pa.table({"category_id": ["K1"], "department": ["Billing"]})
    resolved = named.mart_of(found.toArrow(), named.WORK_BY_DEPARTMENT, [departments])
    there = frame_of(lambda: engines.spark, resolved).select(
        *work(engines, {"K1": "Billing"}).columns
    )
    expected = [("2025-01", "C1", "Billing", "A1", 4, *MINUTES, 1)]
    assert_rows(there, expected, WORK.format(key="department"))


def test_hours_are_those_of_the_business_zone(engines: Engines) -> None:
    rows = engines.interactions(
        at("2025-01-06T14:00"),  # Monday 09:00
        at("2025-01-06T14:59:59", channel="chat"),
        at("2025-01-06T13:59:59"),  # Monday 08:59
        at("2025-01-06T21:59:59"),  # Monday 16:59
        at("2025-01-06T22:00"),  # Monday 17:00
        at("2025-01-06T04:30"),  # Sunday 23:30
        at("2025-01-11T15:00", center="gone"),  # Saturday 10:00
    )
    hours = BusinessHours.model_validate({"from": 9, "to": 17})
    found = engines.rows(lambda sql: cubes.hours_cube(sql, EST, hours), HOURS, interactions=rows)
    expected = [
        ("C1", "mon", 9, True, 2, 1),
        ("C1", "mon", 8, False, 1, 1),
        ("C1", "mon", 16, True, 1, 1),
        ("C1", "mon", 17, False, 1, 1),
        ("C1", "sun", 23, False, 1, 1),
        ("gone", "sat", 10, False, 1, 1),
    ]
    assert_rows(found, expected, HOURS)


def test_without_a_business_day_no_hour_is_inside(engines: Engines) -> None:
    hours = BusinessHours.model_validate({"days": [], "from": 0, "to": 24})
    told = engines.interactions(at("2025-01-06T14:00"))
    found = engines.rows(lambda sql: cubes.hours_cube(sql, EST, hours), HOURS, interactions=told)
    assert_rows(found, [("C1", "mon", 9, False, 1, 1)], HOURS)


def test_a_cube_is_what_it_was_and_what_came_less_what_is_gone(engines: Engines) -> None:
    stays = at("2025-01-05T10:00", minutes="10")
    other = at("2025-01-05T11:00", minutes="1.5", category="K2")
    moved = [at(f"2025-0{month}-06T10:00", minutes="4", center=None) for month in (1, 2)]
    was, gone, came = (
        cube(engines, *rows)
        for rows in ([stays, other, moved[0]], [other, moved[0]], [moved[1], stays])
    )
    less = named.less(gone.toArrow(), cubes.CUBE_KEYS)
    changes = pa.concat_tables([came.toArrow(), less])
    told = named.updated(named.hashed(was.toArrow()), changes, cubes.CUBE_KEYS)
    by_arrow = told.rows.drop(ROW_HASH)
    found = marts.added(was, frame_of(lambda: engines.spark, changes), cubes.CUBE_KEYS)
    by_arrow = engines.spark.createDataFrame(by_arrow, found.schema)
    assert_df_equality(by_arrow, found, ignore_row_order=True)
    expected = [
        ("2025-01", "C1", "K1", 2, 2, Decimal("20.0000")),
        ("2025-02", None, "K1", 1, 1, Decimal("4.0000")),
    ]
    assert_rows(found, expected, CUBE)
