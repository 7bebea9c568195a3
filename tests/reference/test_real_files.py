"""The real files of group A, against figures counted by hand (sources: A)."""

from decimal import Decimal
from pathlib import Path

import pytest

from .model import Balance, Calculation, calculate
from .render import to_csv

CHALLENGE = Path(__file__).resolve().parents[2] / "data"

REPORT = """\
month,contact_center_name,department,total_interactions,total_calls,total_call_duration
2025-01,Atlanta GA SE,Benefits,2,2,22
2025-01,Atlanta GA SE,Operations,1,1,14
2025-01,Atlanta GA SE,Unknown,1,0,0
2025-01,Boston MA NE,Finance,1,0,0
2025-01,Boston MA NE,IT,1,1,19
2025-01,Boston MA NE,Member Services,1,1,2
2025-01,Boston MA NE,Operations,1,1,19
2025-01,Richmond VA E,IT,1,1,13
2025-02,Atlanta GA SE,Member Services,1,1,8
2025-02,Atlanta GA SE,Operations,1,0,0
2025-02,Boston MA NE,Benefits,1,1,8
2025-02,Boston MA NE,Finance,1,0,0
2025-02,Boston MA NE,IT,1,1,17
2025-02,Boston MA NE,Member Services,1,1,2
2025-02,Boston MA NE,Operations,1,1,14
2025-02,Richmond VA E,IT,2,2,23
2025-02,Richmond VA E,Operations,1,1,15
2025-03,Atlanta GA SE,Operations,2,1,10
2025-03,Boston MA NE,Benefits,1,1,14
2025-03,Boston MA NE,Finance,1,1,5
2025-03,Boston MA NE,IT,1,1,19
2025-03,Boston MA NE,Operations,1,1,21
2025-03,Richmond VA E,IT,1,0,0
2025-03,Richmond VA E,Member Services,1,1,11
2025-03,Richmond VA E,Operations,1,0,0
"""


@pytest.fixture(scope="module")
def result() -> Calculation:
    return calculate(CHALLENGE)


def total(result: Calculation, by: str, measure: str) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for row in result.support_report:
        group, figure = str(row[by]), Decimal(str(row[measure]))
        sums[group] = sums.get(group, Decimal(0)) + figure
    return sums


def test_interactions_by_centre_and_by_month(result: Calculation) -> None:
    assert len(result.silver["interactions"]) == 28
    assert total(result, "contact_center_name", "total_interactions") == {
        "Boston MA NE": 13,
        "Atlanta GA SE": 8,
        "Richmond VA E": 7,
    }
    assert total(result, "month", "total_interactions") == {
        "2025-01": 9,
        "2025-02": 10,
        "2025-03": 9,
    }


def test_boston_has_140_minutes_over_11_calls(result: Calculation) -> None:
    assert total(result, "contact_center_name", "total_call_duration")["Boston MA NE"] == Decimal(
        140
    )
    assert total(result, "contact_center_name", "total_calls")["Boston MA NE"] == 11


def test_the_whole_report(result: Calculation) -> None:
    assert to_csv("support_report", result.support_report).decode() == REPORT


def test_every_row_is_accepted_without_a_warning(result: Calculation) -> None:
    assert result.rejected == []
    assert all(rules == {} for rules in result.warnings.values())
    assert {name.partition("/")[2]: balance for name, balance in result.balances.items()} == {
        "agents.csv": Balance(5, inserted=5),
        "agents_delta_202502.csv": Balance(3, inserted=2, updated=1),
        "agents_delta_202503.csv": Balance(4, inserted=3, updated=1),
        "contact_centers.csv": Balance(3, inserted=3),
        "contact_centers_delta_202503.csv": Balance(1, updated=1),
        "service_categories.csv": Balance(6, inserted=6),
        "service_categories_delta_202502.csv": Balance(3, inserted=2, updated=1),
        "service_categories_delta_202503.csv": Balance(3, inserted=2, deleted=1),
        "interactions.csv": Balance(10, inserted=10),
        "interactions_delta_202502.csv": Balance(11, inserted=9, updated=1, deleted=1),
        "interactions_delta_202503.csv": Balance(11, inserted=10, updated=1),
    }


def test_the_deleted_category_is_unknown_and_every_reference_joins(result: Calculation) -> None:
    finals = result.finals
    sizes = {name: len(rows) for name, rows in finals.items()}
    assert sizes == {
        "agents_final": 11,
        "contact_centers_final": 4,
        "service_categories_final": 10,
        "interactions_final": 28,
    }
    repaired = {
        row["interaction_id"]: row["category_id"]
        for row in finals["interactions_final"]
        if row["category_id"] == "UNKNOWN"
    }
    assert repaired == {"INT1007": "UNKNOWN"}


def test_as_of_february_knows_nothing_of_march() -> None:
    early = calculate(CHALLENGE, as_of="202502")
    assert len(early.silver["interactions"]) == 18
    names = {row["contact_center_name"] for row in early.support_report}
    assert names == {"Boston MA NE", "Atlanta GA SE", "Richmond VA MA"}
    assert calculate(CHALLENGE, ["202502"]) == early
