"""A file of a table that is torn, empty or gone is named; it never reads as fewer rows (L4)."""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from support_lakehouse.errors import Damaged
from support_lakehouse.io import lake, undo


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Two commits of one row each."""
    for number in (1, 2):
        write_deltalake(tmp_path / "things", pa.table({"n": [number]}), mode="append")
    return tmp_path / "things"


def entry(table: Path, version: int = 1) -> Path:
    return table / "_delta_log" / f"{version:020}.json"


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("harm", [cut, empty, Path.unlink])
@pytest.mark.parametrize("version", [0, 1])
def test_a_log_entry_that_is_harmed_is_named(
    table: Path, harm: Callable[[Path], None], version: int
) -> None:
    harm(entry(table, version))
    with pytest.raises(Damaged) as error:
        lake.read(table, 1)
    assert str(table) in error.value.sentence()
    assert "run --lakehouse" in error.value.sentence()


@pytest.mark.parametrize("harm", [cut, empty, Path.unlink])
def test_a_data_file_that_is_harmed_is_named_also_when_rows_are_read_bit_by_bit(
    table: Path, harm: Callable[[Path], None]
) -> None:
    harm(next(table.glob("*.parquet")))
    for reading in (lake.query, lambda sql, tables: list(lake.batches(sql, tables))):
        with pytest.raises(Damaged) as error:
            reading("SELECT n FROM t", {"t": (table, 1)})
        assert ".parquet" in error.value.sentence()
        assert str(table) in error.value.sentence()


def test_an_empty_entry_behind_the_version_that_is_asked_for_does_not_matter(table: Path) -> None:
    empty(entry(table))
    assert lake.read(table, 0).to_pylist() == [{"n": 1}]


@pytest.mark.parametrize("harm", [cut, empty, Path.unlink])
def test_a_commit_is_whole_if_its_entry_and_its_data_are(
    table: Path, harm: Callable[[Path], None]
) -> None:
    assert undo.last_whole_version(table) == 1
    harm(next(path for path in table.glob("*.parquet") if path.name in entry(table).read_text()))
    assert undo.last_whole_version(table) == 0
    harm(entry(table, 0))
    assert undo.last_whole_version(table) is None


@pytest.mark.parametrize("harm", [cut, empty, Path.unlink])
def test_a_recovery_names_a_released_entry_that_is_harmed(
    table: Path, harm: Callable[[Path], None]
) -> None:
    harm(entry(table))
    with pytest.raises(Damaged) as error:
        undo.without_torn_end(table, 1)
    assert str(entry(table)) in error.value.sentence()


def test_other_errors_of_a_query_stay_what_they_are(table: Path) -> None:
    with pytest.raises(Exception, match="nothing") as error:
        lake.query("SELECT nothing FROM t", {"t": (table, 1)})
    assert not isinstance(error.value, Damaged)
