"""The queries that count bronze rows for the books, in an engine of their own (law L3)."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable, QueryBuilder, write_deltalake

from support_lakehouse.transforms import counting

REASON = pa.struct([("rule", pa.string()), ("column", pa.string()), ("message", pa.string())])
BRONZE = pa.schema(
    [("run", pa.string()), ("period", pa.string()), ("file", pa.string()), ("line", pa.int64())]
    + [("key", pa.string()), ("action", pa.string())]
    + [("reasons", pa.list_(REASON)), ("warnings", pa.list_(pa.string()))]
)


def reason(rule: str, column: str | None = None) -> dict[str, Any]:
    return {"rule": rule, "column": column, "message": "for people"}


NO_ID, WIDTH, ACTION = reason("required", "id"), reason("width"), reason("action", "action")
ROWS: list[tuple[Any, ...]] = [
    ("r2", "202502", "a.csv", 2, "1", "add", None, ["unreadable:day", "unreadable:size"]),
    ("r2", "202502", "a.csv", 3, "1", "update", None, ["unreadable:day"]),
    ("r2", "202502", "a.csv", 10, "1", "delete", None, None),
    ("r2", "202502", "a.csv", 4, "2", "add", None, None),
    ("r2", "202502", "a.csv", 5, None, "add", [NO_ID, ACTION], ["unreadable:day"]),
    ("r2", "202502", "a.csv", 6, None, None, [WIDTH], None),
    ("r2", "202502", "a.csv", 7, None, "add", [NO_ID], None),
    ("r2", "202503", "b.csv", 2, "1", "add", None, None),
    ("r2", "202503", "c.csv", 1, "1", "update", None, None),
    ("r1", "202501", "z.csv", 2, "9", "add", None, ["unreadable:day"]),
    ("r1", "202501", "z.csv", 3, None, "add", [NO_ID], None),
]


@pytest.fixture(scope="module")
def bronze(tmp_path_factory: pytest.TempPathFactory) -> DeltaTable:
    folder = tmp_path_factory.mktemp("bronze")
    rows = [dict(zip(BRONZE.names, row, strict=True)) for row in ROWS]
    write_deltalake(folder, pa.Table.from_pylist(rows, BRONZE))
    return DeltaTable(folder)


def counted(bronze: DeltaTable, query: str) -> set[tuple[Any, ...]]:
    """What the query says of run r2."""
    answer = QueryBuilder().register("bronze", bronze).execute(query.format(run="r2"))
    rows = pa.RecordBatchReader.from_stream(answer).read_all().to_pylist()
    told = {tuple(row.values()) for row in rows}
    assert len(told) == len(rows)
    return told


def test_rows_and_rejected_rows_are_counted_by_file_of_one_run(bronze: DeltaTable) -> None:
    assert counted(bronze, counting.ROWS_BY_FILE) == {
        ("a.csv", 7, 3),
        ("b.csv", 1, 0),
        ("c.csv", 1, 0),
    }


def test_every_reason_of_a_row_is_counted(bronze: DeltaTable) -> None:
    assert counted(bronze, counting.REASONS_BY_FILE) == {
        ("a.csv", "required", "id", 2),
        ("a.csv", "action", "action", 1),
        ("a.csv", "width", None, 1),
    }


def test_warnings_are_counted_on_accepted_rows_alone(bronze: DeltaTable) -> None:
    assert counted(bronze, counting.WARNINGS_BY_FILE) == {
        ("a.csv", "unreadable:day", 2),
        ("a.csv", "unreadable:size", 1),
    }


def test_the_last_accepted_line_of_a_key_wins_its_period(bronze: DeltaTable) -> None:
    assert counted(bronze, counting.WINNERS_BY_FILE) == {
        ("a.csv", "delete", 1),
        ("a.csv", "add", 1),
        ("c.csv", "update", 1),
    }


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
    builder = QueryBuilder().register("t", DeltaTable(tmp_path / "t"))
    answer = builder.execute(counting.ROWS_AND_HASHES)
    [row] = pa.RecordBatchReader.from_stream(answer).read_all().to_pylist()
    assert row["rows"] == len(hashes)
    assert ((row["high"] << 32) + row["low"]) % 2**64 == total
