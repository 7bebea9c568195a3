"""The queries that count bronze rows for the books, in an engine of their own (law L3)."""

from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable, QueryBuilder, write_deltalake

from support_lakehouse.model.books import LedgerEntry
from support_lakehouse.stages.books import Counted, count_rows
from support_lakehouse.transforms import counting

REASON = pa.struct([("rule", pa.string()), ("column", pa.string()), ("message", pa.string())])
BRONZE = pa.schema(
    [("admission", pa.string()), ("file", pa.string()), ("line", pa.int64())]
    + [("key", pa.string()), ("action", pa.string())]
    + [("reasons", pa.list_(REASON)), ("warnings", pa.list_(pa.string()))]
)


def reason(rule: str, column: str | None = None) -> dict[str, Any]:
    return {"rule": rule, "column": column, "message": "for people"}


NO_ID, WIDTH, ACTION = reason("required", "id"), reason("width"), reason("action", "action")
A, B, C, BACK, OTHER = "r2-0", "r2-1", "r2-2", "r3-0", "r1-0"
ROWS: list[tuple[Any, ...]] = [
    (A, "a.csv", 2, "1", "add", None, ["unreadable:day", "unreadable:size"]),
    (A, "a.csv", 3, "1", "update", None, ["unreadable:day"]),
    (A, "a.csv", 10, "1", "delete", None, None),
    (A, "a.csv", 4, "2", "add", None, None),
    (A, "a.csv", 5, None, "add", [NO_ID, ACTION], ["unreadable:day"]),
    (A, "a.csv", 6, None, None, [WIDTH], None),
    (A, "a.csv", 7, None, "add", [NO_ID], None),
    (B, "b.csv", 2, "1", "add", None, None),
    (C, "c.csv", 1, "1", "update", None, None),
    (BACK, "a.csv", 6, "2", "delete", None, None),
    (BACK, "a.csv", 7, "3", "add", None, ["unreadable:size"]),
    (OTHER, "z.csv", 2, "9", "add", None, ["unreadable:day"]),
    (OTHER, "z.csv", 3, None, "add", [NO_ID], None),
]
"""Line by line, as bronze holds them: lines 6 and 7 of a.csv came back from quarantine."""


