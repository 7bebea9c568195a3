"""Owns what was decided about rejected rows: found between two releases, and told once more."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support_lakehouse.io import lake, ops
from support_lakehouse.model.books import DISCARDED, OPEN, RELEASED, Content, LedgerEntry
from support_lakehouse.model.release import Release
from support_lakehouse.stages.released import QUARANTINE
from support_lakehouse.transforms import searching


@dataclass(frozen=True)
class Decided:
    """Decisions about open entries of quarantine.

    `back` are the entries that come back, each with the record that it comes back with, of which
    `by_hand` are not what was delivered; `given_up` are the ids of those that nobody waits for.
    """

    back: Sequence[Mapping[str, Any]] = ()
    given_up: Sequence[str] = ()
    by_hand: int = 0


def decided_since(lakehouse: Path, now: Release, then: Release) -> set[Content]:
    """The files of which rows came back, or were given up, since an earlier release."""
    own, earlier = _pinned(lakehouse, now, QUARANTINE), _pinned(lakehouse, then, QUARANTINE)
    if own is None:
        return set()
    if earlier is None:
        rows = lake.query(searching.DECIDED, {"now": own})
    else:
        rows = lake.query(searching.DECIDED_SINCE, {"now": own, "earlier": earlier})
    return {(row["feed"], row["file"], row["sha256"]) for row in rows.to_pylist()}


def decided_again(
    lakehouse: Path,
    releases: Sequence[Release],
    lines: Sequence[LedgerEntry],
    entries: Sequence[Mapping[str, Any]],
) -> Decided:
    """What `lines`, each a file whose decisions are held, say of `entries` that are open.

    Where several speak of an entry, that of the newest release counts.
    """
    numbered = {release.release: release for release in releases}
    waiting: dict[Content, dict[str, Mapping[str, Any]]] = {}
    for entry in entries:
        if entry["state"] == OPEN:
            content = (entry["feed"], entry["file"], entry["sha256"])
            waiting.setdefault(content, {})[entry["id"]] = entry
    back, given_up, by_hand = [], [], 0
    for line in sorted(lines, key=lambda line: line.release, reverse=True):
        own, release = waiting.get(line.content, {}), numbered[line.release]
        states = _states(lakehouse, release, line) if own else {}
        records = _records(lakehouse, release, line) if RELEASED in states.values() else {}
        for id_ in sorted(own.keys() & states.keys()):
            entry = own.pop(id_)
            if states[id_] == DISCARDED:
                given_up.append(id_)
            else:
                back.append({**entry, "raw": records[entry["line"]]})
                by_hand += back[-1]["raw"] != entry["raw"]
    return Decided(back, given_up, by_hand)


def _states(lakehouse: Path, release: Release, line: LedgerEntry) -> dict[str, str]:
    """What was decided in a release about rows of a file, by the id of their entry."""
    table = _pinned(lakehouse, release, QUARANTINE)
    if table is None:
        return {}
    words = {name: searching.text(getattr(line, name)) for name in ("feed", "file", "sha256")}
    rows = lake.query(searching.DECIDED_OF.format(**words), {"now": table}).to_pylist()
    return {row["id"]: row["state"] for row in rows}


def _records(lakehouse: Path, release: Release, line: LedgerEntry) -> dict[int, str]:
    """The records that came back, by the line of the file where they stood."""
    ledger = ops.read_files(lakehouse, release.tables[ops.FILES].version)
    entry = next(e for e in ledger if e.content == line.content and e.state == "loaded")
    later = ", ".join(map(searching.text, entry.admissions[1:])) or "''"
    bronze = _pinned(lakehouse, release, f"bronze/{line.feed}")
    assert bronze is not None
    sql = searching.RECORDS_OF.format(admissions=later)
    return {row["line"]: row["raw"] for row in lake.query(sql, {"bronze": bronze}).to_pylist()}


def _pinned(lakehouse: Path, release: Release, table: str) -> tuple[Path, int] | None:
    state = release.tables.get(table)
    return (lakehouse / table, state.version) if state else None
