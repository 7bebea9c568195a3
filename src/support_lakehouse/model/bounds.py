"""Owns how the bounds of a range are read: as the column's type is, or not at all."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation

from support_lakehouse.model.column import NUMBERS, ColumnType

Bound = Decimal | date | datetime | str


def bound(told: str | int | float, type_: ColumnType) -> Bound:
    """The bound as a value that compares with others of the type; ValueError if it is none."""
    text = str(told)
    try:
        if type_.name in NUMBERS:
            value = Decimal(text)
            if not value.is_finite():
                raise ValueError
            return value
        if type_.name == "date":
            return date.fromisoformat(text)
        if type_.name == "time":
            if not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]", text):
                raise ValueError
            return text
        moment = datetime.fromisoformat(text)
        if type_.name == "timestamp_ntz":
            if moment.tzinfo is not None:
                raise ValueError
            return moment
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, InvalidOperation) as error:
        raise ValueError(f"{told!r} is no {type_}") from error
