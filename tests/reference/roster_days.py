"""The roster's folders as days, each with its files in order (sources: C)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from .tables import Type
from .values import UnreadableError, read

FOLDER = re.compile(r"sync-(.+)", re.DOTALL)
FILE = re.compile(r".+\.json(?:\.gz)?", re.DOTALL)


@dataclass(frozen=True)
class Day:
    """One date: its folders, its agent_details and its agents files, by path as UTF-8 bytes."""

    date: date
    folders: tuple[str, ...]
    details: tuple[str, ...]
    active: tuple[str, ...]


def find_days(data: Path, labels: Mapping[str, str]) -> tuple[list[Day], dict[str, str]]:
    """The days that have any roster file, ascending, and the folders refused, with why.

    Two folders of one date are one day. A folder's name that is no real date is a label.
    """
    refused: dict[str, str] = {}
    folders: dict[date, list[str]] = {}
    for path in (data / "roster").glob("sync-*"):
        name = FOLDER.fullmatch(path.name)
        folder = f"roster/{path.name}"
        if name is None or not (_files(data, folder, "agent_details", "agents")):
            continue
        day = _date(name[1]) or _date(labels.get(name[1], ""))
        if day is None:
            refused[folder] = "a label without a date"
        else:
            folders.setdefault(day, []).append(folder)
    return [_day(data, day, folders[day]) for day in sorted(folders)], refused


def _day(data: Path, day: date, folders: list[str]) -> Day:
    def files(feed: str) -> tuple[str, ...]:
        found = [file for folder in folders for file in _files(data, folder, feed)]
        return tuple(sorted(found, key=str.encode))

    return Day(day, tuple(sorted(folders)), files("agent_details"), files("agents"))


def _files(data: Path, folder: str, *feeds: str) -> list[str]:
    paths = [path for feed in feeds for path in (data / folder / feed).glob("*")]
    return [
        path.relative_to(data).as_posix()
        for path in paths
        if path.is_file() and FILE.fullmatch(path.name)
    ]


def _date(text: str) -> date | None:
    try:
        value = read(text, Type.DATE)
    except UnreadableError:
        return None
    return value if isinstance(value, date) else None
