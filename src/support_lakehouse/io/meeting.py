"""Owns which rows of a table the changes of a MERGE meet: Arrow reads the keys where one may stand.

Files and row groups are left out by the bounds of their keys, hashes and other columns where no row
is met.
"""

import json
import os
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from support_lakehouse.errors import Damaged
from support_lakehouse.io import delta_log, lake, vectors
from support_lakehouse.model.merge import Merge

_AT_ONCE = 4
"""So many row groups are read side by side, each some columns at a time."""
SHOWN = "shown_"
"""Begins the names of columns that are told of rows that are met."""
ENDS = ("minValues", "maxValues")
"""What statistics call the bounds of a data file."""


@dataclass(frozen=True)
class Changes:
    """One change per key, column by column."""

    rows: pa.Table
    how: Merge

    @cached_property
    def _order(self) -> pa.Array:
        """The changes in order of their keys."""
        return pc.sort_indices(self.rows[self.how.key])

    @cached_property
    def _keys(self) -> pa.Array:
        return self.rows[self.how.key].combine_chunks().take(self._order)

    @cached_property
    def _told(self) -> list[str | int]:
        return list(self._keys.to_pylist())

    def _between(self, low: str | int | None, high: str | int | None) -> range:
        """The places of keys within bounds, in order of the keys; of all where none are known."""
        if low is None or high is None:
            return range(len(self._told))
        return range(bisect_left(self._told, low), bisect_right(self._told, high))

    def met(
        self, table: Path, files: Mapping[str, delta_log.Action], shown: Sequence[str]
    ) -> dict[str, pa.Table]:
        """For each data file with rows that changes are for, these rows.

        Told are its place in the file (`row`), the place of the change among all (`change`),
        whether that is a `delete`, whether the row is gone afterwards, by a delete or for another
        one (`effect`), and the row's columns `shown`. Raises Damaged.
        """
        pieces = [
            (path, piece)
            for path, add in files.items()
            if self._may_meet(add)
            for piece in self._pieces(table / unquote(path), vectors.hidden_by(table, add))
        ]
        met: dict[str, list[pa.Table]] = {}
        with ThreadPoolExecutor(min(os.cpu_count() or 1, _AT_ONCE)) as pool:
            told = pool.map(lambda one: self._met_in(one[1], shown), pieces)
            for (path, _), rows in zip(pieces, told, strict=True):
                if rows.num_rows:
                    met.setdefault(path, []).append(rows)
        return {path: pa.concat_tables(tables) for path, tables in met.items()}

    def _may_meet(self, add: delta_log.Action) -> bool:
        """Whether a data file may hold a row of some key, as far as its statistics tell."""
        told = json.loads(add.get("stats") or "{}")
        low, high = (told.get(end, {}).get(self.how.key) for end in ENDS)
        return bool(self._between(low, high))

    def _pieces(self, file: Path, hidden: pa.Array | None) -> Iterator["_Piece"]:
        """The row groups of a file that may hold a row of some key."""
        with _damage_named(file):
            footer, row = pq.read_metadata(file), 0
        places = {footer.schema.column(place).path: place for place in range(footer.num_columns)}
        for number in range(footer.num_row_groups):
            group = footer.row_group(number)
            told = group.column(places[self.how.key]).statistics
            known = told is not None and told.has_min_max
            near = self._between(*((told.min, told.max) if known else (None, None)))
            if near:
                yield _Piece(file, footer, number, row, near, hidden)
            row += group.num_rows

    def _met_in(self, piece: "_Piece", shown: Sequence[str]) -> pa.Table:
        near = piece.near
        texts = [name for name in shown if name != self.how.key]
        with _damage_named(piece.file), piece.opened(texts) as opened:
            there = piece.read(opened, [self.how.key])[0].combine_chunks()
            keys = self._keys.slice(near.start, len(near)).cast(there.type)
            change = pc.index_in(there, value_set=keys)
            row = pc.indices_nonzero(change.is_valid())
            if piece.hidden is not None:
                hidden = pc.is_in(piece.in_file(row), value_set=piece.hidden)
                row = row.filter(pc.invert(hidden))
            change = self._order.slice(near.start, len(near)).take(change.take(row))
            delete = pc.equal(self.rows[self.how.action].take(change), "delete")
            effect, values = delete, {}
            if len(row):
                hashes = piece.read(opened, [self.how.row_hash])[0].take(row)
                same = pc.equal(hashes, self.rows[self.how.row_hash].take(change))
                effect = pc.or_(delete, pc.invert(pc.fill_null(same, False)))
                told = piece.read(opened, shown)
                values = {SHOWN + name: told[name].take(row) for name in shown}
        columns = {"row": piece.in_file(row), "change": change}
        return pa.table(columns | {"delete": delete, "effect": effect} | values)


@dataclass(frozen=True)
class _Piece:
    """A row group of a data file: its number, its first row, and the keys that may be there.

    `hidden` are the rows of the file that are gone.
    """

    file: Path
    footer: pq.FileMetaData
    number: int
    first: int
    near: range
    hidden: pa.Array | None

    def opened(self, texts: Sequence[str]) -> pq.ParquetFile:
        return pq.ParquetFile(
            self.file,
            metadata=self.footer,
            read_dictionary=texts,
            coerce_int96_timestamp_unit="us",
        )

    def in_file(self, row: pa.Array) -> pa.Array:
        """Where rows of the piece are in the file."""
        return pc.add(row, pa.scalar(self.first, pa.uint64()))

    def read(self, opened: pq.ParquetFile, names: Sequence[str]) -> pa.Table:
        return opened.read_row_group(self.number, [*names], use_threads=False)


@contextmanager
def _damage_named(file: Path) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        said = f"a file of the table is torn or gone: {str(error)[:300]}"
        raise Damaged(said, where=str(file), hint=lake.MENDED_BY) from error
