"""Owns the way of records from files into Spark: big plain files by lines, all others staged."""

import re
from collections.abc import Iterator, Sequence
from functools import reduce
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from support_lakehouse.io.landing import BLOCK_BYTES
from support_lakehouse.io.records import read_records
from support_lakehouse.model.landing import ScannedFile

STAGED_UP_TO_BYTES = 8 * 1024 * 1024
"""Smaller files are split into records here: Spark would spend more on opening them."""
_ROWS_AT_ONCE = 100_000
_LABEL = pa.dictionary(pa.int32(), pa.string())
_SCHEMA = pa.schema(
    [("period", _LABEL), ("file", _LABEL), ("line", pa.int64()), ("sha256", _LABEL)]
    + [("header", _LABEL), ("raw", pa.string())]
)
COLUMNS = tuple(_SCHEMA.names)


def landed_records(
    session: SparkSession,
    files: Sequence[ScannedFile],
    delimiter: str,
    staging: Path,
    *,
    staged_up_to: int = STAGED_UP_TO_BYTES,
    block_bytes: int = BLOCK_BYTES,
) -> DataFrame:
    """The records of the files below their headers: period, file, line, sha256, header, raw.

    `staging` is a file to write to that Spark can read; both ways give the same rows.
    """
    by_lines = [f for f in files if f.one_line_records and f.found.size > staged_up_to]
    staged = [f for f in files if f not in by_lines]
    frames = [_by_lines(session, file, block_bytes) for file in by_lines]
    if staged:
        _stage(staged, delimiter, staging)
        frames.append(session.read.parquet(_escaped(staging)).select(*COLUMNS))
    return reduce(DataFrame.unionByName, frames)


def _stage(files: Sequence[ScannedFile], delimiter: str, staging: Path) -> None:
    staging.parent.mkdir(parents=True, exist_ok=True)
    with pq.ParquetWriter(staging, _SCHEMA, compression="zstd", write_statistics=False) as writer:
        for file in files:
            for batch in _batches(file, delimiter):
                writer.write_table(batch)


def _batches(file: ScannedFile, delimiter: str) -> Iterator[pa.Table]:
    found, header = file.found, file.header
    records = read_records(found.location, delimiter, one_line_records=file.one_line_records)
    next(records)  # the header
    while rows := list(islice(records, _ROWS_AT_ONCE)):
        lines, raws = zip(*rows, strict=True)
        columns = [
            *(_repeated(text, len(rows)) for text in (found.period, found.path)),
            pa.array(lines, pa.int64()),
            *(_repeated(text, len(rows)) for text in (file.sha256, header.text)),
            pa.array(raws, pa.string()),
        ]
        yield pa.Table.from_arrays(columns, schema=_SCHEMA)


def _repeated(text: str, times: int) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array([0] * times, pa.int32()), pa.array([text]))


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
            F.lit(file.header.text).alias("header"),
            raw.alias("raw"),
        )
        .where(F.col("line") > file.header.line)
        .select(*COLUMNS)
    )


def _escaped(path: Path) -> str:
    """The path as Spark's readers take it: characters of a glob stand for themselves."""
    return re.sub(r"([\\\[\]{}*?])", r"\\\1", str(path))
