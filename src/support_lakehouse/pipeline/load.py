"""Owns the part of a run that needs Spark: bronze, quarantine, silver, gold, feeds side by side."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pyspark.sql import DataFrame, SparkSession

from support_lakehouse.config import Config
from support_lakehouse.io import lake
from support_lakehouse.io.runlog import Stages
from support_lakehouse.io.session import session_for, spark_session
from support_lakehouse.io.tables import Tables
from support_lakehouse.model.feed import Feed
from support_lakehouse.stages import admit, gold
from support_lakehouse.stages.apply import apply_periods
from support_lakehouse.stages.books import Applied, Counted, count_rows
from support_lakehouse.stages.plan import Plan

T = TypeVar("T")


@dataclass(frozen=True)
class Loaded:
    """What loading did: feed -> file -> counts, and feed -> period -> what silver was done."""

    counted: Mapping[str, Mapping[str, Counted]]
    applied: Mapping[str, Mapping[str, Applied]]


def load(
    config: Config,
    lakehouse: Path,
    work: Plan,
    run: str,
    stages: Stages,
    *,
    spark: SparkSession | None,
) -> Loaded:
    """Take the plan's files to gold; `spark` is used and left open, else a session is started."""
    with _session(spark, lakehouse, run, work, stages) as session:
        own = {f.name: session_for(session, work.bytes_at_stake(f.name)) for f in config.feeds}
        loading = _Loading(own, config, lakehouse, work, run, stages)
        with loading.judged() as records:
            counted = loading.admit(records)
            loading.quarantine(counted)
            applied = loading.apply(records, counted)
        with stages.stage("gold"):
            marts = session_for(session, work.bytes_at_stake())
            gold.build_marts(marts, loading.tables, config.settings)
    return Loaded(counted, applied)


@dataclass(frozen=True)
class _Loading:
    """`own` holds a session for each feed, so that what one sets does not leak into another."""

    own: Mapping[str, SparkSession]
    config: Config
    lakehouse: Path
    work: Plan
    run: str
    stages: Stages

    @property
    def feeds(self) -> list[Feed]:
        return [feed for feed in self.config.feeds if self.work.files_of(feed.name)]

    @property
    def tables(self) -> Tables:
        return Tables(self.lakehouse, self.run, self.config.settings.retention)

    @contextmanager
    def judged(self) -> Iterator[dict[str, DataFrame]]:
        """The judged records of each feed, held until all tables are made of them."""
        staging = self.lakehouse / "staging" / self.run
        try:
            with ExitStack() as held:
                yield {
                    feed.name: held.enter_context(self.tables.held(self._judge(feed, staging)))
                    for feed in self.feeds
                }
        finally:
            shutil.rmtree(staging, ignore_errors=True)

    def _judge(self, feed: Feed, staging: Path) -> DataFrame:
        files = self.work.files_of(feed.name)
        return admit.judge(self.own[feed.name], self.tables, feed, files, staging)

    def admit(self, records: Mapping[str, DataFrame]) -> dict[str, dict[str, Counted]]:
        def one(feed: Feed) -> dict[str, Counted]:
            with self.stages.stage("bronze", feed=feed.name) as told:
                admit.admit(self.tables, feed, records[feed.name])
                table = self.tables.path(admit.bronze_of(feed))
                counted = count_rows(table, lake.newest_version(table), self.run)
                told["rows"] = sum(c.read for c in counted.values())
            return counted

        return self._side_by_side(one)

    def quarantine(self, counted: Mapping[str, Mapping[str, Counted]]) -> None:
        dirty = [f for f in self.feeds if any(c.rejected for c in counted[f.name].values())]
        if not dirty and not self.work.reset:
            return
        with self.stages.stage("quarantine", feeds=len(dirty)):
            rules = self.config.fingerprint
            feeds = dirty or self.feeds
            session = self.own[feeds[0].name]
            admit.quarantine(session, self.tables, feeds, rules, anew=self.work.reset)

    def apply(
        self, records: Mapping[str, DataFrame], counted: Mapping[str, Mapping[str, Counted]]
    ) -> dict[str, dict[str, Applied]]:
        def one(feed: Feed) -> dict[str, Applied]:
            files, own = self.work.files_of(feed.name), records[feed.name]
            return apply_periods(own, self.tables, feed, files, counted[feed.name], self.stages)

        return self._side_by_side(one)

    def _side_by_side(self, work: Callable[[Feed], T]) -> dict[str, T]:
        """Do the work of each feed in a thread of its own."""
        feeds = self.feeds
        with ThreadPoolExecutor(len(feeds)) as pool:
            done = pool.map(work, feeds)
            return {feed.name: result for feed, result in zip(feeds, done, strict=True)}


@contextmanager
def _session(
    spark: SparkSession | None, lakehouse: Path, run: str, work: Plan, stages: Stages
) -> Iterator[SparkSession]:
    if spark is not None:
        yield spark
        return
    log = lakehouse / "logs" / f"{run}.spark.log"
    started = spark_session(
        bytes_at_stake=work.bytes_at_stake(), log=log, warehouse=lakehouse / "staging"
    )
    with stages.stage("session"):
        session = started.__enter__()
    try:
        yield session
    finally:
        started.__exit__(None, None, None)
