"""Owns the reading of a sample: a file of a format not yet declared becomes rows of texts."""

import csv
import io
import zlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from support_lakehouse.errors import UsageError
from support_lakehouse.io.json_sample import json_sample
from support_lakehouse.io.opened import GZIP_MAGIC, open_bytes
from support_lakehouse.model.guess import Row, Sample, guess_type
from support_lakehouse.model.landing import BLANKS

_MOST_BYTES = 16 * 1024 * 1024
_MOST_COLUMNS = 1000
_MOST_OF_A_CELL = 128 * 1024
_DELIMITERS = ",;\t|"
_JSON, _CSV = {".json", ".jsonl", ".ndjson"}, {".csv", ".tsv", ".txt"}


def read_sample(path: Path) -> Sample:
    """The rows of a CSV or JSON file, gzipped or not, up to 16 MB. UsageError if it is neither."""
    why = "its values are nested too deep"
    try:
        text, cut = _text(path)
        sample = json_sample(path.name, text, cut=cut) if _is_json(path, text) else _csv(path, text)
        if len(sample.columns) <= _MOST_COLUMNS:
            return sample
        why = f"it has more than {_MOST_COLUMNS} columns"
    except RecursionError:
        pass
    except (OSError, EOFError, zlib.error, csv.Error, ValueError) as error:
        why = " ".join(str(error).split())
    raise UsageError(
        f"cannot be read: {why}",
        where=str(path),
        expected="CSV or JSON in UTF-8 with a header or a record",
    )


def _text(path: Path) -> tuple[str, bool]:
    """What the file says, and whether that is only its whole lines up to the limit."""
    if not path.is_file():
        raise ValueError("it is no file" if path.exists() else "it is not there")
    with path.open("rb") as file:
        gzipped = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
    with open_bytes(path, gzipped=gzipped) as file:
        content = file.read(_MOST_BYTES + 1)
    cut = len(content) > _MOST_BYTES
    text = (content[: content.rfind(b"\n") + 1] if cut else content).decode("utf-8")
    if not text.strip():
        raise ValueError("it has a line of more than 16 MB" if cut else "it is empty")
    if "\0" in text:
        raise ValueError("it holds zero bytes")
    return text, cut


def _is_json(path: Path, text: str) -> bool:
    endings = {suffix.lower() for suffix in path.suffixes}
    return bool(endings & _JSON) or (not endings & _CSV and text.lstrip()[0] in "{[")


def _csv(path: Path, text: str) -> Sample:
    delimiter = max(_DELIMITERS, key=lambda one: _agreement(text, one))
    records = list(_records(text, delimiter))
    if not records:
        raise ValueError("it holds no record")
    names = [cell.strip(BLANKS) for cell in records[0]]
    header = all(names) and all(guess_type([name]) == "text" for name in names)
    if not header:
        names = [f"column_{number}" for number in range(1, len(names) + 1)]
    low = [name.lower() for name in names]
    twice = sorted({name for name in low if low.count(name) > 1})
    if twice:
        raise ValueError(f"its header has {', '.join(twice)[:100]} twice")
    found = records[1:] if header else records
    rows = [_row(names, record) for record in found if len(record) == len(names)]
    odd = len(found) - len(rows)
    return Sample(
        file=path.name,
        format="csv",
        columns=tuple(names),
        rows=rows,
        delimiter=delimiter,
        header=header,
        remarks=(f"Rows with too few or too many cells, not looked at: {odd}.",) if odd else (),
    )


def _agreement(text: str, delimiter: str) -> tuple[int, int]:
    """How many records are as wide as the first, and how wide that is; one cell counts nothing."""
    try:
        widths = [len(record) for record in islice(_records(text, delimiter), 100)]
    except csv.Error:
        return 0, 0
    return (widths.count(widths[0]), widths[0]) if widths and widths[0] > 1 else (0, 0)


def _records(text: str, delimiter: str) -> Iterator[list[str]]:
    csv.field_size_limit(_MOST_OF_A_CELL)  # it holds for the process, so others may have raised it
    for record in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
        if len(record) > 1 or (record and record[0].strip(BLANKS)):
            yield record


def _row(names: list[str], record: list[str]) -> Row:
    return dict(zip(names, (cell.strip(BLANKS) or None for cell in record), strict=True))
