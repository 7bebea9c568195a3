"""Owns the list of the data folder: files of feeds, files of none, and what may not be read."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from support_lakehouse.errors import Refusal, UsageError
from support_lakehouse.model.feed import Feed
from support_lakehouse.model.landing import FoundFile, shown_path
from support_lakehouse.model.patterns import PathPattern
from support_lakehouse.model.period import is_day

README = "README.md"
"""People may describe a folder in it; it is never told as a file of no feed."""


@dataclass(frozen=True)
class Listing:
    """What lies in the data folder: files of feeds, files of none, files that may not be read."""

    found: tuple[FoundFile, ...]
    unmatched: tuple[str, ...]
    refused: tuple[Refusal, ...]


class _Place(NamedTuple):
    """Something that a pattern reaches. `trouble` says why it cannot be gone through."""

    path: str
    entry: os.DirEntry[str]
    trouble: str = ""


def list_files(data: Path, feeds: Sequence[Feed]) -> Listing:
    """Match all files that the feeds' patterns reach; UsageError where `data` is no folder.

    Names are matched exactly and links are not followed: what is read lies in the data folder.
    """
    if not data.is_dir():
        raise UsageError(
            "the data folder is not there",
            where=str(data),
            hint="Name the folder that holds initial/ and delta/ with --data.",
        )
    folders = _Folders(data)
    _check_readable(folders, data)
    found: list[FoundFile] = []
    refused: list[Refusal] = []
    matched = set()
    for feed in feeds:
        for place in _places(folders, feed):
            matched.add(place.path)
            why = place.trouble or _not_to_be_taken(place)
            if why:
                refused.append(Refusal(feed.name, _in_utf8(place.path), why))
            else:
                found.append(_found(feed, place))
    return Listing(
        tuple(sorted(found, key=lambda file: (file.order, file.feed))),
        tuple(sorted(_in_utf8(path) for path in _others(folders, feeds) - matched)),
        tuple(refused),
    )


def _check_readable(folders: "_Folders", data: Path) -> None:
    try:
        folders.entries("")
    except OSError as error:
        raise UsageError(
            f"the data folder cannot be read: {error.strerror}", where=str(data)
        ) from error


class _Folders:
    """The entries of each folder below the data folder, read from the disk once."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._read: dict[str, list[_Place]] = {}

    def entries(self, folder: str) -> list[_Place]:
        """What lies in a folder, by name. Raises OSError if it cannot be read."""
        if folder not in self._read:
            with os.scandir(self._data / folder) as entries:
                there = sorted(entries, key=lambda entry: entry.name)
            before = f"{folder}/" if folder else ""
            self._read[folder] = [_Place(f"{before}{entry.name}", entry) for entry in there]
        return self._read[folder]


def _places(folders: _Folders, feed: Feed) -> list[_Place]:
    """Each once, by path, whichever of the feed's patterns reach it."""
    reached = (place for p in feed.files.patterns for place in _reached(folders, p))
    return sorted({place.path: place for place in reached}.values())


def _reached(
    folders: _Folders, pattern: PathPattern, folder: str = "", depth: int = 0
) -> Iterator[_Place]:
    """What stands where the pattern has its file, and what bars the way there."""
    segment, is_last = pattern.segments[depth], depth == len(pattern.segments) - 1
    for place in folders.entries(folder):
        entry = place.entry
        if is_last:
            if pattern.label_of(place.path) is not None:
                yield place
        elif segment.fullmatch(entry.name) is None:
            continue
        elif entry.is_symlink():
            if not os.path.isfile(entry.path):
                why = f"{shown_path(place.path)} is a link; put the folder itself there."
                yield place._replace(trouble=why)
        elif entry.is_dir(follow_symlinks=False):
            try:
                folders.entries(place.path)
            except OSError as error:
                why = f"{shown_path(place.path)} cannot be read: {error.strerror}."
                yield place._replace(trouble=why)
            else:
                yield from _reached(folders, pattern, place.path, depth + 1)


def _not_to_be_taken(place: _Place) -> str | None:
    entry, shown = place.entry, shown_path(place.path)
    if entry.is_symlink():
        return f"{shown} is a link; put the file itself there."
    if not entry.is_file(follow_symlinks=False):
        return f"{shown} is no regular file; put the file itself there."
    if _in_utf8(place.path) != place.path:
        return f"{shown} has a name that is not UTF-8; rename it."
    return None


def _in_utf8(path: str) -> str:
    """The path itself, or escaped if it could not be written down."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return shown_path(path)
    return path


def _found(feed: Feed, place: _Place) -> FoundFile:
    told = place.entry.stat(follow_symlinks=False)
    label = feed.files.label_of(place.path) or ""
    return FoundFile(
        feed=feed.name,
        path=place.path,
        label=label,
        period="" if feed.files.place == "day" and not is_day(label) else label,
        location=Path(place.entry.path),
        size=told.st_size,
        mtime_ns=told.st_mtime_ns,
        inode=told.st_ino,
    )


def _others(folders: _Folders, feeds: Sequence[Feed]) -> set[str]:
    """The regular files below all folders that patterns name, hidden ones left out.

    Where a pattern's file lies in the data folder itself, only that folder's own files are meant.
    """
    files: set[str] = set()
    for folder in {p.folder for feed in feeds for p in feed.files.patterns}:
        waiting = [folder] if _is_own_folder(folders, folder) else []
        while waiting:
            for path, entry, _ in _readable(folders, waiting.pop()):
                if entry.name.startswith("."):
                    continue
                if entry.is_dir(follow_symlinks=False) and folder:
                    waiting.append(path)
                elif entry.is_file(follow_symlinks=False) and entry.name != README:
                    files.add(path)
    return files


def _is_own_folder(folders: _Folders, folder: str) -> bool:
    """Whether a folder is there and no link leads to it."""
    parts = folder.split("/") if folder else []
    for depth in range(len(parts)):
        above, path = "/".join(parts[:depth]), "/".join(parts[: depth + 1])
        there = (place.entry for place in _readable(folders, above) if place.path == path)
        if not any(entry.is_dir(follow_symlinks=False) for entry in there):
            return False
    return True


def _readable(folders: _Folders, folder: str) -> list[_Place]:
    try:
        return folders.entries(folder)
    except OSError:  # where a feed would look into it, that is told already
        return []
