"""The hash of rows in memory is Spark's, to the bit."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from support_lakehouse.transforms.fingerprint import row_hash
from support_lakehouse.transforms.hashing import row_hashes

REASON = pa.struct([("rule", pa.string()), ("column", pa.string()), ("message", pa.string())])
SCHEMA = pa.schema(
    [
        ("text", pa.string()),
        ("long", pa.int64()),
        ("int", pa.int32()),
        ("yes", pa.bool_()),
        ("sum", pa.decimal128(28, 4)),
        ("most", pa.decimal128(38, 0)),
        ("amount", pa.decimal128(12, 4)),
        ("ratio", pa.float64()),
        ("day", pa.date32()),
        ("at", pa.timestamp("us", tz="UTC")),
        ("clock", pa.timestamp("us")),
        ("texts", pa.list_(pa.string())),
        ("reasons", pa.list_(REASON)),
    ]
)


def decimals(digits: int, scale: int) -> st.SearchStrategy[Decimal]:
    whole = st.integers(-(10**digits) + 1, 10**digits - 1)
    return whole.map(lambda n: Decimal(f"{n}E-{scale}"))


MOMENTS = datetime(1900, 1, 1)
reasons = st.fixed_dictionaries(
    {name: st.none() | st.text(max_size=40) for name in ("rule", "column", "message")}
)
rows = st.fixed_dictionaries(
    {
        "text": st.none() | st.text(max_size=80),
        "long": st.none() | st.integers(-(2**63), 2**63 - 1),
        "int": st.none() | st.integers(-(2**31), 2**31 - 1),
        "yes": st.none() | st.booleans(),
        "sum": st.none() | decimals(28, 4) | decimals(6, 4),
        "most": st.none() | decimals(38, 0) | st.integers(-70_000, 70_000).map(Decimal),
        "amount": st.none() | decimals(12, 4),
        "ratio": st.none() | st.floats(allow_nan=False) | st.just(-0.0),
        "day": st.none() | st.dates(),
        "at": st.none() | st.datetimes(MOMENTS, timezones=st.just(UTC)),
        "clock": st.none() | st.datetimes(MOMENTS),
        "texts": st.none() | st.lists(st.none() | st.text(max_size=40), max_size=3),
        "reasons": st.none() | st.lists(reasons, max_size=3),
    }
)


def by_spark(spark: SparkSession, told: pa.Table) -> list[int]:
    frame = spark.createDataFrame(told)
    return [row[0] for row in frame.select(row_hash(frame.columns)).collect()]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(told=st.lists(rows, min_size=1, max_size=40))
def test_each_row_has_the_hash_that_spark_gives_it(
    spark: SparkSession, told: list[dict[str, Any]]
) -> None:
    table = pa.Table.from_pylist(told, SCHEMA)
    assert row_hashes(table).to_pylist() == by_spark(spark, table)
    rest = table.slice(len(told) // 2)
    assert row_hashes(rest).to_pylist() == row_hashes(table).to_pylist()[len(told) // 2 :]


@pytest.mark.parametrize("length", [0, 1, 3, 4, 7, 8, 11, 12, 31, 32, 33, 63, 64, 100])
def test_texts_of_any_length_are_hashed_to_their_end(spark: SparkSession, length: int) -> None:
    table = pa.table({"text": ["x" * length, "y" * length, "x" * (length + 1)]})
    assert row_hashes(table).to_pylist() == by_spark(spark, table)


def test_whole_bytes_of_a_number_are_kept_as_java_keeps_them(spark: SparkSession) -> None:
    edges = [n + d for n in (0, 2**7, 2**8, 2**15, 2**16, 2**31, 2**63, 2**64) for d in (-1, 0, 1)]
    numbers = [Decimal(sign * edge) for edge in edges for sign in (1, -1)]
    table = pa.table({"most": pa.array(numbers, pa.decimal128(38, 0))})
    assert row_hashes(table).to_pylist() == by_spark(spark, table)


def test_a_table_without_rows_has_no_hash() -> None:
    assert row_hashes(SCHEMA.empty_table()).to_pylist() == []


def test_long_and_short_texts_beside_each_other_keep_their_hashes(spark: SparkSession) -> None:
    texts = ["x" * n for n in (5, 200, 31, 64, 0, 33, 200, 32)]
    table = pa.table({"text": texts, "other": texts[::-1]})
    assert row_hashes(table).to_pylist() == by_spark(spark, table)


def test_what_no_column_is_of_is_not_hashed() -> None:
    with pytest.raises(TypeError, match="timestamp"):
        row_hashes(pa.table({"at": pa.array([0], pa.timestamp("ns"))}))
