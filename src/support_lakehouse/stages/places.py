"""Owns by which admission, so in which release, the row at a place came that a release counts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from support_lakehouse.io import lake, ops
from support_lakehouse.model.books import LedgerEntry
from support_lakehouse.model.feed import Feed
from support_lakehouse.model.period import period_order
from support_lakehouse.model.release import Release
from support_lakehouse.stages.released import Released
from support_lakehouse.transforms import searching

Place = tuple[str, int]


@dataclass(frozen=True)
class Places:
    """The files of one feed that count in a release, perhaps as of a month."""

    lakehouse: Path
    release: Release
    feed: Feed
    entries: tuple[LedgerEntry, ...]
    runs: dict[str, int]

    def admission(self, place: Place) -> str:
        """Under which the record at a place was accepted; empty where its file does not count."""
        entry = self._by_file.get(place[0])
        return self._returned.get(place) or (entry.admissions[0] if entry else "")

    def came_in(self, place: Place) -> int:
        """The release that brought the record at a place; 0 where its file does not count."""
        return self.release_of(self.admission(place))

    def release_of(self, admission: str) -> int:
        return self.runs.get(admission.rpartition("-")[0], 0)

    def has(self, admission: str) -> bool:
        """Whether records of an admission count."""
        return admission in self._admissions

    def entry(self, file: str) -> LedgerEntry | None:
        """What the ledger says of a file that counts."""
        return self._by_file.get(file)

    @cached_property
    def _by_file(self) -> dict[str, LedgerEntry]:
        return {entry.file: entry for entry in self.entries}

    @cached_property
    def _admissions(self) -> set[str]:
        return {name for entry in self.entries for name in entry.admissions}

    @cached_property
    def _returned(self) -> dict[Place, str]:
        """Records that came back from quarantine, by their place."""
        later = [name for entry in self.entries for name in entry.admissions[1:]]
        table = f"bronze/{self.feed.name}"
        if not later or table not in self.release.tables:
            return {}
        sql = searching.RETURNED.format(admissions=", ".join(map(searching.text, later)))
        pinned = {"bronze": (self.lakehouse / table, self.release.tables[table].version)}
        rows = lake.query(sql, pinned).to_pylist()
        return {(row["file"], row["line"]): row["admission"] for row in rows}


def places_of(released: Released, releases: Sequence[Release], feed: Feed) -> Places:
    """Where the rows of a feed's table are from, in a release."""
    ledger = ops.read_files(released.lakehouse, released.release.tables[ops.FILES].version)
    own = (e for e in ledger if e.feed == feed.name and e.state == "loaded")
    return Places(
        released.lakehouse,
        released.release,
        feed,
        tuple(_up_to(released.as_of, feed, own)),
        {release.run: release.release for release in releases},
    )


def _up_to(month: str | None, feed: Feed, entries: Iterable[LedgerEntry]) -> Iterable[LedgerEntry]:
    if month is None or not feed.is_dated:
        return entries
    return (e for e in entries if period_order(e.period) <= period_order(month))
