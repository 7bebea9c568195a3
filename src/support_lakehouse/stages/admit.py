"""Owns admission: records of new files into bronze, judged in the pass that reads them."""

from collections.abc import Sequence
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession

from support_lakehouse.io.staging import landed_records
from support_lakehouse.io.tables import Tables
from support_lakehouse.model.feed import Feed
from support_lakehouse.model.landing import ScannedFile, Shape
from support_lakehouse.transforms.judge import bronze_rows, judged
from support_lakehouse.transforms.quarantine import quarantined

_PRUNED_BY = "period,file,line,run"
QUARANTINE = "quarantine"


def bronze_of(feed: Feed) -> str:
    return f"bronze/{feed.name}"


def judge(
    session: SparkSession, tables: Tables, feed: Feed, files: Sequence[ScannedFile], staging: Path
) -> DataFrame:
    """Every record of the files with its verdict and its typed values, not worked out yet."""
    records = landed_records(session, files, feed.delimiter, staging / f"{feed.name}.parquet")
    return judged(records, feed, Shape.of(files), run=tables.run)


def admit(tables: Tables, feed: Feed, records: DataFrame) -> None:
    """Append the judged records to the feed's bronze table."""
    tables.append(bronze_rows(records), bronze_of(feed), statistics=_PRUNED_BY, feed=feed.name)


def quarantine(
    session: SparkSession, tables: Tables, feeds: Sequence[Feed], rules: str, *, anew: bool
) -> None:
    """Put this run's rejected rows of the feeds into quarantine, in one commit."""
    bronze = {feed.name: tables.read(session, bronze_of(feed)) for feed in feeds}
    rows = quarantined(bronze, run=tables.run, rules=rules)
    write = tables.replace if anew else tables.append
    write(rows, QUARANTINE, statistics="feed,file,line,period,run")
