"""Owns what delta-rs writes for Spark, where it fits into memory: one commit a call, no JVM."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable, WriterProperties, write_deltalake

from support_lakehouse.io import lake
from support_lakehouse.io.delta_log import PLAIN_FEATURES, committed_by, kept_for
from support_lakehouse.model.merge import DELTA_RS, Merge

_KEYS = "SELECT {key} AS key FROM t"
_WRITER = WriterProperties(compression="ZSTD")


def writes(table: Path) -> bool:
    """Whether delta-rs may write the table: it is new, or asks nothing that only Spark knows."""
    version = lake.version_of(table)
    if version is None:
        return True
    return PLAIN_FEATURES.issuperset(lake.asked_of_writers(table, version))


def configuration(statistics: str, retention: timedelta) -> dict[str, str]:
    """How a table is kept: `statistics` names the columns of which the log tells bounds."""
    return kept_for(retention) | {"delta.dataSkippingStatsColumns": statistics}


def write(
    table: Path,
    rows: pa.Table,
    told: str,
    *,
    mode: str,
    statistics: str,
    retention: timedelta,
    only: str | None = None,
) -> None:
    """Append rows, or make them all the table holds, or all of what `only` is true of."""
    how: dict[str, Any] = {"mode": mode}
    if mode == "overwrite":
        how |= {"schema_mode": "overwrite"} if only is None else {"predicate": only}
    target = None if lake.version_of(table) is None else DeltaTable(table)
    write_deltalake(
        target or table,
        # Nothing is promised never to be null, as Spark writes it. In one piece, as pieces are
        # written in any order.
        rows.cast(pa.schema([_nullable(field) for field in rows.schema])).combine_chunks(),
        configuration=configuration(statistics, retention),
        writer_properties=_WRITER,
        commit_properties=committed_by(told),
        **how,
    )
    if target is not None:
        lake.written(table, target)


def merge(table: Path, changes: pa.Table, how: Merge, told: str) -> None:
    """MERGE one change per key; no commit where nothing changes."""
    values = {f'"{name}"': value for name, value in how.values(DELTA_RS).items()}
    target = DeltaTable(table)
    (
        target.merge(
            *(changes, how.on(DELTA_RS), "s", "t"),
            writer_properties=_WRITER,
            commit_properties=committed_by(told),
        )
        .when_matched_delete(how.delete_when(DELTA_RS))
        .when_matched_update(values, how.update_when(DELTA_RS))
        .when_not_matched_insert(values, how.insert_when(DELTA_RS))
        .execute()
    )
    lake.written(table, target)


def has_any(table: Path, key: str, values: Sequence[str]) -> bool:
    """Whether the table has a row with one of some keys."""
    there = lake.query(_KEYS.format(key=key), {"t": (table, lake.newest_version(table))})
    return not set(there["key"].to_pylist()).isdisjoint(values)


def _nullable(field: pa.Field) -> pa.Field:
    kind = field.type
    if pa.types.is_list(kind):
        kind = pa.list_(_nullable(kind.value_field))
    elif pa.types.is_struct(kind):
        kind = pa.struct([_nullable(own) for own in kind])
    return pa.field(field.name, kind)
