"""Owns what delta-rs writes for Spark, where it fits into memory: one commit a call, no JVM."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, WriterProperties, write_deltalake

from support_lakehouse.io import lake
from support_lakehouse.io.session import CHECKPOINT_INTERVAL
from support_lakehouse.model.merge import DELTA_RS, Merge

_KEYS = "SELECT {key} AS key FROM t"
_PLAIN_FEATURES = {"appendOnly", "invariants"}
_WRITER = WriterProperties(compression="ZSTD")


def writes(table: Path) -> bool:
    """Whether delta-rs may write the table: it is new, or asks nothing that only Spark knows."""
    if lake.version_of(table) is None:
        return True
    return _PLAIN_FEATURES.issuperset(DeltaTable(table).protocol().writer_features or [])


def committed_by(told: str) -> CommitProperties:
    """What makes a commit tell its userMetadata."""
    return CommitProperties(custom_metadata={"userMetadata": told})


def append(
    table: Path, rows: pa.Table, told: str, *, statistics: str = "", retention: timedelta
) -> None:
    """Add rows, creating the table if need be."""
    write_deltalake(
        table,
        _as_spark_does(rows),
        mode="append",
        configuration=_properties(statistics, retention),
        writer_properties=_WRITER,
        commit_properties=committed_by(told),
    )


def overwrite(
    table: Path,
    rows: pa.Table,
    told: str,
    *,
    statistics: str,
    retention: timedelta,
    only: str | None = None,
) -> None:
    """Make the rows all the table holds, or all of what a condition is true of."""
    write_deltalake(
        table,
        _as_spark_does(rows),
        mode="overwrite",
        schema_mode="overwrite" if only is None else None,
        predicate=only,
        configuration=_properties(statistics, retention),
        writer_properties=_WRITER,
        commit_properties=committed_by(told),
    )


def merge(table: Path, changes: pa.Table, how: Merge, told: str) -> None:
    """MERGE one change per key; no commit where nothing changes."""
    values = {f'"{name}"': value for name, value in how.values(DELTA_RS).items()}
    (
        DeltaTable(table)
        .merge(
            *(changes, how.on(DELTA_RS), "s", "t"),
            writer_properties=_WRITER,
            commit_properties=committed_by(told),
        )
        .when_matched_delete(how.delete_when(DELTA_RS))
        .when_matched_update(values, how.update_when(DELTA_RS))
        .when_not_matched_insert(values, how.insert_when(DELTA_RS))
        .execute()
    )


def has_any(table: Path, key: str, values: Sequence[str]) -> bool:
    """Whether the table has a row with one of some keys."""
    there = lake.query(_KEYS.format(key=key), {"t": (table, lake.newest_version(table))})
    return not set(there["key"].to_pylist()).isdisjoint(values)


def _properties(statistics: str, retention: timedelta) -> dict[str, str | None]:
    kept = f"interval {retention.days} days"
    return {
        "delta.logRetentionDuration": kept,
        "delta.deletedFileRetentionDuration": kept,
        "delta.dataSkippingStatsColumns": statistics,
        "delta.checkpointInterval": CHECKPOINT_INTERVAL,
    }


def _as_spark_does(rows: pa.Table) -> pa.Table:
    """The rows with nothing promised never to be null."""
    return rows.cast(pa.schema([_nullable(field) for field in rows.schema]))


def _nullable(field: pa.Field) -> pa.Field:
    kind = field.type
    if pa.types.is_list(kind):
        kind = pa.list_(_nullable(kind.value_field))
    elif pa.types.is_struct(kind):
        kind = pa.struct([_nullable(own) for own in kind])
    return pa.field(field.name, kind)
