"""Owns strict JSON as files hold it: single values, and the elements of an array."""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from support_lakehouse.model.landing import BLANKS

AROUND = f"{BLANKS}\r\n"
"""What may stand around a JSON value and is no part of it."""
_GAP = re.compile(r"[ \t\r\n]*")
_HALF_A_PAIR = re.compile(r"\\u[dD][89a-fA-F]")


class BrokenJson(ValueError):
    """A text that is not strict JSON: `what` is wrong at character `at`, from 0."""

    def __init__(self, what: str, at: int) -> None:
        super().__init__(what)
        self.what, self.at = what, at


class Element(NamedTuple):
    """One element of an array: where its text lies, and its value."""

    start: int
    end: int
    value: Any


def _no_json(token: str) -> None:
    raise ValueError(f"{token} is no JSON")


# Numbers are not looked at here, and int() refuses those of more than 4300 digits.
_DECODER = json.JSONDecoder(parse_int=float, parse_constant=_no_json)


def parse(text: str) -> Any:
    """The one value that a text is, blanks around it left out. Raises BrokenJson."""
    value, end = _value(text, _start(text))
    if text[end:].strip(AROUND):
        raise BrokenJson("more text after the value", end)
    return value


def is_json(text: str) -> bool:
    """Whether a text is one JSON value, blanks around it left out."""
    try:
        parse(text)
    except BrokenJson:
        return False
    return True


def is_object(text: str) -> bool:
    try:
        return isinstance(parse(text), dict)
    except BrokenJson:
        return False


def elements(text: str) -> Iterator[Element]:
    """The elements of the one array that a text is. Raises BrokenJson where it is none."""
    at = _start(text)
    if not text.startswith("[", at):
        raise BrokenJson("no array", at)
    at = _gap(text, at + 1)
    closed = text.startswith("]", at)
    while not closed:
        value, end = _value(text, at)
        yield Element(at, end, value)
        at = _gap(text, end)
        closed = text.startswith("]", at)
        if not closed:
            if not text.startswith(",", at):
                raise BrokenJson(_ended(text, at) or "no comma between two elements", at)
            at = _gap(text, at + 1)
    if text[at + 1 :].strip(AROUND):
        raise BrokenJson("more text after the array", _gap(text, at + 1))


def line_and_column(text: str, at: int) -> tuple[int, int]:
    """Where a character stands, both from 1."""
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)


def _value(text: str, at: int) -> tuple[Any, int]:
    try:
        value, end = _DECODER.raw_decode(text, at)
        if _HALF_A_PAIR.search(text, at, end):
            json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        what = _ended(text, error.pos) or f"{error.msg[:1].lower()}{error.msg[1:]}"
        raise BrokenJson(what, error.pos) from error
    except UnicodeEncodeError as error:
        raise BrokenJson("half of a surrogate pair is no character", at) from error
    except ValueError as error:
        raise BrokenJson(str(error), at) from error
    except RecursionError as error:
        raise BrokenJson("nested too deeply", at) from error
    return value, end


def _start(text: str) -> int:
    return len(text) - len(text.lstrip(AROUND))


def _gap(text: str, at: int) -> int:
    found = _GAP.match(text, at)
    return found.end() if found else at


def _ended(text: str, at: int) -> str | None:
    return None if text[at:].strip(AROUND) else "the text ends too early"
