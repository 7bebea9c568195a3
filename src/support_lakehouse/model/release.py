"""Owns the release: the row that names every table's version and is written last (law L4)."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

FORMAT = 3
"""The number of the lakehouse's format; an older program refuses a newer one."""

Kind = Literal["run", "refusal", "recovery", "replay", "rollback", "reset", "maintenance"]
Versions = Mapping[str, int]
_MAKE_NOTHING = ("recovery", "rollback", "maintenance")
"""Kinds that write tables as an earlier release has them."""


@dataclass(frozen=True)
class TableState:
    """One table in a release: its Delta version, its rows, and the sum of its row hashes."""

    version: int = 0
    rows: int = 0
    fingerprint: str = f"{0:016x}"


@dataclass(frozen=True)
class Release:
    """One row of `ops/releases`.

    `tables`: each table by its path under the lakehouse, as in `silver/agents`.
    `as_of`: for each known period the versions of the silver tables as the files up to it say.
    `earlier`: for each table those of its versions that it is read by as of earlier months only.
    `unresolved`: for each reference, as in `interactions.agent_id`, how many rows hold a key that
    resolves to nothing. `replayed`: for each feed the periods that were folded again. `moved`: the
    months reported before whose figures are others now. `previous`: the hash of the release
    before, empty for the first.
    """

    release: int
    at: str
    run: str
    kind: Kind
    months: tuple[str, ...]
    files: tuple[str, ...]
    rows: Mapping[str, int]
    tables: Mapping[str, TableState]
    as_of: Mapping[str, Versions]
    refusals: tuple[Mapping[str, str], ...]
    code: str
    config: str
    previous: str
    unresolved: Mapping[str, int] = field(default_factory=dict)
    replayed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    moved: tuple[str, ...] = ()
    earlier: Mapping[str, tuple[TableState, ...]] = field(default_factory=dict)
    format: int = FORMAT

    @property
    def state(self) -> str:
        """A short string over the fingerprints of silver and gold: equal state, equal string.

        A table of which all files were withdrawn is as one that never came.
        """
        told = {
            name: [table.rows, table.fingerprint]
            for name, table in sorted(self.tables.items())
            if name.startswith(("silver/", "gold/")) and table.rows
        }
        return _sha256(told)[:16]

    def states(self) -> Iterator[tuple[str, TableState]]:
        """Every version that the release is read by, with its table."""
        yield from self.tables.items()
        yield from ((name, state) for name, states in self.earlier.items() for state in states)

    @property
    def hash(self) -> str:
        """The sha256 of the whole row as canonical JSON; the next release carries it."""
        return _sha256(asdict(self))


def maker_of(table: str, release: Release, releases: Sequence[Release]) -> Release:
    """The release whose run worked out what a table holds as of one of all, oldest first.

    Releases between the two left it as it was, joined its files, or brought it back.
    """
    maker = release
    for before in reversed([one for one in releases if one.release < release.release]):
        own, known = maker.tables.get(table), before.tables.get(table)
        if own is None or known is None:
            continue
        same = (own.rows, own.fingerprint) == (known.rows, known.fingerprint)
        if same and (own.version == known.version or maker.kind in _MAKE_NOTHING):
            maker = before
    return maker


def only_as_of(
    as_of: Mapping[str, Versions], tables: Mapping[str, TableState]
) -> set[tuple[str, int]]:
    """The versions that tables are read by as of a month, and otherwise not."""
    told = {(name, version) for there in as_of.values() for name, version in there.items()}
    return told - {(name, state.version) for name, state in tables.items()}


def _sha256(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
