"""Which texts are which values, and which are none (contracts.md, Reading)."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import get_args

import pyarrow as pa
import pytest
from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F

from support_lakehouse.io.session import session_for
from support_lakehouse.model.checks import SHAPES
from support_lakehouse.model.column import TypeName
from support_lakehouse.model.feed import ColumnType
from support_lakehouse.transforms import arrow_types
from support_lakehouse.transforms.types import read_as


@pytest.fixture(scope="module")
def notebook(spark: SparkSession) -> SparkSession:
    """A session as people have it, in which a cast that fails is an error."""
    return session_for(spark, 0)


@pytest.fixture(scope="module")
def spark(spark: SparkSession) -> SparkSession:
    """A session as a feed's own is in a run, in which it is null."""
    return session_for(spark, 0, lenient=True)


def readings(spark: SparkSession, type_: str, texts: Sequence[str]) -> dict[str, str | None]:
    """Each text with the value read of it, as Spark writes it in UTC; the same value in memory."""
    told = ColumnType.model_validate(type_)
    frame = spark.createDataFrame([(text,) for text in texts], "text string")
    value = read_as(F.col("text"), told)
    read = frame.select("text", value.alias("value"), value.cast("string").alias("shown")).toArrow()
    own = read["text"].combine_chunks()
    assert arrow_types.read_as(own, told).to_pylist() == read["value"].to_pylist()
    alone = [arrow_types.read_as(pa.array([text]), told)[0] for text in own.to_pylist()]
    assert [one.as_py() for one in alone] == read["value"].to_pylist()
    assert {one.type for one in alone} == {arrow_types.type_of(told)}
    return dict(zip(own.to_pylist(), read["shown"].to_pylist(), strict=True))


def assert_reads(spark: SparkSession, type_: str, expected: dict[str, str]) -> None:
    assert readings(spark, type_, list(expected)) == expected


def assert_reads_none(spark: SparkSession, type_: str, texts: Sequence[str]) -> None:
    found = readings(spark, type_, texts)
    assert {text: value for text, value in found.items() if value is not None} == {}


@pytest.mark.parametrize(
    ("type_", "sql"),
    [
        ("text", "string"),
        ("integer", "bigint"),
        ("decimal(12,4)", "decimal(12,4)"),
        ("date", "date"),
        ("timestamp", "timestamp"),
        ("timestamp_ntz", "timestamp_ntz"),
        ("double", "double"),
        ("boolean", "boolean"),
        ("time", "string"),
    ],
)
def test_a_type_has_its_column_type_and_null_stays_null(
    spark: SparkSession, type_: str, sql: str
) -> None:
    frame = spark.createDataFrame([(None,)], "text string")
    read = frame.select(read_as(F.col("text"), ColumnType.model_validate(type_)).alias("value"))
    assert read.dtypes == [("value", sql)]
    assert read.collect()[0]["value"] is None


def test_every_type_has_a_name_for_people() -> None:
    assert set(SHAPES) == set(get_args(TypeName))


def test_text_is_what_it_is(spark: SparkSession) -> None:
    assert_reads(spark, "text", {"null": "null", "NaN": "NaN", "4.0": "4.0", "Zoë": "Zoë"})


def test_whole_numbers_have_a_sign_digits_and_perhaps_a_fraction_of_zeros(
    spark: SparkSession,
) -> None:
    expected = {"4": "4", "+4": "4", "-4": "-4", "007": "7", "4.0": "4", "-4.000": "-4", "-0": "0"}
    assert_reads(spark, "integer", expected)


def test_whole_numbers_go_as_far_as_bigint(spark: SparkSession) -> None:
    largest, smallest = "9223372036854775807", "-9223372036854775808"
    padded = "0" * 40 + "4"
    assert_reads(spark, "integer", {largest: largest, smallest: smallest, padded: "4"})
    assert_reads_none(spark, "integer", ["9223372036854775808", "-9223372036854775809"])


def test_other_texts_are_no_whole_numbers(spark: SparkSession) -> None:
    numbers = ["4.5", "4.", ".0", "4e0", "1E3", "0x1A", "1_000", "1,000", "4.0.0", "4d", "4L"]
    others = [
        "+",
        "-",
        "--4",
        "+ 4",
        "4 ",
        " 4",
        "4\n",
        "4.0\n",
        "four",
        "yes",
        "\u0664",
        "\uff14",
        "true",
    ]
    assert_reads_none(spark, "integer", numbers + others)


