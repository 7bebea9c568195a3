"""JSON and CSV texts as careless hands write them: valid spellings, and texts that are broken."""

import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from random import Random

from .spelling import padded, quoted
from .untidy import BLANK_LINES

BROKEN_LINES = (
    "not json",
    "null",
    "42",
    '"a text"',
    "[1, 2]",
    '{"call_id": NaN}',
    '{"id": -Infinity}',
    '{"id": 011}',
    '{"id": 1,}',
    "{,}",
    "{'id': 1}",
    '{"id": "a\tb"}',
)
NO_OBJECTS = ("null", "42", '"a text"', "[1, 2]", "[]", "true", "-0.5")
ODD_TEXTS = (
    "=1+1",
    "+cmd",
    "-x",
    "@SUM(A1)",
    'say "hi", twice',
    "Zoë Müller",
    "東京",
    "\U0001f600 smile",
    "back\\slash / slash",
    "two\nlines",
    "'quoted",
    "semi;colon",
    "null",
    "true",
    "1.0",
    "\u2028 odd \x85 ends",
)


class Raw(str):
    """A JSON token to be written as it is: `1.50`, `3e0`."""


class Absent:
    """A field that is not there at all."""


ABSENT = Absent()


def spell_json(value: object, rng: Random, *, indent: str = "") -> str:
    """The value as JSON with fields in any order; with an indent, over several lines."""
    match value:
        case Raw():
            return str(value)
        case dict():
            names = [name for name, field in value.items() if field is not ABSENT]
            rng.shuffle(names)
            colon = rng.choice((": ", ":", " : "))
            fields = [
                f"{json.dumps(name)}{colon}{spell_json(value[name], rng, indent=indent * 2)}"
                for name in names
            ]
            return "{" + _joined(fields, indent, rng) + "}"
        case list():
            return "[" + ", ".join(spell_json(item, rng) for item in value) + "]"
        case _:
            return json.dumps(value, ensure_ascii=rng.random() < 0.5)


def _joined(fields: list[str], indent: str, rng: Random) -> str:
    if indent and fields:
        return f"\n{indent}" + f",\n{indent}".join(fields) + "\n"
    return rng.choice((", ", ",", " ,\t")).join(fields)


def broken_line(line: str, rng: Random) -> str:
    """A line that is no JSON object, or more than one."""
    damaged = (line[: len(line) // 2], line + "}", f"{line},", f"{line} {line}")
    return rng.choice((*damaged, *BROKEN_LINES))


def json_lines(lines: Sequence[str], rng: Random) -> str:
    """One object a line; LF or CRLF, blank lines, the last line with or without its end."""
    return _text(list(lines), rng)


def json_array(elements: Sequence[str], rng: Random) -> str:
    """One array, on one line or with an element a line, blanks around it."""
    separator = rng.choice((",", ", ", ",\n", "\n,\r\n"))
    return (
        rng.choice(("", "\n", " ")) + "[" + separator.join(elements) + "]" + rng.choice(("", "\n"))
    )


def csv_line(cells: Sequence[str], rng: Random) -> str:
    """The cells with blanks around some and quotes where needed and now and then where not."""
    return ",".join(quoted(padded(cell, rng), rng) for cell in cells)


def csv_text(lines: Sequence[str], rng: Random) -> str:
    """Header and rows with blank lines anywhere; now and then a byte order mark first."""
    mark = "\ufeff" if rng.random() < 0.3 else ""
    return mark + _text(list(lines), rng)


def _text(lines: list[str], rng: Random) -> str:
    while rng.random() < 0.5:
        lines.insert(rng.randrange(len(lines) + 1), rng.choice(BLANK_LINES))
    endings = rng.choice((("\n",), ("\r\n",), ("\n", "\r\n")))
    text = "".join(f"{line}{rng.choice(endings)}" for line in lines)
    return text.removesuffix("\n").removesuffix("\r") if rng.random() < 0.4 else text


def write_file(path: Path, text: str) -> None:
    """Compressed where the name ends in `.gz`, the same text always to the same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = text.encode()
    path.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)
