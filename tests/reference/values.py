"""The text of one cell as the value of its declared type (contracts: Reading)."""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from .tables import Type, Value

BLANKS = " \t\u00a0"

INTEGER = re.compile(r"([+-]?[0-9]+)(?:\.0+)?")
DECIMAL = re.compile(r"[+-]?([0-9]+)(?:\.([0-9]+))?")
DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
TIMESTAMP = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[T ]([0-9]{2}):([0-9]{2})"
    r"(?::([0-9]{2})(?:\.([0-9]{1,6}))?)?"
    r"(?:Z|([+-])([0-9]{2}):?([0-9]{2}))?"
)
DECIMAL_INTEGER_DIGITS = 8
DECIMAL_SCALE = 4
INTEGER_BITS = 32


class UnreadableError(ValueError):
    """A cell that is not empty and is no value of its declared type."""


def read(text: str, kind: Type) -> Value:
    """The value of a trimmed cell; empty is null; raises UnreadableError."""
    if not text:
        return None
    try:
        match kind:
            case Type.TEXT:
                return text
            case Type.INTEGER:
                return _integer(text)
            case Type.DECIMAL:
                return _decimal(text)
            case Type.DATE:
                return _date(text)
            case Type.TIMESTAMP:
                return _timestamp(text)
    except (ValueError, OverflowError) as cause:
        raise UnreadableError(text) from cause


def _integer(text: str) -> int:
    number = int(_matched(INTEGER, text)[1])
    limit = 2 ** (INTEGER_BITS - 1)
    if not -limit <= number < limit:
        raise UnreadableError(text)
    return number


def _decimal(text: str) -> Decimal:
    """A decimal that DECIMAL(12,4) holds without loss; zeros at either end cost nothing."""
    match = _matched(DECIMAL, text)
    whole, fraction = match[1].lstrip("0"), (match[2] or "").rstrip("0")
    if len(whole) > DECIMAL_INTEGER_DIGITS or len(fraction) > DECIMAL_SCALE:
        raise UnreadableError(text)
    number = Decimal(f"{whole or '0'}.{fraction or '0'}")
    return -number if text.startswith("-") and number else number


def _date(text: str) -> date:
    year, month, day = _matched(DATE, text).groups()
    return date(int(year), int(month), int(day))


def _timestamp(text: str) -> datetime:
    """UTC; without an offset the text is UTC already; years 0001 to 9999 once it is."""
    match = _matched(TIMESTAMP, text)
    year, month, day, hour, minute = (int(part) for part in match.groups()[:5])
    second, micros = int(match[6] or 0), int((match[7] or "").ljust(6, "0"))
    local = datetime(year, month, day, hour, minute, second, micros, tzinfo=UTC)
    return local - _offset(match[8], match[9], match[10])


def _offset(sign: str | None, hours: str, minutes: str) -> timedelta:
    if sign is None:
        return timedelta()
    if int(hours) > 23 or int(minutes) > 59:
        raise UnreadableError(f"{sign}{hours}:{minutes}")
    size = timedelta(hours=int(hours), minutes=int(minutes))
    return -size if sign == "-" else size


def _matched(pattern: re.Pattern[str], text: str) -> re.Match[str]:
    match = pattern.fullmatch(text)
    if match is None:
        raise UnreadableError(text)
    return match
