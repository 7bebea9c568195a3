"""Owns the reading of texts in memory as types, to the values that `types` has Spark read.

Most texts of a column are written in one way, which Arrow reads by the million. All others are
read one at a time, each different text once.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from support_lakehouse.model.feed import ColumnType

MOMENT = pa.timestamp("us", tz="UTC")
_CLOCK_TIME = pa.timestamp("us")
_DAY = "(?!0000)[0-9]{4}-[0-9]{2}-[0-9]{2}"
_CLOCK = r"[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?"
_OFFSET = "[+-][0-9]{2}:?[0-9]{2}"
_EDGE = "(?!(?:0001-01-01|9999-12-31).{6,16}[+-])"
_TIMESTAMP = re.compile(rf"{_EDGE}({_DAY}[T ]{_CLOCK})(Z|{_OFFSET})?")
_TIMESTAMP_NTZ = re.compile(rf"{_DAY}[T ]{_CLOCK}")
_DATE = re.compile(_DAY)
_INTEGER = re.compile(r"([+-]?[0-9]+)(?:\.0+)?")
_DOUBLE = re.compile(r"[+-]?[0-9]{1,300}(?:\.[0-9]+)?")
# As strict as the calendar but for leap days, which are read one at a time.
_REAL_DAY = (
    "(?:000[1-9]|00[1-9][0-9]|0[1-9][0-9]{2}|[1-9][0-9]{3})-(?:"
    "(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    "|02-(?:0[1-9]|1[0-9]|2[0-8]))"
)
_REAL_TIME = "(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
_FARTHEST_OFFSET = timedelta(hours=18)
_YEAR_ONE = (datetime(1, 1, 1) - datetime(1970, 1, 1)) // timedelta(microseconds=1)


def type_of(type_: ColumnType) -> pa.DataType:
    """What a column of the type is in Arrow."""
    if type_.name == "decimal":
        return pa.decimal128(type_.precision, type_.scale)
    return {
        "text": pa.string(),
        "time": pa.string(),
        "integer": pa.int64(),
        "double": pa.float64(),
        "boolean": pa.bool_(),
        "date": pa.date32(),
        "timestamp": MOMENT,
        "timestamp_ntz": _CLOCK_TIME,
    }[type_.name]


def read_as(texts: pa.Array, type_: ColumnType) -> pa.Array:
    """The trimmed texts as values of the type; null where they are null or cannot be read."""
    kind = type_of(type_)
    match type_.name:
        case "text":
            return texts
        case "integer":
            return _read(texts, kind, _like(texts, "-?[0-9]{1,18}"), _integer)
        case "decimal":
            usual = _usual_decimal(type_.precision, type_.scale)
            return _read(texts, kind, _like(texts, usual), _decimal(type_))
        case "double":
            usual = r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?"
            return _read(texts, kind, _like(texts, usual), _double)
        case "boolean":
            low = pc.ascii_lower(texts)
            known = pc.is_in(low, value_set=pa.array(["true", "false"]))
            return pc.if_else(known, pc.equal(low, "true"), None)
        case "time":
            return pc.if_else(_like(texts, _REAL_TIME), texts, None)
        case "date":
            return _in_calendar(texts, kind, 10, _REAL_DAY, _date)
        case "timestamp_ntz":
            return _in_calendar(texts, kind, 19, f"{_REAL_DAY}[T ]{_REAL_TIME}", _timestamp_ntz)
        case "timestamp":
            return _in_calendar(texts, kind, 20, f"{_REAL_DAY}[T ]{_REAL_TIME}Z", _timestamp)


def each_once(texts: pa.Array, told: Callable[[str], Any], kind: pa.DataType) -> pa.Array:
    """What a function tells of each text, asked once for each different one; null of null."""
    different = pc.unique(texts)
    values = [None if text is None else told(text) for text in different.to_pylist()]
    return pa.array(values, kind).take(pc.index_in(texts, value_set=different))


def _read(
    texts: pa.Array, kind: pa.DataType, usual: pa.Array, by_hand: Callable[[str], Any]
) -> pa.Array:
    """The usual texts as Arrow casts them, all others by hand."""
    odd = pc.fill_null(pc.invert(usual), False)
    if not pc.any(odd).as_py():
        return texts.cast(kind)
    read = pc.if_else(usual, texts, None).cast(kind)
    return pc.replace_with_mask(read, odd, each_once(texts.filter(odd), by_hand, kind))


def _like(texts: pa.Array, pattern: str) -> pa.Array:
    return pc.match_substring_regex(texts, rf"\A(?:{pattern})\z")


def _in_calendar(
    texts: pa.Array, kind: pa.DataType, length: int, usual: str, by_hand: Callable[[str], Any]
) -> pa.Array:
    """Days or moments. Of texts of this length Arrow takes none but the usual, and the year 0."""
    ends = pc.min_max(pc.binary_length(texts)).as_py()
    if ends["min"] == ends["max"] == length:
        try:
            read = texts.cast(kind)
            if pc.min(read.cast(pa.timestamp("us")).cast(pa.int64())).as_py() >= _YEAR_ONE:
                return read
        except pa.ArrowInvalid:
            pass  # there are others among them
    return _read(texts, kind, _like(texts, usual), by_hand)


def _integer(text: str) -> int | None:
    found = _INTEGER.fullmatch(text)
    value = int(found[1]) if found else None
    return value if value is not None and -(2**63) <= value < 2**63 else None


def _usual_decimal(precision: int, scale: int) -> str:
    whole = precision - scale
    fraction = rf"(?:\.[0-9]{{1,{scale}}})?" if scale else ""
    return f"-?[0-9]{{1,{whole}}}{fraction}" if whole else r"[^\s\S]"


def _decimal(type_: ColumnType) -> Callable[[str], Decimal | None]:
    fraction = rf"(?:\.[0-9]{{1,{type_.scale}}}0*)?" if type_.scale else r"(?:\.0+)?"
    shape = re.compile(rf"[+-]?[0-9]+{fraction}")
    limit = 10 ** (type_.precision - type_.scale)

    def read(text: str) -> Decimal | None:
        if not shape.fullmatch(text):
            return None
        whole, _, part = text.partition(".")
        value = Decimal(f"{whole}.{part[: type_.scale]}" if part else whole)
        return value if abs(value) < limit else None

    return read


def _double(text: str) -> float | None:
    return float(text) if _DOUBLE.fullmatch(text) else None


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        return None


def _timestamp_ntz(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if _TIMESTAMP_NTZ.fullmatch(text) else None
    except ValueError:
        return None


def _timestamp(text: str) -> datetime | None:
    found = _TIMESTAMP.fullmatch(text)
    if found is None:
        return None
    try:
        at, zone = datetime.fromisoformat(found[1]), found[2] or "Z"
    except ValueError:
        return None
    if zone == "Z":
        return at.replace(tzinfo=UTC)
    hours, minutes = int(zone[1:3]), int(zone[-2:])
    offset = timedelta(hours=hours, minutes=minutes)
    if minutes > 59 or offset > _FARTHEST_OFFSET:
        return None
    ahead = timezone(-offset if zone[0] == "-" else offset)
    return at.replace(tzinfo=ahead).astimezone(UTC)
