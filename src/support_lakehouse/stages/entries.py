"""Owns what the ledger says of files once they are folded: release, balance, reasons, warnings."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from support_lakehouse.model.books import LedgerEntry
from support_lakehouse.model.feed import Feed
from support_lakehouse.stages.books import Counted, Outcomes, balance_of, repeated_keys
from support_lakehouse.stages.gold_tables import ROSTER_ACTIVE

_UNKNOWN = "unknown_agent"


def folded(entry: LedgerEntry, counted: Counted, outcomes: Outcomes, release: int) -> LedgerEntry:
    """The entry of a file with what a fold did with its rows; `release` if it has none yet."""
    return replace(
        entry,
        release=entry.release or release,
        balance=balance_of(counted, outcomes, entry.file),
        reasons=counted.reasons,
        warnings=counted.warnings,
    )


def with_repeated(
    feed: Feed, entries: Sequence[LedgerEntry], bronze: Path, version: int
) -> list[LedgerEntry]:
    """All files of a log, with how many of their rows repeat a key that stood before."""
    repeated = repeated_keys(bronze, version, feed, entries)
    return [_warned(e, f"repeated:{feed.key}", repeated) for e in entries]


def with_unknown(entry: LedgerEntry, odd: Mapping[str, int] | None) -> LedgerEntry:
    """The entry with what is odd of its file today, which other files may have changed.

    None where nobody looked.
    """
    if odd is None or entry.feed != ROSTER_ACTIVE:
        return entry
    return _warned(entry, _UNKNOWN, odd)


def _warned(entry: LedgerEntry, rule: str, rows: Mapping[str, int]) -> LedgerEntry:
    """The entry with the rows of its file that a rule warns of, instead of those that it told."""
    others = {name: n for name, n in entry.warnings.items() if name != rule}
    now = {rule: rows[entry.file]} if entry.file in rows else {}
    return replace(entry, warnings={**others, **now})
