"""Owns the gates: how much of a delivery may be bad, and how small it may be (contracts.md)."""

from collections.abc import Iterable
from decimal import Decimal

import pyarrow as pa
from pyspark.sql import DataFrame

from support_lakehouse.errors import Refusal
from support_lakehouse.io.frames import AnyRows, Sessions, frame_of
from support_lakehouse.model.feed import Feed
from support_lakehouse.model.plan import Plan
from support_lakehouse.transforms import gates


def broken_gates(bronze: AnyRows, feed: Feed, plan: Plan, session: Sessions) -> list[Refusal]:
    """Why the run's files of a feed may not go in; nothing if they may.

    In: the rows of bronze of the files. Costs a job or two, for feeds with gates only.
    """
    told: list[Refusal] = []
    if "rejects" not in plan.accepted:
        told += _rejects(bronze, feed, session)
    if "short-snapshots" not in plan.accepted and feed.delivery.min_share_of_previous is not None:
        told += _short(frame_of(session, bronze), feed, plan)
    return told


def _rejects(bronze: AnyRows, feed: Feed, session: Sessions) -> list[Refusal]:
    limits = feed.delivery
    if limits.max_rejected is None and limits.max_rejected_share is None:
        return []
    told = []
    for file, rows, rejected in sorted(_rows_by_file(bronze, session)):
        allowed = limits.max_rejected
        if allowed is not None and rejected > allowed:
            told.append(Refusal(feed.name, file, _too_many(file, rows, rejected, f"{allowed}")))
        share = limits.max_rejected_share
        if share is not None and rejected > Decimal(str(share)) * rows:
            words = f"{share * 100:g}% of {rows}"
            told.append(Refusal(feed.name, file, _too_many(file, rows, rejected, words)))
    return told


def _rows_by_file(bronze: AnyRows, session: Sessions) -> Iterable[tuple[str, int, int]]:
    if isinstance(bronze, pa.Table):
        return gates.rows_by_file_in_memory(bronze)
    return [tuple(row) for row in gates.rows_by_file(frame_of(session, bronze)).collect()]


def _too_many(file: str, rows: int, rejected: int, limit: str) -> str:
    return (
        f"{file}: {rejected} of {rows} rows are rejected. Expected at most {limit}; `quarantine"
        " list --state refused` shows them, --accept rejects takes the others all the same."
    )


def _short(records: DataFrame, feed: Feed, plan: Plan) -> list[Refusal]:
    share = Decimal(str(feed.delivery.min_share_of_previous))
    kept = [e for e in plan.ledger if e.feed == feed.name]
    new = plan.new_entries(feed.name)
    keys: dict[str, int] = {}
    for entry in kept:
        keys[entry.period] = keys.get(entry.period, 0) + entry.balance.inserted
    found: dict[str, int] = dict(gates.keys_by_period(records).collect())
    for period in {entry.period for entry in new}:
        keys[period] = keys.get(period, 0) + found.get(period, 0)
    told = []
    for period in sorted({entry.period for entry in new}):
        before = max((p for p in keys if p < period), default=None)
        limit = share * keys[before] if before is not None else 0
        if keys[period] == 0 or keys[period] < limit:
            files = sorted(entry.file for entry in new if entry.period == period)
            than = f"; the delivery before, {before}, has {keys[before]}" if before else ""
            least = f"{(share * 100).normalize():f}%"
            why = (
                f"{feed.name}, {period}: {keys[period]} rows in {', '.join(files)}{than}. Expected"
                f" at least {least} of it, and some; deliver the whole day, or say with"
                " --accept short-snapshots that it is meant."
            )
            told.append(Refusal(feed.name, files[0], why))
    return told
