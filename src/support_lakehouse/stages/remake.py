"""Owns silver and gold made again from bronze, in a place of their own, as known at a release."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession

from support_lakehouse.config import Config
from support_lakehouse.io.tables import Tables
from support_lakehouse.model.books import LedgerEntry
from support_lakehouse.model.feed import Feed
from support_lakehouse.model.landing import Shape
from support_lakehouse.model.period import period_order
from support_lakehouse.model.release import TableState
from support_lakehouse.model.timeline import order_of
from support_lakehouse.stages.books import fingerprint
from support_lakehouse.stages.gold import build_marts
from support_lakehouse.stages.kept import Pinned
from support_lakehouse.transforms import compare
from support_lakehouse.transforms import fold as F
from support_lakehouse.transforms.fields import with_fields


@dataclass(frozen=True)
class Remaking:
    """What is made again: the tables of a release, by its ledger, under `root`.

    `pinned` says which versions of the lakehouse are read; `up_to` leaves out later periods of
    feeds with months.
    """

    session: SparkSession
    config: Config
    pinned: Pinned
    ledger: Sequence[LedgerEntry]
    root: Path
    up_to: str | None = None

    @cached_property
    def tables(self) -> Tables:
        return Tables(self.root, self.pinned.release.run, self.config.settings.retention)

    def entries(self, feed: Feed) -> list[LedgerEntry]:
        """The files of a feed that count, in order."""
        own = [e for e in self.ledger if e.feed == feed.name and e.state == "loaded"]
        if self.up_to is not None and feed.kind in ("changes", "events") and feed.files.place:
            own = [e for e in own if period_order(e.period) <= period_order(self.up_to)]
        return sorted(own, key=order_of)

    def changes(self, feed: Feed) -> DataFrame:
        """The accepted changes of the files that count, from bronze; none where no file does."""
        entries = self.entries(feed)
        admissions = [name for entry in entries for name in entry.admissions]
        bronze = self.pinned.frame(self.session, f"bronze/{feed.name}")
        headers = dict.fromkeys(e.header for e in entries) or {feed.column_names: None}
        shape = Shape(tuple(headers), quotes=feed.quoting)
        records = with_fields(bronze.where(bronze.admission.isin(admissions)), feed, shape)
        return F.accepted_changes(records, feed)

    def silver(self, feed: Feed) -> list[str]:
        """Make the feed's silver tables; their names."""
        changes, entries = self.changes(feed), self.entries(feed)
        if feed.kind == "lookup" and entries:
            changes = F.of_files(changes, [entries[-1].file])
        rows = compare.folded(changes, feed)
        if feed.kind != "snapshot":
            self._write(rows, feed.table)
            return [feed.table]
        self._write(rows, feed.history)
        history = self.tables.read(self.session, feed.history)
        newest = max((e.period for e in entries), key=period_order, default="")
        latest = F.latest_state(history, feed, newest).select(*history.columns)
        self._write(latest, feed.table)
        return [feed.history, feed.table]

    def marts(self, made: Sequence[str]) -> None:
        """Make every mart whose sources were all made, by Spark: runs count by DataFusion."""
        loaded = [e for e in self.ledger if e.state == "loaded"]
        parts = (lambda: self.session, self.tables, self.config, loaded, set(made))
        build_marts(*parts, by_spark=True)

    def states(self) -> dict[str, TableState]:
        """Each table under the root: its version, rows and fingerprint."""
        there = [*self.root.glob("silver/*"), *self.root.glob("gold/*")]
        names = sorted(path.relative_to(self.root).as_posix() for path in there)
        return {name: TableState(0, *fingerprint(self.root / name, 0)) for name in names}

    def _write(self, rows: DataFrame, table: str) -> None:
        self.tables.replace(rows, table, statistics="_line")
