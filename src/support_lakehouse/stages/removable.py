"""Owns which data files no kept release needs: the list that maintenance works off."""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from pathlib import Path

from support_lakehouse.errors import Damaged
from support_lakehouse.io import lake, ops
from support_lakehouse.io.datafiles import READ_ERRORS, files_of, files_there
from support_lakehouse.io.vectors import vectors_of
from support_lakehouse.model.books import DECISIONS_HELD
from support_lakehouse.model.release import Release
from support_lakehouse.stages.kept import needed
from support_lakehouse.stages.released import QUARANTINE

_ADMISSIONS = "SELECT DISTINCT admission FROM t"


@dataclass(frozen=True)
class Removable:
    """A data file that can go: its path under the lakehouse, and its bytes."""

    path: str
    bytes: int


def removable(lakehouse: Path, releases: Sequence[Release], oldest: int) -> list[Removable]:
    """Every data file that lies in bronze, silver or quarantine and that no kept release needs.

    Needed are all versions that a release from `oldest` on names, those as of its months as well,
    of bronze what older releases can be made of again, and what decisions that are held are read
    from. Gold and the books are small and stay.
    Raises Damaged where the files of a needed version cannot be told: then nothing may go.
    """
    told = []
    for name, versions in sorted(_kept(lakehouse, releases, oldest).items()):
        used = _used(lakehouse / name, versions)
        for path, size in sorted(files_there(lakehouse / name)):
            if path not in used:
                told.append(Removable(f"{name}/{path}", size))
                told += _checksum(lakehouse, f"{name}/{path}")
    return told


def _kept(lakehouse: Path, releases: Sequence[Release], oldest: int) -> dict[str, set[int]]:
    """Each table of bronze, silver or quarantine, and the versions that stay."""
    told: dict[str, set[int]] = {}
    for release in reversed(releases):
        for name, version in needed(release):
            if not name.startswith(("gold/", "ops/")) and (lakehouse / name).is_dir():
                versions = told.setdefault(name, set())
                if release.release >= oldest:
                    versions.add(version)
    older = [release for release in releases if release.release < oldest]
    for name in {name for release in older for name in release.tables}:
        if name.startswith("bronze/"):
            told[name] |= _sources(lakehouse, name, releases[-1], older)
    numbered = {release.release: release for release in older}
    for line in ops.read_files(lakehouse, releases[-1].tables[ops.FILES].version):
        if line.state == DECISIONS_HELD and line.release in numbered:
            there = numbered[line.release].tables
            for name in (f"bronze/{line.feed}", QUARANTINE):
                told[name].add(there[name].version)
    return told


def _sources(lakehouse: Path, name: str, newest: Release, older: Sequence[Release]) -> set[int]:
    """The versions of bronze that older releases need, as the newest holds not all their rows.

    Only a rollback takes rows out of bronze again.
    """
    told = set[int]()
    now = newest.tables.get(name)
    held = _admissions(lakehouse / name, now.version) if now else set[str]()
    for release in reversed(older):
        if name in release.tables and _asked(lakehouse, release, name) - held:
            # Not added to what is held: a release is made again from one version alone.
            told.add(release.tables[name].version)
    return told


def _asked(lakehouse: Path, release: Release, name: str) -> set[str]:
    """The admissions of the files that count in a release and have rows."""
    return {
        admission
        for entry in ops.read_files(lakehouse, release.tables[ops.FILES].version)
        if f"bronze/{entry.feed}" == name and entry.state == "loaded" and entry.balance.read
        for admission in entry.admissions
    }


def _admissions(table: Path, version: int) -> set[str]:
    try:
        return set(lake.query(_ADMISSIONS, {"t": (table, version)})["admission"].to_pylist())
    except READ_ERRORS as error:
        raise _untold(table, version) from error


def _used(table: Path, versions: Set[int]) -> set[str]:
    """The data files and deletion vectors that these versions are read with."""
    paths = {path for version in versions for path in _paths(table, version)}
    return paths | _vectors(table, versions)


def _paths(table: Path, version: int) -> list[str]:
    try:
        return [file.path for file in files_of(table, version)]
    except READ_ERRORS as error:
        raise _untold(table, version) from error


def _vectors(table: Path, versions: Set[int]) -> set[str]:
    """The deletion vectors of these versions; all that lie there, where the log does not tell."""
    there = {path for path, _ in files_there(table) if path.endswith(".bin")}
    if not there:
        return there
    try:
        told = vectors_of(table, versions)
    except READ_ERRORS as error:
        raise _untold(table, max(versions, default=0)) from error
    return there if told is None else told


def _untold(table: Path, version: int) -> Damaged:
    return Damaged(
        f"version {version} cannot be read, and a release that is kept needs it",
        where=str(table),
        hint="Nothing was removed. `support-lakehouse verify` tells what is wrong.",
    )


def _checksum(lakehouse: Path, path: str) -> list[Removable]:
    """The checksum that Spark writes beside a file."""
    whole = lakehouse / path
    beside = whole.with_name(f".{whole.name}.crc")
    if not beside.is_file():
        return []
    return [Removable(beside.relative_to(lakehouse).as_posix(), beside.stat().st_size)]
