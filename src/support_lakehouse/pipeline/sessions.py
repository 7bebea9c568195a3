"""Owns which Spark sessions a run works with, by the size of its work."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pyspark.sql import SparkSession

from support_lakehouse.io.runlog import Stages
from support_lakehouse.io.session import session_for, spark_session
from support_lakehouse.io.tables import Tables
from support_lakehouse.model.feed import Feed
from support_lakehouse.model.plan import Plan


def bytes_at_work(plan: Plan, feed: Feed, tables: Tables) -> int:
    """The size of the files whose rows Spark looks at for a feed's silver.

    Those that stand there already are among them only where it has to read the table: to MERGE,
    to tell the files of one fold apart, or to find the latest row of each key.
    """
    folds = [fold for fold in plan.timeline(feed).folds if not fold.begins]
    told_apart = any(feed.order or len(fold.files) > 1 for fold in folds)
    by_spark = bool(folds) and not (tables.in_memory(feed.table) or tables.marks(feed.table))
    if feed.kind == "snapshot" or told_apart or by_spark:
        return plan.bytes_at_stake(feed.name)
    return plan.bytes_to_fold([feed])


def session_of(feed: Feed, session: SparkSession, bytes_at_stake: int) -> SparkSession:
    """A session of one feed's own, so that what it sets does not leak into another's."""
    unsorted = [c.name for c in feed.columns if c.type.name == "text" and c.name != feed.key]
    unique = [feed.key] if feed.key else []
    return session_for(session, bytes_at_stake, lenient=True, unique=unique, unsorted=unsorted)


@contextmanager
def session_of_run(
    spark: SparkSession | None, lakehouse: Path, run: str, size: int, stages: Stages
) -> Iterator[SparkSession]:
    """The session that is given, left open, or one for work of a size, ended afterwards."""
    if spark is not None:
        yield spark
        return
    log = lakehouse / "logs" / f"{run}.spark.log"
    started = spark_session(bytes_at_stake=size, log=log, warehouse=lakehouse / "staging")
    with stages.stage("session"):
        session = started.__enter__()
    try:
        yield session
    finally:
        started.__exit__(None, None, None)