def test_decimals_have_a_sign_digits_and_perhaps_a_fraction(spark: SparkSession) -> None:
    expected = {
        "140": "140.0000",
        "+12.5": "12.5000",
        "-0.0001": "-0.0001",
        "007.25": "7.2500",
        "99999999.9999": "99999999.9999",
        "-99999999.9999": "-99999999.9999",
    }
    assert_reads(spark, "decimal(12,4)", expected)


def test_zeros_at_either_end_of_a_decimal_cost_nothing(spark: SparkSession) -> None:
    expected = {
        "1.50000": "1.5000",
        "1." + "0" * 50: "1.0000",
        "0" * 40 + "12.5": "12.5000",
        "-0.000000": "0.0000",
    }
    assert_reads(spark, "decimal(12,4)", expected)


def test_a_decimal_that_would_lose_a_digit_is_unreadable(spark: SparkSession) -> None:
    too_fine = ["0.00001", "1.00001", "1.000001"]
    too_big = ["100000000", "-100000000.0", "9" * 60]
    assert_reads_none(spark, "decimal(12,4)", too_fine + too_big)


def test_a_decimal_without_scale_is_whole(spark: SparkSession) -> None:
    widest = "9" * 38
    assert_reads(spark, "decimal(38,0)", {widest: widest, "4": "4", "4.00": "4"})
    assert_reads_none(spark, "decimal(38,0)", ["4.5", "4.", "1" + "0" * 38])


def test_a_decimal_may_be_all_scale(spark: SparkSession) -> None:
    assert_reads(spark, "decimal(2,2)", {"0.25": "0.25", "-0.9": "-0.90"})
    assert_reads_none(spark, "decimal(2,2)", ["1", "1.00", "0.255"])


def test_other_texts_are_no_decimals(spark: SparkSession) -> None:
    numbers = ["4e0", "1E-4", "5.", ".5", "1,5", "1 000", "1_000", "0x1A", "1.5d", "1.5f"]
    others = ["NaN", "Infinity", "-", "--1", "+ 1", " 1", "1.5\n", "yes", "\u0663.\u0665", "1.5.0"]
    assert_reads_none(spark, "decimal(12,4)", numbers + others)


def test_dates_are_real_days_from_year_1_to_9999(spark: SparkSession) -> None:
    days = ["2025-01-05", "2024-02-29", "2000-02-29", "0001-01-01", "9999-12-31", "1582-10-10"]
    assert_reads(spark, "date", {day: day for day in days})


def test_days_that_never_were_are_no_dates(spark: SparkSession) -> None:
    never = ["2025-02-29", "1900-02-29", "2025-04-31", "2025-13-01", "2025-00-10", "2025-01-00"]
    assert_reads_none(spark, "date", [*never, "0000-01-01", "10000-01-01"])


def test_other_texts_are_no_dates(spark: SparkSession) -> None:
    parts = ["2025", "2025-01", "2025-1-5", "20250105", "25-01-05", "15/01/2025", "-2025-01-05"]
    more = ["2025-01-05T", "2025-01-05T00:00:00Z", "2025-01-05 ", " 2025-01-05", "2025-01-05\n"]
    words = [
        "now",
        "today",
        "epoch",
        "yes",
        "\uff12\uff10\uff12\uff15-01-05",
        "\u0662\u0660\u0662\u0665-01-05",
    ]
    assert_reads_none(spark, "date", parts + more + words)


def test_a_timestamp_without_an_offset_is_utc(spark: SparkSession) -> None:
    expected = {
        "2025-01-05T14:30:00Z": "2025-01-05 14:30:00",
        "2025-01-05T14:30:00": "2025-01-05 14:30:00",
        "2025-01-05 14:30:00": "2025-01-05 14:30:00",
        "2025-01-05 23:59:59Z": "2025-01-05 23:59:59",
    }
    assert_reads(spark, "timestamp", expected)


def test_a_timestamp_needs_no_seconds(spark: SparkSession) -> None:
    expected = {
        "2025-01-05T14:30": "2025-01-05 14:30:00",
        "2025-01-05 14:30Z": "2025-01-05 14:30:00",
        "2025-01-05T14:30-05:00": "2025-01-05 19:30:00",
        "2025-01-05T14:30+0530": "2025-01-05 09:00:00",
    }
    assert_reads(spark, "timestamp", expected)


