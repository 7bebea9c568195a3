"""Owns silver: accepted changes go in period by period, each a commit of its own (laws L1, L5)."""

from collections.abc import Mapping, Sequence

from pyspark.sql import DataFrame

from support_lakehouse.errors import BooksDoNotBalance
from support_lakehouse.io import lake
from support_lakehouse.io.runlog import Stages
from support_lakehouse.io.tables import Tables
from support_lakehouse.model.feed import Feed
from support_lakehouse.model.landing import ScannedFile
from support_lakehouse.model.period import INITIAL
from support_lakehouse.stages.books import Applied, Counted
from support_lakehouse.transforms import fold

_PERHAPS_NOTHING = 1_000
"""So few changes may all be what the table says already: then a MERGE is spared, as Delta would
copy the rows that it met and commit them as they were. Looking costs a join, so for more changes
it is not done; a commit without effect is the worst that can come of it."""


def silver_of(feed: Feed) -> str:
    return f"silver/{feed.name}"


def apply_periods(
    records: DataFrame,
    tables: Tables,
    feed: Feed,
    files: Sequence[ScannedFile],
    counted: Mapping[str, Counted],
    stages: Stages,
) -> dict[str, Applied]:
    """Fold the accepted records of each period, in order, into the feed's silver table.

    A file without accepted rows changes nothing; an extract without any still makes the table.
    """
    changes = fold.accepted_changes(records, feed)
    applied = {}
    for file in files:
        told = counted.get(file.found.path, Counted(0, 0))
        period = file.found.period
        own = _winners(changes.where(changes._period == period), feed, told)
        with stages.stage("silver", feed=feed.name, period=period, rows=told.accepted):
            if period == INITIAL:
                applied[period] = _begin(tables, feed, own, told)
            elif told.won:
                applied[period] = _merge(tables, feed, own, told, period)
    return applied


def _winners(changes: DataFrame, feed: Feed, counted: Counted) -> DataFrame:
    """One change per key; where no key stands twice there is nothing to choose."""
    if counted.won == counted.accepted:
        return changes
    return fold.latest_per_key(changes, feed.key, order=fold.PLACE)


def _begin(tables: Tables, feed: Feed, changes: DataFrame, counted: Counted) -> Applied:
    table = silver_of(feed)
    version = tables.replace(
        fold.without_deletes(changes),
        table,
        statistics=_statistics(feed),
        feed=feed.name,
        period=INITIAL,
    )
    written = lake.metrics_of(tables.path(table), version).get("numOutputRows", 0)
    _agree(counted.won, written, feed, INITIAL)
    return Applied(version, inserted=written)


def _merge(
    tables: Tables, feed: Feed, changes: DataFrame, counted: Counted, period: str
) -> Applied:
    table = silver_of(feed)
    before = lake.newest_version(tables.path(table))
    if counted.won <= _PERHAPS_NOTHING:
        rows = tables.read(changes.sparkSession, table)
        if fold.effective(changes, rows, feed).isEmpty():
            return Applied(before)
    version = tables.merge(
        table=table, feed=feed.name, period=period, **vars(fold.merge_of(changes, feed))
    )
    if version == before:
        return Applied(version)
    told = lake.metrics_of(tables.path(table), version)
    _agree(counted.won, told["numSourceRows"], feed, period)
    return Applied(
        version,
        inserted=told["numTargetRowsInserted"],
        updated=told["numTargetRowsUpdated"],
        deleted=told["numTargetRowsDeleted"],
    )


def _agree(counted: int, merged: int, feed: Feed, period: str) -> None:
    if counted != merged:
        raise BooksDoNotBalance(
            f"{counted} keys were counted, {merged} rows were folded",
            where=f"{silver_of(feed)}, {period}",
            hint="Nothing was released. This is a fault of the program; please report it.",
        )


def _statistics(feed: Feed) -> str:
    """The columns Delta keeps minima and maxima of: key and dates, none that is personal."""
    dates = [c.name for c in feed.columns if c.type.name in ("date", "timestamp")]
    public = [c.name for c in feed.columns if not c.personal]
    return ",".join(name for name in (feed.key, *dates) if name in public) or "_line"
