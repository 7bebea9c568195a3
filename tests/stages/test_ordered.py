"""A table is read in its order part after part, whatever its files hold: every row, once."""

from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from support_lakehouse.errors import BooksDoNotBalance, Damaged
from support_lakehouse.io.lake import newest_version
from support_lakehouse.io.vectors import deleted_rows
from support_lakehouse.stages.ordered import in_order

BY = ("id",)


def made_of(folder: Path, *files: pa.Table) -> Path:
    """A table of one data file each."""
    for rows in files:
        write_deltalake(folder / "things", rows, mode="append")
    return folder / "things"


def keys(*values: Any) -> pa.Table:
    return pa.table({"id": pa.array(values), "name": [f"the {value}" for value in values]})


def read(table: Path, at_once: int, by: tuple[str, ...] = BY) -> list[list[Any]]:
    """The values of the first column of the order, part by part."""
    version = newest_version(table)
    parts = in_order(table, version, ["name", "id"], by, at_once=at_once)
    return [part[by[0]].to_pylist() for part in parts]


def test_files_that_overlap_are_read_in_parts_of_one_size(tmp_path: Path) -> None:
    table = made_of(tmp_path, keys("b", "e", "h"), keys("g", "a", "d"), keys("i", "c", "f"))
    assert read(table, 3) == [["a", "b", "c"], ["d", "e", "f"], ["g", "h", "i"]]
    assert read(table, 4) == [["a", "b", "c", "d"], ["e", "f", "g", "h"], ["i"]]
    assert read(table, 9) == [["a", "b", "c", "d", "e", "f", "g", "h", "i"]]


def test_columns_stand_as_asked_in_every_part(tmp_path: Path) -> None:
    table = made_of(tmp_path, keys("b", "a"))
    parts = [part.to_pylist() for part in in_order(table, 0, ["name", "id"], BY, at_once=1)]
    assert parts == [[{"name": "the a", "id": "a"}], [{"name": "the b", "id": "b"}]]
    assert [list(row) for row in parts[0]] == [["name", "id"]]


def test_many_rows_are_cut_by_a_few_of_their_places(tmp_path: Path) -> None:
    numbers = [n * 7919 % 10_007 for n in range(10_007)]  # each number below 10,007 once
    table = made_of(tmp_path, keys(*numbers[:5_000]), keys(*numbers[5_000:]))
    parts = read(table, 1_000)
    assert [n for part in parts for n in part] == list(range(10_007))
    assert 10 <= len(parts) <= 11
    assert max(map(len, parts)) <= 1_100


def test_a_table_without_rows_is_one_part_without_rows(tmp_path: Path) -> None:
    assert read(made_of(tmp_path, keys("a").slice(0, 0)), 3) == [[]]


def test_texts_are_in_the_order_of_their_bytes_and_nothing_of_them_is_sql(tmp_path: Path) -> None:
    odd = ["", "'", "' OR true --", "10", "9", "Z", "a", "zz", "é", "\U0001f600"]
    table = made_of(tmp_path, keys(*odd[::2]), keys(*odd[1::2]))
    assert read(table, 1) == [[text] for text in odd]


def test_whole_numbers_are_in_their_order(tmp_path: Path) -> None:
    table = made_of(tmp_path, keys(10, -3, 9), keys(0, -20))
    assert read(table, 2) == [[-20, -3], [0, 9], [10]]


def test_a_second_column_decides_within_the_first_and_cuts_as_well(tmp_path: Path) -> None:
    rows = [("b.csv", 2), ("a.csv", 10), ("b.csv", 1), ("a.csv", 9), ("a.csv", 1)]
    files, lines = zip(*rows, strict=True)
    log = keys(*lines).append_column("_file", pa.array(files))
    table = made_of(tmp_path, log)
    parts = in_order(table, 0, ["_file", "id"], ("_file", "id"), at_once=2)
    assert [[tuple(row.values()) for row in part.to_pylist()] for part in parts] == [
        [("a.csv", 1), ("a.csv", 9)],
        [("a.csv", 10), ("b.csv", 1)],
        [("b.csv", 2)],
    ]


def test_an_order_by_days_is_not_cut(tmp_path: Path) -> None:
    table = made_of(tmp_path, keys(date(2025, 1, 2), date(2025, 1, 1)))
    assert read(table, 1) == [[date(2025, 1, 1), date(2025, 1, 2)]]


def test_days_within_a_text_do_not_cut_it(tmp_path: Path) -> None:
    days = keys(date(2025, 1, 2), date(2025, 1, 1), date(2025, 1, 3))
    table = made_of(tmp_path, days.append_column("of", pa.array(["b", "a", "a"])))
    parts = in_order(table, 0, ["of", "id"], ("of", "id"), at_once=1)
    assert [part["id"].to_pylist() for part in parts] == [
        [],
        [date(2025, 1, 1), date(2025, 1, 3)],
        [date(2025, 1, 2)],
    ]


def test_a_row_that_no_part_tells_is_noticed(tmp_path: Path) -> None:
    table = made_of(tmp_path, keys("a", None, "b"))
    with pytest.raises(BooksDoNotBalance, match="3 rows to be read in order, 2 were"):
        read(table, 1)


def test_a_table_that_is_torn_is_named(tmp_path: Path) -> None:
    table = made_of(tmp_path, keys("a", "b"))
    next(table.glob("*.parquet")).write_bytes(b"")
    with pytest.raises(Damaged, match="things"):
        read(table, 1)


def test_rows_that_are_marked_as_gone_are_in_no_part(spark: Any, tmp_path: Path) -> None:
    table = tmp_path / "things"
    rows = spark.createDataFrame(
        [(f"k{n}", f"the {n}") for n in range(8)], "id string, name string"
    )
    marks = rows.coalesce(1).write.format("delta").option("delta.enableDeletionVectors", "true")
    marks.save(str(table))
    spark.sql(f"DELETE FROM delta.`{table}` WHERE id IN ('k0', 'k3', 'k4')")
    assert deleted_rows(table, 1) == 3
    assert read(table, 2) == [["k1", "k2"], ["k5", "k6"], ["k7"]]
