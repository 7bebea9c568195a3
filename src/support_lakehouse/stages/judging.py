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
from support_lakehouse.io.frames import AnyRows
from support_lakehouse.io.staged import PartWriter, RangeWriter, Staged, plain, together
from support_lakehouse.model.feed import Feed
from support_lakehouse.model.landing import ScannedFile
from support_lakehouse.model.spans import Key, begins_of
from support_lakehouse.transforms import arrow_judge
from support_lakehouse.transforms import fold as F
from support_lakehouse.transforms.arrow_judge import can_judge
from support_lakehouse.transforms.hashing import ROW_HASH
from support_lakehouse.transforms.judge import bronze_rows

__all__ = ["Judged", "by_spark", "can_judge", "in_files", "in_memory"]

BRONZE_BOUNDS = "admission,file"
"""The columns that bronze is looked through by."""
_UNLIKE = ("line", "key", "raw", F.LINE, ROW_HASH)
_MOMENTS = ("timestamp", "timestamp_ntz")
_SAMPLE_BYTES = 64 * 1024
"""Records of so many bytes at the beginning of each stretch tell in what order a file is."""


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
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        told = [
            _in_files(feed, file, run, staging / f"{feed.name}-{number:05}", pool)
            for number, file in enumerate(files)
        ]
    bronze, changes = zip(*told, strict=True)
    return Judged(together(bronze), together(changes))


def _in_files(
    feed: Feed, file: ScannedFile, run: str, folder: Path, pool: ThreadPoolExecutor
) -> tuple[Staged, Staged]:
    """The judged records of a file, in files for bronze and for silver.

    For silver those of a file without order are laid out by ranges of their keys: then a month
    meets the files that may hold its keys, and no others.
    """
    stretches = blocks.stretches(file)

    def writer(layer: str, number: int, bounds: str) -> PartWriter:
        path = folder / f"{layer}-{number:05}.parquet"
        return PartWriter(file.found.path, path, unlike=_unlike(feed), bounds=bounds.split(","))

    begins = _begins(feed, stretches, run, pool)
    by_range = [writer("ranges", number, bounds_of(feed)) for number in range(len(begins) + 1)]
    ranges = RangeWriter(by_range, key=feed.key or "", begins=begins) if begins else None

    def judge(number: int) -> tuple[Staged, Staged | None]:
        bronze = writer("bronze", number, BRONZE_BOUNDS)
        changes = ranges or writer("silver", number, bounds_of(feed))
        for judged in _judged(stretches[number], feed, run):
            bronze.write(judged.bronze)
            changes.write(judged.changes)
        return bronze.done(), None if ranges else changes.done()

    told = list(pool.map(judge, range(len(stretches))))
    changes = [ranges.done()] if ranges else [own for _, own in told if own]
    return together([bronze for bronze, _ in told]), together(changes)


def _unlike(feed: Feed) -> set[str]:
    """The columns whose values hardly ever repeat."""
    moments = (column.name for column in feed.columns if column.type.name in _MOMENTS)
    return {*_UNLIKE, *moments, feed.key or F.LINE}


def _begins(
    feed: Feed, stretches: Sequence[blocks.Stretch], run: str, pool: ThreadPoolExecutor
) -> list[Key]:
    """Where ranges of a file's keys begin; none where they are in order, or not looked for."""
    is_looked_for = feed.kind in ("changes", "events") and bounds_of(feed) == feed.key
    if len(stretches) < 2 or not is_looked_for:
        return []

    def some(stretch: blocks.Stretch) -> list[Key]:
        block = next(blocks.read(stretch, feed, bytes_at_once=_SAMPLE_BYTES), None)
        if block is None:
            return []
        told = arrow_judge.judged(*block, file=stretch.file, feed=feed, run=run)
        return list(told.changes[feed.key].to_pylist())

    return begins_of(list(pool.map(some, stretches)))


def _judged(stretch: blocks.Stretch, feed: Feed, run: str) -> Iterator[arrow_judge.Judged]:
    """At least one part, be it of no record."""
    none = blocks.Block(pa.array([], pa.int64()), pa.array([], pa.string()))
    yield arrow_judge.judged(*none, file=stretch.file, feed=feed, run=run)
    for block in blocks.read(stretch, feed):
        yield arrow_judge.judged(*block, file=stretch.file, feed=feed, run=run)
