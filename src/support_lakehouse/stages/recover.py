"""Owns recovery: what stands beyond the last release is undone before anything begins (law L4)."""

from collections.abc import Sequence
from pathlib import Path

from support_lakehouse.errors import Damaged
from support_lakehouse.io import delta_log, lake, ops, undo
from support_lakehouse.model.release import Release


def mend_releases(lakehouse: Path) -> None:
    """Take away the entry of a release that was torn while it was written: it was none yet."""
    table = lakehouse / ops.RELEASES
    versions = delta_log.versions(table)
    if versions and not undo.is_whole(table, versions[-1]):
        undo.without_torn_end(table, versions[-2] if len(versions) > 1 else None)
    if versions and not delta_log.versions(table):
        undo.remove(table)


def undo_unreleased(lakehouse: Path, releases: Sequence[Release], run: str) -> list[str]:
    """Bring every table back to the last release; the tables for which there was need.

    Before the first release nothing of any table counts, so all start over. Raises Damaged where
    a released version cannot be read.
    """
    known = releases[-1].tables if releases else {}
    undone = []
    for name in undo.table_names(lakehouse):
        table, state = lakehouse / name, known.get(name)
        if name == ops.RELEASES:
            continue
        if state is None:
            undo.remove(table)
            undone.append(name)
            continue
        if delta_log.versions(table)[-1:] == [state.version] and undo.is_whole(
            table, state.version
        ):
            continue
        undo.without_torn_end(table, state.version)
        if lake.newest_version(table) != state.version:
            undo.restore(table, state.version, {"run": run, "feed": "", "period": "recovery"})
        undone.append(name)
    missing = [name for name in known if not (lakehouse / name / "_delta_log").is_dir()]
    if missing:
        raise Damaged(
            f"the table {missing[0]} is gone",
            where=str(lakehouse / missing[0]),
            expected=f"its version {known[missing[0]].version}, as released",
            hint="Put the folder back from a copy, or rebuild all from the files in a new folder.",
        )
    return undone
