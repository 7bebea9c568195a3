"""Owns the fold of changes in memory, by the names and to the rows of `fold`."""

from collections.abc import Collection, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from support_lakehouse.transforms.fold import ACTION, FILE


def of_files(changes: pa.Table, files: Collection[str]) -> pa.Table:
    """The changes that came in some files."""
    return changes.filter(pc.is_in(changes[FILE], value_set=pa.array(list(files), pa.string())))


def latest_per_key(changes: pa.Table, key: str, *, order: Sequence[str]) -> pa.Table:
    """One row per key: the one that sorts last by `order`. Null order sorts first."""
    by = [(name, "ascending", "at_start") for name in order]
    ordered = changes.take(pc.sort_indices(changes, by))
    numbered = pa.table({key: ordered[key], "place": np.arange(ordered.num_rows)})
    last = numbered.group_by(key).aggregate([("place", "max")])["place_max"]
    return ordered.take(last.sort())


def without_deletes(changes: pa.Table) -> pa.Table:
    """What a table without any row becomes by the changes: those that are no delete."""
    return changes.filter(pc.not_equal(changes[ACTION], "delete")).drop_columns([ACTION])
