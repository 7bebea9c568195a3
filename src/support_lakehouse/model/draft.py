"""Owns the first draft of a feed file, made of a sample, to be read and corrected by a person."""

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from itertools import count

from support_lakehouse.errors import UsageError
from support_lakehouse.model.column import NAME
from support_lakehouse.model.guess import Sample, guess_key, guess_type, odd_cells

_MOST_VALUES, _ENOUGH_ROWS = 8, 20
_OTHER_WORDS = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}
_UNPRINTABLE = re.compile(
    r"[^\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)


def draft(sample: Sample, name: str | None = None) -> str:
    """The text of a feed file. Raises UsageError for a sample that holds no column."""
    feed = name or name_of(sample.file)
    columns = _named(sample)
    if not columns:
        raise UsageError("no column can be made of it", where=sample.file)
    types = {column: guess_type(sample.cells(column)) for column in columns}
    key = guess_key(sample, types)
    lines = [
        *_head(sample, feed, columns[key] if key is not None else None),
        "columns:",
        *(_column(sample, c, n, types[c], is_key=c == key) for c, n in columns.items()),
        *_left_out(sample, columns),
        *_rules(sample, columns, types, key),
    ]
    return "\n".join(lines) + "\n"


def name_of(file: str) -> str:
    """A feed's name from a file's name: what stands before its digits and endings."""
    return _snake(re.sub(r"[0-9]+", " ", file.split(".")[0]))[:100] or "new_feed"


def path_of(feed: str, file: str) -> str:
    """Where deliveries like a file may lie: digits that tell one from another become `*`."""
    stem, dot, ending = file.removesuffix(".gz").partition(".")
    stem = re.sub(r"(?<![A-Za-z0-9])[0-9]++(?![A-Za-z])|[0-9]{4,}", "*", stem)
    safe = re.sub(r"[{}\\\x00-\x1f]", "*", stem + dot + ending)
    return f"{feed}/{re.sub(r'[*](?:[-_. T]?[*])*', '*', safe)}"


def _named(sample: Sample) -> dict[str, str]:
    """Column or path of the sample -> the name it gets; those that can have none are left out."""
    if sample.format == "csv":
        named = {column: column.lower() for column in sample.columns}
        return {column: name for column, name in named.items() if re.fullmatch(NAME, name)}
    names: dict[str, str] = {}
    for path in sample.columns:
        first = _snake(path) or "value"
        free = (first if n == 1 else f"{first}_{n}" for n in count(1))
        names[path] = next(name for name in free if name not in names.values())
    return names


def _snake(text: str) -> str:
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text)
    plain = unicodedata.normalize("NFKD", apart).encode("ascii", "ignore").decode().lower()
    name = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")
    return f"c_{name}" if name[:1].isdigit() else name


def _head(sample: Sample, feed: str, key: str | None) -> Iterator[str]:
    yield "# yaml-language-server: $schema=feed.schema.json"
    yield f"# A draft, made of {_quoted(sample.file)}, rows: {len(sample.rows)}. A sample shows"
    yield "# what was, not what may come: read every line, and mark columns with `personal: true`."
    yield from (f"# {remark}" for remark in sample.remarks)
    yield f"feed: {_word(feed)}"
    if key is None:
        yield "kind: log  # no column tells all rows apart; with a `key`: events, snapshot, lookup"
    else:
        yield "kind: events  # a later row of a key replaces it; or: changes, log, snapshot, lookup"
    path = _quoted(path_of(feed, sample.file))
    yield f"files: {path}  # under the data folder; {{date}} or {{month}} for a period in names"
    yield f"format: {sample.format}"
    if sample.format == "csv" and sample.delimiter != ",":
        yield f"delimiter: {_quoted(sample.delimiter)}"
    if not sample.header:
        yield "header: {present: false}  # the first line looks like data; name the columns"
    if key is not None:
        yield f"key: {_word(key)}  # no two rows of the sample share it"


def _column(sample: Sample, column: str, name: str, type_: str, *, is_key: bool) -> str:
    keys = {"type": _quoted(type_) if "(" in type_ else type_}
    if is_key:
        keys["required"] = "true"
    if sample.format != "csv" and column != name:
        keys["path"] = _quoted(column)
    mapping = "{" + ", ".join(f"{key}: {value}" for key, value in keys.items()) + "}"
    told = mapping if len(keys) > 1 else type_
    remark = "; ".join(_remarks(sample, column, type_))
    return f"  {_word(name)}: {told}" + (f"  # {remark}" if remark else "")


def _remarks(sample: Sample, column: str, type_: str) -> Iterator[str]:
    cells = sample.cells(column)
    if len(cells) < len(sample.rows):
        yield f"empty in {len(sample.rows) - len(cells)} of {len(sample.rows)} rows"
    odd = odd_cells(cells) if type_ == "text" else None
    if odd:
        yield f"{odd[0]}, but for {odd[1]} of {len(cells)}?"


def _left_out(sample: Sample, columns: Mapping[str, str]) -> Iterator[str]:
    for column in sample.columns:
        if column not in columns:
            yield f"  # left out: {_quoted(column)}: no name of small letters, digits and _"
    for path, why in sample.left_out.items():
        yield f"  # left out: {_quoted(path)}: {why}"


def _rules(
    sample: Sample, columns: Mapping[str, str], types: Mapping[str, str], key: str | None
) -> Iterator[str]:
    values = {column: sorted(set(sample.cells(column))) for column in columns if column != key}
    few = {
        column: found
        for column, found in values.items()
        if types[column] == "text" and 0 < len(found) <= _MOST_VALUES
    }
    if not few or len(sample.rows) < _ENOUGH_ROWS:
        return
    yield "rules:  # all values that were seen; `level: error` rejects others"
    for column, found in few.items():
        listed = ", ".join(map(_quoted, found))
        name = _word(columns[column])
        yield f"  - {{rule: allowed, column: {name}, values: [{listed}], level: warn}}"


def _word(name: str) -> str:
    """A name that YAML takes for a text."""
    return _quoted(name) if name in _OTHER_WORDS else name


def _quoted(text: str) -> str:
    """The text in quotes, on one line, as YAML reads it back."""
    return _UNPRINTABLE.sub(
        lambda found: f"\\U{ord(found[0]):08x}", json.dumps(text, ensure_ascii=False)
    )
