"""Faults to plant in a lakehouse: each is one thing that nobody should do to it."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable

Row = dict[str, Any]


def data_file(table: Path, version: int | None = None) -> Path:
    """The biggest data file of a version."""
    told = pa.table(DeltaTable(table, version=version).get_add_actions()).to_pylist()
    return table / max(told, key=lambda file: (file["num_records"], file["path"]))["path"]


def entry(table: Path, version: int) -> Path:
    return table / "_delta_log" / f"{version:020}.json"


def cut(path: Path) -> None:
    """Leave half of a file."""
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


def edit(path: Path, old: bytes, new: bytes) -> None:
    """Change bytes of a file and leave its size and time as they were."""
    found, told = path.stat(), path.read_bytes()
    assert len(old) == len(new)
    assert old in told
    path.write_bytes(told.replace(old, new, 1))
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))


def added_by(table: Path, version: int) -> Path:
    """The only data file that a commit added."""
    (added,) = (
        told["add"]
        for told in map(json.loads, entry(table, version).read_text().splitlines())
        if "add" in told
    )
    return table / added["path"]


def change(table: Path, alter: Callable[[list[Row]], None], path: Path | None = None) -> None:
    """Write a table's biggest data file again with other rows, and let its log tell the size."""
    path = path or data_file(table)
    rows = pq.read_table(path)
    told = rows.to_pylist()
    alter(told)
    before = path.stat().st_size
    pq.write_table(pa.Table.from_pylist(told, schema=rows.schema), path)
    path.with_name(f".{path.name}.crc").unlink(missing_ok=True)
    for log in (table / "_delta_log").glob("*.json"):
        if path.name in log.read_text():
            log.with_name(f".{log.name}.crc").unlink(missing_ok=True)
            size = re.sub(f'"size":{before}\\b', f'"size":{path.stat().st_size}', log.read_text())
            log.write_text(size)


def change_as_of(table: Path, version: int, alter: Callable[[list[Row]], None]) -> None:
    """Change rows in a version's biggest data file, which the newest version no longer has."""
    path = data_file(table, version)
    newest = pa.table(DeltaTable(table).get_add_actions())["path"].to_pylist()
    assert path.name not in newest, "the newest version would be another too"
    change(table, alter, path)


def set_in(row: int, **cells: Any) -> Callable[[list[Row]], None]:
    """Other cells in one row."""
    return lambda rows: rows[row].update(cells)


def add_to(row: int, column: str, number: Any) -> Callable[[list[Row]], None]:
    """A number in one row made greater."""
    return lambda rows: rows[row].update({column: rows[row][column] + number})


def drop(row: int) -> Callable[[list[Row]], None]:
    """One row less."""
    return lambda rows: rows.pop(row) and None


def in_manifest(lakehouse: Path, name: str, key: str, value: Any) -> None:
    """Another value in the manifest's entry on a file."""
    path = lakehouse / "published" / "manifest.json"
    told = json.loads(path.read_text())
    told[name][key] = value
    path.write_text(json.dumps(told))
