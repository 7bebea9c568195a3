"""Owns the counting: what became of every row of every file, proven by two engines (law L3)."""

import os
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from support_lakehouse.errors import BooksDoNotBalance
from support_lakehouse.io import lake
from support_lakehouse.io.marking import Turnover
from support_lakehouse.model.books import Balance, LedgerEntry
from support_lakehouse.model.feed import Feed
from support_lakehouse.model.release import Release, TableState
from support_lakehouse.transforms import counting, searching

Outcomes = Mapping[str, int]
_KEYS_AT_ONCE = 8_000_000
"""So many keys are told apart at a time, in about a gigabyte; more would go on growing."""
_ADMISSION = re.compile(r"[0-9a-z-]+")


@dataclass(frozen=True)
class Counted:
    """What the bronze rows of one file come to. `winners` by action: the last row of each key."""

    read: int = 0
    rejected: int = 0
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
    """The version that a fold left of its silver table, and what each of its files did to it.

    `turnover`: the rows that it took out and put in, where that was asked for and is known.
    """

    version: int
    outcomes: Mapping[str, Outcomes] = field(default_factory=dict)
    turnover: Turnover | None = None


def count_rows(table: Path, version: int, entries: Sequence[LedgerEntry]) -> dict[str, Counted]:
    """Count the bronze rows of files at a version: file -> what they come to.

    Rows that came back from quarantine stand in bronze twice: as they were rejected, and, in a
    later admission, as they were accepted.
    """
    first = {entry.admissions[0]: entry.file for entry in entries}
    later = {name: entry.file for entry in entries for name in entry.admissions[1:]}
    by_admission = {**first, **later}

    def rows(sql: str, part: int = 0, parts: int = 1) -> list[dict[str, Any]]:
        told = sql.format(
            admissions=_listed(by_admission), returned=_listed(later), part=part, parts=parts
        )
        return list(lake.query(told, {"bronze": (table, version)}).to_pylist())

    read: Counter[str] = Counter()
    rejected: Counter[str] = Counter()
    for row in rows(counting.ROWS_BY_FILE):
        file = by_admission[row["admission"]]
        read[file] += row["rows"] if row["admission"] in first else 0
        rejected[file] += row["rejected"] if row["admission"] in first else -row["rows"]
    reasons: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows(counting.REASONS_BY_FILE):
        named = row["name"] not in (None, row["rule"])
        rule = f"{row['rule']}:{row['name']}" if named else row["rule"]
        reasons[by_admission[row["admission"]]][rule] += row["rows"]
    warnings: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows(counting.WARNINGS_BY_FILE):
        warnings[by_admission[row["admission"]]][row["warning"]] += row["rows"]
    winners: dict[str, Counter[str]] = defaultdict(Counter)
    parts = 1 + read.total() // _KEYS_AT_ONCE
    for part in range(parts):
        for row in rows(counting.WINNERS_BY_FILE, part, parts):
            winners[row["file"]][row["action"]] += row["rows"]
    return {
        entry.file: Counted(
            read=read[entry.file],
            rejected=rejected[entry.file],
            winners=dict(winners[entry.file]),
            reasons=dict(reasons[entry.file]),
            warnings=dict(warnings[entry.file]),
        )
        for entry in entries
    }


def some_rejected(table: Path, version: int, admissions: Iterable[str]) -> bool:
    """Whether any of the rows that were admitted under some names was rejected."""
    sql = counting.ROWS_BY_FILE.format(admissions=_listed(admissions))
    return any(row["rejected"] for row in lake.query(sql, {"bronze": (table, version)}).to_pylist())


def repeated_keys(
    table: Path, version: int, feed: Feed, entries: Sequence[LedgerEntry]
) -> dict[str, int]:
    """How many accepted rows of each file of a log repeat a key that stood before."""
    admissions = _listed(name for entry in entries for name in entry.admissions)
    sql = counting.REPEATED_BY_FILE.format(admissions=admissions)
    if feed.key is None or not entries:
        return {}
    rows = lake.query(sql, {"bronze": (table, version)}).to_pylist()
    return {row["file"]: row["rows"] for row in rows}


