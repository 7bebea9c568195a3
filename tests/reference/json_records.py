"""A JSON file as its elements, each with its place (contracts: Reading)."""

import gzip
import json
import zlib
from dataclasses import dataclass
from pathlib import Path

from .records import BYTE_ORDER_MARK, RefusedError
from .values import BLANKS

AROUND = f"{BLANKS}\r\n"
Fields = dict[str, object]


class Number(str):
    """A JSON number as it stands in the file, digit for digit."""


class BrokenJsonError(ValueError):
    """A text that is not one JSON value."""


@dataclass(frozen=True)
class Element:
    """One element: its physical line, in an array its ordinal, from 1.

    `fields` is None where the text is no JSON or the value is no object.
    """

    line: int
    fields: Fields | None


def read_elements(data: Path, file: str, *, may_span_lines: bool = False) -> list[Element]:
    """The elements of a file that is one array, or else has one object a line.

    With `may_span_lines` a file may also be one object over several lines; where no line of
    it is an object by itself and the whole is none, it is one broken element. Raises
    RefusedError for a file without content, not UTF-8, damaged gzip, or with a broken array.
    """
    text = _text(data, file)
    whole = text.strip(AROUND)
    if not whole:
        raise RefusedError(file, "empty")
    if whole.startswith("["):
        return _array(file, whole)
    lines = [
        Element(number, _object(line.strip(AROUND)))
        for number, line in enumerate(text.split("\n"), start=1)
        if line.strip(AROUND)
    ]
    if may_span_lines and all(element.fields is None for element in lines):
        return [Element(lines[0].line, _object(whole))]
    return lines


def parse(text: str) -> object:
    """The value with its numbers as they stand; of a name that stands twice the last counts.

    Raises BrokenJsonError, also for NaN, Infinity and half a surrogate pair.
    """
    try:
        value = json.loads(text, parse_int=Number, parse_float=Number, parse_constant=_refuse)
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as cause:
        raise BrokenJsonError(text) from cause
    return value


def _refuse(token: str) -> None:
    raise ValueError(token)


def _array(file: str, text: str) -> list[Element]:
    try:
        values = parse(text)
    except BrokenJsonError:
        raise RefusedError(file, "a broken JSON array") from None
    assert isinstance(values, list)
    return [
        Element(ordinal, value if isinstance(value, dict) else None)
        for ordinal, value in enumerate(values, start=1)
    ]


def _object(text: str) -> Fields | None:
    try:
        value = parse(text)
    except BrokenJsonError:
        return None
    return value if isinstance(value, dict) else None


def _text(data: Path, file: str) -> str:
    content = (data / file).read_bytes()
    try:
        if file.endswith(".gz"):
            content = gzip.decompress(content)
        return content.decode("utf-8").removeprefix(BYTE_ORDER_MARK)
    except UnicodeDecodeError:
        raise RefusedError(file, "not UTF-8") from None
    except (OSError, EOFError, zlib.error):
        raise RefusedError(file, "damaged gzip") from None
