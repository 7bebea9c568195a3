"""Owns how a table becomes bytes for people and programs (contracts.md, Writing)."""

import csv
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from support_lakehouse.model.settings import Format

_ROWS_AT_ONCE = 50_000
_ROWS_OF_A_GROUP = 1024 * 1024
_SPLITS = r'[,"\r\n]'
_FORMULA = r"^[=+\-@\t\r]"
_ODD = b',"\r\n=+-@\t'
_PLAIN_NUMBER = r"^[+-]?[0-9]+(\.[0-9]+)?$"

Rows: TypeAlias = pa.Table | Iterable[pa.Table]
"""A table, or the parts that it comes in: at least one, perhaps without a row."""


def write(rows: Rows, path: Path, fmt: Format, zone: str = "UTC") -> int:
    """Write the rows in their order and replace `path` in one step; how many they are.

    `zone` is the zone in which CSV and JSON write timestamps; Parquet keeps them in UTC.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    counted = _Counted([rows] if isinstance(rows, pa.Table) else rows)
    try:
        if fmt == "parquet":
            _write_parquet(counted, part)
        else:
            with part.open("wb") as file:
                file.writelines(_bytes_of(counted, fmt, zone))
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    return counted.rows


@dataclass
class _Counted:
    """Parts of a table, and how many rows were in those that were taken."""

    parts: Iterable[pa.Table]
    rows: int = 0

    def __iter__(self) -> Iterator[pa.Table]:
        for part in self.parts:
            self.rows += part.num_rows
            yield part


def _write_parquet(parts: Iterable[pa.Table], path: Path) -> None:
    with ExitStack() as opened:
        writer = None
        for group in _groups(parts):
            if writer is None:
                made = pq.ParquetWriter(path, group.schema, compression="zstd")
                writer = opened.enter_context(made)
            writer.write_table(group, row_group_size=_ROWS_OF_A_GROUP)


def _groups(parts: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The rows in groups of one size, so that a file does not tell in what parts they came."""
    held: list[pa.Table] = []
    for part in parts:
        held.append(part)
        while sum(one.num_rows for one in held) >= _ROWS_OF_A_GROUP:
            rows = pa.concat_tables(held)
            yield rows.slice(0, _ROWS_OF_A_GROUP).combine_chunks()
            held = [rows.slice(_ROWS_OF_A_GROUP)]
    yield pa.concat_tables(held).combine_chunks()


def text_of(rows: pa.Table, fmt: Format, zone: str = "UTC") -> Iterator[str]:
    """The table as CSV or JSON, in pieces."""
    return (piece.decode() for piece in _bytes_of([rows], fmt, zone))


def _bytes_of(parts: Iterable[pa.Table], fmt: Format, zone: str) -> Iterator[bytes]:
    """The rows as CSV or JSON in UTF-8, in pieces."""
    pieces = (
        part.slice(start, _ROWS_AT_ONCE)
        for part in parts
        for start in range(0, max(part.num_rows, 1), _ROWS_AT_ONCE)
    )
    return _csv(pieces, zone) if fmt == "csv" else _json(pieces, zone)


def _csv(pieces: Iterable[pa.Table], zone: str) -> Iterator[bytes]:
    for number, rows in enumerate(pieces):
        if not number:
            held = StringIO()
            csv.writer(held, lineterminator="\n").writerow(rows.column_names)
            yield held.getvalue().encode()
        if rows.num_rows:
            cells = [_cells(column, zone) for column in rows.columns]
            yield _between(_joined(cells), "\n") + b"\n"


def _cells(column: pa.ChunkedArray, zone: str) -> pa.Array:
    text = as_text(column, zone)
    return _quoted(_guarded(text)) if _is_text(column.type) and _may_be_odd(text) else text


def _may_be_odd(text: pa.Array) -> bool:
    """Whether a text may need quotes or a guard: looking for that first is ten times cheaper."""
    together = _between(text.drop_null(), "")
    return any(sign in together for sign in _ODD)


def _between(texts: pa.Array, between: str) -> bytes:
    """Texts, none of them null, as one, made without an object of Python's for each."""
    listed = pa.ListArray.from_arrays(pa.array([0, len(texts)], pa.int32()), texts)
    joined: bytes = pc.binary_join(listed, between)[0].as_buffer().to_pybytes()
    return joined


def _joined(cells: Sequence[pa.Array]) -> pa.Array:
    """One text per row: the cells with commas between them, null as nothing."""
    return pc.binary_join_element_wise(*cells, ",", null_handling="replace", null_replacement="")


def _quoted(text: pa.Array) -> pa.Array:
    """Text in quotes where a comma, a quote or a line end needs them."""
    quoted = pc.binary_join_element_wise('"', pc.replace_substring(text, '"', '""'), '"', "")
    return pc.if_else(pc.match_substring_regex(text, _SPLITS), quoted, text)


def _guarded(text: pa.Array) -> pa.Array:
    """Text that a spreadsheet would run as a formula, made plain text by one `'` in front."""
    runs = pc.and_(
        pc.match_substring_regex(text, _FORMULA),
        pc.invert(pc.match_substring_regex(text, _PLAIN_NUMBER)),
    )
    return pc.if_else(runs, pc.binary_join_element_wise("'", text, ""), text)


def _json(pieces: Iterable[pa.Table], zone: str) -> Iterator[bytes]:
    between = "[\n"
    for rows in pieces:
        names = [json.dumps(name, ensure_ascii=False) for name in rows.column_names]
        quoted = [not _is_number(kind) for kind in rows.schema.types]
        columns = [as_text(column, zone).to_pylist() for column in rows.columns]
        records = []
        for row in zip(*columns, strict=True):
            cells = (
                f"{name}: {_json_value(value, is_text)}"
                for name, value, is_text in zip(names, row, quoted, strict=True)
            )
            records.append(between + "{" + ", ".join(cells) + "}")
            between = ",\n"
        yield "".join(records).encode()
    yield b"\n]\n" if between == ",\n" else b"[]\n"


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
    if not has_zone:
        return _clock(column)
    there = pc.cast(column, pa.timestamp("us", tz=zone))
    moment = _clock(pc.local_timestamp(there))
    if zone == "UTC":
        return pc.binary_join_element_wise(moment, "Z", "")
    offset = pc.strftime(there, format="%z")
    return pc.binary_join_element_wise(
        moment, pc.utf8_slice_codeunits(offset, 0, 3), ":", pc.utf8_slice_codeunits(offset, 3), ""
    )


def _clock(times: pa.ChunkedArray) -> pa.ChunkedArray:
    """Times without a zone as text; whole seconds, as most are, have no fraction to be cut."""
    seconds = pc.cast(times, pa.timestamp("s"), safe=False)
    is_whole = pc.all(pc.equal(seconds, times)).as_py()
    text = pc.replace_substring(pc.cast(seconds if is_whole else times, pa.string()), " ", "T")
    return text if is_whole else _without_zeros(text)


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
