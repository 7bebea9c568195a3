"""Owns a release opened for reading: its own versions, or what bronze makes of it again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from support_lakehouse.config import Config
from support_lakehouse.errors import UsageError
from support_lakehouse.io import ops
from support_lakehouse.model.release import Release
from support_lakehouse.stages.kept import is_there, place_of
from support_lakehouse.stages.released import Released, open_released

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


def readable(
    config: Config,
    lakehouse: Path,
    *,
    release: int | None = None,
    as_of: str | None = None,
    spark: SparkSession | None = None,
) -> Released:
    """A release with all its silver tables, perhaps as of a month.

    Where maintenance removed their versions, they are made again from bronze, once, by Spark.
    Raises Damaged where that comes to something else, UsageError as `open_released` does.
    """
    opened = open_released(lakehouse, release=release, as_of=as_of)
    if release is None or _is_there(opened):
        return opened
    # Imported here: only what is made again needs Spark and the time to import it.
    from support_lakehouse.pipeline.remake import rebuild

    releases = tuple(ops.read_releases(lakehouse))
    made = rebuild(config, lakehouse, releases, opened.release, spark=spark)
    if opened.as_of is not None:
        made = rebuild(config, lakehouse, releases, opened.release, as_of=opened.as_of, spark=spark)
    return Released(place_of(lakehouse, opened.release, opened.as_of), made, as_of=None)


def _is_there(opened: Released) -> bool:
    silver = [name for name in opened.release.tables if name.startswith("silver/")]
    versions = [(name, opened.version(name)) for name in silver]
    return all(v is None or is_there(opened.lakehouse / name, v) for name, v in versions)


@dataclass(frozen=True)
class OpenRelease:
    """The frames of one release: Arrow tables, or Spark's where a session is given."""

    config: Config
    lakehouse: Path
    release: Release
    spark: SparkSession | None = None

    @property
    def tables(self) -> list[str]:
        """The tables of the release, as in `silver/interactions`."""
        return sorted(self.release.tables)

    def table(self, name: str) -> pa.Table | DataFrame:
        """All rows of a table as released. Raises UsageError where the release has none."""
        of = self._readable(name)
        if self.spark is None:
            return of.table(name)
        # Imported here: who reads Arrow needs no Spark.
        from support_lakehouse.io.frames import read_at

        version = of.version(name)
        if version is None:
            raise UsageError(f"release {self.release.release} has no table {name}")
        return read_at(self.spark, of.lakehouse / name, version)

    def report(self) -> pa.Table | DataFrame:
        """The rows of support_report in the order in which they are published."""
        of = Released(self.lakehouse, self.release, None)
        rows = of.support_report(self.config.settings.business_zone)
        return rows if self.spark is None else self.spark.createDataFrame(rows)

    def _readable(self, name: str) -> Released:
        if not name.startswith("silver/"):
            return Released(self.lakehouse, self.release, None)
        number = self.release.release
        return readable(self.config, self.lakehouse, release=number, spark=self.spark)


def open_release(
    config: Config, number: int | None, lakehouse: Path, spark: SparkSession | None
) -> OpenRelease:
    """The release numbered, or the newest."""
    found = open_released(lakehouse, release=number).release
    return OpenRelease(config, lakehouse, found, spark)
