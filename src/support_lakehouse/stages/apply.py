"""Owns silver: accepted changes go in fold by fold, each a commit of its own (laws L1, L5)."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType

from pyspark.sql import DataFrame

from support_lakehouse.io import lake
from support_lakehouse.io.frames import AnyRows, Sessions, frame_of
from support_lakehouse.io.runlog import Stages
from support_lakehouse.io.staged import Staged
from support_lakehouse.io.tables import Tables
from support_lakehouse.model.feed import Feed
from support_lakehouse.model.timeline import Fold, Timeline
from support_lakehouse.stages.books import (
    Applied,
    Counted,
    Outcomes,
    agree,
    outcomes_of_merge,
    rows_of_period,
)
from support_lakehouse.stages.judging import bounds_of
from support_lakehouse.stages.merging import Merging
from support_lakehouse.transforms import arrow_fold
from support_lakehouse.transforms import fold as F

_HELD_ROWS = 1_000_000
"""Changes in files are held if they are no more; more of them Spark reads."""


@dataclass(frozen=True)
class Silver:
    """One feed's way into silver.

    `counted` tells what the rows of each file come to; `session` is for what is not folded in
    memory; `anew`: what the tables hold counts no more;
    `big`: so much that copying files for the sake of some rows costs more than marking these;
    `shown`: the columns of rows, taken out or put in by a month, that marts look at.
    """

    tables: Tables
    feed: Feed
    counted: Mapping[str, Counted]
    stages: Stages
    session: Sessions
    anew: bool = False
    big: bool = False
    shown: tuple[str, ...] = ()

    def apply(self, changes: AnyRows, timeline: Timeline) -> dict[str, Applied]:
        """Rewind if need be and fold the accepted changes of each fold, in order; by period.

        A file without accepted rows changes nothing; the first fold makes the table in any case.
        """
        table, feed = self.feed.table, self.feed
        if timeline.rewind_to is not None:
            self.tables.restore(table, timeline.rewind_to, feed=feed.name)
        applied = {}
        for fold in timeline.folds:
            rows = sum(self.counted[path].accepted for path in fold.paths)
            with self.stages.stage("silver", feed=feed.name, period=fold.period, rows=rows):
                applied[fold.period] = self._fold(self._of_fold(changes, fold), fold)
        if feed.kind == "snapshot" and timeline.folds:
            self._latest(timeline.newest)
        return applied

    def _of_fold(self, changes: AnyRows, fold: Fold) -> AnyRows:
        """The changes of a fold: at hand where they can be folded so, else for Spark."""
        if isinstance(changes, Staged):
            changes = changes.of_files(fold.paths)
            if self._is_the_table(fold):
                return changes
            if changes.num_rows > _HELD_ROWS:
                return frame_of(self.session, changes)
            changes = changes.read()
        else:
            changes = _by(changes).of_files(changes, fold.paths)
        # What several files of a fold do, one after another, Spark alone tells.
        single = self.feed.kind != "snapshot" and self._single(fold)
        alone = single or self.feed.kind in ("log", "lookup")
        return changes if alone else frame_of(self.session, changes)

    def _is_the_table(self, fold: Fold) -> bool:
        """Whether the changes are what the table becomes: no delete, and no key twice."""
        if self.feed.kind == "log":
            return True
        if not fold.begins or self.feed.kind not in ("changes", "events") or not self._single(fold):
            return False
        told = self.counted[fold.paths[0]]
        return told.won == told.accepted and not told.winners.get("delete")

    def _fold(self, changes: AnyRows, fold: Fold) -> Applied:
        match self.feed.kind:
            case "log":
                return self._log(changes, fold)
            case "lookup":
                return self._lookup(changes, fold)
            case "snapshot":
                return self._snapshot(changes, fold)
            case _:
                return self._begin(changes, fold) if fold.begins else self._merge(changes, fold)

    def _begin(self, changes: AnyRows, fold: Fold) -> Applied:
        outcomes = self._outcomes(changes, fold, met=False)
        rows = _as_rows(self._winners(changes, fold))
        written = self._replace(rows, self.feed.table, fold)
        if outcomes is None:
            told = self.counted[fold.paths[0]].winners
            absent = told.get("delete", 0)
            own = {"inserted": sum(told.values()) - absent, "absent_deletes": absent}
            outcomes = {fold.paths[0]: own}
        self._check_growth(outcomes, written, fold)
        return Applied(self._version(self.feed.table), outcomes)

    def _merge(self, changes: AnyRows, fold: Fold) -> Applied:
        table = self.feed.table
        before = self._version(table)
        accepted = sum(self.counted[path].accepted for path in fold.paths)
        if not accepted:
            return Applied(before, {path: {} for path in fold.paths})
        outcomes = self._outcomes(changes, fold, met=True)
        merging = Merging(
            *(self.tables, self.feed, fold.period, accepted, before, self.big),
            session=self.session,
            shown=self.shown,
        )
        version, came, turnover = merging.merge(self._winners(changes, fold))
        metrics = self._metrics(table, version) if version != before else {}
        if outcomes is None:
            told = self.counted[fold.paths[0]]
            if metrics:
                agree(told.won, came, table, f"keys of {fold.period}")
            outcomes = {fold.paths[0]: outcomes_of_merge(told, metrics)}
        grown = metrics.get("numTargetRowsInserted", 0) - metrics.get("numTargetRowsDeleted", 0)
        self._check_growth(outcomes, grown, fold)
        return Applied(version, outcomes, turnover)

    def _log(self, changes: AnyRows, fold: Fold) -> Applied:
        table, rows = self.feed.table, _as_rows(changes)
        outcomes = {path: {"inserted": self.counted[path].accepted} for path in fold.paths}
        if fold.begins:
            written = self._replace(rows, table, fold)
        else:
            before = self._version(table)
            version = self.tables.append(
                rows, table, statistics=self._statistics, feed=self.feed.name, period=fold.period
            )
            written = self._rows_written(table, before, version)
        self._check_growth(outcomes, written, fold)
        return Applied(self._version(table), outcomes)

    def _lookup(self, changes: AnyRows, fold: Fold) -> Applied:
        """The last delivery is the table; those that came before it have rows to count only.

        Each is counted by itself: what others said before it must not depend on what came when.
        """
        table, outcomes = (
            self.feed.table,
            {p: {"inserted": self.counted[p].won} for p in fold.paths},
        )
        if fold.begins:
            rows = self._latest_per_key(_by(changes).of_files(changes, fold.paths[-1:]))
            written = self._replace(_as_rows(rows), table, fold)
            won = sum(outcomes[path]["inserted"] for path in fold.paths[-1:])
            agree(won, written, table, f"keys of {', '.join(fold.paths[-1:]) or 'no file'}")
        return Applied(self._version(table), outcomes)

    def _snapshot(self, changes: AnyRows, fold: Fold) -> Applied:
        table, changes = self.feed.history, frame_of(self.session, changes)
        outcomes = self._counted_outcomes(changes, None, fold)
        assert self.feed.key is not None
        rows = F.latest_per_key(changes, self.feed.key, order=F.order_of(self.feed))
        rows = F.without_deletes(rows)
        if fold.begins:
            written = self._replace(rows, table, fold)
        else:
            version = self.tables.replace_period(
                rows, table, statistics=self._statistics, feed=self.feed.name, period=fold.period
            )
            written = rows_of_period(self.tables.path(table), version, fold.period)
        self._check_growth(outcomes, written, fold)
        return Applied(self._version(table), outcomes)

    def _latest(self, newest: str) -> None:
        history = self.tables.read(self.session(), self.feed.history)
        self.tables.replace(
            F.latest_state(history, self.feed, newest).select(*history.columns),
            self.feed.table,
            statistics=self._statistics,
            feed=self.feed.name,
            period=newest,
        )

    def _winners(self, changes: AnyRows, fold: Fold) -> AnyRows:
        """One change per key; where no key stands twice there is nothing to choose."""
        if self._single(fold):
            told = self.counted[fold.paths[0]]
            if told.won == told.accepted:
                return changes
        return self._latest_per_key(changes)

    def _latest_per_key(self, changes: AnyRows) -> AnyRows:
        assert self.feed.key is not None
        by_key = _by(changes).latest_per_key
        latest: AnyRows = by_key(changes, self.feed.key, order=F.order_of(self.feed))
        return latest

    def _single(self, fold: Fold) -> bool:
        """Whether bronze alone tells which rows win: one file, in order of its lines."""
        return len(fold.files) == 1 and not self.feed.order

    def _outcomes(self, changes: AnyRows, fold: Fold, *, met: bool) -> dict[str, Outcomes] | None:
        """What each file of several does; None where one file's own counts tell it.

        `met`: whether the changes meet the rows of the table.
        """
        if self._single(fold):
            return None
        changes = frame_of(self.session, changes)
        before = self.tables.read(changes.sparkSession, self.feed.table) if met else None
        return self._counted_outcomes(changes, before, fold)

    def _counted_outcomes(
        self, changes: DataFrame, before: DataFrame | None, fold: Fold
    ) -> dict[str, Outcomes]:
        told: dict[str, dict[str, int]] = {path: {} for path in fold.paths}
        for file, outcome, rows in F.outcomes(changes, before, self.feed).collect():
            told[file][outcome] = rows
        return dict(told)

    def _check_growth(self, outcomes: Mapping[str, Outcomes], rows: int, fold: Fold) -> None:
        grown = sum(o.get("inserted", 0) - o.get("deleted", 0) for o in outcomes.values())
        agree(grown, rows, f"{self.feed.table}, {fold.period or 'all files'}", "rows more")

    def _replace(self, rows: AnyRows, table: str, fold: Fold) -> int:
        version = self.tables.replace(
            *(rows, table),
            statistics=self._statistics,
            feed=self.feed.name,
            period=fold.period,
            vectors=self.big,
        )
        return self._metrics(table, version).get("numOutputRows", 0)

    def _rows_written(self, table: str, before: int | None, version: int) -> int:
        """Of a write that commits nothing where there is nothing to write."""
        return 0 if version == before else self._metrics(table, version).get("numOutputRows", 0)

    def _version(self, table: str) -> int:
        return lake.newest_version(self.tables.path(table))

    def _metrics(self, table: str, version: int) -> dict[str, int]:
        return lake.metrics_of(self.tables.path(table), version)

    @property
    def _statistics(self) -> str:
        return bounds_of(self.feed)


def _by(changes: AnyRows) -> ModuleType:
    """What folds such changes."""
    return F if isinstance(changes, DataFrame) else arrow_fold


def _as_rows(changes: AnyRows) -> AnyRows:
    """What a table without any row becomes by the changes; in files there is no delete."""
    if isinstance(changes, Staged):
        return changes.without(F.ACTION)
    rows: AnyRows = _by(changes).without_deletes(changes)
    return rows
