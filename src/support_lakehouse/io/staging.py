"""Owns the way of records from files into Spark: big plain files by lines, all others staged."""

import re
from collections.abc import Iterator, Sequence
from functools import reduce
from itertools import islice, repeat
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from support_lakehouse.io.landing import BLOCK_BYTES
from support_lakehouse.io.records import Record, read_records
from support_lakehouse.model.feed import Feed
from support_lakehouse.model.landing import ScannedFile

STAGED_UP_TO_BYTES = 8 * 1024 * 1024
"""Smaller files are split into records here: Spark would spend more on opening them."""
_PLAIN_PATH = re.compile(r"(?:[\w .=+-]+/)*[a-z0-9][\w .=+-]*", re.ASCII | re.IGNORECASE)
_UNPACKED_BY_SPARK = (".gz", ".gzip", ".bz2", ".deflate", ".lz4", ".snappy", ".zst", "._copying_")
_ROWS_AT_ONCE = 100_000
_LABEL = pa.dictionary(pa.int32(), pa.string())
_SCHEMA = pa.schema(
    [("period", _LABEL), ("file", _LABEL), ("line", pa.int64()), ("sha256", _LABEL)]
    + [("admission", _LABEL), ("header", _LABEL), ("raw", pa.string())]
)
COLUMNS = tuple(_SCHEMA.names)


def landed_records(
    session: SparkSession,
    files: Sequence[ScannedFile],
    feed: Feed,
    staging: Path,
    *,
    staged_up_to: int = STAGED_UP_TO_BYTES,
    block_bytes: int = BLOCK_BYTES,
) -> DataFrame:
    """The records of the files, below their headers if they have any: a frame of COLUMNS.

    `staging` is a file to write to that Spark can read; both ways give the same rows.
    """
    by_lines = [f for f in files if _has_plain_lines(f) and f.found.size > staged_up_to]
    staged = [f for f in files if f not in by_lines]
    frames = [_by_lines(session, file, block_bytes) for file in by_lines]
    if staged:
        _stage(staged, feed, staging)
        frames.append(session.read.parquet(_escaped(staging)).select(*COLUMNS))
    return reduce(DataFrame.unionByName, frames)


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
    """Some records of one file."""

    file: ScannedFile
    records: list[Record]

    @property
    def labels(self) -> dict[str, str]:
        """What is the same for all of them, by column."""
        file = self.file
        return {
            "period": file.found.period,
            "file": file.found.path,
            "sha256": file.sha256,
            "admission": file.admission,
            "header": file.header.text,
        }


def _stage(files: Sequence[ScannedFile], feed: Feed, staging: Path) -> None:
    staging.parent.mkdir(parents=True, exist_ok=True)
    with pq.ParquetWriter(staging, _SCHEMA, compression="zstd", write_statistics=False) as writer:
        waiting: list[_Piece] = []
        rows = 0
        for piece in (piece for file in files for piece in _pieces(file, feed)):
            waiting.append(piece)
            rows += len(piece.records)
            if rows >= _ROWS_AT_ONCE:
                writer.write_table(_table(waiting))
                waiting.clear()
                rows = 0
        if waiting:
            writer.write_table(_table(waiting))


def _pieces(file: ScannedFile, feed: Feed) -> Iterator[_Piece]:
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
        yield _Piece(file, rows)


def _table(pieces: Sequence[_Piece]) -> pa.Table:
    """One table of many small files too: each by itself would cost more than all its rows."""
    lengths = [len(piece.records) for piece in pieces]
    labels = [piece.labels for piece in pieces]
    columns = {name: _repeated([told[name] for told in labels], lengths) for name in labels[0]}
    lines, raws = zip(*(record for piece in pieces for record in piece.records), strict=True)
    columns |= {"line": pa.array(lines, pa.int64()), "raw": pa.array(raws, pa.string())}
    return pa.Table.from_arrays([columns[name] for name in COLUMNS], schema=_SCHEMA)


def _repeated(texts: Sequence[str], times: Sequence[int]) -> pa.Array:
    """Each text so many times, as a dictionary."""
    places = {text: place for place, text in enumerate(dict.fromkeys(texts))}
    counted = zip(texts, times, strict=True)
    indices = [place for text, n in counted for place in repeat(places[text], n)]
    return pa.DictionaryArray.from_arrays(pa.array(indices, pa.int32()), pa.array(list(places)))


def _by_lines(session: SparkSession, file: ScannedFile, block_bytes: int) -> DataFrame:
    """Let Spark read a file by lines, block by block, and number them.

    A reader that starts inside a file leaves the line it lands in to the one before, so block k
    begins with the line after the first line end at or behind its first byte. Each block is a
    partition of its own (io.session), and the id that Spark gives counts from 0 within it.
    """
    text = (
        session.read.option("lineSep", "\n")
        .text(_escaped(file.found.location))
        .select(
            F.col("value"),
            F.col("_metadata.file_block_start").alias("block_start"),
            F.monotonically_increasing_id().alias("id"),
        )
    )
    bases = F.array(*(F.lit(b + (2 if k else 1)) for k, b in enumerate(file.lines_before)))
    block = (F.col("block_start") / block_bytes).cast("int")
    line = F.get(bases, block) + F.col("id").bitwiseAND(F.lit((1 << 33) - 1))
    raw = F.rtrim("value", F.lit("\r")) if file.has_carriage_returns else F.col("value")
    return (
        text.select(
            F.lit(file.found.period).alias("period"),
            F.lit(file.found.path).alias("file"),
            line.cast("bigint").alias("line"),
            F.lit(file.sha256).alias("sha256"),
            F.lit(file.admission).alias("admission"),
            F.lit(file.header.text).alias("header"),
            raw.alias("raw"),
        )
        .where(F.col("line") > file.header.line)
        .select(*COLUMNS)
    )


def _escaped(path: Path) -> str:
    """The path as Spark's readers take it: characters of a glob stand for themselves."""
    return re.sub(r"([\\\[\]{}*?])", r"\\\1", str(path))
