"""The three questions the data must answer (sources.md, A)."""

from decimal import Decimal
from typing import Any

from support_lakehouse.transforms.answers import answers, business_hours, mean, within


def row(month: str, center: str, interactions: int, calls: int, minutes: str) -> dict[str, Any]:
    """A row of support_report."""
    return {
        "month": month,
        "contact_center_name": center,
        "department": "Billing",
        "total_interactions": interactions,
        "total_calls": calls,
        "total_call_duration": Decimal(minutes),
    }


def work(center: str, calls: int, whole: str, worked: str, after: str, late: int) -> dict[str, Any]:
    """A row of agent_work_time."""
    return {
        "contact_center_name": center,
        "calls": calls,
        "call_minutes": Decimal(whole),
        "work_minutes": Decimal(worked),
        "after_resolution_minutes": Decimal(after),
        "calls_with_time_after_resolution": late,
    }


REPORT = [
    row("2025-02", "Boston", 5, 4, "60"),
    row("2025-01", "Boston", 3, 2, "15"),
    row("2025-01", "Atlanta", 2, 2, "24.5"),
    row("2025-03", "Richmond", 4, 0, "0"),
]


def test_interactions_are_counted_by_centre_in_order_of_name() -> None:
    found = answers(REPORT, [])["interactions_by_contact_center"]
    assert list(found.items()) == [("Atlanta", 2), ("Boston", 8), ("Richmond", 4)]


def test_the_busiest_month_has_the_most_interactions() -> None:
    report = [*REPORT, row("2025-03", "Boston", 2, 0, "0")]
    found = answers(report, [])["busiest_month"]
    assert found == {"month": "2025-03", "total_interactions": 6}


def test_the_busiest_of_equal_months_is_the_earliest() -> None:
    found = answers(REPORT, [])["busiest_month"]
    assert found == {"month": "2025-01", "total_interactions": 5}


def test_the_longest_average_call_is_by_calls_not_by_interactions() -> None:
    assert answers(REPORT, [])["longest_average_call"] == {
        "contact_center_name": "Boston",
        "average_minutes": Decimal("12.50"),
        "calls": 6,
        "total_minutes": Decimal("75"),
    }


def test_of_equal_averages_the_first_name_is_told() -> None:
    report = [row("2025-01", "B", 1, 1, "10"), row("2025-01", "A", 1, 3, "30")]
    assert answers(report, [])["longest_average_call"]["contact_center_name"] == "A"


def test_a_centre_without_calls_has_no_average() -> None:
    report = [row("2025-01", "Richmond", 4, 0, "90"), row("2025-01", "Boston", 1, 1, "1")]
    assert answers(report, [])["longest_average_call"]["contact_center_name"] == "Boston"


def test_work_time_is_added_by_centre() -> None:
    told = [work("Boston", 2, "30", "20", "10", 2), work("Atlanta", 1, "10.8", "10.8", "0", 0)]
    told += [work("Boston", 1, "12", "12", "0", 0)]
    found = answers([], told)["work_time"]
    assert list(found) == ["Atlanta", "Boston"]
    assert found["Boston"] == {
        "calls": 3,
        "call_minutes": Decimal("42"),
        "work_minutes": Decimal("32"),
        "after_resolution_minutes": Decimal("10"),
        "calls_with_time_after_resolution": 2,
    }


def test_of_nothing_there_is_nothing_to_tell() -> None:
    assert answers([], []) == {
        "interactions_by_contact_center": {},
        "busiest_month": None,
        "longest_average_call": None,
        "work_time": {},
    }


def test_a_period_includes_both_of_its_months() -> None:
    def months(first: str | None, last: str | None) -> list[str]:
        return sorted({row["month"] for row in within(REPORT, first, last)})

    assert months(None, None) == ["2025-01", "2025-02", "2025-03"]
    assert months("2025-02", None) == ["2025-02", "2025-03"]
    assert months(None, "2025-02") == ["2025-01", "2025-02"]
    assert months("2025-02", "2025-02") == ["2025-02"]
    assert months("2025-03", "2025-01") == []


def test_interactions_are_counted_inside_and_outside_business_hours() -> None:
    told = [("Boston", True, 3), ("Boston", False, 1), ("Boston", True, 2), ("Atlanta", False, 4)]
    hours = [
        {"contact_center_name": name, "inside_business_hours": inside, "interactions": count}
        for name, inside, count in told
    ]
    found = business_hours(hours)
    assert found == {
        "Atlanta": {"inside": 0, "outside": 4},
        "Boston": {"inside": 5, "outside": 1},
    }
    assert list(found) == ["Atlanta", "Boston"]


def test_a_mean_has_two_decimals_and_of_nothing_it_is_0() -> None:
    assert mean(Decimal("140"), 11) == Decimal("12.73")
    assert mean(Decimal("86.4"), 8) == Decimal("10.80")
    assert mean(Decimal("0"), 0) == Decimal(0)
