"""Owns what every check of a verification is given: the release in question, and its findings."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from support_lakehouse.config import Config
from support_lakehouse.io import lake, ops
from support_lakehouse.io.datafiles import READ_ERRORS
from support_lakehouse.model.books import LedgerEntry
from support_lakehouse.model.feed import Feed
from support_lakehouse.model.release import Release, TableState
from support_lakehouse.model.verdict import Findings

KEPT_FROM = "kept from"
"""The decision in the journal that says which release is the oldest whose versions are kept."""
BACK = lake.MENDED_BY
AGAIN = "Rebuild silver and gold from the files with `run --reset`; the history stays."


@dataclass(frozen=True)
class Checking:
    """One release in question; `feed` narrows what is looked at to the tables of one feed."""

    lakehouse: Path
    config: Config
    releases: Sequence[Release]
    release: Release
    findings: Findings
    feed: Feed | None = None

    @cached_property
    def tables(self) -> Mapping[str, TableState]:
        """The tables in question, as the release tells of them."""
        told = self.release.tables
        if self.feed is None:
            return told
        own = {f"bronze/{self.feed.name}", *self.feed.tables}
        return {n: t for n, t in told.items() if n in own or n.startswith("ops/")}

    def states(self, table: str) -> tuple[TableState, ...]:
        """What the release says of a table: of its own version, and of those as of its months."""
        return (self.tables[table], *self.release.earlier.get(table, ()))

    def months(self, table: str, version: int) -> str:
        """As of which months a version is read that is not the release's own; else nothing."""
        if version == self.tables[table].version:
            return ""
        told = [m for m, there in self.release.as_of.items() if there.get(table) == version]
        return f"as of {', '.join(told)}"

    @property
    def gone(self) -> str:
        """The sentence on versions that maintenance removed."""
        number = self.release.release
        return (
            f"Versions that release {number} names were removed by maintenance;"
            f" `verify --release {number} --rows` makes them again from bronze."
        )

    @property
    def feeds(self) -> list[Feed]:
        """The feeds in question that the release has a bronze table of."""
        asked = [self.feed] if self.feed else self.config.feeds
        return [feed for feed in asked if f"bronze/{feed.name}" in self.tables]

    @cached_property
    def ledger(self) -> tuple[LedgerEntry, ...] | None:
        """The ledger as of the release; None where it cannot be read, which its table tells."""
        try:
            return tuple(ops.read_files(self.lakehouse, self.tables[ops.FILES].version))
        except (*READ_ERRORS, KeyError, TypeError):
            return None

    def loaded(self, feed: Feed) -> list[LedgerEntry]:
        """The files of a feed that count in the release."""
        return [e for e in self.ledger or () if e.feed == feed.name and e.state == "loaded"]

    def is_kept(self, table: str) -> bool:
        """Whether the release's version of a table must be there: maintenance removes old ones.

        Gold and the books are small, so their versions are always kept.
        """
        always = table.startswith(("gold/", "ops/"))
        return always or self.release.release >= kept_from(self.lakehouse, self.releases)


def kept_from(lakehouse: Path, releases: Sequence[Release]) -> int:
    """The oldest release whose versions maintenance has kept; 1 where there was none."""
    kinds = [release.kind for release in releases]
    if "maintenance" not in kinds:
        return 1
    state = releases[-1].tables[ops.JOURNAL]
    try:
        rows = lake.read(lakehouse / ops.JOURNAL, state.version).to_pylist()
    except READ_ERRORS:
        return 1
    return max((int(r["what"]) for r in rows if r["decision"] == KEPT_FROM), default=1)


def user_metadata(commit: Mapping[str, Any]) -> dict[str, Any]:
    """What a commit says of itself in its userMetadata; nothing where that is no JSON object."""
    try:
        told = json.loads(commit.get("userMetadata") or "{}")
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
