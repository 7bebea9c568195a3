"""Owns which texts can be read as which type (contracts.md, Reading); ANSI casts take more."""

from pyspark.sql import Column
from pyspark.sql import functions as F

from support_lakehouse.model.feed import ColumnType

_DAY = "(?!0000)[0-9]{4}-[0-9]{2}-[0-9]{2}"
_CLOCK = r"[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?"
_OFFSET = "[+-][0-9]{2}:?[0-9]{2}"
# An offset could move these two days out of the years 1 to 9999.
_EDGE = "(?!(?:0001-01-01|9999-12-31).{6,16}[+-])"


def read_as(text: Column, type_: ColumnType) -> Column:
    """The trimmed text as a value of the type; null if it is null or cannot be read."""
    match type_.name:
        case "text":
            return text
        case "integer":
            return integer(text)
        case "decimal":
            return decimal(text, type_.precision, type_.scale)
        case "date":
            return date(text)
        case "double":
            return double(text)
        case "boolean":
            return boolean(text)
        case "timestamp":
            return timestamp(text)
        case "timestamp_ntz":
            return timestamp_ntz(text)
        case "time":
            return time(text)


def integer(text: Column) -> Column:
    """BIGINT from `[+-]?digits`, or with a fraction of zeros as in `4.0`."""
    whole = F.substring_index(text, ".", 1).try_cast("bigint")
    return F.when(text.rlike(r"^[+-]?[0-9]+(?:\.0+)?\z"), whole)


def decimal(text: Column, precision: int, scale: int) -> Column:
    """DECIMAL(precision, scale) from `[+-]?digits[.digits]`; null where a digit would be lost."""
    fraction = rf"(?:\.[0-9]{{1,{scale}}}0*)?" if scale else r"(?:\.0+)?"
    value = text.try_cast(f"decimal({precision},{scale})")
    return F.when(text.rlike(rf"^[+-]?[0-9]+{fraction}\z"), value)


def double(text: Column) -> Column:
    """DOUBLE from `[+-]?digits[.digits]`; no exponent, no infinity."""
    value = text.try_cast("double")
    return F.when(text.rlike(r"^[+-]?[0-9]{1,300}(?:\.[0-9]+)?\z"), value)


def boolean(text: Column) -> Column:
    """BOOLEAN from true or false, in any case."""
    low = F.lower(text)
    return F.when(low == "true", F.lit(True)).when(low == "false", F.lit(False))


def time(text: Column) -> Column:
    """A time of day from 00:00:00 to 23:59:59 as its text, which sorts as times do."""
    return F.when(text.rlike(r"^(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\z"), text)


def timestamp_ntz(text: Column) -> Column:
    """TIMESTAMP_NTZ from a date, `T` or a space, and HH:MM[:SS[.fraction]], without an offset."""
    with_seconds = F.when(F.substring(text, 17, 1) == ":", text).otherwise(
        F.concat(text, F.lit(":00"))
    )
    return F.when(text.rlike(rf"^{_DAY}[T ]{_CLOCK}\z"), with_seconds.try_cast("timestamp_ntz"))


def date(text: Column) -> Column:
    """DATE from YYYY-MM-DD, a real day from year 1 on."""
    return F.when(text.rlike(rf"^{_DAY}\z"), text.try_cast("date"))


def timestamp(text: Column) -> Column:
    """TIMESTAMP of the moment in UTC; a text without an offset is UTC, as the session must be.

    Offsets go up to 18 hours, as Java's do; the first day of year 1 and the last of year 9999
    can be told in UTC only.
    """
    # Nearly all texts are 2024-02-29T23:59:59Z, told by the few bytes that leave what Spark casts
    # no other way to be one; a pattern costs three times as much, as do characters. The last byte
    # of the seconds is a digit: Spark takes `5 ` for five seconds, `5Z` and `5N` for a zone.
    at = text.cast("binary")
    usual = (
        (F.octet_length(text) == 20)
        & F.endswith(text, F.lit("Z"))
        & (F.substring(at, 5, 1) == F.lit(b"-"))
        & (F.substring(at, 17, 1) == F.lit(b":"))
        & F.substring(at, 19, 1).between(F.lit(b"0"), F.lit(b"9"))
        & (text >= "0001")
    )
    # The Z is left out for Spark, which looks up a named zone for each row: the session is in UTC.
    without_zone = F.substring(at, 1, 19).cast("string")
    # Spark takes an offset only behind seconds.
    with_seconds = F.when(F.substring(text, 17, 1) == ":", text).otherwise(
        F.regexp_replace(text, "^(.{16})", "$1:00")
    )
    shape = rf"^{_EDGE}{_DAY}[T ]{_CLOCK}(?:Z|{_OFFSET})?\z"
    unusual = F.when(text.rlike(shape), with_seconds.try_cast("timestamp"))
    return F.when(usual, without_zone.try_cast("timestamp")).otherwise(unusual)
