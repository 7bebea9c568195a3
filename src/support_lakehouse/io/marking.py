"""Owns the MERGE of what fits into memory into a table that marks rows instead of copying files.

Spark's own reads the table three times, by plans that a young JVM has to compile first. Here Arrow
reads the keys once, and hashes where a key is met. One commit, as Delta's protocol has it, brings a
file of new rows, and a deletion vector for each data file with rows that are gone.
"""

import json
import os
import time
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import unquote
from uuid import uuid4

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from support_lakehouse.errors import Damaged
from support_lakehouse.io import delta_log, lake, vectors
from support_lakehouse.model.merge import SPARK, Merge

_KNOWN_FEATURES = {"appendOnly", "invariants", vectors.FEATURE}
_AT_ONCE = 4
"""So many row groups are read side by side, each some columns at a time."""
_SHOWN = "shown_"
_ENDS = ("minValues", "maxValues")


def writes(table: Path) -> bool:
    """Whether the table marks rows, asks nothing else of who writes it, and has its log whole."""
    version = lake.version_of(table)
    if version is None:
        return False
    there = lake.opened(table, version)
    told = there.metadata()
    marks = told.configuration.get("delta.enableDeletionVectors") == "true"
    plain = _KNOWN_FEATURES.issuperset(there.protocol().writer_features or [])
    if not (marks and plain) or told.partition_columns:
        return False
    files = delta_log.files_at(table, version)
    return files is not None and all(map(vectors.is_known, files.values()))


@dataclass(frozen=True)
class Turnover:
    """Rows that a MERGE took out of a table, and rows that it put in; some columns of them."""

    gone: pa.Table
    new: pa.Table


def merge(
    table: Path, changes: pa.Table, how: Merge, told: str, shown: Sequence[str] = ()
) -> Turnover:
    """MERGE one change per key, texts or whole numbers; no commit where nothing changes.

    Told of the rows that it is about are the columns `shown`. Raises Damaged where a data file
    cannot be read.
    """
    begun = time.monotonic()
    target = _Target.newest(table)
    met = target.met_by(_Changes(changes, how), shown)
    gone = {path: rows.filter(rows["effect"]) for path, rows in met.items()}
    gone = {path: rows for path, rows in gone.items() if rows.num_rows}
    kept = [rows.filter(pc.invert(rows["effect"]))["change"] for rows in met.values()]
    new = _new_rows(changes, pa.chunked_array(kept, pa.uint64()), how)
    turnover = target.turnover(gone, new, shown)
    if not gone and not new.num_rows:
        return turnover
    file = target.write(new, how.key) if new.num_rows else []
    marked = target.mark({path: rows["row"].combine_chunks() for path, rows in gone.items()})
    deleted = sum(pc.sum(rows["delete"]).as_py() for rows in gone.values())
    updated = sum(rows.num_rows for rows in gone.values()) - deleted
    counts = {
        "SourceRows": changes.num_rows,
        "OutputRows": new.num_rows,
        "TargetRowsInserted": new.num_rows - updated,
        "TargetRowsUpdated": updated,
        "TargetRowsDeleted": deleted,
        "TargetRowsCopied": 0,
        "TargetFilesAdded": len(file),
        "TargetBytesAdded": sum(one["add"]["size"] for one in file),
        "TargetDeletionVectorsAdded": sum("add" in one for one in marked),
        "TargetFilesRemoved": len(gone) - sum("add" in one for one in marked),
    }
    metrics = {f"num{name}": str(count) for name, count in counts.items()}
    metrics["executionTimeMs"] = str(round((time.monotonic() - begun) * 1000))
    target.commit([*file, *marked], how, metrics, told)
    return turnover


def _new_rows(changes: pa.Table, kept: pa.ChunkedArray, how: Merge) -> pa.Table:
    """The changes that become rows, in order of their keys: not deletes, nor what is there."""
    places = pa.array(range(changes.num_rows), pa.uint64())
    wanted = pc.invert(pc.is_in(places, value_set=kept))
    wanted = pc.and_(wanted, pc.not_equal(changes[how.action], "delete"))
    return changes.filter(wanted).sort_by(how.key)


@dataclass(frozen=True)
class _Changes:
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

    def between(self, low: str | int | None, high: str | int | None) -> range:
        """The places of keys within bounds, in order of the keys; of all where none are known."""
        if low is None or high is None:
            return range(len(self._told))
        return range(bisect_left(self._told, low), bisect_right(self._told, high))

    def may_meet(self, add: delta_log.Action) -> bool:
        """Whether a data file may hold a row of some key, as far as its statistics tell."""
        told = json.loads(add.get("stats") or "{}")
        low, high = (told.get(end, {}).get(self.how.key) for end in _ENDS)
        return bool(self.between(low, high))

    def pieces(self, file: Path, hidden: pa.Array | None) -> Iterator["_Piece"]:
        """The row groups of a file that may hold a row of some key, at least one of them."""
        with _damage_named(file):
            footer, row = pq.read_metadata(file), 0
        places = {footer.schema.column(place).path: place for place in range(footer.num_columns)}
        for number in range(footer.num_row_groups):
            group = footer.row_group(number)
            told = group.column(places[self.how.key]).statistics
            known = told is not None and told.has_min_max
            near = self.between(*((told.min, told.max) if known else (None, None)))
            if near:
                yield _Piece(file, footer, number, row, near, hidden)
            row += group.num_rows

    def meet(self, piece: "_Piece", shown: Sequence[str]) -> pa.Table:
        """The rows of a piece that a change is for: the row, the change, what comes of it.

        `effect`: whether the row is gone afterwards, by a `delete` or for another one. Beside it
        the row's columns `shown`.
        """
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
                values = {_SHOWN + name: told[name].take(row) for name in shown}
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


