"""Owns the data files under a Delta table: those of a version, those that lie there, a column."""

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake.exceptions import DeltaError

from support_lakehouse.errors import Damaged
from support_lakehouse.io import lake
from support_lakehouse.model.spans import Range

READ_ERRORS = (Damaged, DeltaError, pa.ArrowException, OSError, ValueError)
"""What reading a table raises where something of it is gone, torn or not to be opened."""

_WORTH_SKIPPING_BYTES = 16 * 1024 * 1024
"""Of a smaller table all files are read sooner than it is found out which to skip."""


@dataclass(frozen=True)
class DataFile:
    """One data file as its table's log tells of it; `path` is relative to the table."""

    table: Path
    path: str
    bytes: int

    @property
    def location(self) -> Path:
        return self.table / self.path


def files_of(table: Path, version: int) -> list[DataFile]:
    """The data files that a version is made of. Raises READ_ERRORS."""
    told = pa.table(lake.opened(table, version).get_add_actions())
    paths, sizes = (told[name].to_pylist() for name in ("path", "size_bytes"))
    return [DataFile(table, unquote(p), size) for p, size in zip(paths, sizes, strict=True)]


def bytes_of(table: Path, version: int) -> int:
    """The size of all data files of a version. Raises READ_ERRORS."""
    return sum(file.bytes for file in files_of(table, version))


def key_ranges(table: Path, version: int, key: str) -> list[Range] | None:
    """The lowest and highest key of each data file; None where that is unknown or not worth it."""
    told = pa.table(lake.opened(table, version).get_add_actions(flatten=True))
    if told.num_rows < 2 or sum(told["size_bytes"].to_pylist()) < _WORTH_SKIPPING_BYTES:
        return None
    if f"min.{key}" not in told.column_names:
        return None
    lows, highs = (told[f"{end}.{key}"].to_pylist() for end in ("min", "max"))
    if None in lows or None in highs:
        return None
    return list(zip(lows, highs, strict=True))


def read_column(file: DataFile, names: Collection[str]) -> tuple[int, pa.ChunkedArray]:
    """The rows of a file, and its column of one of these names, else its smallest one.

    Raises READ_ERRORS. Texts come as a dictionary, so a column that repeats itself costs little.
    """
    there = pq.read_schema(file.location).names
    wanted = next((name for name in names if name in there), None)
    with pq.ParquetFile(file.location, read_dictionary=[wanted] if wanted else None) as opened:
        column = wanted or _smallest(opened.metadata)
        rows = opened.read(columns=[column])
        return opened.metadata.num_rows, rows.column(0)


def _smallest(metadata: pq.FileMetaData) -> str:
    sizes: dict[str, int] = {}
    for group in range(metadata.num_row_groups):
        for place in range(metadata.num_columns):
            chunk = metadata.row_group(group).column(place)
            name = chunk.path_in_schema.split(".")[0]
            sizes[name] = sizes.get(name, 0) + chunk.total_compressed_size
    return min(sizes, key=sizes.__getitem__, default=metadata.schema.names[0])


def files_there(table: Path) -> Iterator[tuple[str, int]]:
    """Every data file and deletion vector in a table's folder, used or not, and its bytes."""
    for folder, folders, names in os.walk(table):
        folders[:] = [name for name in folders if name != "_delta_log"]
        for name in names:
            if name.endswith((".parquet", ".bin")) and not name.startswith("."):
                path = Path(folder, name)
                yield path.relative_to(table).as_posix(), path.stat().st_size
