"""Owns which months of the published report have other figures than before."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from support_lakehouse.io import lake
from support_lakehouse.model.release import Release, TableState

REPORT = "gold/support_report"
Figures = dict[str, set[tuple[Any, ...]]]


def published_months(lakehouse: Path, last: Release | None) -> tuple[str, ...]:
    """The months that the last release reports, in order."""
    return tuple(sorted(_figures(lakehouse / REPORT, last.tables if last else {})))


def moved_months(
    lakehouse: Path, last: Release | None, after: Mapping[str, TableState]
) -> tuple[str, ...]:
    """The months reported before whose figures are others now; months that are new are none."""
    before = last.tables if last else {}
    if before.get(REPORT) and before[REPORT] == after.get(REPORT):
        return ()
    was, is_ = (_figures(lakehouse / REPORT, tables) for tables in (before, after))
    return tuple(sorted(month for month, rows in was.items() if is_.get(month) != rows))


def _figures(report: Path, tables: Mapping[str, TableState]) -> Figures:
    told: Figures = {}
    if REPORT in tables:
        rows = lake.read(report, tables[REPORT].version).to_pylist()
        for row in rows:
            cells = tuple(value for name, value in row.items() if not name.startswith("_"))
            told.setdefault(row["month"], set()).add(cells)
    return told
