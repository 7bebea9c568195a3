"""Owns the joining of a table's small files, without a JVM; the rows stay as they are."""

import json
from collections.abc import Mapping
from pathlib import Path

from deltalake import DeltaTable

from support_lakehouse.io import delta_log
from support_lakehouse.io.datafiles import files_of

SMALL_BYTES = 16 * 1024 * 1024
_TARGET_BYTES = 64 * 1024 * 1024
MANY = 8
"""From so many small files on, joining them is worth a commit."""


def small_files(table: Path, version: int) -> int:
    """How many data files of a version are small."""
    return sum(file.bytes < SMALL_BYTES for file in files_of(table, version))


def compact(table: Path, told: Mapping[str, str]) -> int:
    """Join the table's small files in one commit that says why; the new version, or the same."""
    there = DeltaTable(table)
    properties = delta_log.committed_by(json.dumps(dict(told)))
    there.optimize.compact(target_size=_TARGET_BYTES, commit_properties=properties)
    return int(DeltaTable(table).version())
