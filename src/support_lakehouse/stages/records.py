"""Owns the finding of the records that spoke of a key, and whether each counts in a release."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from support_lakehouse.errors import UsageError
from support_lakehouse.io import lake, ops
from support_lakehouse.model.activity import Activity, Decided, activity
from support_lakehouse.model.books import LedgerEntry
from support_lakehouse.model.feed import Feed
from support_lakehouse.model.period import period_order
from support_lakehouse.model.release import Release
from support_lakehouse.stages.released import QUARANTINE, Released
from support_lakehouse.transforms import searching
from support_lakehouse.transforms.story import (
    Delivery,
    Spoken,
    Standing,
    deliveries_of,
    spoken_of,
    story_of,
)

Where = tuple[str, int, str]
"""File, line and content: where a record stood, whenever it was judged."""
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Records:
    """The records of one feed as a release has them, perhaps as of a month.

    They come from bronze by their key, never from versions one after another, so that finding them
    costs the same after any number of releases; what a rollback took back costs one look more.
    """

    released: Released
    releases: Sequence[Release]
    feed: Feed

    def of_key(self, key: str) -> tuple[list[Spoken], dict[Where, tuple[str, str]]]:
        """All records of the key; of the rejected ones their state and id in quarantine."""
        by_key = searching.BY_KEY.format(key=searching.text(key))
        rows = self._bronze_rows(by_key, self._newest)
        for version in self._rolled_back():
            pinned = {"bronze": (self.released.lakehouse / self._bronze, version)}
            kept = lake.query_if_kept(by_key, pinned)
            rows += kept.to_pylist() if kept is not None else []
        back = {_where(r) for r in rows if self._came_back(r)}
        if back:  # the record as it came may have had another key, or none
            sql = searching.BY_PLACE.format(places=searching.at_places(back))
            there = self._bronze_rows(sql, self._newest)
            rows += [r for r in there if r["reasons"] and _where(r) in back]
        entries = self._quarantined(key, back)
        told = {(r["admission"], r["file"], r["line"]): self._spoken(r) for r in rows}
        places = {_where(r) for r in rows}
        refused = [self._spoken(e) for e in entries if _where(e) not in places]
        return [*told.values(), *refused], {_where(e): (e["state"], e["id"]) for e in entries}

    def standing(self, keys: Collection[str]) -> dict[str, Standing]:
        """What stands of several keys of a small table, and who said each value."""
        rows: dict[str, list[Spoken]] = {}
        for row in self._bronze_rows(searching.ACCEPTED, self._newest):
            if row["key"] in keys:
                rows.setdefault(row["key"], []).append(self._spoken(row))
        told = {}
        for key, own in rows.items():
            now = [r for r in own if self.counts(r, self.fared(r))]
            standing = story_of(now, self.feed, self.deliveries).standing
            if standing is not None:
                told[key] = standing
        return told

    def fared(self, spoken: Spoken) -> Activity:
        """In which releases the record's file counted, and why no more."""
        return activity(self.known, self._decided, spoken.file, spoken.release)

    def counts(self, spoken: Spoken, fared: Activity, release: int | None = None) -> bool:
        """Whether the record counts in a release, this one unless another is named."""
        number = self.released.release.release if release is None else release
        return fared.active.get(number, False) and not self.is_later(spoken)

    def is_later(self, spoken: Spoken) -> bool:
        """Whether the record came after the month that is asked about."""
        month = self.released.as_of
        if month is None or not self.feed.is_dated:
            return False
        return period_order(spoken.period) > period_order(month)

    def said(self, release: int) -> str:
        """What a person said of a decision."""
        return next((d.why for d in self._journal if d.release == release and d.why), "")

    def near(self, key: str) -> list[str]:
        """Keys that are written much the same; none where keys are personal data."""
        if self.feed.key and self.feed.column(self.feed.key).personal:
            return []
        sql = searching.KEYS_LIKE.format(key=searching.text(key))
        return [row["key"] for row in self._bronze_rows(sql, self._newest)]

    @cached_property
    def known(self) -> tuple[Release, ...]:
        """All releases up to this one, oldest first."""
        number = self.released.release.release
        return tuple(r for r in self.releases if r.release <= number)

    @cached_property
    def ledger(self) -> list[LedgerEntry]:
        """The feed's files as the release has them."""
        version = self.released.release.tables[ops.FILES].version
        entries = ops.read_files(self.released.lakehouse, version)
        return [entry for entry in entries if entry.feed == self.feed.name]

    @cached_property
    def deliveries(self) -> list[Delivery]:
        """What a key may be missing from, if anything."""
        loaded = [(e.period, e.file) for e in self.ledger if e.state == "loaded"]
        return deliveries_of(loaded, self.feed)

    @cached_property
    def _runs(self) -> dict[str, Release]:
        return {release.run: release for release in self.known}

    @cached_property
    def _journal(self) -> list[ops.Decision]:
        version = self.released.release.tables[ops.JOURNAL].version
        return ops.read_journal(self.released.lakehouse, version)

    @cached_property
    def _decided(self) -> Decided:
        return Decided.of([(d.release, d.decision, d.what) for d in self._journal])

    @property
    def _bronze(self) -> str:
        return f"bronze/{self.feed.name}"

    def _bronze_rows(self, sql: str, version: int) -> list[dict[str, Any]]:
        pinned = {"bronze": (self.released.lakehouse / self._bronze, version)}
        rows: list[dict[str, Any]] = lake.query(sql, pinned).to_pylist()
        return rows

    @property
    def _newest(self) -> int:
        state = self.released.release.tables.get(self._bronze)
        if state is None:
            raise UsageError(
                f"nothing of {self.feed.name} was loaded",
                where=f"release {self.released.release.release}",
                hint="`support-lakehouse files` lists what was.",
            )
        return state.version

    def _rolled_back(self) -> list[int]:
        """Versions of bronze that a rollback took back: their rows stand in no later one."""
        told = {}
        for number in self._decided.back_to:
            before = [r for r in self.known if r.release < number and self._bronze in r.tables]
            if before:
                told[before[-1].tables[self._bronze].version] = number
        return [version for version in told if version != self._newest]

    def _came_back(self, row: Mapping[str, Any]) -> bool:
        release = self._runs.get(row["run"])
        return release is not None and release.kind == "replay"

    def _quarantined(self, key: str, back: Collection[Where]) -> list[dict[str, Any]]:
        version = self.released.version(QUARANTINE)
        if version is None:
            return []
        words = {"feed": searching.text(self.feed.name), "key": searching.text(key)}
        pinned = {"quarantine": (self.released.lakehouse / QUARANTINE, version)}
        sql = searching.QUARANTINED_BY_KEY.format(**words)
        rows: list[dict[str, Any]] = lake.query(sql, pinned).to_pylist()
        if back:
            sql = searching.QUARANTINED_BY_PLACE.format(**words, places=searching.at_places(back))
            there = lake.query(sql, pinned).to_pylist()
            rows += [e for e in there if _where(e) in back]
        return rows

    def _spoken(self, row: Mapping[str, Any]) -> Spoken:
        release = self._runs.get(row["run"])
        return spoken_of(row, self.feed, release.release if release else 0)


def _where(row: Row) -> Where:
    return (row["file"], row["line"], row["sha256"])
