"""Owns the commit that makes Parquet files of a run's own data files of a Delta table.

The files are linked into the table's folder as they are, so rows are written once. What the log
says of them is told by their footers.
"""

import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import Schema

from support_lakehouse.errors import Damaged, UsageError
from support_lakehouse.io import delta_log, lake
from support_lakehouse.io.delta_log import Action
from support_lakehouse.io.staged import Staged
from support_lakehouse.io.vectors import FEATURE, KNOWN

_PLAIN = {"minReaderVersion": 1, "minWriterVersion": 2}
_WITH_VECTORS = {
    "minReaderVersion": 3,
    "minWriterVersion": 7,
    "readerFeatures": [FEATURE],
    "writerFeatures": sorted(KNOWN),
}


def adopt(
    table: Path,
    rows: Staged,
    told: str,
    *,
    mode: str,
    statistics: str,
    configuration: Mapping[str, str],
    vectors: bool = False,
) -> int:
    """Append rows to a table or make them all that it holds (`overwrite`); the new version.

    `statistics` names the columns, texts or whole numbers, whose bounds the log tells of each file;
    `vectors`: a table that is made marks rows as gone. `configuration` is that of a new table.
    Raises UsageError where a table asks for what only Spark does.
    """
    begun = time.monotonic()
    before = lake.version_of(table)
    version = 0 if before is None else before + 1
    if before is not None:
        _check_features(table, before)
    actions: list[Action] = []
    if before is None:
        delta_log.entry_of(table, version).parent.mkdir(parents=True, exist_ok=True)
        own = dict(configuration) | ({"delta.enableDeletionVectors": "true"} if vectors else {})
        actions.append({"protocol": _WITH_VECTORS if vectors else _PLAIN})
        actions.append({"metaData": _metadata(rows.schema, own)})
    elif mode == "overwrite":
        actions += _changed_schema(table, before, rows.schema)
        actions += _removed(table, before)
    added = [_added(table, part.path, statistics.split(",")) for part in rows.parts if part.rows]
    counts = {
        "numFiles": len(added),
        "numOutputRows": rows.num_rows,
        "numOutputBytes": sum(one["add"]["size"] for one in added),
        "executionTimeMs": round((time.monotonic() - begun) * 1000),
    }
    info = _commit_info(told, mode, before, counts)
    delta_log.commit(table, version, [{"commitInfo": info}, *actions, *added])
    delta_log.checkpoint_if_due(table, version)
    return version


def _commit_info(told: str, mode: str, before: int | None, counts: Mapping[str, int]) -> Action:
    return {
        "timestamp": round(time.time() * 1000),
        "operation": "WRITE",
        "operationParameters": {"mode": mode.capitalize(), "partitionBy": "[]"},
        **({} if before is None else {"readVersion": before}),
        "isolationLevel": "Serializable",
        "isBlindAppend": mode == "append",
        "operationMetrics": {name: str(count) for name, count in counts.items()},
        "userMetadata": told,
        "engineInfo": delta_log.ENGINE,
    }


def _check_features(table: Path, version: int) -> None:
    more = lake.asked_of_writers(table, version) - KNOWN
    if more:
        raise UsageError(
            f"the table asks of who writes it: {', '.join(sorted(more))}",
            where=str(table),
            expected="no features but those that it was made with",
            hint="Drop them (ALTER TABLE ... DROP FEATURE), or run by spark-submit: there Spark"
            " writes all tables.",
        )


def _metadata(schema: pa.Schema, configuration: Mapping[str, str]) -> Action:
    return {
        "id": str(uuid4()),
        "format": {"provider": "parquet", "options": {}},
        "schemaString": Schema.from_arrow(schema).to_json(),
        "partitionColumns": [],
        "configuration": dict(configuration),
        "createdTime": round(time.time() * 1000),
    }


def _changed_schema(table: Path, version: int, schema: pa.Schema) -> Iterator[Action]:
    there = lake.opened(table, version)
    if json.loads(there.schema().to_json()) != json.loads(Schema.from_arrow(schema).to_json()):
        was = there.metadata()
        own = {"id": was.id, "createdTime": was.created_time}
        yield {"metaData": _metadata(schema, was.configuration) | own}


def _removed(table: Path, version: int) -> Iterator[Action]:
    files = delta_log.files_at(table, version)
    if files is None:
        said = "entries of the log are gone, and no checkpoint stands for them"
        raise Damaged(said, where=str(table), hint=lake.MENDED_BY)
    now = round(time.time() * 1000)
    for add in files.values():
        yield {"remove": delta_log.removed(add, now)}


def _added(table: Path, staged: Path, statistics: Sequence[str]) -> Action:
    name = f"part-00000-{uuid4()}-c000.zstd.parquet"
    try:
        os.link(staged, table / name)
    except OSError:  # a file system without links
        shutil.copyfile(staged, table / name)
    stats = _statistics(pq.read_metadata(staged), statistics)
    return {"add": delta_log.added(table, name, stats)}


def _statistics(footer: pq.FileMetaData, names: Sequence[str]) -> Action:
    """The rows of a file, and the bounds of its columns of these names."""
    groups = [footer.row_group(number) for number in range(footer.num_row_groups)]
    places = {footer.schema.column(n).path: n for n in range(footer.num_columns)}
    told: Action = {
        "numRecords": footer.num_rows,
        "minValues": {},
        "maxValues": {},
        "nullCount": {},
    }
    for name in (name for name in names if name in places):
        chunks = [group.column(places[name]).statistics for group in groups]
        if not all(chunk and chunk.has_min_max and chunk.has_null_count for chunk in chunks):
            continue
        told["minValues"][name] = min(chunk.min for chunk in chunks)
        told["maxValues"][name] = max(chunk.max for chunk in chunks)
        told["nullCount"][name] = sum(chunk.null_count for chunk in chunks)
    return told
