"""Owns what a rollback holds: the files, the withdrawals and the decisions since its release."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from support_lakehouse.model.books import (
    DECISIONS_HELD,
    WITHDRAWAL_HELD,
    Balance,
    Content,
    LedgerEntry,
)


def after_rollback(
    now: Sequence[LedgerEntry],
    then: Sequence[LedgerEntry],
    decided: Collection[Content] = (),
    release: int = 0,
) -> tuple[LedgerEntry, ...]:
    """The ledger after going back from `now` to `then`.

    `decided` are the files about whose rejected rows something was decided since; `release` is the
    last one that has these decisions.

    Once accepted, what is held leads where it led before: what counts now is held unless it counts
    then, what a person took out stays out, and what counts then and was taken out since is loaded,
    with its withdrawal held.
    """
    loaded = [e for e in then if e.state == "loaded"]
    out = {e.place for e in now if e.state == WITHDRAWAL_HELD}
    counts = [e for e in now if e.state == "loaded"]
    stays = [e for e in counts if e.place not in out] + _those(now, "held")
    taken_out = _those(now, "withdrawn") + [e for e in counts if e.place in out]
    aside = {e.content: e for e in (*_those(then, "held"), *_those(then, "withdrawn"))}
    aside |= {e.content: _put(e, "withdrawn") for e in taken_out}
    aside |= {e.content: _put(e, "held") for e in stays}
    wanted, places = {e.content for e in stays}, {e.place for e in stays}
    held = [
        _second(e, WITHDRAWAL_HELD)
        for e in loaded
        if e.content not in wanted and (e.place in out or e.place not in places)
    ]
    held += [
        replace(_second(e, DECISIONS_HELD), release=release)
        for e in counts
        if e.content in decided and e.place not in out
    ]
    there = {e.content for e in loaded}
    others = (e for content, e in aside.items() if content not in there)
    return (*loaded, *others, *held, *_those(now, DECISIONS_HELD))


def _those(entries: Iterable[LedgerEntry], state: str) -> list[LedgerEntry]:
    return [entry for entry in entries if entry.state == state]


def _put(entry: LedgerEntry, state: str) -> LedgerEntry:
    return replace(entry, state=state, admissions=())


def _second(entry: LedgerEntry, state: str) -> LedgerEntry:
    """A line beside the file's own, which counts its rows."""
    return replace(_put(entry, state), balance=Balance(), reasons={}, warnings={})
