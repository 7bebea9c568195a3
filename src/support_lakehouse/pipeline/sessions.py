"""Owns which Spark sessions a run works with, by the size of its work."""

import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from threading import RLock

from pyspark.sql import SparkSession

from support_lakehouse.io.runlog import Stages
from support_lakehouse.io.session import session_for, spark_session, started_by_spark_submit
from support_lakehouse.io.tables import Tables
from support_lakehouse.model.feed import Feed
from support_lakehouse.model.plan import Plan

IN_MEMORY_BYTES = 64 * 1024 * 1024
"""Records of fewer bytes of files are held once they are judged, in ten times as many."""
_TABLES = ""
"""Stands for no feed, among the sessions of feeds."""


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


@dataclass
class Sessions:
    """The Spark sessions of a run, which begin when something first asks for one.

    `given` is used and left open; else one is started for work of the sizes, by feed, that it is
    told of, and ended by `end`.
    """

    given: SparkSession | None
    lakehouse: Path
    run: str
    sizes: Mapping[str, int]
    stages: Stages
    _started: AbstractContextManager[SparkSession] | None = None
    _own: dict[str, SparkSession] = field(default_factory=dict)
    _lock: RLock = field(default_factory=RLock)

    def any(self) -> SparkSession:
        """The session that all others stand beside."""
        with self._lock:
            if self.given is None:
                self.given = self._start()
            return self.given

    def is_for(self, size: int) -> bool:
        """Whether work on so many bytes of files is Spark's, though it can be done in memory.

        Who submits a job to Spark wants Spark to do it, who gives a session what is big.
        """
        if started_by_spark_submit():
            return True
        return self.given is not None and self._started is None and size > IN_MEMORY_BYTES

    def of(self, feed: Feed) -> SparkSession:
        """The session of a feed."""
        with self._lock:
            if feed.name not in self._own:
                session = self.any()
                self._own[feed.name] = session_of(feed, session, self.sizes[feed.name])
            return self._own[feed.name]

    def of_tables(self, at_stake: int) -> SparkSession:
        """The session of what is made of tables, which may be of more bytes of files."""
        with self._lock:
            if _TABLES not in self._own:
                size = max(at_stake, sum(self.sizes.values()))
                self._own[_TABLES] = session_for(self.any(), size, of_tables=True)
            return self._own[_TABLES]

    def end(self) -> None:
        """End what was started; within an `except`, at once, but not before it has begun.

        A run that is stopped may leave a thread that is about to start a session.
        """
        with self._lock:
            if self._started is not None:
                self._started.__exit__(*sys.exc_info())

    def _start(self) -> SparkSession:
        log = self.lakehouse / "logs" / f"{self.run}.spark.log"
        size, warehouse = sum(self.sizes.values()), self.lakehouse / "staging"
        self._started = spark_session(bytes_at_stake=size, log=log, warehouse=warehouse)
        with self.stages.stage("session"):
            return self._started.__enter__()
