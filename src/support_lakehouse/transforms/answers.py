"""Owns the three questions the data must answer, from the rows of the marts (sources.md, A)."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

Row = Mapping[str, Any]
_WORK = (
    "calls",
    "call_minutes",
    "work_minutes",
    "after_resolution_minutes",
    "calls_with_time_after_resolution",
)


def within(rows: Iterable[Row], first: str | None, last: str | None) -> list[Row]:
    """The rows whose month lies from `first` to `last`, both included; None leaves a side open."""
    return [
        row
        for row in rows
        if (first is None or row["month"] >= first) and (last is None or row["month"] <= last)
    ]


def answers(report: Sequence[Row], work: Sequence[Row]) -> dict[str, Any]:
    """Interactions by centre, the busiest month, the longest average call, work time by centre.

    In: rows of support_report and of agent_work_time. Numbers stay exact; a mean is rounded to
    two decimals. The busiest of equal months is the earliest; equal centres go by name.
    """
    by_center = _sums(report, "contact_center_name", ("total_interactions",))
    by_month = _sums(report, "month", ("total_interactions",))
    calls = _sums(report, "contact_center_name", ("total_calls", "total_call_duration"))
    return {
        "interactions_by_contact_center": {
            name: sums["total_interactions"] for name, sums in by_center.items()
        },
        "busiest_month": _busiest(by_month),
        "longest_average_call": _longest(calls),
        "work_time": _sums(work, "contact_center_name", _WORK),
    }


def business_hours(hours: Sequence[Row]) -> dict[str, dict[str, int]]:
    """Interactions of each centre inside and outside business hours, from interaction_hours."""
    told: dict[str, dict[str, int]] = defaultdict(lambda: {"inside": 0, "outside": 0})
    for row in sorted(hours, key=lambda row: row["contact_center_name"]):
        side = "inside" if row["inside_business_hours"] else "outside"
        told[row["contact_center_name"]][side] += row["interactions"]
    return dict(told)


def mean(total: Decimal, count: int) -> Decimal:
    """The mean, rounded to two decimals; 0 of nothing."""
    return round(Decimal(total) / count, 2) if count else Decimal(0)


def _busiest(by_month: Mapping[str, Row]) -> dict[str, Any] | None:
    if not by_month:
        return None
    month = max(by_month, key=lambda month: by_month[month]["total_interactions"])
    return {"month": month, "total_interactions": by_month[month]["total_interactions"]}


def _longest(calls: Mapping[str, Row]) -> dict[str, Any] | None:
    with_calls = {name: sums for name, sums in calls.items() if sums["total_calls"]}
    if not with_calls:
        return None
    name = max(
        with_calls,
        key=lambda name: with_calls[name]["total_call_duration"] / with_calls[name]["total_calls"],
    )
    sums = with_calls[name]
    return {
        "contact_center_name": name,
        "average_minutes": mean(sums["total_call_duration"], sums["total_calls"]),
        "calls": sums["total_calls"],
        "total_minutes": sums["total_call_duration"],
    }


def _sums(rows: Iterable[Row], key: str, measures: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Measures summed by a key, in order of the key."""
    told: dict[str, dict[str, Any]] = {}
    for row in sorted(rows, key=lambda row: row[key]):
        sums = told.setdefault(row[key], dict.fromkeys(measures, 0))
        for measure in measures:
            sums[measure] += row[measure]
    return told
