"""Owns how a person corrects rejected rows: as cells in a sheet, and back into records."""

import csv
import json
from collections.abc import Mapping
from io import StringIO
from typing import Any

from support_lakehouse.model.feed import Feed
from support_lakehouse.model.landing import BLANKS

MASK = "***"
_OWN = ("id", "reasons", "file", "line")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
Entry = Mapping[str, Any]


def sheet_columns(feed: Feed) -> tuple[str, ...]:
    """The columns of the sheet: what the row is, its cells, and its record as it came."""
    return (*_OWN, *feed.column_names, *([feed.action] if feed.action else []), "raw")


def sheet_row(entry: Entry, feed: Feed, *, personal: bool) -> dict[str, str]:
    """One entry of quarantine as a row of the sheet; personal cells are masked unless asked for."""
    cells = cells_by_name(entry["raw"], entry["header"], feed)
    hidden = () if personal else [c.name for c in feed.columns if c.personal]
    told = {name: MASK if name in hidden and text else text for name, text in cells.items()}
    reasons = "; ".join(reason["message"] for reason in entry["reasons"] or [])
    raw = MASK if hidden else entry["raw"]
    own = {"id": entry["id"], "reasons": reasons, "file": entry["file"], "line": str(entry["line"])}
    return {**dict.fromkeys(sheet_columns(feed), ""), **told, **own, "raw": raw}


def corrected_raw(entry: Entry, given: Mapping[str, str], feed: Feed) -> str:
    """The record that a row of the sheet makes of an entry; as it came where nothing was changed.

    A masked cell means unchanged. A record edited as a whole counts before its cells.
    """
    raw = _unguarded(given.get("raw", MASK))
    if raw not in (MASK, "", entry["raw"]):
        return raw
    cells = cells_by_name(entry["raw"], entry["header"], feed)
    names = [name for name in sheet_columns(feed) if name not in (*_OWN, "raw")]
    told = {n: _unguarded(given[n]) for n in names if n in given and given[n] != MASK}
    changed = {n: text for n, text in told.items() if text.strip(BLANKS) != cells.get(n, "")}
    if not changed:
        return str(entry["raw"])
    if feed.is_json:
        return _json_with(entry["raw"], changed, feed)
    header = [str(name) for name in json.loads(entry["header"])]
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
    csv.writer(held, delimiter=feed.delimiter, lineterminator="").writerow(cells)
    return held.getvalue()


def _unguarded(cell: str) -> str:
    """The cell without the `'` that keeps a spreadsheet from running it (contracts.md, Writing)."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell


def _record(raw: str) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return None


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
    return value.strip(BLANKS) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


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
    return json.dumps(record, ensure_ascii=False)
