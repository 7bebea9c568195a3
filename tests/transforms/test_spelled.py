"""What a cell's text stands for, by the same rules as in Spark (contracts: Reading)."""

from datetime import UTC, date, datetime
from decimal import Decimal
from random import Random

import pytest
from pyspark.sql import functions as F

from support_lakehouse.model.column import ColumnType
from support_lakehouse.transforms.spelled import value_of
from support_lakehouse.transforms.types import read_as

TYPES = {
    "text": ColumnType(name="text"),
    "integer": ColumnType(name="integer"),
    "decimal": ColumnType(name="decimal", precision=12, scale=4),
    "double": ColumnType(name="double"),
    "boolean": ColumnType(name="boolean"),
    "date": ColumnType(name="date"),
    "time": ColumnType(name="time"),
    "timestamp": ColumnType(name="timestamp"),
    "timestamp_ntz": ColumnType(name="timestamp_ntz"),
}


@pytest.mark.parametrize(
    ("type_", "text", "value"),
    [
        ("text", "a", "a"),
        ("text", "", None),
        ("integer", "4.0", 4),
        ("integer", "-07", -7),
        ("integer", "4.5", None),
        ("integer", "9223372036854775808", None),
        ("decimal", "12.50000", Decimal("12.5")),
        ("decimal", "0.00001", None),
        ("decimal", "123456789", None),
        ("decimal", "4e0", None),
        ("double", "1.50", 1.5),
        ("boolean", "TRUE", True),
        ("boolean", "yes", None),
        ("date", "2025-02-29", None),
        ("date", "2024-02-29", date(2024, 2, 29)),
        ("time", "09:05:00", "09:05:00"),
        ("time", "9:05:00", None),
        ("timestamp", "2025-01-05T14:30:00Z", datetime(2025, 1, 5, 14, 30, tzinfo=UTC)),
        ("timestamp", "2025-01-05 14:30+05:30", datetime(2025, 1, 5, 9, tzinfo=UTC)),
        ("timestamp", "2025-01-05T14:30:00.5", datetime(2025, 1, 5, 14, 30, 0, 500_000, UTC)),
        ("timestamp", "2025-01-05T24:00:00Z", None),
        ("timestamp", "now", None),
        ("timestamp_ntz", "2025-01-05T14:30", datetime(2025, 1, 5, 14, 30)),
        ("timestamp_ntz", "2025-01-05T14:30Z", None),
    ],
)
def test_a_text_is_the_value_that_its_type_makes_of_it(type_, text, value):
    assert value_of(text, TYPES[type_]) == value


def test_spark_reads_the_same_of_texts_made_by_chance(spark):
    rng = Random(5)
    pieces = ["2025-01-05", "0001-01-01", "9999-12-31", "T", " ", "14:30", "23:59:60", ":00", ".5"]
    pieces += ["Z", "+05:30", "-18:00", "+18:01", "-0500", "4", ".0", "00", "+", "-", "true", "e1"]
    texts = ["".join(rng.choice(pieces) for _ in range(rng.randrange(1, 6))) for _ in range(3000)]
    texts += [f"2025-01-05T14:30{tail}" for tail in ("", "Z", "+18:00", "-18:01", ":61Z", "+0560")]
    frame = spark.createDataFrame([(text,) for text in sorted(set(texts))], "text string")
    names = [name for name in TYPES if name not in ("text", "timestamp")]
    read = [read_as(F.col("text"), TYPES[name]).alias(name) for name in names]
    moment = read_as(F.col("text"), TYPES["timestamp"])
    rows = frame.select("text", *read, F.unix_micros(moment).alias("timestamp")).collect()
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    for row in rows:
        for name in names:
            if name != "double" or "e" not in row.text:  # JSON may write 4e1
                assert value_of(row.text, TYPES[name]) == row[name], (row.text, name)
        told = value_of(row.text, TYPES["timestamp"])
        micros = None if told is None else (told - epoch) // (datetime.resolution)
        assert micros == row.timestamp, row.text
