"""A CSV file as its header and records, each with its physical line (contracts: Reading)."""

import csv
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .values import BLANKS

BYTE_ORDER_MARK = "\ufeff"


class RefusedError(Exception):
    """A file that the run may not take at all (contracts: Refusing)."""

    def __init__(self, file: str, why: str) -> None:
        super().__init__(f"{file}: {why}")
        self.file = file
        self.why = why


@dataclass(frozen=True)
class Record:
    """One record: the physical line it starts on, from 1, and its trimmed cells."""

    line: int
    cells: tuple[str, ...]


def read_records(data: Path, file: str) -> tuple[tuple[str, ...], list[Record]]:
    """Header names in lower case, then every row. Raises RefusedError."""
    try:
        text = (data / file).read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise RefusedError(file, "is not there") from None
    except UnicodeDecodeError:
        raise RefusedError(file, "not UTF-8") from None
    records = list(_records(text.removeprefix(BYTE_ORDER_MARK)))
    if not records:
        raise RefusedError(file, "empty, no header")
    header = tuple(name.lower() for name in records[0].cells)
    if len(set(header)) < len(header):
        raise RefusedError(file, "a name stands twice in the header")
    return header, records[1:]


def _records(text: str) -> Iterator[Record]:
    """Every record; a line of nothing but blanks is none, unless it lies inside quotes."""
    csv.field_size_limit(sys.maxsize)
    lines = text.split("\n")
    stand_in = _unused_character(text)
    reader = csv.reader(_protected(lines, stand_in))
    start = 1
    for cells in reader:
        line, start = start, reader.line_num + 1
        if lines[line - 1].removesuffix("\r").strip(BLANKS):
            trimmed = tuple(cell.replace(stand_in, "\r").strip(BLANKS) for cell in cells)
            yield Record(line, trimmed)


def _protected(lines: list[str], stand_in: str) -> Iterator[str]:
    """The lines with their ends, lone carriage returns hidden: they end no line."""
    last = len(lines) - 1
    for place, line in enumerate(lines):
        if place == last:
            yield line.replace("\r", stand_in)
        elif line.endswith("\r"):
            yield line[:-1].replace("\r", stand_in) + "\r\n"
        else:
            yield line.replace("\r", stand_in) + "\n"


def _unused_character(text: str) -> str:
    return next(c for c in map(chr, range(0xE000, 0xF900)) if c not in text)
