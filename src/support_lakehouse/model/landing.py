"""Owns what is known of a file in the data folder before any engine reads it."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from support_lakehouse.model.period import period_order

BLANKS = " \t\u00a0"
"""Space, tab and no-break space: what is trimmed, and what an empty line may hold."""

Layout = Literal["csv", "lines", "array", "object"]
"""How records lie in a file: by CSV rules, one JSON value a line, or in one JSON value."""


_DISTURBING = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""Controls, line ends, marks that turn the direction of writing, and what is no character."""


def shown_path(path: str) -> str:
    """A path as people are told it: what would disturb a screen, or is not UTF-8, is escaped."""
    return _DISTURBING.sub(lambda found: _escape(ord(found[0])), path)


def _escape(code: int) -> str:
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is not UTF-8, as Python gives it in a name
        return f"\\x{code - 0xDC00:02x}"
    return chr(code).encode("unicode_escape").decode()


def header_text(names: Sequence[str]) -> str:
    """A header as one text, the same for the same names."""
    return json.dumps(list(names), ensure_ascii=False)


@dataclass(frozen=True)
class FoundFile:
    """A file whose name belongs to a feed. `path` is relative to the data folder, with `/`.

    `label` is what stands in the path for the period. `period` is the same, but empty where the
    label is no date yet though the feed's periods are days.
    """

    feed: str
    path: str
    period: str
    location: Path
    size: int
    mtime_ns: int
    inode: int
    label: str = ""

    @property
    def order(self) -> tuple[tuple[bool, str], bytes]:
        """What files are sorted by: period, then path as UTF-8 bytes (contracts: Order)."""
        return (period_order(self.period), self.path.encode())

    @property
    def shown(self) -> str:
        return shown_path(self.path)


@dataclass(frozen=True)
class Header:
    """The header of a CSV file, each name at its place; JSON has no names.

    Declared columns stand under their declared name, all others as the file spells them.
    `line` is 0 where the file has no header. `drift` names columns or keys that nobody declared,
    and, with a `-` in front, optional columns that are not there.
    """

    names: tuple[str, ...]
    line: int
    drift: tuple[str, ...]

    @property
    def text(self) -> str:
        return header_text(self.names)


@dataclass(frozen=True)
class ScannedFile:
    """A file that was read once from end to end: what it hashes to and how its records lie.

    `one_line_records`: no record has a quoted line break and no carriage return stands alone, so
    lines are records, whoever reads them.
    `lines_before`: the number of line ends before each multiple of `BLOCK_BYTES`, unpacked.
    `sha256` is of the bytes as they lie, all else of what they unpack to.
    `is_ascii`: whether it holds nothing but ASCII, as far as anybody looked.
    `admission` is for the caller to set: what its rows are admitted under.
    """

    found: FoundFile
    sha256: str
    has_quotes: bool
    one_line_records: bool
    has_carriage_returns: bool
    has_rare_blanks: bool
    lines_before: tuple[int, ...]
    header: Header
    layout: Layout = "csv"
    gzipped: bool = False
    unpacked_bytes: int = 0
    is_ascii: bool = False
    admission: str = ""


@dataclass(frozen=True)
class Shape:
    """How the records of some files are to be cut: all their headers, and what may be in them.

    `quotes` and `rare_blanks`: whether any record may hold a quote, a tab or a no-break space.
    """

    headers: tuple[tuple[str, ...], ...]
    quotes: bool = True
    rare_blanks: bool = True

    @classmethod
    def of(cls, files: "Sequence[ScannedFile]") -> "Shape":
        headers = tuple(dict.fromkeys(file.header.names for file in files))
        return cls(
            headers,
            quotes=any(file.has_quotes for file in files),
            rare_blanks=any(file.has_rare_blanks for file in files),
        )