def test_a_timestamp_with_an_offset_is_that_moment_in_utc(spark: SparkSession) -> None:
    expected = {
        "2025-01-05T23:30:00-05:00": "2025-01-06 04:30:00",
        "2025-01-05T23:30:00-0500": "2025-01-06 04:30:00",
        "2025-01-05 02:00:00+05:30": "2025-01-04 20:30:00",
        "2025-01-05T00:00:00+00:00": "2025-01-05 00:00:00",
        "2025-01-05T00:00:00-00:00": "2025-01-05 00:00:00",
        "2025-01-01T00:00:00+14:00": "2024-12-31 10:00:00",
        "2025-01-05T14:30:00+18:00": "2025-01-04 20:30:00",
    }
    assert_reads(spark, "timestamp", expected)


def test_a_timestamp_may_have_up_to_six_digits_of_a_second(spark: SparkSession) -> None:
    expected = {
        "2025-01-05T14:30:00.5Z": "2025-01-05 14:30:00.5",
        "2025-01-05 14:30:00.000007": "2025-01-05 14:30:00.000007",
        "2025-01-05T14:30:59.999999-05:00": "2025-01-05 19:30:59.999999",
        "2025-01-05T14:30:00.000Z": "2025-01-05 14:30:00",
    }
    assert_reads(spark, "timestamp", expected)
    none = ["14:30:00.1234567Z", "14:30:00.Z", "14:30:00.", "14:30.5Z", "14:30:00,5Z"]
    assert_reads_none(spark, "timestamp", [f"2025-01-05T{clock}" for clock in none])


def test_years_of_timestamps_go_from_1_to_9999(spark: SparkSession) -> None:
    expected = {
        "0001-01-01T00:00:00Z": "0001-01-01 00:00:00",
        "9999-12-31T23:59:59.999999Z": "9999-12-31 23:59:59.999999",
        "0001-01-02T00:00:00+05:00": "0001-01-01 19:00:00",
        "9999-12-30T23:59:59-05:00": "9999-12-31 04:59:59",
    }
    assert_reads(spark, "timestamp", expected)
    assert_reads_none(spark, "timestamp", ["0000-01-01T00:00:00Z", "10000-01-01T00:00:00Z"])


def test_no_offset_leads_out_of_the_years_1_to_9999(spark: SparkSession) -> None:
    early = ["0001-01-01T00:30+05:00", "0001-01-01T00:30:00+0500", "0001-01-01T00:30:00.5+05:00"]
    late = ["9999-12-31T23:30-05:00", "9999-12-31 23:30:00-0500", "9999-12-31T23:30:00.12345-05:00"]
    six_digits = ["0001-01-01T00:30:00.123456+05:00", "9999-12-31T23:30:00.123456-05:00"]
    assert_reads_none(spark, "timestamp", early + late + six_digits)


def test_moments_that_never_were_are_no_timestamps(spark: SparkSession) -> None:
    days = ["2025-02-29T10:00:00Z", "2025-13-01T10:00:00Z", "2025-00-01T10:00", "2025-01-32T10:00"]
    clocks = ["24:00:00Z", "24:00", "25:00:00Z", "10:60:00Z", "10:60", "10:00:60Z", "23:59:60"]
    assert_reads_none(spark, "timestamp", days + [f"2025-01-05T{clock}" for clock in clocks])


def test_other_offsets_are_none(spark: SparkSession) -> None:
    offsets = ["+5", "+05", "+5:00", "+05:0", "+05:60", "+18:01", "+24:00", "+05:00:00", "+005:00"]
    zones = ["z", " Z", "ZZ", " UTC", "UTC", "GMT+5", " +05:00", "[Europe/Paris]", "EST", "+Z", "+"]
    texts = [f"2025-01-05T14:30:00{end}" for end in offsets + zones]
    assert_reads_none(spark, "timestamp", texts)


def test_seconds_have_two_digits_whatever_follows(spark: SparkSession) -> None:
    clocks = ["10:30:5 Z", "10:30:5.Z", "10:30:5NZ", "10:30:5\nZ", "10:30:5+Z", "10:30:5Z"]
    assert_reads_none(spark, "timestamp", [f"2025-01-05T{clock}" for clock in clocks])


