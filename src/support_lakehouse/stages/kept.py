"""Owns which versions a release can still be read by, and what became of each release since."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from support_lakehouse.errors import UsageError
from support_lakehouse.io.datafiles import READ_ERRORS, files_of
from support_lakehouse.model.release import Release, TableState
from support_lakehouse.stages.checking import kept_from

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

Standing = Literal["kept", "rebuilt and equal", "gone"]
REBUILT = "rebuilt"
_PROOF = "equal.json"


@dataclass(frozen=True)
class Pinned:
    """Tables of a lakehouse at the versions of a release.

    Bronze only grows, but for what a rollback took back: where the version of then was removed,
    that of the newest release holds its rows.
    """

    lakehouse: Path
    releases: Sequence[Release]
    release: Release

    def version(self, table: str) -> int | None:
        """The version to read, None where the table was not there or can no longer be read."""
        releases = [self.release, *(self.releases[-1:] if table.startswith("bronze/") else ())]
        for release in releases:
            state = release.tables.get(table)
            if state and is_there(self.lakehouse / table, state.version):
                return state.version
        return None

    def frame(self, session: "SparkSession", table: str) -> "DataFrame":
        """The table in Spark; what stands in its place where no version is left."""
        # Imported here: who only asks what is kept needs no Spark.
        from support_lakehouse.io.frames import read_at

        return read_at(session, self.lakehouse / table, self.version(table))


def is_there(table: Path, version: int) -> bool:
    """Whether every data file of a version lies where it should."""
    try:
        return all(file.location.is_file() for file in files_of(table, version))
    except READ_ERRORS:
        return False


def standings(lakehouse: Path, releases: Sequence[Release]) -> dict[int, Standing]:
    """For each release whether it is kept, was made again from bronze and was equal, or is gone."""
    oldest = kept_from(lakehouse, releases)
    there = cache(lambda name, version: is_there(lakehouse / name, version))

    def standing(release: Release) -> Standing:
        if release.release >= oldest:
            return "kept"
        if all(there(*one) for one in needed(release)):
            return "kept"
        return "rebuilt and equal" if rebuilt(lakehouse, release) else "gone"

    return {release.release: standing(release) for release in releases}


def needed(release: Release) -> set[tuple[str, int]]:
    """The tables with the versions that a release is read by, those as of its months as well."""
    return {(name, state.version) for name, state in release.states()}


def check_readable(lakehouse: Path, release: Release) -> None:
    """Raises UsageError where a version that the release is read by is no longer there."""
    gone = [n for n, version in sorted(needed(release)) if not is_there(lakehouse / n, version)]
    if gone:
        raise UsageError(
            f"{gone[0]} can no longer be read as release {release.release} names it",
            where=str(lakehouse),
            expected="a release that `history` calls kept",
            hint=f"`report --release {release.release}` and `export` still tell what it was.",
        )


def check_kept(lakehouse: Path, releases: Sequence[Release], release: Release) -> None:
    """The same of a release that maintenance need not keep: what else is lost is damage."""
    if release.release < kept_from(lakehouse, releases):
        check_readable(lakehouse, release)


def place_of(lakehouse: Path, release: Release, as_of: str | None = None) -> Path:
    """Where the tables of a release are made again."""
    return lakehouse / REBUILT / (f"{release.release}" + (f"-{as_of}" if as_of else ""))


def rebuilt(lakehouse: Path, release: Release, as_of: str | None = None) -> Release | None:
    """The release by the tables that were made again and shown to be equal, if they were."""
    try:
        told = json.loads((place_of(lakehouse, release, as_of) / _PROOF).read_text("utf-8"))
        if told["release_hash"] != release.hash:
            return None
        made = {name: TableState(**state) for name, state in told["tables"].items()}
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return replace(release, tables=made, as_of={}, earlier={})


def told_equal(
    lakehouse: Path, release: Release, made: dict[str, TableState], as_of: str | None = None
) -> None:
    """Write down that the tables made again are those of the release."""
    path = place_of(lakehouse, release, as_of) / _PROOF
    told = {"release_hash": release.hash, "tables": {n: vars(s) for n, s in made.items()}}
    part = path.with_name(f".{path.name}.part")
    part.write_text(json.dumps(told, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    os.replace(part, path)
