"""Owns what is known of a file in the data folder before any engine reads it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from support_lakehouse.model.period import period_order

BLANKS = " \t\u00a0"
"""Space, tab and no-break space: what is trimmed, and what an empty line may hold."""


def header_text(names: Sequence[str]) -> str:
    """A header as one text, the same for the same names."""
    return json.dumps(list(names), ensure_ascii=False)


@dataclass(frozen=True)
class FoundFile:
    """A file whose name belongs to a feed. `path` is relative to the data folder, with `/`."""

    feed: str
    path: str
    period: str
    location: Path
    size: int
    mtime_ns: int
    inode: int

    @property
    def order(self) -> tuple[tuple[bool, str], bytes]:
        """What files are sorted by: period, then path as UTF-8 bytes (contracts: Order)."""
        return (period_order(self.period), self.path.encode())


@dataclass(frozen=True)
class Header:
    """The header of a CSV file, each name at its place.

    Declared columns stand under their declared name, all others as the file spells them.
    `drift` names those that nobody declared.
    """

    names: tuple[str, ...]
    line: int
    drift: tuple[str, ...]

    @property
    def text(self) -> str:
        return header_text(self.names)


@dataclass(frozen=True)
class ScannedFile:
    """A file that was read once from end to end: what it hashes to and how its lines lie.

    `one_line_records`: no record has a quoted line break and no carriage return stands alone, so
    lines are records, whoever reads them.
    `lines_before`: the number of line ends before each multiple of `BLOCK_BYTES`.
    """

    found: FoundFile
    sha256: str
    has_quotes: bool
    one_line_records: bool
    has_carriage_returns: bool
    lines_before: tuple[int, ...]
    header: Header


@dataclass(frozen=True)
class Shape:
    """How the records of some files are to be cut: all their headers, and if there are quotes."""

    headers: tuple[tuple[str, ...], ...]
    quotes: bool = True

    @classmethod
    def of(cls, files: "Sequence[ScannedFile]") -> "Shape":
        headers = tuple(dict.fromkeys(file.header.names for file in files))
        return cls(headers, any(file.has_quotes for file in files))
