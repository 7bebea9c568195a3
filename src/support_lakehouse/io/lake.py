"""Owns the reading of Delta tables without a JVM: versions, history, rows."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable, QueryBuilder, write_deltalake
from deltalake.exceptions import DeltaError

from support_lakehouse.errors import Damaged
from support_lakehouse.io import delta_log

MENDED_BY = "Put it back from a copy, or load all files into a new folder: `run --lakehouse DIR`."
"""What can be done about a file of a table that is torn or gone."""
_PLAIN_WRITER = 2
"""Up to this version of writers a table asks for none but plain features."""
_SPARKS = {"num_added_rows": "numOutputRows"}
"""What delta-rs calls by another word, not only in another spelling."""
Log = tuple[tuple[str, int, int, int], ...]
_OPEN_AT_ONCE = 128
_open: dict[tuple[Path, int], tuple[Log, DeltaTable]] = {}
_OF_FILES = re.compile(r"Parquet error|Object [Ss]tore error|Kernel error|Json error|delta log")


def version_of(table: Path) -> int | None:
    """The newest version of the table, None where there is no table."""
    return delta_log.newest(table)


def newest_version(table: Path) -> int:
    """The newest version of a table that is there. Raises Damaged where its log is gone."""
    version = version_of(table)
    if version is None:
        raise Damaged("the table has no log", where=str(table), hint=MENDED_BY)
    return version


def columns_of(table: Path, version: int) -> dict[str, str]:
    """The columns of a version with their Delta types, as in `decimal(12,4)`."""
    schema = opened(table, version).schema()
    return {field.name: str(field.type.type) for field in schema.fields}


def schema_of(table: Path, version: int) -> dict[str, Any]:
    """The schema of a version as the Delta protocol writes it, which is how Spark does."""
    schema: dict[str, Any] = json.loads(opened(table, version).schema().to_json())
    return schema


def asked_of_writers(table: Path, version: int) -> frozenset[str]:
    """What a version asks of who writes the table, as Delta's protocol calls these features."""
    told = opened(table, version).protocol()
    if told.writer_features is None and told.min_writer_version > _PLAIN_WRITER:
        return frozenset({f"writer version {told.min_writer_version}"})
    return frozenset(told.writer_features or ())


def read(table: Path, version: int) -> pa.Table:
    """All rows of a version, deletion vectors applied."""
    return query("SELECT * FROM t", {"t": (table, version)})


def query(sql: str, tables: Mapping[str, tuple[Path, int]]) -> pa.Table:
    """The rows of a fixed query over tables, each pinned to a version."""
    return batches(sql, tables).read_all()


@contextmanager
def at_hand(rows: pa.Table, folder: Path) -> Iterator[Path]:
    """The rows as a table that can be queried, version 0, for as long as this is open.

    DataFusion takes no rows but those of tables. `folder` is one to work in.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder) as table:
        write_deltalake(table, rows)
        yield Path(table)


def query_if_kept(sql: str, tables: Mapping[str, tuple[Path, int]]) -> pa.Table | None:
    """The same; None where a version can no longer be read, as its files were cleared away."""
    try:
        return query(sql, tables)
    except (Damaged, DeltaError, OSError, pa.ArrowException):
        return None


def batches(sql: str, tables: Mapping[str, tuple[Path, int]]) -> pa.RecordBatchReader:
    """The same, a batch at a time: what grows with the data is not held at once."""
    builder, paths = QueryBuilder(), [path for path, _ in tables.values()]
    for name, (path, version) in tables.items():
        builder.register(name, opened(path, version))
    with _damage_named(paths):
        reader = pa.RecordBatchReader.from_stream(builder.execute(sql))
    # DataFusion's string views are unknown to Arrow's sorting, grouping and Parquet writing, and
    # what it knows never to be null depends on the query.
    plain = pa.schema([pa.field(field.name, _plain(field.type)) for field in reader.schema])
    return pa.RecordBatchReader.from_batches(plain, _read(reader.cast(plain), paths))


def _read(reader: pa.RecordBatchReader, paths: list[Path]) -> Iterator[pa.RecordBatch]:
    with _damage_named(paths):
        yield from reader


def opened(table: Path, version: int) -> DeltaTable:
    """A version of a table, to read; Damaged where an entry of its log is torn, empty or gone.

    It is opened once, for as long as its log stays as it is.
    """
    log = log_of(table, version)
    known = _open.get((table, version))
    if known is not None and known[0] == log:
        return known[1]
    with _damage_named([table]):
        found = DeltaTable(table, version=version)
    return _kept(table, log, found)


def written(table: Path, found: DeltaTable) -> None:
    """Have a table that its writer leaves at its newest version be read without opening it again.

    Nobody else may go on with `found`: what writes it again moves it to another version.
    """
    _kept(table, log_of(table, found.version()), found)


def log_of(table: Path, version: int) -> Log:
    """The entries of a table's log up to a version, by what tells that they are still the same."""
    entries = [delta_log.entry_of(table, v) for v in delta_log.versions(table) if v <= version]
    told = [(path, path.stat()) for path in entries]
    for path, found in told:
        # The library reads an empty entry as one without changes: what it said would be missing.
        if not found.st_size:
            raise Damaged("the log entry is empty", where=str(path), hint=MENDED_BY)
    return tuple((path.name, s.st_ino, s.st_mtime_ns, s.st_size) for path, s in told)


def _kept(table: Path, log: Log, found: DeltaTable) -> DeltaTable:
    while len(_open) >= _OPEN_AT_ONCE:
        _open.pop(next(iter(_open)), None)
    _open[table, found.version()] = (log, found)
    return found


@contextmanager
def _damage_named(tables: list[Path]) -> Iterator[None]:
    """Turn what the libraries say of files that are torn or gone into Damaged, with its table."""
    try:
        yield
    except (DeltaError, pa.ArrowException) as error:
        said = str(error).strip().splitlines()[0]
        if not _OF_FILES.search(said):
            raise
        named = next((table for table in tables if str(table).strip("/") in said), tables[0])
        raise Damaged(
            f"a file of the table is torn or gone: {said[:300]}", where=str(named), hint=MENDED_BY
        ) from error


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
    infos = (
        action["commitInfo"]
        for action in delta_log.actions(table, version)
        if "commitInfo" in action
    )
    return dict(next(infos, {}))


def metrics_of(table: Path, version: int) -> dict[str, int]:
    """The operation metrics of a version's commit as whole numbers, by Spark's names."""
    told = commit_of(table, version).get("operationMetrics", {})
    return {_sparks(name): int(value) for name, value in told.items()}


def _sparks(name: str) -> str:
    first, *others = name.split("_")
    return _SPARKS.get(name) or "".join([first, *map(str.capitalize, others)])