def _listed(admissions: Iterable[str]) -> str:
    names = list(admissions)
    assert all(_ADMISSION.fullmatch(name) for name in names)
    return ", ".join(f"'{name}'" for name in names) or "''"


def rows_of_period(table: Path, version: int, period: str) -> int:
    """How many rows of a period a version of a snapshot's history has."""
    sql = counting.ROWS_OF_PERIOD.format(period=searching.text(period))
    return _rows_counted(sql, {"t": (table, version)})


def outcomes_of_merge(counted: Counted, metrics: Mapping[str, int]) -> dict[str, int]:
    """What the only file of a MERGE did, by Delta's own numbers and the second count."""
    deletes = counted.winners.get("delete", 0)
    inserted, updated, deleted = (
        metrics.get(f"numTargetRows{what}", 0) for what in ("Inserted", "Updated", "Deleted")
    )
    return {
        "inserted": inserted,
        "updated": updated,
        "unchanged": counted.won - deletes - inserted - updated,
        "deleted": deleted,
        "absent_deletes": deletes - deleted,
    }


def balance_of(counted: Counted, outcomes: Outcomes, file: str) -> Balance:
    """The balance sheet of a file; BooksDoNotBalance where the engines disagree."""
    balance = Balance(
        read=counted.read,
        **outcomes,
        superseded=counted.accepted - sum(outcomes.values()),
        rejected=counted.rejected,
    )
    if not balance.balances or min(balance.as_dict().values()) < 0:
        raise BooksDoNotBalance(
            f"rows read and rows accounted for differ: {balance.as_dict()}",
            where=file,
            hint="Nothing was released. This is a fault of the program; please report it.",
        )
    return balance


def agree(expected: int, found: int, where: str, what: str) -> None:
    """BooksDoNotBalance where one engine's number is not the other's."""
    if expected != found:
        raise BooksDoNotBalance(
            f"{what}: {expected} by one count, {found} by the other",
            where=where,
            hint="Nothing was released. This is a fault of the program; please report it.",
        )


def fingerprint(table: Path, version: int) -> tuple[int, str]:
    """The rows of a version, and the sum of their hashes modulo 2^64."""
    row = lake.query(counting.ROWS_AND_HASHES, {"t": (table, version)}).to_pylist()[0]
    total = (int(row["high"]) << 32) + int(row["low"])
    return int(row["rows"]), f"{total % 2**64:016x}"


def unresolved(
    lakehouse: Path,
    feeds: Sequence[Feed],
    tables: Mapping[str, TableState],
    last: Release | None = None,
) -> dict[str, int]:
    """For each declared reference, how many rows hold a key that its target does not have.

    `last` is a release of the same configuration: tables that stand as they did are not counted.
    Names in the query are column names, which the models let be letters, digits and `_` only.
    """
    before = last.tables if last else {}
    by_name = {feed.name: feed for feed in feeds}
    told: dict[str, int] = {}
    asked: dict[str, Callable[[], int]] = {}
    for feed in feeds:
        for column, target in feed.references.items():
            name = f"{feed.name}.{column}"
            there = {"facts": feed.table, "keys": by_name[target].table}
            same = all(tables.get(table) == before.get(table) for table in there.values())
            if last and same and name in last.unresolved:
                told[name] = last.unresolved[name]
                continue
            pinned = {
                n: (lakehouse / t, tables[t].version) for n, t in there.items() if t in tables
            }
            if "facts" in pinned:
                query = counting.UNRESOLVED if "keys" in pinned else counting.REFERRING
                sql = query.format(column=column, key=by_name[target].key)
                asked[name] = partial(_rows_counted, sql, pinned)
    # DataFusion reads a table with deletion vectors by one processor.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        counted = pool.map(lambda count: count(), asked.values())
        told |= dict(zip(asked, counted, strict=True))
    names = (f"{feed.name}.{column}" for feed in feeds for column in feed.references)
    return {name: told[name] for name in names if name in told}


def _rows_counted(sql: str, pinned: Mapping[str, tuple[Path, int]]) -> int:
    return int(lake.query(sql, pinned)["rows"][0].as_py())


def total_of(balances: Sequence[Balance]) -> dict[str, int]:
    """Rows by outcome over files."""
    return Balance.total(list(balances)).as_dict()
