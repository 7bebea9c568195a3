"""Marts: cubes with names, by hand (sources.md, A)."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa
from chispa import assert_df_equality
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession

from support_lakehouse.transforms import marts, named
from support_lakehouse.transforms.hashing import row_hashes

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


def test_keys_that_stand_for_another_name_are_told(spark: SparkSession) -> None:
    was = {"K1": "Billing", "K2": "Sales", "K3": None, "gone": "Sales", "idle": ""}
    now = {"K1": "Billing", "K2": "Repair", "K3": "Unknown", "new": "Sales", "idle": None}
    sides = (categories(spark, told).toArrow() for told in (was, now))
    found = named.renamed(*sides, named.DEPARTMENT)
    assert sorted(found.to_pylist()) == ["K2", "gone", "new"]


TWO_KEYS = pa.schema(
    [("month", pa.string()), ("center", pa.string()), ("calls", pa.int64())]
    + [("minutes", pa.decimal128(28, 4))]
)


def counted(*rows: tuple[str | None, str | None, int, str]) -> pa.Table:
    told = [
        dict(zip(TWO_KEYS.names, (*keys, calls, Decimal(minutes)), strict=True))
        for *keys, calls, minutes in rows
    ]
    return pa.Table.from_pylist(told, TWO_KEYS)


def test_what_no_change_has_the_keys_of_stays_as_it_is() -> None:
    was = counted(
        *[("01", "C1", 1, "1"), ("01", None, 2, "2"), (None, "C1", 3, "3"), ("02", "C2", 4, "0")]
    ).append_column("_row_hash", pa.array([11, 12, 13, 14]))
    changes = counted(
        *[("01", None, 5, "0.5"), ("02", "C2", -4, "0"), ("03", "C1", 1, "1"), ("01", None, 1, "0")]
    )
    told = named.updated(was, changes, ("month", "center"))
    assert told.stay.to_pylist() == was.take([0, 2]).to_pylist()
    assert told.go.to_pylist() == was.take([1, 3]).to_pylist()
    came = counted(("01", None, 8, "2.5"), ("03", "C1", 1, "1"))
    assert told.come.sort_by("month") == named.hashed(came)
    assert told.rows == pa.concat_tables([told.stay, told.come])


KEYS = st.sampled_from(["", "a", "b", "ab", None])
ROWS = st.lists(st.tuples(KEYS, KEYS, st.integers(-3, 3), st.sampled_from(["0", "1.5", "-2"])))


@given(st.dictionaries(st.tuples(KEYS, KEYS), st.integers(1, 4)), ROWS)
def test_any_changes_add_up(was: dict[tuple[Any, Any], int], changes: list[Any]) -> None:
    told = named.hashed(counted(*((*keys, calls, "1") for keys, calls in was.items())))
    found = named.updated(told, counted(*changes), ("month", "center"))
    expected = {keys: [calls, Decimal(1)] for keys, calls in was.items()}
    for *keys, calls, minutes in changes:
        so_far = expected.setdefault(tuple(keys), [0, Decimal(0)])
        so_far[0], so_far[1] = so_far[0] + calls, so_far[1] + Decimal(minutes)
    rows = [tuple(row.values())[:4] for row in found.rows.to_pylist()]
    assert sorted(rows, key=repr) == sorted(
        ((*keys, *sums) for keys, sums in expected.items() if any(sums)), key=repr
    )
    assert (
        found.rows["_row_hash"].to_pylist() == row_hashes(found.rows.drop("_row_hash")).to_pylist()
    )


CENTERS = st.dictionaries(
    st.sampled_from(["a", "b", "UNKNOWN"]), st.sampled_from(["Austin", "Boston", "", None])
)


@given(st.dictionaries(st.tuples(KEYS, KEYS), st.integers(1, 4)), ROWS, CENTERS, CENTERS)
def test_a_mart_brought_up_to_date_is_as_if_made_anew(
    was: dict[tuple[Any, Any], int],
    changes: list[Any],
    then: dict[str, str | None],
    today: dict[str, str | None],
) -> None:
    name = named.Name("center", "told", "called")
    mart = named.Mart(("month", "called"), (name,))
    schema = pa.schema([("center", pa.string()), ("told", pa.string())])
    sides = [
        [pa.Table.from_pylist([{"center": k, "told": v} for k, v in side.items()], schema)]
        for side in (then, today)
    ]
    before = named.hashed(counted(*((*keys, calls, "1") for keys, calls in was.items())))
    above = [row for row in changes if row[2] > 0]  # as every cube counts its rows
    cube = named.updated(before, counted(*above), ("month", "center"))
    stood = named.hashed(named.mart_of(before, mart, sides[0]))
    found = named.updated(stood, named.changed_mart(cube, mart, *sides), mart.keys).rows
    anew = named.hashed(named.mart_of(cube.rows, mart, sides[1]))
    assert sorted(found.to_pylist(), key=repr) == sorted(anew.to_pylist(), key=repr)


def test_where_nothing_changed_a_mart_has_nothing_to_add(spark: SparkSession) -> None:
    cube = spark.createDataFrame([("2025-01", "C1", "K1", 1, 1, Decimal(1))], CUBE).toArrow()
    names = [centers(spark, {"C1": "Boston"}).toArrow(), categories(spark, {}).toArrow()]
    as_it_is = named.as_it_is(named.hashed(cube))
    assert named.changed_mart(as_it_is, named.SUPPORT_REPORT, names, names).num_rows == 0
