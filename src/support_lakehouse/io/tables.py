"""Owns the writing of Delta tables: each call is one commit with its userMetadata."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pyarrow as pa
from deltalake import DeltaTable
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from support_lakehouse.io import adopting, delta_rs, lake, marking
from support_lakehouse.io.datafiles import bytes_of
from support_lakehouse.io.delta_log import committed_by
from support_lakehouse.io.frames import AnyRows, Rows, Sessions, frame_of, read_at
from support_lakehouse.io.marking import Turnover
from support_lakehouse.io.staged import PartWriter, Staged, plain
from support_lakehouse.model.merge import SPARK, Merge

_READ_WHOLE_BYTES = 32 * 1024 * 1024
"""A table of fewer bytes fits into memory some times over, whatever it holds."""
_PERIOD = "_period"
_USER_METADATA = "spark.databricks.delta.commitInfo.userMetadata"


@dataclass(frozen=True)
class Tables:
    """The Delta tables under one lakehouse root, written by one run.

    `small`: what comes new fits into memory. Then Spark works the rows out, and delta-rs writes
    them: a transaction of Spark's own reads the table's state first and costs ten times as much.
    A table that is too big to be read whole stays Spark's, but for what is put on top of it.
    """

    root: Path
    run: str
    retention: timedelta
    small: bool = False

    @property
    def at(self) -> str:
        """When the run began, a moment in UTC; its name begins with it."""
        return datetime.strptime(self.run[:15], "%Y%m%dt%H%M%S").strftime("%Y-%m-%dT%H:%M:%SZ")

    @property
    def staging(self) -> Path:
        """Where the run may put files of its own, until it ends."""
        return self.root / "staging" / self.run

    def path(self, table: str) -> Path:
        return self.root / table

    def read(self, session: SparkSession, table: str, version: int | None = None) -> DataFrame:
        """A version of the table, or the newest."""
        version = self._version(table) if version is None else version
        if not self._fits(table, version):
            return read_at(session, self.path(table), version)
        schema = StructType.fromJson(lake.schema_of(self.path(table), version))
        return frame_of(lambda: session, lake.read(self.path(table), version), schema)

    def fits(self, table: str) -> bool:
        """Whether all of the table fits into memory."""
        return self._fits(table, self._version(table))

    def rows(self, session: SparkSession, table: str) -> Rows:
        """All of the table, in memory if it fits."""
        if self.fits(table):
            return self.query(table, "SELECT * FROM t")
        return self.read(session, table)

    def query(self, table: str, sql: str, version: int | None = None) -> pa.Table:
        """What a query in DataFusion's SQL finds in a version of the table, or the newest: `t`."""
        version = self._version(table) if version is None else version
        return lake.query(sql, {"t": (self.path(table), version)})

    @contextmanager
    def held(self, rows: DataFrame) -> Iterator[DataFrame]:
        """The rows, worked out once by the first that reads them, for as long as this is open."""
        # They come from files, not from a table that another version may replace meanwhile, so a
        # MERGE may read them twice and needs neither a copy of its own nor a check for one.
        conf = rows.sparkSession.conf
        conf.set("spark.databricks.delta.merge.materializeSource", "none")
        conf.set("spark.databricks.delta.merge.failSourceCachedAfterMaterialization", "false")
        kept = rows.persist()
        try:
            yield kept
        finally:
            kept.unpersist()

    @contextmanager
    def held_by_driver(self, rows: DataFrame) -> Iterator[DataFrame]:
        """The same for so few rows that plans may hold them, which spares Spark work on each."""
        yield frame_of(lambda: rows.sparkSession, rows.toArrow(), rows.schema)

    def append(
        self, rows: AnyRows, table: str, *, statistics: str, feed: str = "", period: str = ""
    ) -> int:
        """Add rows, creating the table if need be; the new version."""
        return self._write(rows, table, "append", statistics, feed=feed, period=period)

    def replace_period(
        self, rows: DataFrame, table: str, *, statistics: str, feed: str, period: str
    ) -> int:
        """Make the rows, which are all of one period, all that the table holds of it."""
        if lake.version_of(self.path(table)) is None:
            return self._write(rows, table, "overwrite", statistics, feed=feed, period=period)
        only = f"{_PERIOD} = '{period}'"  # a date, or nothing but letters and digits (model.period)
        return self._write(
            rows, table, "overwrite", statistics, feed=feed, period=period, only=only
        )

    def restore(self, table: str, version: int, *, feed: str) -> int:
        """Take the table back to a version in one commit; the new version, or the same."""
        if version == self._version(table):
            return version
        told = self._metadata(feed, "rewind")
        DeltaTable(self.path(table)).restore(version, commit_properties=committed_by(told))
        return self._version(table)

    def replace(
        self,
        rows: AnyRows,
        table: str,
        *,
        statistics: str,
        feed: str = "",
        period: str = "",
        vectors: bool = False,
    ) -> int:
        """Make the rows all the table holds; its history stays. The new version.

        `vectors`: if this makes the table, later MERGEs mark rows as gone (deletion vectors)
        instead of copying the files that they stand in.
        """
        return self._write(
            rows, table, "overwrite", statistics, feed=feed, period=period, vectors=vectors
        )

    def replaced(self, rows: Rows, table: str, *, statistics: str) -> Rows:
        """The same, in memory where the rows are; all of the table, to go on."""
        if isinstance(rows, DataFrame):
            self.replace(rows, table, statistics=statistics)
            return self.rows(rows.sparkSession, table)
        self._write_in_memory(rows, table, "overwrite", statistics, self._metadata("", ""))
        return rows

    def merge(
        self,
        source: DataFrame,
        table: str,
        merge: Merge,
        *,
        within: Column | None = None,
        feed: str,
        period: str,
    ) -> int:
        """MERGE a source of columns as `model.merge.SPARK` calls them; the version afterwards.

        `within`: what is known of all rows that it may meet, which spares files.
        """
        values = {name: F.expr(value) for name, value in merge.values(SPARK).items()}
        on, session = F.expr(merge.on(SPARK)), source.sparkSession
        session.conf.set(_USER_METADATA, self._metadata(feed, period))
        # The target is read three times, and a task for each of its files would cost as much again.
        session.conf.set("spark.sql.files.openCostInBytes", "0")
        (
            source.mergeInto(self._sql_name(table), on if within is None else on & within)
            .whenMatched(F.expr(merge.delete_when(SPARK)))
            .delete()
            .whenMatched(F.expr(merge.update_when(SPARK)))
            .update(values)
            .whenNotMatched(F.expr(merge.insert_when(SPARK)))
            .insert(values)
            .merge()
        )
        return self._version(table)

    def merge_in_memory(
        self,
        changes: pa.Table,
        table: str,
        merge: Merge,
        *,
        feed: str,
        period: str,
        shown: Sequence[str] = (),
    ) -> tuple[int, Turnover | None]:
        """The same of changes that fit into memory, in columns as they are called; no Spark.

        Told where rows are marked: columns `shown` of those that it took out and put in.
        """
        path, told, turnover = self.path(table), self._metadata(feed, period), None
        if self.in_memory(table):
            delta_rs.merge(path, changes, merge, told)
        else:
            turnover = marking.merge(path, changes, merge, told, shown)
        return self._version(table), turnover

    def marks(self, table: str) -> bool:
        """Whether `merge_in_memory` can mark rows of the table instead of copying its files."""
        return marking.writes(self.path(table))

    def upsert(
        self,
        rows: Rows,
        table: str,
        key: str,
        parts: Callable[[], tuple[Mapping[str, Column], Mapping[str, Column]]],
        session: Sessions,
    ) -> int:
        """MERGE rows by a key; rows in memory of which none is there yet are put on top instead.

        `parts` tells Spark what a row that is there takes over, and what a new one is.
        """
        if self.small and isinstance(rows, DataFrame):
            rows = rows.toArrow()
        if isinstance(rows, pa.Table) and self._has_none(table, key, rows):
            return self._write_in_memory(rows, table, "append", "", self._metadata("", ""))
        frame = frame_of(session, rows)
        update, insert = parts()
        source = frame.withColumnsRenamed({name: f"new_{name}" for name in frame.columns})
        frame.sparkSession.conf.set(_USER_METADATA, self._metadata("", ""))
        (
            source.mergeInto(self._sql_name(table), F.col(key) == F.col(f"new_{key}"))
            .whenMatched()
            .update(dict(update))
            .whenNotMatched()
            .insert(dict(insert))
            .merge()
        )
        return self._version(table)

    def _has_none(self, table: str, key: str, rows: pa.Table) -> bool:
        """Whether the rows can be put on top of a table, as it has none with their keys."""
        path = self.path(table)
        return delta_rs.writes(path) and not delta_rs.has_any(path, key, rows[key].to_pylist())

    def _sql_name(self, table: str) -> str:
        return "delta.`" + str(self.path(table)).replace("`", "``") + "`"

    def _write(
        self,
        rows: AnyRows,
        table: str,
        mode: str,
        statistics: str,
        *,
        feed: str,
        period: str,
        only: str | None = None,
        vectors: bool = False,
    ) -> int:
        told = self._metadata(feed, period)
        if not isinstance(rows, DataFrame):
            return self._write_at_hand(rows, table, mode, statistics, told, vectors=vectors)
        if not vectors and (self._is_open(table) if mode == "append" else self.in_memory(table)):
            return self._write_in_memory(rows.toArrow(), table, mode, statistics, told, only)
        kept = f"interval {self.retention.days} days"
        writer = rows.write.format("delta").mode(mode)
        if only is not None:
            writer = writer.option("replaceWhere", only)
        if vectors:
            writer = writer.option("delta.enableDeletionVectors", "true")
        (
            writer.option("overwriteSchema", str(mode == "overwrite" and only is None).lower())
            .option("userMetadata", told)
            .option("delta.logRetentionDuration", kept)
            .option("delta.deletedFileRetentionDuration", kept)
            .option("delta.dataSkippingStatsColumns", statistics)
            .save(str(self.path(table)))
        )
        return self._version(table)

    def _write_at_hand(
        self,
        rows: pa.Table | Staged,
        table: str,
        mode: str,
        statistics: str,
        told: str,
        *,
        vectors: bool,
    ) -> int:
        """The same of rows that Spark does not have to work out."""
        path = self.path(table)
        new = lake.version_of(path) is None
        if isinstance(rows, pa.Table):
            if delta_rs.writes(path) and not (new and vectors):
                return self._write_in_memory(rows, table, mode, statistics, told)
            file = self.staging / f"{uuid4()}.parquet"
            writer = PartWriter("", file, bounds=statistics.split(","))
            writer.write(rows)
            rows = writer.done()
        return adopting.adopt(
            *(path, rows, told),
            mode=mode,
            statistics=statistics,
            configuration=delta_rs.configuration(statistics, self.retention),
            vectors=vectors,
        )

    def _write_in_memory(
        self,
        rows: pa.Table,
        table: str,
        mode: str,
        statistics: str,
        told: str,
        only: str | None = None,
    ) -> int:
        delta_rs.write(
            *(self.path(table), plain(rows), told),
            mode=mode,
            only=only,
            statistics=statistics,
            retention=self.retention,
        )
        return self._version(table)

    def in_memory(self, table: str) -> bool:
        """Whether delta-rs makes the rows of the table anew."""
        if not self._is_open(table):
            return False
        version = lake.version_of(self.path(table))
        return version is None or self._fits(table, version)

    def _fits(self, table: str, version: int) -> bool:
        return bytes_of(self.path(table), version) <= _READ_WHOLE_BYTES

    def _is_open(self, table: str) -> bool:
        """Whether delta-rs may put rows on top of the table."""
        return self.small and delta_rs.writes(self.path(table))

    def _metadata(self, feed: str, period: str) -> str:
        return json.dumps({"run": self.run, "feed": feed, "period": period})

    def _version(self, table: str) -> int:
        return lake.newest_version(self.path(table))
