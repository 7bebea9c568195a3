"""How the bounds of a range are read."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from support_lakehouse.model.bounds import Bound, bound
from support_lakehouse.model.column import ColumnType

HOUR = timezone(timedelta(hours=1))


@pytest.mark.parametrize(
    ("told", "type_", "value"),
    [
        (5, "integer", Decimal(5)),
        ("-5", "integer", Decimal(-5)),
        (0.1, "double", Decimal("0.1")),
        ("2.50", "decimal(6,2)", Decimal("2.50")),
        ("2025-01-05", "date", date(2025, 1, 5)),
        ("08:30:00", "time", "08:30:00"),
        ("2025-01-05", "timestamp", datetime(2025, 1, 5, tzinfo=UTC)),
        ("2025-01-05T10:00", "timestamp", datetime(2025, 1, 5, 10, tzinfo=UTC)),
        ("2025-01-05T10:00:00+01:00", "timestamp", datetime(2025, 1, 5, 10, tzinfo=HOUR)),
        ("2025-01-05 10:00", "timestamp_ntz", datetime(2025, 1, 5, 10)),
    ],
)
def test_a_bound_is_read_as_its_column(told: Any, type_: str, value: Bound) -> None:
    found = bound(told, ColumnType.model_validate(type_))
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("told", "type_"),
    [
        ("x", "integer"),
        ("nan", "double"),
        (float("inf"), "double"),
        ("1,5", "decimal(6,2)"),
        ("2025-02-30", "date"),
        ("05.01.2025", "date"),
        (2025, "date"),
        ("8:30", "time"),
        ("24:00:00", "time"),
        (28800, "time"),
        ("now", "timestamp"),
        ("10:00", "timestamp"),
        ("2025-01-05T10:00Z", "timestamp_ntz"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_type(told: Any, type_: str) -> None:
    kind = ColumnType.model_validate(type_)
    with pytest.raises(ValueError, match="is no") as error:
        bound(told, kind)
    assert str(error.value) == f"{told!r} is no {kind}"
