"""Deletion vectors of a version, told from entries of a log written by hand."""

import json
from pathlib import Path
from typing import Any

import pytest

from support_lakehouse.io.datafiles import files_there
from support_lakehouse.io.vectors import vectors_of

# The two UUIDs and their spelling in Z85 are those of Delta's protocol and of a table by Spark.
ONE, ONE_FILE = "zIlo$eq=W#YowW]o{y@T", "deletion_vector_6e84cde7-2c8a-4008-bb93-9a644d949669.bin"
TWO, TWO_FILE = (
    "ab^-aqEH.-t@S}K{vb[*k^",
    "ab/deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin",
)


def add(path: str, vector: str | None = None, kind: str = "u") -> dict[str, Any]:
    told = {"storageType": kind, "pathOrInlineDv": vector, "sizeInBytes": 40, "cardinality": 2}
    return {"add": {"path": path} | ({"deletionVector": told} if vector else {})}


def remove(path: str) -> dict[str, Any]:
    return {"remove": {"path": path}}


def write(table: Path, *entries: list[dict[str, Any]], first: int = 0) -> Path:
    (table / "_delta_log").mkdir()
    for version, actions in enumerate(entries, start=first):
        lines = "\n".join(json.dumps(action) for action in actions)
        (table / "_delta_log" / f"{version:020}.json").write_text(lines)
    return table


def test_a_version_is_read_with_the_vectors_of_its_files(tmp_path: Path) -> None:
    table = write(
        tmp_path,
        [add("a"), add("b")],
        [remove("a"), add("a", ONE), add("c", "x" * 20, kind="i")],
        [remove("a"), add("a", TWO)],
        [remove("a"), remove("b"), add("d")],
    )
    told = [vectors_of(table, {version}) for version in range(4)]
    assert told == [set(), {ONE_FILE}, {TWO_FILE}, set()]
    assert vectors_of(table, {1, 2}) == {ONE_FILE, TWO_FILE}
    assert vectors_of(table, ()) == set()


@pytest.mark.parametrize("first", [1, 7])
def test_a_log_without_its_beginning_does_not_tell(tmp_path: Path, first: int) -> None:
    assert vectors_of(write(tmp_path, [add("a")], first=first), {first}) is None


def test_what_lies_there_are_data_and_vectors(tmp_path: Path) -> None:
    write(tmp_path, [add("a")])
    for name in ("a.parquet", ".a.parquet.crc", ONE_FILE, "_delta_log/b.parquet", "note.txt"):
        (tmp_path / name).write_bytes(b"12")
    assert sorted(files_there(tmp_path)) == [("a.parquet", 2), (ONE_FILE, 2)]
