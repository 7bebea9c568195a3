"""Owns the reading of Delta tables without a JVM: versions, history, rows."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable, QueryBuilder
from deltalake.exceptions import DeltaError, TableNotFoundError


def version_of(table: Path) -> int | None:
    """The newest version of the table, None where there is no table."""
    if not (table / "_delta_log").is_dir():
        return None
    try:
        return DeltaTable(table).version()
    except TableNotFoundError:
        return None


def newest_version(table: Path) -> int:
    """The newest version of a table that is there."""
    return int(DeltaTable(table).version())


def columns_of(table: Path, version: int) -> dict[str, str]:
    """The columns of a version with their Delta types, as in `decimal(12,4)`."""
    schema = DeltaTable(table, version=version).schema()
    return {field.name: str(field.type.type) for field in schema.fields}


def read(table: Path, version: int) -> pa.Table:
    """All rows of a version, deletion vectors applied."""
    return query("SELECT * FROM t", {"t": (table, version)})


def query(sql: str, tables: Mapping[str, tuple[Path, int]]) -> pa.Table:
    """The rows of a fixed query over tables, each pinned to a version."""
    return batches(sql, tables).read_all()


def query_if_kept(sql: str, tables: Mapping[str, tuple[Path, int]]) -> pa.Table | None:
    """The same; None where a version can no longer be read, as its files were cleared away."""
    try:
        return query(sql, tables)
    except (DeltaError, OSError, pa.ArrowException):
        return None


def batches(sql: str, tables: Mapping[str, tuple[Path, int]]) -> pa.RecordBatchReader:
    """The same, a batch at a time: what grows with the data is not held at once."""
    builder = QueryBuilder()
    for name, (path, version) in tables.items():
        builder.register(name, DeltaTable(path, version=version))
    reader = pa.RecordBatchReader.from_stream(builder.execute(sql))
    # DataFusion's string views are unknown to Arrow's sorting, grouping and Parquet writing.
    return reader.cast(pa.schema([field.with_type(_plain(field.type)) for field in reader.schema]))


def _plain(kind: pa.DataType) -> pa.DataType:
    """The type with plain strings, also within lists and structs."""
    if pa.types.is_string_view(kind):
        return pa.string()
    if pa.types.is_list(kind):
        return pa.list_(kind.value_field.with_type(_plain(kind.value_type)))
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_plain(field.type)) for field in kind])
    return kind


def commit_of(table: Path, version: int) -> dict[str, Any]:
    """The commitInfo of a version: operation, operationMetrics, userMetadata."""
    log = table / "_delta_log" / f"{version:020}.json"
    with log.open(encoding="utf-8") as lines:
        for line in lines:
            action = json.loads(line)
            if "commitInfo" in action:
                info: dict[str, Any] = action["commitInfo"]
                return info
    return {}


def metrics_of(table: Path, version: int) -> dict[str, int]:
    """The operation metrics of a version's commit as whole numbers."""
    told = commit_of(table, version).get("operationMetrics", {})
    return {name: int(value) for name, value in told.items()}
