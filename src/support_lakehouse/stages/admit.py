"""Owns admission: records of new files judged in the pass that reads them, bronze, quarantine."""

from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.errors import AnalysisException, ParseException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from support_lakehouse.errors import ConfigError
from support_lakehouse.io import lake
from support_lakehouse.io.frames import AnyRows, Rows, Sessions, frame_of
from support_lakehouse.io.staged import Staged
from support_lakehouse.io.staging import Landed, labelled, landed_records, without_labels
from support_lakehouse.io.tables import Tables
from support_lakehouse.model.books import OPEN, LedgerEntry
from support_lakehouse.model.feed import Feed
from support_lakehouse.model.landing import ScannedFile, Shape
from support_lakehouse.stages.judging import BRONZE_BOUNDS, Judged
from support_lakehouse.transforms import quarantine as Q
from support_lakehouse.transforms import searching
from support_lakehouse.transforms.fields import with_fields
from support_lakehouse.transforms.judge import judged

QUARANTINE = "quarantine"
_HELD_ROWS = 1_000_000
"""So many rejected rows are held; more of them Spark reads."""


def bronze_of(feed: Feed) -> str:
    return f"bronze/{feed.name}"


def judge(
    session: SparkSession, tables: Tables, feed: Feed, files: Sequence[ScannedFile], staging: Path
) -> list[Landed]:
    """Every record of the files with its verdict and its typed values, not worked out yet.

    Raises ConfigError where Spark cannot make sense of an expression of the feed's rules.
    """
    landed = landed_records(session, files, feed, staging / f"{feed.name}.parquet")
    shape = Shape.of(files)
    return [Landed(own, judge_records(rows, tables, feed, shape)) for own, rows in landed]


def judge_records(records: DataFrame, tables: Tables, feed: Feed, shape: Shape) -> DataFrame:
    """The same for records from elsewhere, as those that come back from quarantine."""
    try:
        return judged(records, feed, shape, run=tables.run)
    except (AnalysisException, ParseException) as error:
        raise ConfigError(
            f"an expression cannot be worked out: {_first_line(error)}",
            where=f"conf/feeds, {feed.name}: rules",
            expected="Spark SQL over the feed's columns that is true or false",
        ) from error


def to_hold(judged_records: DataFrame) -> DataFrame:
    """Judged records without what is the same for all of a file: half of what holding costs."""
    return without_labels(judged_records).drop("run")


def told_again(held: DataFrame, tables: Tables, files: Sequence[ScannedFile]) -> DataFrame:
    """The judged records that were held, whole again."""
    return labelled(held, files).withColumn("run", F.lit(tables.run))


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), "no reason")


def admit(tables: Tables, feed: Feed, bronze: AnyRows) -> None:
    """Append rows of bronze to the feed's table."""
    tables.append(bronze, bronze_of(feed), statistics=BRONZE_BOUNDS, feed=feed.name)


def stored(
    session: SparkSession, tables: Tables, feed: Feed, entries: Sequence[LedgerEntry]
) -> DataFrame:
    """The rows of files that bronze holds, with their verdict of then and their typed values."""
    admissions = [name for entry in entries for name in entry.admissions]
    bronze = tables.read(session, bronze_of(feed))
    shape = Shape(tuple(dict.fromkeys(entry.header for entry in entries)), quotes=feed.quoting)
    return with_fields(bronze.where(bronze.admission.isin(admissions)), feed, shape)


def quarantine(
    session: Sessions,
    tables: Tables,
    judged: Mapping[str, Judged],
    files: Sequence[ScannedFile],
    rules: Mapping[str, str],
    *,
    state: str,
    anew: bool,
) -> None:
    """Put rejected rows of feeds into quarantine in one commit; entries of old bytes step aside.

    In: the judged records of each feed. `anew` forgets what is there, as a reset does.
    """
    entries = [
        _entries(records, feed, rules=rules[feed], state=state, session=session)
        for feed, records in judged.items()
    ]
    there = lake.version_of(tables.path(QUARANTINE)) is not None
    taken = {(f.found.feed, f.found.path): f.sha256 for f in files if state == OPEN}
    if there and not anew and any(taken.get(k, sha) != sha for k, sha in _waiting(tables)):
        rows = [(*place, sha256) for place, sha256 in taken.items()]
        frame = session().createDataFrame(rows, "feed string, file string, sha256 string")
        entries.append(Q.superseded(tables.read(session(), QUARANTINE), frame))
    if entries:
        together = _together(entries, session, small=tables.small)
        write_entries(tables, together, session, anew=anew or not there)


def _entries(judged: Judged, feed: str, *, rules: str, state: str, session: Sessions) -> Rows:
    """The entries of quarantine that judged records come to."""
    bronze = judged.bronze
    if isinstance(bronze, Staged) and (judged.rejected or 0) <= _HELD_ROWS:
        bronze = bronze.read(pc.field("reasons").is_valid())
    if isinstance(bronze, pa.Table):
        return Q.quarantined_in_memory(bronze, feed, rules=rules, state=state)
    return Q.quarantined(frame_of(session, bronze), feed, rules=rules, state=state)


def _together(entries: Sequence[Rows], session: Sessions, *, small: bool) -> Rows:
    """All of them, in memory where they are there or are few."""
    there = next((rows for rows in entries if isinstance(rows, pa.Table)), None)
    if there is not None and (small or all(isinstance(rows, pa.Table) for rows in entries)):
        told = (r.toArrow() if isinstance(r, DataFrame) else r for r in entries)
        return pa.concat_tables([rows.cast(there.schema) for rows in told])
    return reduce(DataFrame.unionByName, (frame_of(session, rows) for rows in entries))


def _waiting(tables: Tables) -> Iterator[tuple[tuple[str, str], str]]:
    """The files, with their content, that have entries which somebody may wait for."""
    table = tables.path(QUARANTINE)
    pinned = {"quarantine": (table, lake.newest_version(table))}
    for row in lake.query(searching.WAITING, pinned).to_pylist():
        yield (row["feed"], row["file"]), row["sha256"]


def write_entries(
    tables: Tables, entries: AnyRows, session: Sessions, *, anew: bool = False
) -> None:
    """Merge entries into quarantine by their id."""
    if anew:
        tables.replace(entries, QUARANTINE, statistics="feed,file,line,period,run")
    elif not isinstance(entries, pa.Table) or entries.num_rows:
        tables.upsert(entries, QUARANTINE, Q.KEY, Q.merge_parts, session)
