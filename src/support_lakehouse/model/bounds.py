"""Owns how the bounds of a range are read: as the column's type is, or not at all."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from math import isfinite

from support_lakehouse.model.column import NUMBERS, ColumnType

_SHAPES = {
    "date": r"[0-9]{4}-[0-9]{2}-[0-9]{2}",
    "time": r"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]",
    "timestamp": r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9:.]+(Z|[+-][0-9]{2}:?[0-9]{2})?)?",
    "timestamp_ntz": r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9:.]+)?",
} | dict.fromkeys(NUMBERS, r"[+-]?[0-9]+(\.[0-9]+)?")
"""What a bound looks like by its column's type (contracts.md, Reading); a day alone will do."""
_DIGITS = 38
"""As many as a decimal of Spark's has."""
Bound = Decimal | date | datetime | str


def bound(told: str | int | float, type_: ColumnType) -> Bound:
    """The bound as a value that compares with others of the type; ValueError if it is none."""
    text = f"{Decimal(str(told)):f}" if isinstance(told, float) and isfinite(told) else str(told)
    try:
        if isinstance(told, bool) or not re.fullmatch(_SHAPES[type_.name], text):
            raise ValueError
        if type_.name in NUMBERS:
            if len(re.sub(r"\D", "", text)) > _DIGITS:
                raise ValueError
            return Decimal(text)
        if type_.name == "date":
            return date.fromisoformat(text)
        if type_.name == "time":
            return text
        moment = datetime.fromisoformat(text)
        if type_.name == "timestamp_ntz":
            return moment
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    except ValueError as error:
        raise ValueError(f"{told!r} is no {type_}") from error
