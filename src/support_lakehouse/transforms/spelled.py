"""Owns the values that texts of cells stand for, without Spark (contracts.md, Reading).

A second reading of what `types.py` has Spark read, for a handful of rows; tests hold the two
against each other.
"""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from support_lakehouse.model.column import ColumnType

Value = str | int | float | bool | Decimal | date | datetime | None

_SHAPES = {
    "integer": r"[+-]?[0-9]+(?:\.0+)?",
    "decimal": r"[+-]?[0-9]+(?:\.[0-9]+)?",
    "double": r"[+-]?[0-9]{1,300}(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?",
    "date": "(?!0000)[0-9]{4}-[0-9]{2}-[0-9]{2}",
    "time": "(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]",
}
_MOMENT = re.compile(
    r"((?!0000)[0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2})"
    r"(?::([0-9]{2})(?:\.([0-9]{1,6}))?)?(Z|[+-][0-9]{2}:?[0-9]{2})?",
    re.ASCII,
)
_MOST_OFFSET = timedelta(hours=18)
_LARGEST = 2**63
_EDGES = ("0001-01-01", "9999-12-31")


def value_of(text: str, type_: ColumnType) -> Value:
    """What a trimmed cell stands for; None where it is empty or cannot be read as its type."""
    if not text or type_.name == "text":
        return text or None
    try:
        if type_.name in ("timestamp", "timestamp_ntz"):
            return _moment(text, with_zone=type_.name == "timestamp")
        if type_.name == "boolean":
            return {"true": True, "false": False}.get(text.lower())
        if not re.fullmatch(_SHAPES[type_.name], text, re.ASCII):
            return None
        match type_.name:
            case "integer":
                whole = int(text.partition(".")[0])
                return whole if -_LARGEST <= whole < _LARGEST else None
            case "decimal":
                return _decimal(text, type_.precision, type_.scale)
            case "double":
                return float(text)
            case "date":
                return date.fromisoformat(text)
            case _:
                return text
    except (ValueError, OverflowError):
        return None


def _decimal(text: str, precision: int, scale: int) -> Decimal | None:
    """Exact, or nothing where a digit would be lost."""
    whole, _, fraction = text.lstrip("+-").partition(".")
    if len(whole.lstrip("0")) > precision - scale or len(fraction.rstrip("0")) > scale:
        return None
    return Decimal(text)


def _moment(text: str, *, with_zone: bool) -> datetime | None:
    found = _MOMENT.fullmatch(text)
    if found is None:
        return None
    day, clock, seconds, fraction, zone = found.groups()
    told = datetime.fromisoformat(f"{day}T{clock}:{seconds or '00'}.{(fraction or '0'):0<6}")
    if not with_zone:
        return None if zone else told
    moved = zone and zone != "Z"
    if moved and day in _EDGES:
        return None
    offset = _offset(zone) if moved else timedelta()
    return None if abs(offset) > _MOST_OFFSET else (told - offset).replace(tzinfo=UTC)


def _offset(zone: str) -> timedelta:
    digits = zone[1:].replace(":", "")
    if int(digits[2:]) > 59:
        raise ValueError(zone)
    size = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return -size if zone[0] == "-" else size
