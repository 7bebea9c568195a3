"""Owns the way of CSV records from files into memory: a stretch of a file at a time, in blocks."""

from collections.abc import Iterator
from itertools import islice
from typing import IO, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from support_lakehouse.io.landing import BLOCK_BYTES
from support_lakehouse.io.opened import open_bytes
from support_lakehouse.io.records import read_records
from support_lakehouse.model.feed import Feed
from support_lakehouse.model.landing import ScannedFile

_RECORDS_AT_ONCE = 100_000
_BLOCKS_AT_ONCE = 8
_BYTES_AT_ONCE = 8 * 1024 * 1024
"""So many that what is made of them stays near the processor."""


class Block(NamedTuple):
    """Records of a file: the line that each starts on, and the record as it came.

    `text` is what they were cut from, each of them a line; empty where they were cut otherwise.
    """

    lines: pa.Array
    raws: pa.Array
    text: bytes = b""


class Stretch(NamedTuple):
    """A part of a file that can be read by itself: from one of its blocks up to another."""

    file: ScannedFile
    begin: int
    end: int


def stretches(file: ScannedFile, blocks_at_once: int = _BLOCKS_AT_ONCE) -> list[Stretch]:
    """The file in stretches, in order; one where only a reader from its beginning finds records."""
    blocks = len(file.lines_before) - 1
    if file.gzipped or not file.one_line_records:
        return [Stretch(file, 0, blocks)]
    begins = range(0, max(blocks, 1), blocks_at_once)
    return [Stretch(file, begin, min(begin + blocks_at_once, blocks)) for begin in begins]


def read(
    stretch: Stretch,
    feed: Feed,
    *,
    block_bytes: int = BLOCK_BYTES,
    bytes_at_once: int = _BYTES_AT_ONCE,
) -> Iterator[Block]:
    """The records of a stretch below the header; lines of nothing but blanks may be among them.

    `block_bytes` is what the file was scanned with.
    """
    file = stretch.file
    if not file.one_line_records:
        yield from _by_record(file, feed)
        return
    with open_bytes(file.found.location, gzipped=file.gzipped) as opened:
        line = _begun(opened, stretch, block_bytes)
        end = None if file.gzipped else stretch.end * block_bytes
        for text in _texts(opened, end, bytes_at_once):
            while text and line <= file.header.line:
                text, line = text.partition(b"\n")[2], line + 1
            if text:
                block = _lines(text, line, has_carriage_returns=file.has_carriage_returns)
                line += len(block.raws)
                yield block


def _by_record(file: ScannedFile, feed: Feed) -> Iterator[Block]:
    quoted_by = feed.delimiter if feed.quoting else None
    records = read_records(file.found.location, "csv", quoted_by=quoted_by, gzipped=file.gzipped)
    if file.header.line:
        next(records)
    while taken := list(islice(records, _RECORDS_AT_ONCE)):
        lines, raws = zip(*taken, strict=True)
        yield Block(pa.array(lines, pa.int64()), pa.array(raws, pa.string()))


def _begun(opened: IO[bytes], stretch: Stretch, block_bytes: int) -> int:
    """Go to the first record of a stretch; the line that it stands on.

    Whoever reads the stretch before also reads the line that this one begins in.
    """
    if not stretch.begin:
        return 1
    opened.seek(stretch.begin * block_bytes)
    opened.readline()
    return stretch.file.lines_before[stretch.begin] + 2


def _texts(opened: IO[bytes], end: int | None, bytes_at_once: int) -> Iterator[bytes]:
    """Whole lines up to the first line end at or behind a place; some of them at a time.

    To know where a line ends before reading up to it spares a copy of all that was read.
    """
    begin = opened.tell()
    while end is None or begin <= end:
        if end is None:
            text = opened.read(bytes_at_once) + opened.readline()
        else:
            opened.seek(min(begin + bytes_at_once, end))
            opened.readline()
            size = opened.tell() - begin
            opened.seek(begin)
            text = opened.read(size)
        if not text:
            return
        begin += len(text)
        yield text


def _lines(text: bytes, first: int, *, has_carriage_returns: bool) -> Block:
    raws = _split(text, b"\r\n" if has_carriage_returns else b"\n")
    if has_carriage_returns and text.count(b"\r\n") != text.count(b"\n"):
        raws = _split(text.replace(b"\r\n", b"\n"), b"\n")  # some lines end so, some so
    return Block(pa.array(np.arange(first, first + len(raws), dtype=np.int64)), raws, text)


def _split(text: bytes, end: bytes) -> pa.Array:
    size = len(text) - len(end) * text.endswith(end)
    ends = pa.py_buffer(np.array([0, size], np.int32))
    whole = pa.StringArray.from_buffers(1, ends, pa.py_buffer(text))
    return pc.split_pattern(whole, end.decode()).flatten()
