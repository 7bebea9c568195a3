"""Published bytes, against bytes written by hand (contracts: Writing)."""

from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal

import pytest

from .render import PUBLISHED, to_csv, to_json
from .resolved import BUSINESS_ZONE
from .tables import Row

MOMENT = datetime(2025, 1, 5, 14, 30, tzinfo=UTC)


def report_row(name: str, duration: str) -> Row:
    return {
        "month": "2025-01",
        "contact_center_name": name,
        "department": "IT",
        "total_interactions": 2,
        "total_calls": 1,
        "total_call_duration": Decimal(duration),
    }


def center(name: str | None) -> Row:
    return {"contact_center_id": "C1", "contact_center_name": name, "location": None}


@pytest.mark.parametrize(
    ("decimal", "text"),
    [
        ("140.0000", "140"),
        ("12.50", "12.5"),
        ("0.0000", "0"),
        ("100", "100"),
        ("-0.25", "-0.25"),
        ("1E+3", "1000"),
        ("123456789012345678901234.5678", "123456789012345678901234.5678"),
    ],
)
def test_decimals_are_plain(decimal: str, text: str) -> None:
    row = report_row("Boston", decimal)
    assert to_csv("support_report", [row]).endswith(f"2025-01,Boston,IT,2,1,{text}\n".encode())
    assert f'"total_call_duration": {text}}}'.encode() in to_json("support_report", [row])


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (None, ""),
        ("=1+1", "'=1+1"),
        ("-x", "'-x"),
        ("+1", "+1"),
        ("@a", "'@a"),
        ("-5", "-5"),
        ("-5.25", "-5.25"),
        ("-1e5", "'-1e5"),
        ("=SUM(A1,B1)", '"\'=SUM(A1,B1)"'),
        ("\rx", '"\'\rx"'),
        ('say "hi"', '"say ""hi"""'),
        ("a\nb", '"a\nb"'),
        ("'x", "'x"),
        ("semi;colon", "semi;colon"),
        ("東京", "東京"),
    ],
)
def test_csv_text(value: str | None, cell: str) -> None:
    expected = f"contact_center_id,contact_center_name,location\nC1,{cell},\n"
    assert to_csv("contact_centers_final", [center(value)]) == expected.encode()


def test_json_is_one_array_with_a_record_a_line() -> None:
    rows = [center("=東京\n"), center(None)]
    assert to_json("contact_centers_final", rows).decode() == (
        '[\n{"contact_center_id": "C1", "contact_center_name": "=東京\\n", "location": null},\n'
        '{"contact_center_id": "C1", "contact_center_name": null, "location": null}\n]\n'
    )


def test_nothing_to_write() -> None:
    assert to_json("contact_centers_final", []) == b"[]\n"
    assert to_csv("contact_centers_final", []) == (
        b"contact_center_id,contact_center_name,location\n"
    )


@pytest.mark.parametrize(
    ("moment", "zone", "text"),
    [
        (MOMENT, UTC, "2025-01-05T14:30:00Z"),
        (MOMENT.replace(microsecond=500000), UTC, "2025-01-05T14:30:00.5Z"),
        (MOMENT.replace(year=1), UTC, "0001-01-05T14:30:00Z"),
        (MOMENT, BUSINESS_ZONE, "2025-01-05T09:30:00-05:00"),
    ],
)
def test_moments(moment: datetime, zone: tzinfo, text: str) -> None:
    row: Row = {
        **dict.fromkeys(PUBLISHED["interactions_final"]),
        "interaction_id": "I1",
        "timestamp": moment,
    }
    assert to_csv("interactions_final", [row], zone=zone).endswith(f"I1,{text},,,,,,,,,\n".encode())
    assert f'"timestamp": "{text}"'.encode() in to_json("interactions_final", [row], zone=zone)


def test_days_are_text_in_json() -> None:
    agent: Row = {
        "agent_id": "A1",
        "full_name": None,
        "contact_center_id": None,
        "hire_date": date(2024, 1, 15),
        "category_id": None,
    }
    assert b'"hire_date": "2024-01-15"' in to_json("agents_final", [agent])
