"""Owns how a table becomes bytes for people and programs (contracts.md, Writing)."""

import csv
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from support_lakehouse.model.settings import Format

_ROWS_AT_ONCE = 50_000
_FORMULA = r"^[=+\-@\t\r]"
_PLAIN_NUMBER = r"^[+-]?[0-9]+(\.[0-9]+)?$"


def write(table: pa.Table, path: Path, fmt: Format, zone: str = "UTC") -> None:
    """Write the rows in their order and replace `path` in one step.

    `zone` is the zone in which CSV and JSON write timestamps; Parquet keeps them in UTC.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    if fmt == "parquet":
        pq.write_table(table, part, compression="zstd")
    else:
        with part.open("w", encoding="utf-8", newline="") as file:
            file.writelines(text_of(table, fmt, zone))
    os.replace(part, path)


def text_of(table: pa.Table, fmt: Format, zone: str = "UTC") -> Iterator[str]:
    """The table as CSV or JSON, in pieces."""
    pieces = (
        [as_text(column, zone) for column in table.slice(start, _ROWS_AT_ONCE).columns]
        for start in range(0, table.num_rows, _ROWS_AT_ONCE)
    )
    return _csv(table, pieces) if fmt == "csv" else _json(table, pieces)


def _csv(table: pa.Table, pieces: Iterable[Sequence[pa.Array]]) -> Iterator[str]:
    held = StringIO()
    csv.writer(held, lineterminator="\n").writerow(table.column_names)
    yield held.getvalue()
    texts = [_is_text(kind) for kind in table.schema.types]
    for columns in pieces:
        cells = [
            _quoted(_guarded(column)) if text else column
            for column, text in zip(columns, texts, strict=True)
        ]
        yield "\n".join(_joined(cells).to_pylist()) + "\n"


def _joined(cells: Sequence[pa.Array]) -> pa.Array:
    """One text per row: the cells with commas between them, null as nothing."""
    return pc.binary_join_element_wise(*cells, ",", null_handling="replace", null_replacement="")


def _quoted(text: pa.Array) -> pa.Array:
    """Text in quotes where a comma, a quote or a line end needs them."""
    quoted = pc.binary_join_element_wise('"', pc.replace_substring(text, '"', '""'), '"', "")
    return pc.if_else(pc.match_substring_regex(text, '[,"\\r\\n]'), quoted, text)


def _guarded(text: pa.Array) -> pa.Array:
    """Text that a spreadsheet would run as a formula, made plain text by one `'` in front."""
    runs = pc.and_(
        pc.match_substring_regex(text, _FORMULA),
        pc.invert(pc.match_substring_regex(text, _PLAIN_NUMBER)),
    )
    return pc.if_else(runs, pc.binary_join_element_wise("'", text, ""), text)


def _json(table: pa.Table, pieces: Iterable[Sequence[pa.Array]]) -> Iterator[str]:
    names = [json.dumps(name, ensure_ascii=False) for name in table.column_names]
    quoted = [not _is_number(kind) for kind in table.schema.types]
    between = "[\n"
    for columns in pieces:
        for row in zip(*(column.to_pylist() for column in columns), strict=True):
            cells = (
                f"{name}: {_json_value(value, is_text)}"
                for name, value, is_text in zip(names, row, quoted, strict=True)
            )
            yield between + "{" + ", ".join(cells) + "}"
            between = ",\n"
    yield "\n]\n" if between == ",\n" else "[]\n"


def _json_value(value: str | None, is_text: bool) -> str:
    if value is None:
        return "null"
    return json.dumps(value, ensure_ascii=False) if is_text else value


def as_text(column: pa.ChunkedArray, zone: str) -> pa.Array:
    """A column as the text that is published: plain numbers, ISO dates and timestamps."""
    kind = column.type
    if pa.types.is_decimal(kind):
        return _one(_without_zeros(_plain_decimals(column)))
    if pa.types.is_timestamp(kind):
        return _one(_timestamps(column, zone))
    return _one(pc.cast(column, pa.string()))


def _plain_decimals(column: pa.ChunkedArray) -> pa.ChunkedArray | pa.Array:
    """Decimals as text without an exponent, which Arrow writes where the scale is above six."""
    if column.type.scale <= 6:
        return pc.cast(column, pa.string())
    return pa.array([None if v is None else f"{v:f}" for v in column.to_pylist()], pa.string())


def _timestamps(column: pa.ChunkedArray, zone: str) -> pa.ChunkedArray:
    """ISO 8601 text; casting a timestamp without a zone is thirty times faster than strftime."""
    has_zone = column.type.tz is not None  # without one it is a wall clock, and stays it
    there = pc.cast(column, pa.timestamp("us", tz=zone)) if has_zone else column
    plain = pc.cast(pc.local_timestamp(there) if has_zone else column, pa.string())
    moment = _without_zeros(pc.replace_substring(plain, " ", "T"))
    if not has_zone:
        return moment
    if zone == "UTC":
        return pc.binary_join_element_wise(moment, "Z", "")
    offset = pc.strftime(there, format="%z")
    return pc.binary_join_element_wise(
        moment, pc.utf8_slice_codeunits(offset, 0, 3), ":", pc.utf8_slice_codeunits(offset, 3), ""
    )


def _without_zeros(text: pa.ChunkedArray) -> pa.ChunkedArray:
    """The text without zeros at the end of its fraction, and without a point at its end."""
    short = pc.utf8_rtrim(pc.utf8_rtrim(text, "0"), ".")
    return pc.if_else(pc.match_substring(text, "."), short, text)


def _one(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_number(kind: pa.DataType) -> bool:
    is_number = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    return bool(is_number or pa.types.is_boolean(kind))
