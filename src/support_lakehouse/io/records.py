"""Owns how the bytes of a CSV file become records, each with the line it starts on."""

import csv
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from support_lakehouse.model.landing import BLANKS


class Record(NamedTuple):
    """One record as it came, without its line end, and the physical line it starts on, from 1."""

    line: int
    raw: str


def read_records(path: Path, delimiter: str, *, one_line_records: bool) -> Iterator[Record]:
    """The records of a UTF-8 file, empty lines left out, in file order; the header is the first.

    Only LF and CRLF end a line, outside quotes. A byte order mark is left out.
    """
    with path.open(encoding="utf-8-sig", newline="\n") as lines:
        found = _lines(lines) if one_line_records else _quoted_records(lines, delimiter)
        yield from (record for record in found if record.raw.strip(BLANKS))


def whole_record(delimiter: str) -> re.Pattern[bytes]:
    """Matches a line in which every quote that opens a cell is closed again."""
    d = re.escape(delimiter).encode()
    closed = rb'"[^"]*+(?:""[^"]*+)*+"[^' + d + rb"]*+"
    unquoted = rb'[^"' + d + rb"][^" + d + rb"]*+"
    one = rb"(?:" + closed + rb"|" + unquoted + rb"|)"
    return re.compile(one + rb"(?:" + d + one + rb")*+", re.DOTALL)


def _lines(lines: Iterable[str]) -> Iterator[Record]:
    for number, line in enumerate(lines, start=1):
        yield Record(number, _without_end(line))


def _quoted_records(lines: Iterable[str], delimiter: str) -> Iterator[Record]:
    """Records by the quoting that Python's csv module knows, told by how many lines it takes."""
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    taken: list[str] = []

    def structure() -> Iterator[str]:
        for line in lines:
            taken.append(line)
            # A lone carriage return is text to us and a line end to the csv module.
            yield _without_end(line).replace("\r", " ") + "\n"

    first = 1
    for _ in csv.reader(structure(), delimiter=delimiter):
        yield Record(first, _without_end("".join(taken)))
        first += len(taken)
        taken.clear()


def _without_end(text: str) -> str:
    return text[:-1].removesuffix("\r") if text.endswith("\n") else text
