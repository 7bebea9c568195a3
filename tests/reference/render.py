"""Rows as the bytes of a published file (contracts: Writing)."""

import json
import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal

from .tables import REPORT_COLUMNS, TABLES, Row, Type, Value

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
PLAIN_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?")
NEEDS_QUOTES = re.compile(r'[,"\r\n]')

PUBLISHED: dict[str, dict[str, Type]] = {
    "support_report": REPORT_COLUMNS,
    **{f"{table.name}_final": table.columns for table in TABLES},
}
"""The columns of each published file, by its name without suffix."""


def to_csv(name: str, rows: Iterable[Row], *, zone: tzinfo = UTC) -> bytes:
    """The bytes of `<name>.csv`: UTF-8, LF, header; rows must be in published order."""
    columns = PUBLISHED[name]
    lines = [",".join(columns)]
    lines += [",".join(_csv_cell(row[column], zone) for column in columns) for row in rows]
    return "".join(f"{line}\n" for line in lines).encode()


def to_json(name: str, rows: Iterable[Row], *, zone: tzinfo = UTC) -> bytes:
    """The bytes of `<name>.json`: one array, one record a line, keys in column order."""
    columns = PUBLISHED[name]
    records = [
        "{" + ", ".join(f'"{column}": {_json(row[column], zone)}' for column in columns) + "}"
        for row in rows
    ]
    body = "[\n" + ",\n".join(records) + "\n]\n" if records else "[]\n"
    return body.encode()


def _csv_cell(value: Value, zone: tzinfo) -> str:
    if value is None:
        return ""
    text = _guarded(value) if isinstance(value, str) else _plain(value, zone)
    return '"' + text.replace('"', '""') + '"' if NEEDS_QUOTES.search(text) else text


def _guarded(text: str) -> str:
    """Text that a spreadsheet would run as a formula gets one `'` in front."""
    harmless = not text.startswith(FORMULA_STARTS) or PLAIN_NUMBER.fullmatch(text)
    return text if harmless else f"'{text}"


def _json(value: Value, zone: tzinfo) -> str:
    if value is None:
        return "null"
    if isinstance(value, int | Decimal):
        return _plain(value, zone)
    text = value if isinstance(value, str) else _plain(value, zone)
    return json.dumps(text, ensure_ascii=False)


def _plain(value: int | Decimal | date | datetime, zone: tzinfo) -> str:
    """Numbers without exponent or trailing zeros, days and moments in ISO 8601."""
    match value:
        case datetime():
            return _moment(value.astimezone(zone))
        case date():
            return value.isoformat()
        case Decimal():
            text = f"{value:f}"
            return text.rstrip("0").rstrip(".") if "." in text else text
        case _:
            return str(value)


def _moment(moment: datetime) -> str:
    """Seconds always, a fraction only if there is one, without its trailing zeros."""
    fraction = f".{moment.microsecond:06}".rstrip("0") if moment.microsecond else ""
    offset = moment.isoformat()[-6:]
    suffix = "Z" if moment.tzinfo is UTC else offset
    return f"{moment.replace(microsecond=0, tzinfo=None).isoformat()}{fraction}{suffix}"
