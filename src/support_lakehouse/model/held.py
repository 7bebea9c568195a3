"""Owns what a rollback holds: the files, and the withdrawals, that came after its release."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from support_lakehouse.model.books import WITHDRAWAL_HELD, Balance, LedgerEntry

Content = tuple[str, str, str]
"""A file with certain bytes: feed, path, sha256."""


def after_rollback(
    now: Sequence[LedgerEntry], then: Sequence[LedgerEntry]
) -> tuple[LedgerEntry, ...]:
    """The ledger after going back from `now` to `then`.

    Once accepted, what is held leads where it led before: what counts now is held unless it counts
    then, what a person took out stays out, and what counts then and was taken out since is loaded,
    with its withdrawal held.
    """
    loaded = [e for e in then if e.state == "loaded"]
    out = {e.place for e in now if e.state == WITHDRAWAL_HELD}
    counts = [e for e in now if e.state == "loaded"]
    stays = [e for e in counts if e.place not in out] + _those(now, "held")
    taken_out = _those(now, "withdrawn") + [e for e in counts if e.place in out]
    aside = {_content(e): e for e in (*_those(then, "held"), *_those(then, "withdrawn"))}
    aside |= {_content(e): _put(e, "withdrawn") for e in taken_out}
    aside |= {_content(e): _put(e, "held") for e in stays}
    wanted, places = {_content(e) for e in stays}, {e.place for e in stays}
    held = [
        replace(_put(e, WITHDRAWAL_HELD), balance=Balance(), reasons={}, warnings={})
        for e in loaded
        if _content(e) not in wanted and (e.place in out or e.place not in places)
    ]
    there = {_content(e) for e in loaded}
    return (*loaded, *(e for content, e in aside.items() if content not in there), *held)


def _content(entry: LedgerEntry) -> Content:
    return (entry.feed, entry.file, entry.sha256)


def _those(entries: Iterable[LedgerEntry], state: str) -> list[LedgerEntry]:
    return [entry for entry in entries if entry.state == state]


def _put(entry: LedgerEntry, state: str) -> LedgerEntry:
    return replace(entry, state=state, admissions=())
