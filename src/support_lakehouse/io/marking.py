"""Owns the MERGE of what fits into memory into a table that marks rows instead of copying files.

Spark's own reads the table three times, by plans that a young JVM has to compile first. Here Arrow
reads the keys once, and hashes where a key is met. One commit, as Delta's protocol has it, brings a
file of new rows, and a deletion vector for each data file with rows that are gone.
"""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import unquote
from uuid import uuid4

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from support_lakehouse.io import delta_log, lake, vectors
from support_lakehouse.io.meeting import ENDS, SHOWN, Changes
from support_lakehouse.model.merge import SPARK, Merge


def writes(table: Path) -> bool:
    """Whether the table marks rows, asks nothing else of who writes it, and has its log whole."""
    version = lake.version_of(table)
    if version is None:
        return False
    there = lake.opened(table, version)
    told = there.metadata()
    marks = told.configuration.get("delta.enableDeletionVectors") == "true"
    plain = vectors.KNOWN.issuperset(lake.asked_of_writers(table, version))
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
    met = Changes(changes, how).met(table, target.files, shown)
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

    def turnover(self, gone: dict[str, pa.Table], new: pa.Table, shown: Sequence[str]) -> Turnover:
        """Columns of the rows that go and of those that come, of the types of the table."""
        schema = pa.schema([self.schema.field(name) for name in shown])
        there = [rows.select([SHOWN + name for name in shown]) for rows in gone.values()]
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
            stats |= {name: {key: end} for name, end in zip(ENDS, ends, strict=True)}
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
        hidden = vectors.hidden_by(self.table, self.files[path])
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


def _clauses(*clauses: tuple[str, str]) -> str:
    return json.dumps([{"predicate": when, "actionType": action} for when, action in clauses])
