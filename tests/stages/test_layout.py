"""Big files that come in no order are laid out by ranges of their keys, for silver alone."""

import random
from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from support_lakehouse.io import blocks, staged
from support_lakehouse.io.landing import scan
from support_lakehouse.io.staged import Staged
from support_lakehouse.model.feed import Feed
from support_lakehouse.model.landing import ScannedFile
from support_lakehouse.stages.judging import in_files, in_memory
from tests.io.support import INITIAL, deliveries, feed, found_file, put

BLOCK_BYTES = 4_096
KEYS = [f"K{n:05}" for n in range(10_000)]
FEED = feed(quoting=False)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are read in stretches of 32 kB, and written in row groups of 500 rows."""
    monkeypatch.setattr(blocks, "read", partial(blocks.read, block_bytes=BLOCK_BYTES))
    monkeypatch.setattr(staged, "_ROWS_OF_A_GROUP", 500)


def scanned(folder: Path, keys: Sequence[str], of: Feed = FEED) -> ScannedFile:
    lines = [f"{key},the name of {key[-1]}" for key in keys]
    place = put(folder, INITIAL, "id,name\n" + "\n".join(lines) + "\n")
    return scan(found_file(place, INITIAL, "initial"), of, BLOCK_BYTES)


def in_any_order() -> list[str]:
    return random.Random(5).sample(KEYS, len(KEYS))


def staged_parts(of: Feed, file: ScannedFile, folder: Path) -> tuple[Staged, Staged]:
    """What is judged of a file, for bronze and for silver."""
    judged = in_files(of, [file], "r1", folder / of.kind)
    assert isinstance(judged.bronze, Staged)
    assert isinstance(judged.changes, Staged)
    return judged.bronze, judged.changes


def test_each_file_for_silver_has_the_keys_of_one_range(tmp_path: Path) -> None:
    _, changes = staged_parts(FEED, scanned(tmp_path, in_any_order()), tmp_path)
    files = [pq.read_table(part.path)["id"].to_pylist() for part in changes.parts]
    assert [part.rows for part in changes.parts] == list(map(len, files))
    assert 5 < len(files) < 12
    assert sorted(key for keys in files for key in keys) == KEYS
    for lower, higher in pairwise(files):
        assert max(lower) < min(higher)
    assert max(map(len, files)) < 2 * min(map(len, files))


def test_rows_are_those_that_memory_judges_and_bronze_stays_as_it_came(tmp_path: Path) -> None:
    file = scanned(tmp_path, in_any_order())
    bronze, changes = staged_parts(FEED, file, tmp_path)
    due = in_memory(FEED, [file], "r1")
    assert isinstance(due.changes, pa.Table)
    assert changes.read().sort_by("id").equals(due.changes.sort_by("id"))
    assert bronze.read().equals(due.bronze)
    groups = [pq.read_metadata(part.path).num_row_groups for part in changes.parts]
    assert min(groups) > 1


@pytest.mark.parametrize("late", [0, 300])
def test_a_file_in_order_or_nearly_so_stays_as_it_came(tmp_path: Path, late: int) -> None:
    rng = random.Random(5)
    keys = sorted(KEYS, key=lambda key: int(key[1:]) + rng.randint(0, late))
    assert (keys == KEYS) == (not late)
    _, changes = staged_parts(FEED, scanned(tmp_path, keys), tmp_path)
    assert changes.read()["id"].to_pylist() == keys


def test_what_is_not_looked_for_by_its_key_stays_as_it_came(tmp_path: Path) -> None:
    keys = in_any_order()
    personal = {"id": {"type": "text", "personal": True}, "name": "text"}
    for of in (feed(quoting=False, columns=personal), deliveries(kind="log", key=None)):
        _, changes = staged_parts(of, scanned(tmp_path, keys, of), tmp_path)
        assert changes.read()["id"].to_pylist() == keys
