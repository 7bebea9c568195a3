"""Owns rows in Parquet files of a run's own, which become data files of a table as they are."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from threading import Lock

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

_ROWS_OF_A_GROUP = 32_768
"""Rows of a range are collected up to a row group of so many: a few hundred bytes each."""


@dataclass(frozen=True)
class Part:
    """Rows that came from a file of the data folder, in a Parquet file."""

    file: str
    path: Path
    rows: int


@dataclass(frozen=True)
class Staged:
    """Rows of the columns of a schema in one Parquet file or more, which may have others too."""

    schema: pa.Schema
    parts: tuple[Part, ...]

    @property
    def num_rows(self) -> int:
        return sum(part.rows for part in self.parts)

    def of_files(self, files: Collection[str]) -> "Staged":
        """The rows that came from some files."""
        return Staged(self.schema, tuple(part for part in self.parts if part.file in files))

    def without(self, column: str) -> "Staged":
        """The rows without a column; it stays in the files, where nobody asks for it."""
        kept = [field for field in self.schema if field.name != column]
        return Staged(pa.schema(kept), self.parts)

    def read(self, filters: object = None) -> pa.Table:
        """The rows, or those that a filter of Arrow's lets through, in memory."""
        names = self.schema.names
        tables = [pq.read_table(part.path, columns=names, filters=filters) for part in self.parts]
        return pa.concat_tables([self.schema.empty_table(), *(t.cast(self.schema) for t in tables)])


def plain(rows: pa.Table) -> pa.Table:
    """The rows with texts as texts, where they are kept as places in a dictionary."""
    return rows.cast(
        pa.schema(
            [
                field.with_type(field.type.value_type)
                if pa.types.is_dictionary(field.type)
                else field
                for field in rows.schema
            ]
        )
    )


class PartWriter:
    """Writes rows that came from a file of the data folder, table by table, to a Parquet file.

    `unlike`: columns whose values hardly ever repeat; `bounds`: those of which the file shall tell
    the least and the greatest value.
    """

    def __init__(
        self, file: str, path: Path, *, unlike: Collection[str] = (), bounds: Collection[str] = ()
    ) -> None:
        self._file, self._path = file, path
        self._unlike, self._bounds = unlike, bounds
        self._writer: pq.ParquetWriter | None = None
        self._rows, self._schema = 0, pa.schema([])

    def write(self, rows: pa.Table) -> None:
        if self._writer is None:
            self._schema = plain(rows.slice(0, 0)).schema
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = pq.ParquetWriter(
                self._path,
                rows.schema,
                compression="zstd",
                compression_level=1,
                use_dictionary=[name for name in rows.column_names if name not in self._unlike],
                write_statistics=list(self._bounds),
                store_decimal_as_integer=True,
                store_schema=False,
            )
        if rows.num_rows:  # a row group without rows has no bounds, and none are known of the file
            self._writer.write_table(rows)
        self._rows += rows.num_rows

    def done(self) -> Staged:
        """Close the file, to which something was written; what it holds."""
        assert self._writer is not None
        self._writer.close()
        return Staged(self._schema, (Part(self._file, self._path, self._rows),))


class RangeWriter:
    """Writes rows in any order of their keys to several Parquet files, each for a range of keys.

    `writers` are of one file of the data folder; `begins` are the keys, in order, that each range
    but the first begins with. Threads may share it.
    """

    def __init__(
        self, writers: Sequence[PartWriter], *, key: str, begins: Sequence[str | int]
    ) -> None:
        self._ranges = [_Range(writer) for writer in writers]
        self._key, self._begins = key, begins

    def write(self, rows: pa.Table) -> None:
        rows = rows.sort_by(self._key)
        keys = rows[self._key].combine_chunks()
        begins = pc.search_sorted(keys, pa.array(self._begins, keys.type)).to_pylist()
        for own, (begin, end) in zip(
            self._ranges, pairwise([0, *begins, rows.num_rows]), strict=True
        ):
            own.write(rows.slice(begin, end - begin))

    def done(self) -> Staged:
        """Close the files, to which something was written; what they hold."""
        return together([own.done() for own in self._ranges])


class _Range:
    """The rows of a range, on their way to its file."""

    def __init__(self, writer: PartWriter) -> None:
        self._writer, self._lock = writer, Lock()
        self._held: list[pa.Table] = []

    def write(self, rows: pa.Table) -> None:
        with self._lock:
            self._held.append(rows)
            if sum(table.num_rows for table in self._held) >= _ROWS_OF_A_GROUP:
                self._flush()

    def done(self) -> Staged:
        self._flush()
        return self._writer.done()

    def _flush(self) -> None:
        # Where dictionaries differ, none but the first would be written as one.
        rows = pa.concat_tables(self._held).unify_dictionaries().combine_chunks()
        self._writer.write(rows)
        self._held = [rows.slice(0, 0)]


def together(staged: Sequence[Staged]) -> Staged:
    """The rows of several, of the same columns; there is at least one."""
    return Staged(staged[0].schema, tuple(part for one in staged for part in one.parts))
