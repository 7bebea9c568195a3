"""Owns the writing of Delta tables by Spark: each call is one commit with its userMetadata."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from pyspark.sql import Column, DataFrame, SparkSession

from support_lakehouse.io import lake

_USER_METADATA = "spark.databricks.delta.commitInfo.userMetadata"


@dataclass(frozen=True)
class Tables:
    """The Delta tables under one lakehouse root, written by one run."""

    root: Path
    run: str
    retention: timedelta

    def path(self, table: str) -> Path:
        return self.root / table

    def read(self, session: SparkSession, table: str) -> DataFrame:
        """The newest version of the table."""
        return session.read.format("delta").load(str(self.path(table)))

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

    def append(self, rows: DataFrame, table: str, *, statistics: str, feed: str = "") -> int:
        """Add rows, creating the table if need be; the new version."""
        return self._write(rows, table, "append", statistics, feed=feed, period="")

    def replace(
        self, rows: DataFrame, table: str, *, statistics: str, feed: str = "", period: str = ""
    ) -> int:
        """Make the rows all the table holds; its history stays. The new version."""
        return self._write(rows, table, "overwrite", statistics, feed=feed, period=period)

    def merge(
        self,
        source: DataFrame,
        table: str,
        *,
        on: Column,
        delete_when: Column,
        update_when: Column,
        insert_when: Column,
        assignments: dict[str, Column],
        feed: str,
        period: str,
    ) -> int:
        """MERGE the source; the table's version afterwards, the old one if nothing changed."""
        session = source.sparkSession
        session.conf.set(_USER_METADATA, self._metadata(feed, period))
        target = "delta.`" + str(self.path(table)).replace("`", "``") + "`"
        (
            source.mergeInto(target, on)
            .whenMatched(delete_when)
            .delete()
            .whenMatched(update_when)
            .update(assignments)
            .whenNotMatched(insert_when)
            .insert(assignments)
            .merge()
        )
        return self._version(table)

    def _write(
        self, rows: DataFrame, table: str, mode: str, statistics: str, *, feed: str, period: str
    ) -> int:
        kept = f"interval {self.retention.days} days"
        (
            rows.write.format("delta")
            .mode(mode)
            .option("overwriteSchema", str(mode == "overwrite").lower())
            .option("userMetadata", self._metadata(feed, period))
            .option("delta.logRetentionDuration", kept)
            .option("delta.deletedFileRetentionDuration", kept)
            .option("delta.dataSkippingStatsColumns", statistics)
            .save(str(self.path(table)))
        )
        return self._version(table)

    def _metadata(self, feed: str, period: str) -> str:
        return json.dumps({"run": self.run, "feed": feed, "period": period})

    def _version(self, table: str) -> int:
        return lake.newest_version(self.path(table))
