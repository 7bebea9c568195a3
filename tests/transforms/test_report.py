"""The report on Arrow tables: the same figures without Spark (sources.md, A)."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa

from support_lakehouse.transforms.report import cube_of, sorted_report, support_report

EST = "-05:00"
INTERACTIONS = pa.schema(
    [("interaction_start", pa.timestamp("us", tz="UTC")), ("contact_center_id", pa.string())]
    + [("category_id", pa.string()), ("channel", pa.string())]
    + [("call_duration_minutes", pa.decimal128(12, 4))]
)
MINUTES = pa.decimal128(28, 4)


def at(
    start: str,
    center: str | None = "C1",
    category: str | None = "K1",
    channel: str | None = "phone",
    minutes: str | None = "1",
) -> dict[str, Any]:
    moment = datetime.fromisoformat(start).replace(tzinfo=UTC)
    told = (moment, center, category, channel, Decimal(minutes) if minutes else None)
    return dict(zip(INTERACTIONS.names, told, strict=True))


def batch(*rows: dict[str, Any]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(list(rows), INTERACTIONS)


def dimension(key: str, name: str, members: dict[str, str | None]) -> pa.Table:
    columns = {key: pa.array(members, pa.string()), name: pa.array(members.values(), pa.string())}
    return pa.table(columns)


def centers(**names: str | None) -> pa.Table:
    return dimension("contact_center_id", "contact_center_name", names)


def categories(**departments: str | None) -> pa.Table:
    return dimension("category_id", "department", departments)


def rows(table: pa.Table) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in table.to_pylist()]


def cube(*batches: pa.RecordBatch, zone: str = EST) -> list[tuple[Any, ...]]:
    """The cube's rows in order of their keys."""
    found = rows(cube_of(batches, zone))
    return sorted(found, key=lambda row: [text or "" for text in row[:3]])


def test_the_cube_adds_up_over_batches() -> None:
    january = batch(at("2025-01-05T10:00", minutes="10.5"), at("2025-01-06T10:00", channel="chat"))
    later = batch(at("2025-01-07T10:00", channel="PHONE"), at("2025-02-07T10:00"))
    assert cube(january, batch(), later) == [
        ("2025-01", "C1", "K1", 3, 2, Decimal("12.5000")),
        ("2025-02", "C1", "K1", 1, 1, Decimal("1.0000")),
    ]


def test_keys_stand_as_delivered_and_none_is_a_value() -> None:
    found = cube(batch(at("2025-01-05T10:00", center="gone", category=None)))
    assert found == [("2025-01", "gone", None, 1, 1, Decimal("1.0000"))]


def test_a_missing_channel_is_no_call_and_a_missing_duration_nothing() -> None:
    found = cube(batch(at("2025-01-05T10:00", channel=None, minutes=None)))
    assert found == [("2025-01", "C1", "K1", 1, 0, Decimal("0.0000"))]


def test_a_month_is_that_of_the_business_zone() -> None:
    moments = batch(at("2025-03-01T04:59:59"), at("2025-03-01T05:00"), at("2025-04-01T04:30"))
    assert [row[0] for row in cube(moments)] == ["2025-02", "2025-03"]
    assert [row[0] for row in cube(moments, zone="America/New_York")] == [
        "2025-02",
        "2025-03",
        "2025-04",
    ]
    assert [row[3] for row in cube(moments)] == [1, 2]


def test_a_cube_of_nothing_has_the_same_columns() -> None:
    nothing = cube_of([], EST)
    assert nothing.num_rows == 0
    assert nothing.schema == cube_of([batch(at("2025-01-05T10:00"))], EST).schema


def test_sums_are_exact_and_wide() -> None:
    widest = at("2025-01-05T10:00", minutes="99999999.9999")
    found = cube(*[batch(*[widest] * 100)] * 20, batch(at("2025-01-05T10:00", minutes="0.1")))
    assert found == [("2025-01", "C1", "K1", 2001, 2001, Decimal("199999999999.9000"))]


def test_the_report_tells_names_and_adds_centres_of_one_name() -> None:
    found = support_report(
        cube_of(
            [
                batch(at("2025-02-05T10:00"), at("2025-01-05T10:00", center="C2", minutes="0.5")),
                batch(at("2025-01-05T10:00"), at("2025-01-05T10:00", center="C3", category="K2")),
            ],
            EST,
        ),
        centers(C1="Boston", C2="Boston", C3="Atlanta"),
        categories(K1="Billing", K2="Sales"),
    )
    assert rows(found) == [
        ("2025-01", "Atlanta", "Sales", 1, 1, Decimal("1.0000")),
        ("2025-01", "Boston", "Billing", 2, 2, Decimal("1.5000")),
        ("2025-02", "Boston", "Billing", 1, 1, Decimal("1.0000")),
    ]
    assert found.schema.field("total_call_duration").type == MINUTES


def test_what_resolves_to_nothing_or_to_no_name_is_unknown() -> None:
    keys = [("gone", "K1"), (None, None), ("nameless", "nameless"), ("UNKNOWN", "UNKNOWN")]
    facts = [at("2025-01-05T10:00", *pair, "chat", None) for pair in keys]
    found = support_report(
        cube_of([batch(*facts)], EST),
        centers(nameless=None, UNKNOWN="Nowhere"),
        categories(K1="Billing", nameless="", UNKNOWN="None"),
    )
    assert rows(found) == [
        ("2025-01", "Unknown", "Billing", 1, 0, Decimal("0.0000")),
        ("2025-01", "Unknown", "Unknown", 3, 0, Decimal("0.0000")),
    ]


def test_a_report_is_sorted_by_its_keys_as_bytes() -> None:
    keys = [("2025-02", "A", "A"), ("2025-01", "é", "A"), ("2025-01", "Z", "b")]
    keys += [("2025-01", "Z", "a"), ("2025-01", "a", "A")]
    months, names, departments = zip(*keys, strict=True)
    report = pa.table(
        {
            "total_calls": pa.array([0] * 5),
            "department": pa.array(departments),
            "contact_center_name": pa.array(names),
            "month": pa.array(months),
            "total_interactions": pa.array([1] * 5),
            "total_call_duration": pa.array([Decimal(0)] * 5, MINUTES),
            "_row_hash": pa.array([7] * 5),
        }
    )
    assert rows(sorted_report(report)) == [
        ("2025-01", "Z", "a", 1, 0, Decimal(0)),
        ("2025-01", "Z", "b", 1, 0, Decimal(0)),
        ("2025-01", "a", "A", 1, 0, Decimal(0)),
        ("2025-01", "é", "A", 1, 0, Decimal(0)),
        ("2025-02", "A", "A", 1, 0, Decimal(0)),
    ]
