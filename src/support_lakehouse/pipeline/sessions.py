"""Owns which Spark sessions a run works with, by the size of its work."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pyspark.sql import SparkSession

from support_lakehouse.config import Config
from support_lakehouse.io.runlog import Stages
from support_lakehouse.io.session import session_for, spark_session
from support_lakehouse.model.feed import Feed
from support_lakehouse.model.plan import Plan, feeds_at_work
from support_lakehouse.stages import gold


def bytes_at_work(plan: Plan, config: Config, *, adds: bool) -> int:
    """The size of all files that a run's work may grow with.

    With marts that are made anew it is all there are. Else the marts look at what came alone, and
    where categories may go to other departments, at interactions.
    """
    if not adds:
        return plan.bytes_at_stake()
    feeds = {feed.table: feed for feed in config.feeds}
    at_work = {feed.table for feed in feeds_at_work(plan, config.feeds)}
    looked_at = at_work | ({gold.INTERACTIONS} if gold.CATEGORIES in at_work else set())
    return sum(plan.bytes_at_stake(feeds[table].name) for table in looked_at)


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
