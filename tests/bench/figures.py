"""Whether two contenders published the same: the report's figures, and the rows of the finals."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import NamedTuple

REPORT = "support_report.csv"
KEYS = ("month", "contact_center_name", "department")
DECIMALS = ("call_duration_minutes", "satisfaction_rating")

Figures = dict[tuple[str, ...], dict[str, Decimal | str]]


class Content(NamedTuple):
    """The rows of a file in any order: how many, and the sum of their hashes in this process."""

    rows: int
    digest: int


@dataclass(frozen=True)
class Published:
    """What a contender published; the finals by file name, none with --no-finals."""

    report: Figures
    finals: dict[str, Content]

    def rows(self) -> dict[str, int]:
        """How many rows each file has."""
        return {REPORT: len(self.report)} | {n: c.rows for n, c in self.finals.items()}

    def interactions(self) -> int:
        """All interactions that the report counts."""
        return sum(int(row["total_interactions"]) for row in self.report.values())


def read_published(folder: Path) -> Published:
    """Read all that stands in `published/`; ValueError if a group of the report stands twice."""
    finals = {path.name: content(path) for path in sorted(folder.glob("*_final.csv"))}
    return Published(read_report(folder / REPORT), finals)


def number(text: str) -> Decimal | str:
    """A cell as a number where it is one, so that 140 and 140.0000 are the same figure."""
    try:
        return Decimal(text)
    except InvalidOperation:
        return text


def read_report(path: Path) -> Figures:
    """The report's figures by month, centre and department; ValueError if a group stands twice."""
    figures: Figures = {}
    with path.open(newline="", encoding="utf-8-sig") as file:
        for row in csv.DictReader(file):
            key = tuple(row.pop(name) for name in KEYS)
            if key in figures:
                raise ValueError(f"{path.name}: the group {key} stands twice")
            figures[key] = {name: number(cell) for name, cell in row.items()}
    return figures


def content(path: Path) -> Content:
    """Count and add up the rows of a final, a row at a time."""
    rows = digest = 0
    for row in short_rows(path):
        rows, digest = rows + 1, (digest + hash(row)) % (1 << 64)
    return Content(rows, digest)


def short_rows(path: Path) -> Iterator[tuple[str, ...]]:
    """The rows of a file, numbers without the zeros behind their last digit: 14 for 14.0000."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        lines = csv.reader(file)
        header = next(lines)
        places = [header.index(name) for name in DECIMALS if name in header]
        for row in lines:
            for place in places:
                if "." in row[place]:
                    row[place] = row[place].rstrip("0").rstrip(".")
            yield tuple(row)


def differences(base: Published, other: Published) -> list[str]:
    """One line for each figure that differs, and for each final that both have and differs."""
    lines = report_differences(base.report, other.report)
    for name in sorted(base.finals.keys() & other.finals.keys()):
        left, right = base.finals[name], other.finals[name]
        if left != right:
            lines.append(f"{name}: {left.rows} rows, {right.rows} rows, not all of them the same")
    return lines


def report_differences(base: Figures, other: Figures) -> list[str]:
    """One line for each figure that differs; the figures of a missing group are None."""
    lines = []
    for key in sorted(base.keys() | other.keys()):
        left, right = base.get(key, {}), other.get(key, {})
        for name in sorted(left.keys() | right.keys()):
            if left.get(name) != right.get(name):
                lines.append(f"{' / '.join(key)}: {name} {left.get(name)}, {right.get(name)}")
    return lines