def test_other_texts_are_no_timestamps(spark: SparkSession) -> None:
    words = ["now", "today", "epoch", "yes", "2025", "2025-01", "2025-01-05", "4e0", "1736087400"]
    clocks = ["10:00:00", "10:00", "T10:00:00Z"]
    signs = ["2025-01-05t10:00:00Z", "2025-01-05  10:00:00", "2025-01-05_10:00:00", "2025-01-05T"]
    short = ["2025-1-5T10:00:00Z", "2025-01-05T1:00:00Z", "2025-01-05T10Z", "25-01-05T10:00:00Z"]
    digits = [
        "\u0662\u0660\u0662\u0665-01-05T10:00:00Z",
        "2025-01-05T\uff11\uff10:00:00Z",
        "-2025-01-05T10:00:00Z",
    ]
    assert_reads_none(spark, "timestamp", words + clocks + signs + short + digits)


def test_a_text_that_is_nearly_a_usual_timestamp_is_what_the_rule_says(
    spark: SparkSession,
) -> None:
    usual = "2024-02-19T23:59:58Z"
    odd = "03-:.+ TZz\téN٣"
    places = range(len(usual))
    once = [(place, letter) for place in places for letter in odd]
    changed = [[one] for one in once] + [[one, two] for one in once for two in once if one < two]
    texts = {_with(usual, letters) for letters in changed}
    for place in places:
        shorter = usual[:place] + usual[place + 1 :]
        texts |= {shorter} | {shorter[:at] + letter + shorter[at:] for at, letter in once}
    frame = spark.createDataFrame([(text,) for text in sorted(texts)], "text string")
    value = read_as(F.col("text"), ColumnType.model_validate("timestamp"))
    found = {row["text"]: row["micros"] for row in frame.select("text", _micros(value)).collect()}
    wrong = {t: (found[t], _by_hand(t)) for t in texts if found[t] != _by_hand(t)}
    assert wrong == {}
    own = pa.array(found)
    read = arrow_types.read_as(own, ColumnType.model_validate("timestamp")).cast(pa.int64())
    assert dict(zip(found, read.to_pylist(), strict=True)) == found
    assert sum(value is not None for value in found.values()) > 200


def _with(text: str, letters: Sequence[tuple[int, str]]) -> str:
    changed = list(text)
    for place, letter in letters:
        changed[place] = letter
    return "".join(changed)


def _micros(value: Column) -> Column:
    return F.unix_micros(value).alias("micros")


def _by_hand(text: str) -> int | None:
    """The moment in microseconds since 1970, as contracts.md has it: its shape, then a real day."""
    shape = r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2})(:[0-9]{2})?(\.[0-9]{1,6})?(.*)"
    parts = re.fullmatch(shape, text)
    if parts is None or not re.fullmatch("(Z|[+-][0-9]{2}:?[0-9]{2})?", parts[5]):
        return None
    if parts[4] and not parts[3]:
        return None
    offset = parts[5] if parts[5] not in ("Z", "") else "+00:00"
    hours, minutes = int(offset[1:3]), int(offset[-2:])
    if minutes > 59 or hours * 60 + minutes > 18 * 60:
        return None
    away = timedelta(hours=hours, minutes=minutes) * (-1 if offset[0] == "-" else 1)
    micros = f"{parts[4] or '.'}000000"[:7]
    try:
        clock = f"{parts[2]}{parts[3] or ':00'}{micros}"
        moment = datetime.fromisoformat(f"{parts[1]}T{clock}+00:00") - away
    except ValueError:
        return None
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def test_a_line_break_is_part_of_no_timestamp(spark: SparkSession) -> None:
    ends = ["2025-01-05T14:30:00Z\n", "2025-01-05T14:30\n", "2025-01-05T14:30:00\r"]
    starts = ["\n2025-01-05T14:30:00Z", "\t2025-01-05T14:30:00Z", " 2025-01-05T14:30:00Z"]
    assert_reads_none(spark, "timestamp", ends + starts)


def test_doubles_have_a_sign_digits_and_perhaps_a_fraction(spark: SparkSession) -> None:
    expected = {
        "4": "4.0",
        "+4.25": "4.25",
        "-0.1": "-0.1",
        "007": "7.0",
        "0.30000000000000004": "0.30000000000000004",
        "123456789012345678901234567890": "1.2345678901234568E29",
        "0." + "0" * 400 + "1": "0.0",
    }
    assert_reads(spark, "double", expected)


