"""Owns how the text of a file becomes records, each with the line it starts on."""

import csv
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from support_lakehouse.io.json_records import AROUND, elements
from support_lakehouse.io.opened import open_text
from support_lakehouse.model.landing import BLANKS, Layout


class Record(NamedTuple):
    """One record as it came, without its line end, and where it starts.

    `line` is the physical line, from 1; in a JSON array the ordinal of the element.
    """

    line: int
    raw: str


def read_records(
    path: Path, layout: Layout, *, quoted_by: str | None = None, gzipped: bool = False
) -> Iterator[Record]:
    """The records of a UTF-8 file in file order, empty lines left out; a header is the first.

    `quoted_by` is the delimiter of a CSV file whose quotes may enclose line ends; without it each
    line is a record. Only LF and CRLF end a line. A byte order mark is left out.
    """
    with open_text(path, gzipped=gzipped) as lines:
        if layout == "array":
            yield from _elements(lines.read())
        elif layout == "object":
            yield from _whole(lines.read())
        elif layout == "lines":
            yield from (record for record in _lines(lines) if record.raw.strip(AROUND))
        else:
            found = _lines(lines) if quoted_by is None else _quoted_records(lines, quoted_by)
            yield from (record for record in found if record.raw.strip(BLANKS))


def header_cells(raw: str, delimiter: str, *, quoting: bool) -> list[str]:
    """The cells of a header as they stand, their quotes taken away."""
    if not quoting:
        return raw.split(delimiter)
    _take_cells_of_any_length()
    return next(csv.reader([raw.replace("\r", " ")], delimiter=delimiter))


def whole_record(delimiter: str) -> re.Pattern[bytes]:
    """Matches a line in which every quote that opens a cell is closed again."""
    d = re.escape(delimiter).encode()
    closed = rb'"[^"]*+(?:""[^"]*+)*+"[^' + d + rb"]*+"
    unquoted = rb'[^"' + d + rb"][^" + d + rb"]*+"
    one = rb"(?:" + closed + rb"|" + unquoted + rb"|)"
    return re.compile(one + rb"(?:" + d + one + rb")*+", re.DOTALL)


def _elements(text: str) -> Iterator[Record]:
    for ordinal, element in enumerate(elements(text), start=1):
        yield Record(ordinal, text[element.start : element.end])


def _whole(text: str) -> Iterator[Record]:
    begins = len(text) - len(text.lstrip(AROUND))
    yield Record(text.count("\n", 0, begins) + 1, text.strip(AROUND))


def _lines(lines: Iterable[str]) -> Iterator[Record]:
    for number, line in enumerate(lines, start=1):
        yield Record(number, _without_end(line))


def _quoted_records(lines: Iterable[str], delimiter: str) -> Iterator[Record]:
    """Records by the quoting that Python's csv module knows, told by how many lines it takes."""
    _take_cells_of_any_length()
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


def _take_cells_of_any_length() -> None:
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
