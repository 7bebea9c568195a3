"""What readers see: names and UNKNOWN resolved against the dimensions (design: L2)."""

from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from decimal import Decimal

from .tables import (
    CONTACT_CENTERS,
    DIMENSIONS,
    INTERACTIONS,
    SERVICE_CATEGORIES,
    Row,
    Table,
    Type,
    Value,
)

BUSINESS_ZONE = timezone(timedelta(hours=-5))
UNKNOWN_KEY = "UNKNOWN"
UNKNOWN_TEXT = "Unknown"

State = dict[str, Row]
"""The rows of one table by key."""


def support_report(silver: dict[str, State]) -> list[Row]:
    """One row per month, centre name and department, sorted by these (sources: A)."""
    groups: dict[tuple[str, str, str], list[Row]] = {}
    for row in silver[INTERACTIONS.name].values():
        group = (
            business_month(row["interaction_start"]),
            _name(silver, CONTACT_CENTERS, row, "contact_center_name"),
            _name(silver, SERVICE_CATEGORIES, row, "department"),
        )
        groups.setdefault(group, []).append(row)
    return [
        _report_row(group, groups[group])
        for group in sorted(groups, key=lambda group: [part.encode() for part in group])
    ]


def _report_row(group: tuple[str, str, str], rows: list[Row]) -> Row:
    month, name, department = group
    durations = (row["call_duration_minutes"] for row in rows)
    return {
        "month": month,
        "contact_center_name": name,
        "department": department,
        "total_interactions": len(rows),
        "total_calls": sum(str(row["channel"]).lower() == "phone" for row in rows),
        "total_call_duration": sum((d for d in durations if isinstance(d, Decimal)), Decimal(0)),
    }


def business_month(moment: Value) -> str:
    """YYYY-MM at the fixed offset of -05:00 (design: L9)."""
    assert isinstance(moment, datetime)
    try:
        return moment.astimezone(BUSINESS_ZONE).date().isoformat()[:7]
    except OverflowError:  # the first five hours of year 1
        return "0000-12"


def _name(silver: dict[str, State], dimension: Table, row: Row, column: str) -> str:
    """The name that a reference resolves to; nothing and an empty name are Unknown."""
    key = row[dimension.key]
    if not isinstance(key, str) or key == UNKNOWN_KEY:
        return UNKNOWN_TEXT
    found = silver[dimension.name].get(key, {}).get(column)
    return UNKNOWN_TEXT if found is None else str(found)


def finals(silver: dict[str, State]) -> dict[str, list[Row]]:
    """The four `<table>_final`, sorted by key (sources: A; contracts: Writing)."""
    resolved = {
        f"{table.name}_final": by_key(table, [*silver[table.name].values(), unknown_member(table)])
        for table in DIMENSIONS
    }
    repaired = [_repaired(silver, row) for row in silver[INTERACTIONS.name].values()]
    resolved[f"{INTERACTIONS.name}_final"] = by_key(INTERACTIONS, repaired)
    return resolved


def unknown_member(table: Table) -> Row:
    """Ids `UNKNOWN`, other text `Unknown`, all else null (contracts: Writing)."""
    member: Row = {}
    for name, kind in table.columns.items():
        text = UNKNOWN_KEY if name.endswith("_id") else UNKNOWN_TEXT
        member[name] = text if kind is Type.TEXT else None
    return member


def _repaired(silver: dict[str, State], row: Row) -> Row:
    """The interaction with `UNKNOWN` for each reference that resolves to nothing."""
    lost = [table.key for table in DIMENSIONS if row[table.key] not in silver[table.name]]
    return {**row, **dict.fromkeys(lost, UNKNOWN_KEY)}


def by_key(table: Table, rows: Iterable[Row]) -> list[Row]:
    """Sorted by the key's UTF-8 bytes; of two rows with one key the later stays."""
    unique = {str(row[table.key]): row for row in rows}
    return [unique[key] for key in sorted(unique, key=str.encode)]
