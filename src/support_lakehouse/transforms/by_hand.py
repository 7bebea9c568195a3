"""Owns how a person corrects rejected rows: as cells in a sheet, and back into records."""

import csv
import json
import re
from collections.abc import Mapping
from io import StringIO
from typing import Any

from support_lakehouse.errors import UsageError
from support_lakehouse.model.feed import Feed
from support_lakehouse.model.landing import BLANKS

MASK = "***"
_OWN = ("id", "reasons", "file", "line", "raw")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = ("\ue000", "\ue001")
"""What stands around a number while a JSON record is in hand."""
Entry = Mapping[str, Any]


def sheet_columns(feed: Feed) -> tuple[str, ...]:
    """The columns of the sheet: what the row is, its cells, and its record as it came."""
    return (*_OWN[:-1], *(sheet_name(name) for name in cell_columns(feed)), _OWN[-1])


def cell_columns(feed: Feed) -> tuple[str, ...]:
    """The columns whose cells may be corrected."""
    return (*feed.column_names, *([feed.action] if feed.action else []))


def sheet_name(name: str) -> str:
    """What the sheet calls a column; some names are the sheet's own."""
    return f"cell_{name}" if name in _OWN else name


def sheet_row(entry: Entry, feed: Feed, *, personal: bool) -> dict[str, str]:
    """One entry of quarantine as a row of the sheet; personal cells are masked unless asked for."""
    cells = cells_by_name(entry["raw"], entry["header"], feed)
    hidden = () if personal else [c.name for c in feed.columns if c.personal]
    told = {name: MASK if name in hidden and text else text for name, text in cells.items()}
    reasons = "; ".join(reason["message"] for reason in entry["reasons"] or [])
    raw = MASK if hidden else entry["raw"]
    own = {"id": entry["id"], "reasons": reasons, "file": entry["file"], "line": str(entry["line"])}
    named = {sheet_name(name): text for name, text in told.items()}
    return {**dict.fromkeys(sheet_columns(feed), ""), **named, **own, "raw": raw}


def corrected_raw(entry: Entry, given: Mapping[str, str], feed: Feed) -> str:
    """The record that a row of the sheet makes of an entry; as it came where nothing was changed.

    A masked cell means unchanged. A record edited as a whole counts before its cells.
    """
    raw = given.get("raw", MASK)
    if raw not in (MASK, "") and entry["raw"] not in (raw, _unguarded(raw)):
        return _unguarded(raw)
    cells = cells_by_name(entry["raw"], entry["header"], feed)
    texts = {name: given.get(sheet_name(name), MASK) for name in cell_columns(feed)}
    told = {name: text for name, text in texts.items() if text != MASK}
    changed = {
        name: _unguarded(text)
        for name, text in told.items()
        if cells.get(name, "") not in (text.strip(BLANKS), _unguarded(text).strip(BLANKS))
    }
    if not changed:
        return str(entry["raw"])
    if feed.is_json:
        return _json_with(entry["raw"], changed, feed)
    header = [str(name) for name in json.loads(entry["header"])]
    lost = sorted(set(changed) - set(header))
    if lost:
        raise UsageError(
            f"the file has no column {', '.join(lost)}",
            where=f"{entry['file']}, line {entry['line']}",
            expected=f"corrections of {', '.join(header)}, or of the record as a whole",
        )
    return _csv_of([changed.get(name, cells.get(name, "")) for name in header], feed)


def cells_by_name(raw: str, header: str, feed: Feed) -> dict[str, str]:
    """The trimmed texts of a record's columns, as far as it can be taken apart."""
    if feed.is_json:
        record = _record(raw)
        paths = {c.name: c.paths for c in feed.columns}
        paths |= {feed.action: ((feed.action,),)} if feed.action else {}
        return {name: _text(_value(record, ways)) for name, ways in paths.items()}
    cells = cells_of(raw, feed.delimiter, quoting=feed.quoting)
    return {name: cell.strip(BLANKS) for name, cell in zip(json.loads(header), cells, strict=False)}


def cells_of(raw: str, delimiter: str, *, quoting: bool) -> list[str]:
    """The cells of a raw CSV record."""
    if not quoting:
        return raw.split(delimiter)
    csv.field_size_limit(2**31 - 1)
    # A lone carriage return is text to us and a line end to the csv module.
    instead = next(chr(code) for code in range(0xE000, 0xF8FF) if chr(code) not in raw)
    lines = [line + "\n" for line in raw.replace("\r", instead).split("\n")]
    lines[-1] = lines[-1].removesuffix("\n")
    cells = next(csv.reader(lines, delimiter=delimiter), [])
    return [cell.replace(instead, "\r") for cell in cells]


def _csv_of(cells: list[str], feed: Feed) -> str:
    if not feed.quoting:
        return feed.delimiter.join(cells)
    held = StringIO()
    # With a line end to write, the writer knows to put quotes around one in a cell.
    csv.writer(held, delimiter=feed.delimiter, lineterminator="\n").writerow(cells)
    return held.getvalue().removesuffix("\n")


def _unguarded(cell: str) -> str:
    """The cell without the `'` that keeps a spreadsheet from running it (contracts.md, Writing)."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell


def _record(raw: str) -> Any:
    """The record, its numbers as they are written: a float would lose some of their digits."""
    try:
        return json.loads(raw, parse_float=_literal, parse_int=_literal)
    except (ValueError, RecursionError):
        return None


def _literal(number: str) -> str:
    return f"{_NUMBER[0]}{number}{_NUMBER[1]}"


def _dumped(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return re.sub(f'"{_NUMBER[0]}([^"]*){_NUMBER[1]}"', r"\1", text)


def _value(record: Any, ways: tuple[tuple[str, ...], ...]) -> Any:
    for way in ways:
        found = record
        for key in way:
            found = found.get(key) if isinstance(found, dict) else None
        if found is not None and _text(found):
            return found
    return None


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value.strip("".join(_NUMBER) + BLANKS) if isinstance(value, str) else _dumped(value)


def _json_with(raw: str, changed: Mapping[str, str], feed: Feed) -> str:
    record = _record(raw)
    record = record if isinstance(record, dict) else {}
    paths = {c.name: c.paths for c in feed.columns}
    for name, text in changed.items():
        ways = paths.get(name, ((name,),))
        way = next((w for w in ways if _value(record, (w,)) is not None), ways[0])
        place = record
        for key in way[:-1]:
            if not isinstance(place.get(key), dict):
                place[key] = {}
            place = place[key]
        place[way[-1]] = text or None
    return _dumped(record)