@pytest.fixture(scope="module")
def bronze(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bronze")
    rows = [dict(zip(BRONZE.names, row, strict=True)) for row in ROWS]
    write_deltalake(folder, pa.Table.from_pylist(rows, BRONZE))
    return folder


def answered(query: str, **tables: Path) -> list[dict[str, Any]]:
    """What a query says of tables."""
    builder = QueryBuilder()
    for name, table in tables.items():
        builder.register(name, DeltaTable(table))
    rows: list[dict[str, Any]]
    rows = pa.RecordBatchReader.from_stream(builder.execute(query)).read_all().to_pylist()
    return rows


def counted(
    bronze: Path, query: str, returned: str = "", *, part: int = 0, parts: int = 1
) -> set[tuple[Any, ...]]:
    """What the query says of the files of one run, and of rows that came back."""
    admissions = ", ".join(f"'{name}'" for name in (A, B, C, returned) if name)
    told = {"admissions": admissions, "returned": f"'{returned}'", "part": part, "parts": parts}
    rows = answered(query.format(**told), bronze=bronze)
    told = {tuple(row.values()) for row in rows}
    assert len(told) == len(rows)
    return told


def test_rows_and_rejected_rows_are_counted_by_admission(bronze: Path) -> None:
    assert counted(bronze, counting.ROWS_BY_FILE) == {(A, 7, 3), (B, 1, 0), (C, 1, 0)}


def test_every_reason_of_a_row_is_counted(bronze: Path) -> None:
    assert counted(bronze, counting.REASONS_BY_FILE) == {
        (A, "required", "id", 2),
        (A, "action", "action", 1),
        (A, "width", None, 1),
    }


def test_the_reasons_of_a_row_that_came_back_count_no_more(bronze: Path) -> None:
    assert counted(bronze, counting.REASONS_BY_FILE, BACK) == {
        (A, "required", "id", 1),
        (A, "action", "action", 1),
    }


def test_warnings_are_counted_on_accepted_rows_alone(bronze: Path) -> None:
    assert counted(bronze, counting.WARNINGS_BY_FILE) == {
        (A, "unreadable:day", 2),
        (A, "unreadable:size", 1),
    }


def test_the_last_accepted_line_of_a_key_wins_its_file(bronze: Path) -> None:
    assert counted(bronze, counting.WINNERS_BY_FILE) == {
        ("a.csv", "delete", 1),
        ("a.csv", "add", 1),
        ("b.csv", "add", 1),
        ("c.csv", "update", 1),
    }


def test_winners_may_be_counted_in_shares_of_the_keys(bronze: Path) -> None:
    total: Counter[tuple[str, str]] = Counter()
    for part in range(3):
        for file, action, rows in counted(bronze, counting.WINNERS_BY_FILE, part=part, parts=3):
            total[file, action] += rows
    whole = {(f, a): n for f, a, n in counted(bronze, counting.WINNERS_BY_FILE)}
    assert total == whole


def test_a_row_that_came_back_stands_in_its_own_line(bronze: Path) -> None:
    assert counted(bronze, counting.WINNERS_BY_FILE, BACK) == {
        ("a.csv", "delete", 2),
        ("a.csv", "add", 1),
        ("b.csv", "add", 1),
        ("c.csv", "update", 1),
    }


def test_a_key_repeats_where_it_stood_before_in_file_or_line(bronze: Path) -> None:
    repeated = {("a.csv", 2), ("b.csv", 1), ("c.csv", 1)}
    assert counted(bronze, counting.REPEATED_BY_FILE) == repeated


def test_a_row_that_came_back_is_read_once_and_rejected_no_more(bronze: Path) -> None:
    place: Any = {
        "feed": "f",
        "period": "202502",
        "sha256": "",
        "size": 0,
        "mtime_ns": 0,
        "inode": 0,
    }
    entries = [
        LedgerEntry(file="a.csv", admissions=(A, BACK), **place),
        LedgerEntry(file="b.csv", admissions=(B,), **place),
    ]
    found = count_rows(bronze, 0, entries)
    assert found == {
        "a.csv": Counted(
            read=7,
            rejected=1,
            winners={"delete": 2, "add": 1},
            reasons={"required:id": 1, "action": 1},
            warnings={"unreadable:day": 2, "unreadable:size": 2},
        ),
        "b.csv": Counted(read=1, winners={"add": 1}),
    }
    assert (found["a.csv"].accepted, found["a.csv"].won) == (6, 3)


def test_a_file_without_any_row_counts_nothing(bronze: Path) -> None:
    place: Any = {
        "feed": "f",
        "period": "202502",
        "sha256": "",
        "size": 0,
        "mtime_ns": 0,
        "inode": 0,
    }
    empty = LedgerEntry(file="e.csv", admissions=("r9-9",), **place)
    assert count_rows(bronze, 0, [empty]) == {"e.csv": Counted()}


def test_a_reference_resolves_to_a_key_and_none_to_nothing(tmp_path: Path) -> None:
    facts, keys = tmp_path / "facts", tmp_path / "keys"
    write_deltalake(facts, pa.table({"agent": ["A1", "a1", None, "A9", "A1", "A9"]}))
    write_deltalake(keys, pa.table({"id": ["A1", "A2"]}))
    sql = counting.UNRESOLVED.format(column="agent", key="id")
    assert answered(sql, facts=facts, keys=keys) == [{"rows": 3}]


@pytest.mark.parametrize(
    ("hashes", "total"),
    [
        ([], 0),
        ([5, 7], 12),
        ([-1], 2**64 - 1),
        ([-1, 1], 0),
        ([2**63 - 1] * 3, (3 * 2**63 - 3) % 2**64),
        ([-(2**63), -(2**63), 3], 3),
    ],
    ids=str,
)
def test_hashes_add_up_modulo_2_to_the_64(tmp_path: Path, hashes: list[int], total: int) -> None:
    rows = pa.table({"_row_hash": pa.array(hashes, pa.int64())})
    write_deltalake(tmp_path / "t", rows)
    [row] = answered(counting.ROWS_AND_HASHES, t=tmp_path / "t")
    assert row["rows"] == len(hashes)
    assert ((row["high"] << 32) + row["low"]) % 2**64 == total
