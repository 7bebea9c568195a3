"""What a period is, and which comes first."""

import pytest

from support_lakehouse.model.period import is_day, is_month, period_order


@pytest.mark.parametrize(
    ("text", "month"),
    [("202501", True), ("202512", True), ("999912", True), ("000101", True), ("000001", False)]
    + [("202500", False), ("202513", False), ("2025-01", False), ("20250", False), ("", False)]
    + [("202501\n", False), ("\u0662\u0660\u0662\u0665\u0660\u0661", False)],
)
def test_a_month_is_one_of_the_calendar(text: str, month: bool) -> None:
    assert is_month(text) is month


@pytest.mark.parametrize(
    ("text", "day"),
    [("2025-01-31", True), ("2024-02-29", True), ("0001-01-01", True), ("2025-02-29", False)]
    + [("2025-1-31", False), ("20250131", False), ("2025-01-31T00:00", False), ("day1", False)]
    + [("2025-W01-1", False), ("0000-01-01", False), ("2025-01-31\n", False), ("", False)],
)
def test_a_day_is_one_of_the_calendar(text: str, day: bool) -> None:
    assert is_day(text) is day


def test_the_extract_comes_before_every_month_and_no_period_after_it() -> None:
    periods = ["202503", "initial", "202412", ""]
    assert sorted(periods, key=period_order) == ["initial", "", "202412", "202503"]
