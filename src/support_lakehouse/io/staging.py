"""Owns the way of records from files into Spark: big ones by lines, all others split here."""

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from support_lakehouse.io.frames import escaped, frame_of
from support_lakehouse.io.landing import BLOCK_BYTES
from support_lakehouse.io.records import Record, read_records
from support_lakehouse.model.feed import Feed
from support_lakehouse.model.landing import ScannedFile

STAGED_UP_TO_BYTES = 8 * 1024 * 1024
"""Smaller files are split into records here: Spark would spend more on opening them."""
PLANNED_UP_TO_BYTES = 1024 * 1024
"""So little in all becomes a part of the plan, which spares Spark another file to open."""
_PLAIN_PATH = re.compile(r"(?:[\w .=+-]+/)*[a-z0-9][\w .=+-]*", re.ASCII | re.IGNORECASE)
_UNPACKED_BY_SPARK = (".gz", ".gzip", ".bz2", ".deflate", ".lz4", ".snappy", ".zst", "._copying_")
_ROWS_AT_ONCE = 100_000
_SCHEMA = pa.schema([("place", pa.int32()), ("line", pa.int64()), ("raw", pa.string())])
_STAGED = "place int, line bigint, raw string"
_LABELS = ("period", "file", "sha256", "admission", "header")
COLUMNS = ("place", *_LABELS, "line", "raw")
_SEPARATOR = "\0"
"""Stands between labels: no path and no CSV header that Spark could read holds one."""


class Landed(NamedTuple):
    """Records that are read together, and the files they come from: a frame of COLUMNS.

    `place` is that of the record's file among the files.
    """

    files: Sequence[ScannedFile]
    records: DataFrame


def landed_records(
    session: SparkSession,
    files: Sequence[ScannedFile],
    feed: Feed,
    staging: Path,
    *,
    staged_up_to: int = STAGED_UP_TO_BYTES,
    planned_up_to: int = PLANNED_UP_TO_BYTES,
    block_bytes: int = BLOCK_BYTES,
) -> list[Landed]:
    """The records of the files, below their headers if they have any: each big file by itself.

    `staging` is a file to write to that Spark can read; all ways give the same rows.
    """
    by_lines: list[ScannedFile] = []
    staged: list[ScannedFile] = []
    for file in files:
        is_big = _has_plain_lines(file) and file.found.size > staged_up_to
        (by_lines if is_big else staged).append(file)
    landed = [Landed((file,), _by_lines(session, file, block_bytes)) for file in by_lines]
    if staged:
        few = sum(file.unpacked_bytes for file in staged) <= planned_up_to
        rows = _planned(session, staged, feed) if few else _staged(session, staged, feed, staging)
        landed.append(Landed(staged, rows))
    return [Landed(own, labelled(records, own)) for own, records in landed]


def without_labels(records: DataFrame) -> DataFrame:
    """The records without what their files say of each: hundreds of bytes a row to hold."""
    return records.drop(*_LABELS)


def labelled(records: DataFrame, files: Sequence[ScannedFile]) -> DataFrame:
    """The records with what their files say of each, by the `place` of its file among the files."""
    told = [_labels_of(file) for file in files]
    return records.withColumns({n: _by_place([one[n] for one in told]) for n in _LABELS})


def _by_place(texts: Sequence[str]) -> Column:
    """The text at the `place`; Spark passes by the records of a single file for another's sake."""
    if len(texts) == 1:
        return F.lit(texts[0])
    # Spark works this out once: a plan with a literal for each file would not be small.
    return F.get(F.split(F.lit(_SEPARATOR.join(texts)), _SEPARATOR), F.col("place"))


def _labels_of(file: ScannedFile) -> dict[str, str]:
    """What is the same for all records of a file, by column."""
    return {
        "period": file.found.period,
        "file": file.found.path,
        "sha256": file.sha256,
        "admission": file.admission,
        "header": file.header.text,
    }


