"""Owns what is done without a JVM to tables that stand beyond their release (law L4)."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from deltalake import DeltaTable

from support_lakehouse.errors import Damaged
from support_lakehouse.io import delta_log, vectors
from support_lakehouse.io.lake import MENDED_BY


def table_names(lakehouse: Path) -> list[str]:
    """Every Delta table under the lakehouse, by its path."""
    logs = [*lakehouse.glob("*/*/_delta_log"), *lakehouse.glob("quarantine/_delta_log")]
    return sorted(log.parent.relative_to(lakehouse).as_posix() for log in logs)


def is_whole(table: Path, version: int) -> bool:
    """Whether a version's log entry, and the files that it added, were written to their end."""
    return _harmed(table, version) is None


def has_whole_entry(table: Path, version: int) -> bool:
    """Whether a version's log entry can be read to its end, whatever became of its files since."""
    return bool(_actions(table, version))


def _harmed(table: Path, version: int) -> Path | None:
    """The first file of a commit that is torn, empty or gone: its entry, or one that it names."""
    actions = _actions(table, version)
    for added in (action["add"] for action in actions if "add" in action):
        path = table / unquote(added["path"])
        if not path.is_file() or path.stat().st_size != added["size"]:
            return path
        vector = vectors.file_of(added.get("deletionVector"))
        if vector is not None and not vectors.is_whole(table / vector, added["deletionVector"]):
            return table / vector
    return None if actions else delta_log.entry_of(table, version)


def _actions(table: Path, version: int) -> list[dict[str, Any]]:
    """The lines of a log entry; none where it is torn, empty or gone.

    One that may not be read is neither: nothing may be undone for that.
    """
    try:
        return list(delta_log.actions(table, version))
    except (FileNotFoundError, ValueError, TypeError):
        return []


def last_whole_version(table: Path) -> int | None:
    """The newest version that was written to its end; None where there is none."""
    whole = (v for v in reversed(delta_log.versions(table)) if is_whole(table, v))
    return next(whole, None)


def without_torn_end(table: Path, released: int | None) -> None:
    """Remove log entries that were torn while they were written, behind the released version.

    Damaged where the release itself needs what is torn.
    """
    harmed = None if released is None else _harmed(table, released)
    if harmed is not None:
        raise Damaged(
            "the file is torn, empty or gone",
            where=str(harmed),
            expected=f"it to be whole, as version {released} of the table is released",
            hint=MENDED_BY,
        )
    versions = delta_log.versions(table)
    newest = [v for v in versions if released is None or v > released]
    torn = [version for version in newest if not is_whole(table, version)]
    if not torn:
        return
    for version in (version for version in versions if version >= torn[0]):
        for path in (table / "_delta_log").glob(f"*{version:020}.*"):
            path.unlink()


def restore(table: Path, version: int, told: Mapping[str, str]) -> None:
    """Take a table back to a version, in one commit that says why."""
    properties = delta_log.committed_by(json.dumps(dict(told)))
    DeltaTable(table).restore(version, commit_properties=properties)


def empty(table: Path, told: Mapping[str, str]) -> None:
    """Leave a table without rows, in one commit that says why; its history stays."""
    properties = delta_log.committed_by(json.dumps(dict(told)))
    DeltaTable(table).delete(commit_properties=properties)


def remove(table: Path) -> None:
    """Remove a table that no release knows."""
    shutil.rmtree(table)
