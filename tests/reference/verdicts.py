"""The verdict on one row of a delivery: where it stands and every rule that it breaks."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

Value = str | int | float | date | datetime | None
Row = dict[str, Value]
Reason = tuple[str, str | None]
"""A rule and its column; None where the rule is of the whole row."""
Warnings = dict[str, dict[Reason, int]]
"""By file, then by reason: how many cells of accepted rows became null."""

BROKEN_JSON: frozenset[Reason] = frozenset({("json", None)})
WRONG_WIDTH: frozenset[Reason] = frozenset({("width", None)})


@dataclass(frozen=True)
class Rejected:
    """One rejected row: its file, its line or ordinal from 1, and all its reasons."""

    file: str
    line: int
    reasons: frozenset[Reason]


@dataclass(frozen=True)
class Counts:
    """The rows of one file: read is accepted plus rejected."""

    accepted: int
    rejected: int

    @property
    def read(self) -> int:
        return self.accepted + self.rejected


def in_file_order(rejected: Iterable[Rejected]) -> list[Rejected]:
    """By path as UTF-8 bytes, then by line (contracts: Order)."""
    return sorted(rejected, key=lambda row: (row.file.encode(), row.line))
