"""Owns which engine judges a feed's new files, and what it hands on of them."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import pyarrow as pa
from pyspark.sql import DataFrame

from support_lakehouse.io import blocks
from support_lakehouse.io.staged import PartWriter, Staged, plain, together
from support_lakehouse.io.tables import AnyRows
from support_lakehouse.model.feed import Feed
from support_lakehouse.model.landing import ScannedFile
from support_lakehouse.transforms import arrow_judge
from support_lakehouse.transforms import fold as F
from support_lakehouse.transforms.arrow_judge import can_judge
from support_lakehouse.transforms.fingerprint import ROW_HASH
from support_lakehouse.transforms.judge import bronze_rows

__all__ = ["Judged", "by_spark", "can_judge", "in_files", "in_memory"]

BRONZE_BOUNDS = "admission,file"
"""The columns that bronze is looked through by."""
_UNLIKE = ("line", "key", "raw", F.LINE, ROW_HASH)
_MOMENTS = ("timestamp", "timestamp_ntz")


@dataclass(frozen=True)
class Judged:
    """The records of new files: as bronze has them, and the changes that are accepted."""

    bronze: AnyRows
    changes: AnyRows

    @property
    def rejected(self) -> int | None:
        """How many records are rejected; None where that is not worked out yet."""
        if isinstance(self.bronze, DataFrame) or isinstance(self.changes, DataFrame):
            return None
        return int(self.bronze.num_rows - self.changes.num_rows)


def by_spark(judged_records: DataFrame, feed: Feed) -> Judged:
    """What Spark judged, not worked out yet."""
    changes = F.accepted_changes(judged_records, feed)
    return Judged(bronze_rows(judged_records), changes)


def bounds_of(feed: Feed) -> str:
    """The columns of silver that Delta keeps bounds of: those looked for, none personal."""
    own = [feed.key] if feed.key and not feed.column(feed.key).personal else []
    return ",".join([*own, F.PERIOD] if feed.kind == "snapshot" else own or [F.LINE])


def in_memory(feed: Feed, files: Sequence[ScannedFile], run: str) -> Judged:
    """Judge files that are small enough to be held."""
    stretches = chain.from_iterable(map(blocks.stretches, files))
    told = [part for stretch in stretches for part in _judged(stretch, feed, run)]
    bronze, changes = (pa.concat_tables(map(plain, tables)) for tables in zip(*told, strict=True))
    return Judged(bronze, changes)


def in_files(feed: Feed, files: Sequence[ScannedFile], run: str, staging: Path) -> Judged:
    """Judge files of any size, as many stretches at a time as there are processors."""
    stretches = [stretch for file in files for stretch in blocks.stretches(file)]

    def one(number: int) -> tuple[Staged, Staged]:
        return _staged(stretches[number], feed, run, staging / f"{feed.name}-{number:05}")

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        bronze, changes = zip(*pool.map(one, range(len(stretches))), strict=True)
    return Judged(together(bronze), together(changes))


def _staged(stretch: blocks.Stretch, feed: Feed, run: str, path: Path) -> tuple[Staged, Staged]:
    """The judged records of a stretch, in a file for bronze and one for silver."""
    file = stretch.file.found.path
    moments = [column.name for column in feed.columns if column.type.name in _MOMENTS]
    own = {*_UNLIKE, *moments, feed.key or F.LINE}
    bronze = PartWriter(
        file, path.with_suffix(".bronze.parquet"), unlike=own, bounds=BRONZE_BOUNDS.split(",")
    )
    changes = PartWriter(
        file, path.with_suffix(".silver.parquet"), unlike=own, bounds=bounds_of(feed).split(",")
    )
    for judged in _judged(stretch, feed, run):
        bronze.write(judged.bronze)
        changes.write(judged.changes)
    return bronze.done(), changes.done()


def _judged(stretch: blocks.Stretch, feed: Feed, run: str) -> Iterator[arrow_judge.Judged]:
    """At least one part, be it of no record."""
    none = blocks.Block(pa.array([], pa.int64()), pa.array([], pa.string()))
    yield arrow_judge.judged(*none, file=stretch.file, feed=feed, run=run)
    for block in blocks.read(stretch, feed):
        yield arrow_judge.judged(*block, file=stretch.file, feed=feed, run=run)