def _has_plain_lines(file: ScannedFile) -> bool:
    """Whether Spark, reading the file by lines, finds its records.

    Spark passes by names that begin with a dot or an underscore, unpacks by the ending of a name
    and stumbles over colons; such files it gets staged, so that any name will do.
    """
    path = file.found.path
    is_plain = _PLAIN_PATH.fullmatch(path) and not path.lower().endswith(_UNPACKED_BY_SPARK)
    has_lines = file.layout in ("csv", "lines") and file.one_line_records and not file.gzipped
    return has_lines and bool(is_plain)


class _Piece(NamedTuple):
    """Some records of one file, and its place among the files."""

    place: int
    records: list[Record]


def _planned(session: SparkSession, files: Sequence[ScannedFile], feed: Feed) -> DataFrame:
    return frame_of(lambda: session, _table(list(_pieces_of(files, feed))))


def _staged(
    session: SparkSession, files: Sequence[ScannedFile], feed: Feed, staging: Path
) -> DataFrame:
    _write(_pieces_of(files, feed), staging)
    # Told the schema, Spark needs no job to find it out.
    return session.read.schema(_STAGED).parquet(escaped(staging))


def _write(pieces: Iterator[_Piece], staging: Path) -> None:
    staging.parent.mkdir(parents=True, exist_ok=True)
    with pq.ParquetWriter(staging, _SCHEMA, compression="zstd", write_statistics=False) as writer:
        waiting: list[_Piece] = []
        rows = 0
        for piece in pieces:
            waiting.append(piece)
            rows += len(piece.records)
            if rows >= _ROWS_AT_ONCE:
                writer.write_table(_table(waiting))
                waiting.clear()
                rows = 0
        if waiting:
            writer.write_table(_table(waiting))


def _pieces_of(files: Sequence[ScannedFile], feed: Feed) -> Iterator[_Piece]:
    return (piece for placed in enumerate(files) for piece in _pieces(*placed, feed))


def _pieces(place: int, file: ScannedFile, feed: Feed) -> Iterator[_Piece]:
    quoted = file.layout == "csv" and feed.quoting and not file.one_line_records
    records = read_records(
        file.found.location,
        file.layout,
        quoted_by=feed.delimiter if quoted else None,
        gzipped=file.gzipped,
    )
    if file.header.line:
        next(records)
    while rows := list(islice(records, _ROWS_AT_ONCE)):
        yield _Piece(place, rows)


def _table(pieces: Sequence[_Piece]) -> pa.Table:
    """One table of many small files too: each by itself would cost more than all its rows."""
    if not pieces:
        return _SCHEMA.empty_table()
    places = [piece.place for piece in pieces for _ in piece.records]
    lines, raws = zip(*(record for piece in pieces for record in piece.records), strict=True)
    columns = [pa.array(places, pa.int32()), pa.array(lines, pa.int64()), pa.array(raws)]
    return pa.Table.from_arrays(columns, schema=_SCHEMA)


def _by_lines(session: SparkSession, file: ScannedFile, block_bytes: int) -> DataFrame:
    """Let Spark read a file by lines, block by block, and number them.

    A reader that starts inside a file leaves the line it lands in to the one before, so block k
    begins with the line after the first line end at or behind its first byte. Each block is a
    partition of its own (io.session), and the id that Spark gives counts from 0 within it.
    """
    text = (
        session.read.option("lineSep", "\n")
        .text(escaped(file.found.location))
        .select(
            F.col("value"),
            F.col("_metadata.file_block_start").alias("block_start"),
            F.monotonically_increasing_id().alias("id"),
        )
    )
    bases = F.array(*(F.lit(b + (2 if k else 1)) for k, b in enumerate(file.lines_before)))
    block = (F.col("block_start") / block_bytes).cast("int")
    line = F.get(bases, block) + F.col("id").bitwiseAND(F.lit((1 << 33) - 1))
    raw = _without_carriage_return(F.col("value")) if file.has_carriage_returns else F.col("value")
    return text.select(
        F.lit(0).alias("place"), line.cast("bigint").alias("line"), raw.alias("raw")
    ).where(F.col("line") > file.header.line)


def _without_carriage_return(line: Column) -> Column:
    """The line without the first half of its CRLF, by bytes: Spark is slow to count characters."""
    short = F.substring(line.cast("binary"), F.lit(1), F.octet_length(line) - 1).cast("string")
    return F.when(F.endswith(line, F.lit("\r")), short).otherwise(line)