def test_other_texts_are_no_doubles(spark: SparkSession) -> None:
    numbers = ["4e0", "1E5", "1e-7", "5.", ".5", "1,5", "1_000", "0x1A", "1.5d", "1.5f", "1.5.0"]
    words = [
        "NaN",
        "Infinity",
        "-Infinity",
        "inf",
        "nan",
        "-",
        "--1",
        " 1",
        "1.5\n",
        "\u0664",
        "yes",
    ]
    assert_reads_none(spark, "double", [*numbers, *words, "9" * 400])


def test_booleans_are_true_or_false_in_any_case(spark: SparkSession) -> None:
    expected = {text: text.lower() for text in ("true", "false", "TRUE", "False", "tRuE", "fAlSe")}
    assert_reads(spark, "boolean", expected)
    others = [
        "yes",
        "no",
        "y",
        "n",
        "t",
        "f",
        "T",
        "1",
        "0",
        "on",
        "off",
        " true",
        "true\n",
        "truee",
    ]
    assert_reads_none(spark, "boolean", others)


def test_times_are_real_times_of_day_and_stay_text(spark: SparkSession) -> None:
    times = ["00:00:00", "09:05:59", "19:00:00", "23:59:59"]
    assert_reads(spark, "time", {time: time for time in times})
    never = ["24:00:00", "23:60:00", "23:59:60", "29:00:00", "99:99:99", "-1:00:00"]
    others = ["9:05:59", "09:05", "090559", "09:05:59.5", "09:05:59Z", "09-05-59", "T09:05:59"]
    more = [" 09:05:59", "09:05:59\n", "\u0660\u0669:05:59", "noon", "2025-01-05 09:05:59"]
    assert_reads_none(spark, "time", never + others + more)


def test_a_clock_without_a_zone_is_what_it_says(spark: SparkSession) -> None:
    expected = {
        "2025-01-05T14:30:00": "2025-01-05 14:30:00",
        "2025-01-05 14:30": "2025-01-05 14:30:00",
        "2025-01-05T14:30:00.000007": "2025-01-05 14:30:00.000007",
        "2025-01-05 14:30:00.50": "2025-01-05 14:30:00.5",
        "0001-01-01T00:00:00": "0001-01-01 00:00:00",
        "9999-12-31T23:59:59.999999": "9999-12-31 23:59:59.999999",
    }
    assert_reads(spark, "timestamp_ntz", expected)


def test_a_clock_without_a_zone_names_none_and_is_a_real_one(spark: SparkSession) -> None:
    zones = ["Z", "+00:00", "-0500", " UTC", "z", "[Europe/Paris]"]
    never = ["2025-02-29T10:00", "2025-13-01T10:00", "2025-01-05T24:00:00", "2025-01-05T10:60"]
    others = ["2025-01-05", "10:00:00", "now", "2025-01-05T10", "2025-01-05t10:00:00"]
    more = [
        "2025-01-05T10:00:5",
        "2025-01-05T10:00:60",
        "2025-01-05T10:00:00.1234567",
        "0000-01-01T00:00",
    ]
    ends = ["2025-01-05T10:00:00\n", " 2025-01-05T10:00:00", "2025-01-05T10:00:00."]
    with_zones = [f"2025-01-05T14:30:00{zone}" for zone in zones]
    assert_reads_none(spark, "timestamp_ntz", with_zones + never + others + more + ends)


def test_in_a_notebook_texts_are_the_same_values(
    spark: SparkSession, notebook: SparkSession
) -> None:
    texts = [
        "4",
        "4.0",
        "4.5",
        "9" * 40,
        "x",
        "",
        "now",
        "4e0",
        " 4",
        "true",
        "t",
        "23:59:59",
        "NaN",
    ]
    texts += ["2025-01-05", "2025-02-30", "2025", "2025-01-05T10:00", "2025-01-05T24:00:00Z"]
    texts += [
        "2025-01-05T10:00:00+05:00",
        "9999-12-31T23:30-05:00",
        "24:00:00",
        "2025-01-05 10:00:60",
    ]
    types = [name if name != "decimal" else "decimal(6,2)" for name in get_args(TypeName)]
    values = [read_as(F.col("text"), ColumnType.model_validate(one)).alias(one) for one in types]
    told = [
        session.createDataFrame([(text,) for text in texts], "text string")
        .select(*values)
        .collect()
        for session in (spark, notebook)
    ]
    assert told[0] == told[1]
