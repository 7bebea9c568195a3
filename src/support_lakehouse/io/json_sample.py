"""Owns how JSON of a layout not yet declared becomes rows of texts, by dotted paths."""

import json
from collections.abc import Iterator
from typing import Any

from support_lakehouse.model.feed import FormatName
from support_lakehouse.model.guess import Sample
from support_lakehouse.model.landing import BLANKS

_NO_PATH = "'\"\\[]$*."


def json_sample(file: str, text: str, *, cut: bool) -> Sample:
    """The records of a text, which may be `cut` behind a line. ValueError for what has none."""
    records, format_ = _records(file, text, cut=cut)
    objects = [record for record in records if isinstance(record, dict)]
    if not objects:
        raise ValueError("it holds no JSON object")
    left_out: dict[str, str] = {}
    rows = [dict(_leaves(record, "", left_out)) for record in objects]
    paths = dict.fromkeys(path for row in rows for path in row)
    holding = {path for row in rows for path, cell in row.items() if cell is not None}
    inner = {path[:at] for path in paths for at, c in enumerate(path) if c == "."}
    # An object or a list that is null in some records is no column for that.
    columns = tuple(p for p in paths if p in holding or p not in inner | left_out.keys())
    odd = len(records) - len(rows)
    remarks = (f"Records that are no JSON objects, not looked at: {odd}.",) if odd else ()
    return Sample(file, format_, columns, rows, left_out=left_out, remarks=remarks)


def _records(file: str, text: str, *, cut: bool) -> tuple[list[Any], FormatName]:
    by_line = file.lower().removesuffix(".gz").endswith((".jsonl", ".ndjson"))
    if text.lstrip()[0] == "[" and not by_line:
        if cut:
            raise ValueError("it is an array of more than 16 MB; take the first records of it")
        return _parsed(text), "json_array"
    lines = [line for line in text.split("\n") if line.strip()]
    if not by_line and not cut:
        try:
            return [_parsed(text)], "json_object"
        except json.JSONDecodeError as error:
            if error.msg != "Extra data":
                raise
    return [_parsed_or_none(line) for line in lines], "json_lines"


def _parsed_or_none(line: str) -> Any:
    try:
        return _parsed(line)
    except json.JSONDecodeError:
        return None


def _parsed(text: str) -> Any:
    """A JSON value in which numbers are the texts that they were written as."""
    return json.loads(text, parse_int=str, parse_float=str, parse_constant=str)


def _leaves(
    record: dict[str, Any], before: str, left_out: dict[str, str]
) -> Iterator[tuple[str, str | None]]:
    for key, value in record.items():
        path = before + key
        if not key.isprintable() or not key or any(c in _NO_PATH for c in key):
            left_out[path] = "its key cannot stand in a path"
        elif isinstance(value, list):
            left_out[path] = "a list"
        elif isinstance(value, dict):
            yield from _leaves(value, f"{path}.", left_out)
        elif isinstance(value, bool):
            yield path, str(value).lower()
        else:
            yield path, _cell(value)


def _cell(value: str | None) -> str | None:
    """A text without blanks around it, and without half characters, which UTF-8 cannot hold."""
    return None if value is None else value.encode(errors="replace").decode().strip(BLANKS) or None