@dataclass(frozen=True)
class _Target:
    """A version of a table: its data files as the log tells them."""

    table: Path
    version: int
    files: dict[str, delta_log.Action]

    @classmethod
    def newest(cls, table: Path) -> "_Target":
        version = lake.newest_version(table)
        files = delta_log.files_at(table, version)
        assert files is not None, "asked for by `writes`"
        return cls(table, version, files)

    @cached_property
    def schema(self) -> pa.Schema:
        return pa.schema(lake.opened(self.table, self.version).schema().to_arrow())

    def met_by(self, changes: _Changes, shown: Sequence[str]) -> dict[str, pa.Table]:
        """For each data file with rows that changes are for, these rows (`_Changes.meet`)."""
        near = {path: add for path, add in self.files.items() if changes.may_meet(add)}
        pieces = [
            (path, piece)
            for path in near
            for piece in changes.pieces(self.table / unquote(path), self._hidden(path))
        ]
        met: dict[str, list[pa.Table]] = {}
        with ThreadPoolExecutor(min(os.cpu_count() or 1, _AT_ONCE)) as pool:
            told = pool.map(lambda one: changes.meet(one[1], shown), pieces)
            for (path, _), rows in zip(pieces, told, strict=True):
                if rows.num_rows:
                    met.setdefault(path, []).append(rows)
        return {path: pa.concat_tables(tables) for path, tables in met.items()}

    def _hidden(self, path: str) -> pa.Array | None:
        vector = self.files[path].get("deletionVector")
        return None if vector is None else vectors.read(self.table, vector)

    def turnover(self, gone: dict[str, pa.Table], new: pa.Table, shown: Sequence[str]) -> Turnover:
        """Columns of the rows that go and of those that come, of the types of the table."""
        schema = pa.schema([self.schema.field(name) for name in shown])
        there = [rows.select([_SHOWN + name for name in shown]) for rows in gone.values()]
        there = [rows.rename_columns(schema.names).cast(schema) for rows in there]
        went = pa.concat_tables([schema.empty_table(), *there])
        return Turnover(went, new.select(schema.names).cast(schema))

    def write(self, rows: pa.Table, key: str) -> list[delta_log.Action]:
        """Put rows into a data file, with the bounds of its keys if the table has such."""
        path = f"part-00000-{uuid4()}-c000.zstd.parquet"
        pq.write_table(
            rows.select(self.schema.names).cast(self.schema),
            self.table / path,
            compression="zstd",
            store_decimal_as_integer=True,
            write_statistics=[key],
        )
        stats: dict[str, object] = {"numRecords": rows.num_rows}
        if key in lake.opened(self.table, self.version).metadata().configuration[
            "delta.dataSkippingStatsColumns"
        ].split(","):
            ends = (rows[key][0].as_py(), rows[key][-1].as_py())
            stats |= {name: {key: end} for name, end in zip(_ENDS, ends, strict=True)}
            stats["nullCount"] = {key: 0}
        return [{"add": delta_log.added(self.table, path, stats)}]

    def mark(self, gone: dict[str, pa.Array]) -> list[delta_log.Action]:
        """Mark rows of data files as gone; a file is removed where no row is left of it."""
        all_gone = {path: self._with_hidden(path, rows) for path, rows in gone.items()}
        sizes = {p: pq.read_metadata(self.table / unquote(p)).num_rows for p in gone}
        partly = {path: rows for path, rows in all_gone.items() if len(rows) < sizes[path]}
        written = vectors.write(self.table, partly) if partly else {}
        return list(self._marked(sizes, written))

    def _with_hidden(self, path: str, rows: pa.Array) -> pa.Array:
        hidden = self._hidden(path)
        return rows if hidden is None else pa.concat_arrays([hidden, rows])

    def _marked(
        self, sizes: dict[str, int], written: dict[str, delta_log.Action]
    ) -> Iterator[delta_log.Action]:
        """What the log says of files with rows that are gone; their bounds are no longer tight."""
        now = round(time.time() * 1000)
        for path, size in sizes.items():
            was = self.files[path]
            yield {"remove": delta_log.removed(was, now)}
            if path in written:
                told = json.loads(was.get("stats") or "{}") | {"numRecords": size}
                stats = {"stats": json.dumps(told | {"tightBounds": False})}
                new = {"dataChange": True, "deletionVector": written[path]}
                yield {"add": was | stats | new}

    def commit(
        self, told: list[delta_log.Action], how: Merge, metrics: dict[str, str], by: str
    ) -> None:
        """Make it the next version of the table, and now and then a checkpoint."""
        deletes, updates, inserts = (
            how.delete_when(SPARK),
            how.update_when(SPARK),
            how.insert_when(SPARK),
        )
        info = {
            "timestamp": round(time.time() * 1000),
            "operation": "MERGE",
            "operationParameters": {
                "predicate": json.dumps([how.on(SPARK)]),
                "matchedPredicates": _clauses((deletes, "delete"), (updates, "update")),
                "notMatchedPredicates": _clauses((inserts, "insert")),
            },
            "readVersion": self.version,
            "isolationLevel": "Serializable",
            "isBlindAppend": False,
            "operationMetrics": metrics,
            "userMetadata": by,
            "engineInfo": delta_log.ENGINE,
        }
        version = self.version + 1
        delta_log.commit(self.table, version, [{"commitInfo": info}, *told])
        delta_log.checkpoint_if_due(self.table, version)


@contextmanager
def _damage_named(file: Path) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        said = f"a file of the table is torn or gone: {str(error)[:300]}"
        raise Damaged(said, where=str(file), hint=lake.MENDED_BY) from error


def _clauses(*clauses: tuple[str, str]) -> str:
    return json.dumps([{"predicate": when, "actionType": action} for when, action in clauses])
