"""Owns what is done without a JVM to tables that stand beyond their release (law L4)."""

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from deltalake import CommitProperties, DeltaTable

from support_lakehouse.errors import Damaged

ASIDE = "aside"
"""Where tables lie that a rollback's release does not know; older releases still name them."""
_ENTRY = re.compile(r"([0-9]{20})\.json")


def table_names(lakehouse: Path) -> list[str]:
    """Every Delta table under the lakehouse, by its path."""
    logs = [*lakehouse.glob("*/*/_delta_log"), *lakehouse.glob("quarantine/_delta_log")]
    return sorted(log.parent.relative_to(lakehouse).as_posix() for log in logs)


def log_versions(table: Path) -> list[int]:
    """The versions whose log entries are there, oldest first."""
    found = (_ENTRY.fullmatch(path.name) for path in (table / "_delta_log").glob("*.json"))
    return sorted(int(match[1]) for match in found if match)


def is_whole(table: Path, version: int) -> bool:
    """Whether a version's log entry can be read to its end."""
    try:
        lines = _entry(table, version).read_text(encoding="utf-8").splitlines()
        return bool(lines) and all(isinstance(json.loads(line), dict) for line in lines)
    except (OSError, ValueError):
        return False


def last_whole_version(table: Path) -> int | None:
    """The newest version whose log entry was written to its end; None where there is none."""
    whole = (v for v in reversed(log_versions(table)) if is_whole(table, v))
    return next(whole, None)


def without_torn_end(table: Path, released: int | None) -> None:
    """Remove log entries that were torn while they were written, behind the released version.

    Damaged where the release itself needs a torn one.
    """
    versions = log_versions(table)
    newest = [v for v in versions if released is None or v >= released]
    torn = [version for version in newest if not is_whole(table, version)]
    if not torn:
        return
    if released is not None and torn[0] <= released:
        raise Damaged(
            f"the log entry of version {torn[0]} is torn or empty",
            where=str(_entry(table, torn[0])),
            expected=f"a whole entry, as version {released} is released",
            hint="Put the file back from a copy, or rebuild all from the files with `run --reset`.",
        )
    for version in (version for version in versions if version >= torn[0]):
        for path in (table / "_delta_log").glob(f"*{version:020}.*"):
            path.unlink()


def restore(table: Path, version: int, told: Mapping[str, str]) -> None:
    """Take a table back to a version, in one commit that says why."""
    properties = CommitProperties(custom_metadata={"userMetadata": json.dumps(dict(told))})
    DeltaTable(table).restore(version, commit_properties=properties)


def place_of(lakehouse: Path, table: str, release: int) -> Path:
    """Where the table lies that a release names: in its place, or set aside by a rollback since."""
    numbers = sorted(number for number in _asides(lakehouse) if number > release)
    places = (lakehouse / ASIDE / str(number) / table for number in numbers)
    return next((at for at in places if (at / "_delta_log").is_dir()), lakehouse / table)


def set_aside(lakehouse: Path, table: str, release: int) -> None:
    """Take a table that a release does not know out of its place, in one step."""
    place = lakehouse / ASIDE / str(release) / table
    place.parent.mkdir(parents=True, exist_ok=True)
    (lakehouse / table).rename(place)


def copy_back(place: Path, table: Path) -> None:
    """Put a copy of a table that was set aside into its place again, the last step in one."""
    part = table.with_name(f".{table.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    shutil.copytree(place, part)
    part.rename(table)


def undo_set_aside(lakehouse: Path, newest: int) -> None:
    """Put back what was set aside for a release that was never made."""
    for number in [number for number in _asides(lakehouse) if number > newest]:
        root = lakehouse / ASIDE / str(number)
        for name in [log.parent for log in sorted(root.rglob("_delta_log"))]:
            table = lakehouse / name.relative_to(root)
            shutil.rmtree(table, ignore_errors=True)
            name.rename(table)
        shutil.rmtree(root)


def _asides(lakehouse: Path) -> list[int]:
    return [int(path.name) for path in (lakehouse / ASIDE).glob("*") if path.name.isdigit()]


def remove(table: Path) -> None:
    """Remove a table that no release knows."""
    shutil.rmtree(table)


def _entry(table: Path, version: int) -> Path:
    return table / "_delta_log" / f"{version:020}.json"
