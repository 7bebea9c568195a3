"""Owns the counting: what became of every row of every file, proven by two engines (law L3)."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support_lakehouse.errors import BooksDoNotBalance
from support_lakehouse.io import lake
from support_lakehouse.model.books import Balance
from support_lakehouse.transforms import counting


@dataclass(frozen=True)
class Counted:
    """What a run's bronze rows of one file come to. `winners` by action: the last per key."""

    read: int
    rejected: int
    winners: Mapping[str, int] = field(default_factory=dict)
    reasons: Mapping[str, int] = field(default_factory=dict)
    warnings: Mapping[str, int] = field(default_factory=dict)

    @property
    def accepted(self) -> int:
        return self.read - self.rejected

    @property
    def won(self) -> int:
        return sum(self.winners.values())


@dataclass(frozen=True)
class Applied:
    """What Delta says that one period did to a silver table, and the version it left."""

    version: int
    inserted: int = 0
    updated: int = 0
    deleted: int = 0


def count_rows(table: Path, version: int, run: str) -> dict[str, Counted]:
    """Count a run's bronze rows at a version: file -> what they come to."""

    def rows(sql: str) -> list[dict[str, Any]]:
        found = lake.query(sql.format(run=run), {"bronze": (table, version)})
        return list(found.to_pylist())

    winners: dict[str, dict[str, int]] = defaultdict(dict)
    reasons: dict[str, dict[str, int]] = defaultdict(dict)
    warnings: dict[str, dict[str, int]] = defaultdict(dict)
    for row in rows(counting.WINNERS_BY_FILE):
        winners[row["file"]][row["action"]] = row["rows"]
    for row in rows(counting.REASONS_BY_FILE):
        named = row["name"] not in (None, row["rule"])
        rule = f"{row['rule']}:{row['name']}" if named else row["rule"]
        reasons[row["file"]][rule] = row["rows"]
    for row in rows(counting.WARNINGS_BY_FILE):
        warnings[row["file"]][row["warning"]] = row["rows"]
    return {
        file: Counted(
            read=row["rows"],
            rejected=row["rejected"],
            winners=winners[file],
            reasons=reasons[file],
            warnings=warnings[file],
        )
        for row in rows(counting.ROWS_BY_FILE)
        for file in [row["file"]]
    }


def balance_of(counted: Counted, applied: Applied, file: str) -> Balance:
    """The balance sheet of a period's only file; BooksDoNotBalance where the engines disagree."""
    deletes = counted.winners.get("delete", 0)
    balance = Balance(
        read=counted.read,
        inserted=applied.inserted,
        updated=applied.updated,
        unchanged=counted.won - deletes - applied.inserted - applied.updated,
        deleted=applied.deleted,
        absent_deletes=deletes - applied.deleted,
        superseded=counted.accepted - counted.won,
        rejected=counted.rejected,
    )
    if not balance.balances or min(balance.as_dict().values()) < 0:
        raise BooksDoNotBalance(
            f"rows read and rows accounted for differ: {balance.as_dict()}",
            where=file,
            hint="Nothing was released. This is a fault of the program; please report it.",
        )
    return balance


def fingerprint(table: Path, version: int) -> tuple[int, str]:
    """The rows of a version, and the sum of their hashes modulo 2^64."""
    row = lake.query(counting.ROWS_AND_HASHES, {"t": (table, version)}).to_pylist()[0]
    total = (int(row["high"]) << 32) + int(row["low"])
    return int(row["rows"]), f"{total % 2**64:016x}"


def total_of(balances: Sequence[Balance]) -> dict[str, int]:
    """Rows by outcome over files."""
    return Balance.total(list(balances)).as_dict()
