"""Versions of a table that is written and read by turns: each is read as it was written."""

from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from support_lakehouse.errors import Damaged
from support_lakehouse.io import delta_log, delta_rs, lake

NUMBER = "SELECT n FROM t ORDER BY n"


def write(table: Path, *numbers: int, mode: str = "append") -> int:
    rows = pa.table({"n": numbers})
    kept = timedelta(days=7)
    delta_rs.write(table, rows, "{}", mode=mode, statistics="n", retention=kept)
    return lake.newest_version(table)


def read(table: Path, version: int) -> list[int]:
    found: list[int] = lake.query(NUMBER, {"t": (table, version)})["n"].to_pylist()
    return found


def test_what_was_written_is_read_and_earlier_versions_stay(tmp_path: Path) -> None:
    versions = [write(tmp_path, 1), write(tmp_path, 2)]
    held = lake.opened(tmp_path, 1)
    versions += [write(tmp_path, 3), write(tmp_path, 4, mode="overwrite")]
    assert versions == [0, 1, 2, 3]
    assert [read(tmp_path, version) for version in versions] == [[1], [1, 2], [1, 2, 3], [4]]
    assert (held.version(), held.count()) == (1, 2)


def test_what_its_writer_left_at_hand_is_not_opened_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, 1)
    write(tmp_path, 2)
    monkeypatch.setattr(lake, "DeltaTable", None)
    assert read(tmp_path, 1) == [1, 2]


def test_a_table_whose_log_is_another_is_opened_again(tmp_path: Path) -> None:
    write(tmp_path, 1)
    assert read(tmp_path, write(tmp_path, 2)) == [1, 2]
    entry = delta_log.entry_of(tmp_path, 1)
    entry.unlink()
    assert read(tmp_path, write(tmp_path, 3)) == [1, 3]
    delta_log.entry_of(tmp_path, 1).write_bytes(b"")
    with pytest.raises(Damaged):
        read(tmp_path, 1)


def test_no_more_tables_are_held_open_than_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lake, "_OPEN_AT_ONCE", 2)
    monkeypatch.setattr(lake, "_open", {})
    for name in "abc":
        assert read(tmp_path / name, write(tmp_path / name, ord(name))) == [ord(name)]
    assert [table.name for table, _ in lake._open] == ["b", "c"]
