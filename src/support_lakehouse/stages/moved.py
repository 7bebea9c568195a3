"""Owns which months of the published report have other figures than before."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from support_lakehouse.io import lake
from support_lakehouse.model.release import Release, TableState

REPORT = "gold/support_report"
_MONTHS = "SELECT DISTINCT month FROM t"
_FIGURES = """
    SELECT month, count(*) AS rows, sum(CAST(_row_hash AS DECIMAL(38, 0))) AS hashes
    FROM t GROUP BY month
"""
"""What tells the figures of a month from others, by the hashes of its rows."""


def published_months(lakehouse: Path, last: Release | None) -> tuple[str, ...]:
    """The months that the last release reports, in order."""
    tables = last.tables if last else {}
    return tuple(sorted(row["month"] for row in _told(_MONTHS, lakehouse, tables)))


def moved_months(
    lakehouse: Path, last: Release | None, after: Mapping[str, TableState]
) -> tuple[str, ...]:
    """The months reported before whose figures are others now; months that are new are none."""
    before = last.tables if last else {}
    if before.get(REPORT) and before[REPORT] == after.get(REPORT):
        return ()
    was, is_ = (
        {row["month"]: (row["rows"], row["hashes"]) for row in _told(_FIGURES, lakehouse, tables)}
        for tables in (before, after)
    )
    return tuple(sorted(month for month, rows in was.items() if is_.get(month) != rows))


def _told(sql: str, lakehouse: Path, tables: Mapping[str, TableState]) -> list[dict[str, Any]]:
    if REPORT not in tables:
        return []
    rows = lake.query(sql, {"t": (lakehouse / REPORT, tables[REPORT].version)})
    return list(rows.to_pylist())
