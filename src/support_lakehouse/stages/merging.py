"""Owns the MERGE of one month into a silver table: by which engine, where, and whether at all."""

from dataclasses import dataclass
from pathlib import Path

from pyspark.sql import DataFrame

from support_lakehouse.io import lake
from support_lakehouse.io.datafiles import key_ranges
from support_lakehouse.io.frames import AnyRows, Sessions, frame_of
from support_lakehouse.io.marking import Turnover
from support_lakehouse.io.tables import Tables
from support_lakehouse.model.feed import Feed
from support_lakehouse.model.spans import Range, touched
from support_lakehouse.transforms import fold as F

_PERHAPS_NOTHING = 1_000
"""So few changes may all be what the table says already: then a MERGE of Spark's is spared, as it
would copy the rows that it met and commit them as they were. Looking costs a join, so for more
changes it is not done; a commit without effect is the worst that can come of it."""
_MANY_KEYS = 1_000_000
"""More changes than this are not held: they are merged by Spark, and nobody asks which files."""


@dataclass(frozen=True)
class Merging:
    """One period's changes on their way into a feed's table.

    `accepted` rows they come from at most; `before` is the table's version; `big`: a table whose
    rows are marked, not copied; `shown` are the columns that its `Turnover` is to tell.
    """

    tables: Tables
    feed: Feed
    period: str
    accepted: int
    before: int
    big: bool
    session: Sessions
    shown: tuple[str, ...] = ()

    def merge(self, winners: AnyRows) -> tuple[int, int, Turnover | None]:
        """MERGE one change per key: the version afterwards, how many there were, what they did."""
        merge, to = F.merge_of(self.feed), {"feed": self.feed.name, "period": self.period}
        if self._in_memory:
            changes = winners.toArrow() if isinstance(winners, DataFrame) else winners
            version, turnover = self.tables.merge_in_memory(
                changes, self.feed.table, merge, **to, shown=self.shown
            )
            return version, changes.num_rows, turnover
        with self.tables.held(frame_of(self.session, winners)) as held:
            if self._changes_nothing(held):
                return self.before, 0, None
            ranges = self._touched(held)
            # Delta skips files by literals alone, never by what it joins to.
            within = None if ranges is None else F.is_within(merge.key, ranges)
            source = F.source_of(held)
            version = self.tables.merge(source, self.feed.table, merge, within=within, **to)
            if self.big:  # where Spark makes a sieve of the source, Delta counts its rows twice
                return version, held.count(), None
            return version, lake.metrics_of(self._path, version).get("numSourceRows", 0), None

    @property
    def _in_memory(self) -> bool:
        """Whether the changes are merged without Spark."""
        table = self.feed.table
        return self.tables.in_memory(table) or (self._few_plain_keys and self.tables.marks(table))

    @property
    def _few_plain_keys(self) -> bool:
        key = self.feed.column(self.feed.key or "")
        return key.type.name in ("text", "integer") and self.accepted <= _MANY_KEYS

    @property
    def _path(self) -> Path:
        return self.tables.path(self.feed.table)

    def _changes_nothing(self, winners: DataFrame) -> bool:
        if self.accepted > _PERHAPS_NOTHING:
            return False
        current = self.tables.read(winners.sparkSession, self.feed.table)
        return F.effective(winners, current, self.feed).isEmpty()

    def _touched(self, winners: DataFrame) -> list[Range] | None:
        """Where in the table the changes' keys may stand, None where looking would not pay.

        What is asked of a table stands in its log for good, so not of keys that are personal.
        """
        key = self.feed.column(self.feed.key or "")
        if key.personal or not self._few_plain_keys:
            return None
        files = key_ranges(self._path, self.before, key.name)
        if files is None:
            return None
        return touched(files, sorted(winners.select(key.name).toArrow()[0].to_pylist()))
