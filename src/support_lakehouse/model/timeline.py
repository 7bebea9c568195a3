"""Owns which files are folded again when some change: rewind and replay (design.md 5)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from support_lakehouse.model.books import LedgerEntry
from support_lakehouse.model.feed import Feed
from support_lakehouse.model.period import period_order


@dataclass(frozen=True)
class Fold:
    """Files that go into silver in one commit. `begins`: the table is made of them alone."""

    period: str
    files: tuple[LedgerEntry, ...]
    begins: bool = False

    @property
    def paths(self) -> tuple[str, ...]:
        return tuple(entry.file for entry in self.files)


@dataclass(frozen=True)
class Timeline:
    """What a feed's silver table is put through: perhaps a rewind, then folds in order.

    `replays` names the periods of files that were folded before and are folded again, `newest` is
    the last period of a snapshot.
    """

    rewind_to: int | None
    folds: tuple[Fold, ...]
    replays: tuple[str, ...] = ()
    newest: str = ""

    @property
    def files(self) -> tuple[LedgerEntry, ...]:
        return tuple(entry for fold in self.folds for entry in fold.files)


def order_of(entry: LedgerEntry) -> tuple[tuple[bool, str], bytes]:
    """What files are sorted by: period, then path as UTF-8 bytes (contracts.md, Order)."""
    return (period_order(entry.period), entry.file.encode())


def timeline(
    feed: Feed,
    active: Sequence[LedgerEntry],
    changed: Collection[str],
    left: Collection[str],
    versions: Mapping[str, int],
) -> Timeline:
    """How the table comes to what the active files say, given what was folded before.

    `changed` are paths that are new, corrected, or hold rows that came back; `left` the periods of
    files whose rows count no more. `versions` tells the table's version after each period.
    """
    ordered = sorted(active, key=order_of)
    touched = {entry.period for entry in active if entry.file in changed} | set(left)
    groups = [Fold(p, tuple(g)) for p, g in groupby(ordered, key=lambda e: e.period)]
    if not ordered:
        # Nothing is left of the feed: its table is made of no file, as of the first period on.
        if feed.kind != "snapshot":
            touched = {min({*touched, *versions}, key=period_order)} if touched else set()
        gone = [Fold(p, (), begins=True) for p in sorted(touched, key=period_order)]
        return Timeline(None, tuple(gone))
    if feed.kind == "lookup":
        return _of_last(ordered, changed, left)
    if feed.kind == "snapshot":
        there = {g.period: g for g in groups}
        again = (there.get(p, Fold(p, ())) for p in sorted(touched, key=period_order))
        return Timeline(None, tuple(again), newest=ordered[-1].period)
    if feed.kind == "log" or feed.files.place is None:
        return _without_periods(feed, ordered, changed, left)
    return _by_period(groups, changed, touched, versions)


def _of_last(
    ordered: Sequence[LedgerEntry], changed: Collection[str], left: Collection[str]
) -> Timeline:
    """The last delivery is the table; those before it have no say, their rows are counted only."""
    *others, last = ordered
    late = tuple(entry for entry in others if entry.file in changed)
    if last.file in changed or left:
        again = () if last.file in changed else (last.period,)
        return Timeline(None, (Fold(last.period, (*late, last), begins=True),), again)
    return Timeline(None, (Fold(late[-1].period, late),) if late else ())


def _without_periods(
    feed: Feed, ordered: Sequence[LedgerEntry], changed: Collection[str], left: Collection[str]
) -> Timeline:
    """All that is pending in one fold: on top if it comes last (or order has no say), or anew."""
    old = [e for e in ordered if e.file not in changed]
    new = [e for e in ordered if e.file in changed]
    fresh = not any(len(e.admissions) > 1 or e.release for e in new)
    last = feed.kind == "log" or not old or not new or order_of(old[-1]) < order_of(new[0])
    # Order columns may put an early row behind a late one, so only their absence lets us append.
    if new and fresh and last and not left and not (feed.order and old):
        return Timeline(None, (Fold("", tuple(new), begins=not old),))
    return Timeline(None, (Fold("", tuple(ordered), begins=True),), ("",) if old else ())


def _by_period(
    groups: Sequence[Fold],
    changed: Collection[str],
    touched: Collection[str],
    versions: Mapping[str, int],
) -> Timeline:
    if not touched:
        return Timeline(None, ())
    first = min(touched, key=period_order)
    kept = [g for g in groups if period_order(g.period) < period_order(first)]
    again = [g for g in groups if period_order(g.period) >= period_order(first)]
    before = [p for p in versions if period_order(p) < period_order(first)]
    if kept and kept[-1].period not in versions:
        before, again = [], list(groups)
    rewound = versions[max(before, key=period_order)] if before else None
    if rewound is None and again:
        if not kept and again[0].period != first:
            again.insert(0, Fold(first, ()))  # as of this period the table is empty
        again[0] = Fold(again[0].period, again[0].files, begins=True)
    replays = tuple(
        g.period
        for g in again
        if g.period in versions and any(e.file not in changed for e in g.files)
    )
    on_top = not any(period_order(p) >= period_order(first) for p in versions)
    return Timeline(None if on_top else rewound, tuple(again), replays)
