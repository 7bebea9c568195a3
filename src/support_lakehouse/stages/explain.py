"""Owns the life of one key as a release tells it: every record that spoke of it, and what stands.

It reads bronze by the key, never versions one after another, so it costs the same after any number
of releases.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import pyarrow as pa

from support_lakehouse.config import Config
from support_lakehouse.errors import UsageError
from support_lakehouse.io import export, lake, ops
from support_lakehouse.model.activity import Activity, Decided, activity
from support_lakehouse.model.books import LedgerEntry
from support_lakehouse.model.feed import Feed
from support_lakehouse.model.period import period_order
from support_lakehouse.model.release import Release
from support_lakehouse.stages.released import QUARANTINE, Released
from support_lakehouse.transforms import report as arrow_report
from support_lakehouse.transforms import searching
from support_lakehouse.transforms.story import (
    Done,
    Spoken,
    Standing,
    Story,
    deliveries_of,
    spoken_of,
    story_of,
)

INTERACTIONS = "silver/interactions"
DIMENSIONS = ("silver/contact_centers", "silver/service_categories")


@dataclass(frozen=True)
class Event:
    """One record that spoke of the key, and what came of it.

    `outcome` is named as in the ledger, or says why the record counts no more: `corrected`,
    `withdrawn`, `held`, `reset`, or `later` than the month that is asked about. `since` is the
    release of that. `waits` is the state of a rejected record in quarantine, and its id.
    """

    spoken: Spoken
    outcome: str
    since: int = 0
    why: str = ""
    changed: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    other: Spoken | None = None
    waits: tuple[str, str] | None = None


@dataclass(frozen=True)
class Life:
    """What a release knows of one key.

    `silver` holds the rows as they stand, as texts and as values, none where there is none, and
    several only of a log. `since` is the release since which they stand so. `counts_in` are rows
    of the report: what the key adds to them, what is published, and the clock in its zone.
    """

    feed: Feed
    key: str
    events: tuple[Event, ...]
    story: Story
    silver: pa.Table
    since: int
    counts_in: tuple[Mapping[str, Any], ...] = ()

    @property
    def agrees(self) -> bool:
        """Whether silver holds what the records come to."""
        standing = self.story.standing
        if standing is None or not self.silver.num_rows:
            return standing is None and not self.silver.num_rows
        wrote = set(
            zip(self.silver["_file"].to_pylist(), self.silver["_line"].to_pylist(), strict=True)
        )
        return bool(wrote & {e.spoken.place for e in self.events if e.outcome in _STANDS})


_STANDS = ("inserted", "updated", "unchanged")


@dataclass(frozen=True)
class Explaining:
    """A release, perhaps as of a month, and the feed whose keys are asked about."""

    config: Config
    released: Released
    releases: Sequence[Release]
    feed: Feed

    def life(self, key: str) -> Life:
        """The life of a key; UsageError where no record ever spoke of it."""
        records, waiting = self._records(key)
        if not records:
            raise UsageError(
                f"no file spoke of {key}",
                where=self.feed.name,
                expected=f"a value of {self.feed.key}" if self.feed.key else "FILE:LINE",
                hint=self._hint(key),
            )
        fared = {id(r): self._fared(r) for r in records}
        now = [r for r in records if self._counts(r, fared[id(r)])]
        story = story_of(now, self.feed, self._deliveries)
        silver = self._silver(key)
        return Life(
            feed=self.feed,
            key=key,
            events=tuple(self._events(records, story, fared, waiting)),
            story=story,
            silver=silver,
            since=self._since(records, fared, story),
            counts_in=tuple(self._counts_in(silver)),
        )

    def standing(self, keys: Collection[str]) -> dict[str, Standing]:
        """What stands of several keys of a small table, and who said each value."""
        rows: dict[str, list[Spoken]] = {}
        for row in self._bronze_rows(searching.ACCEPTED, self._newest):
            if row["key"] in keys:
                rows.setdefault(row["key"], []).append(self._spoken(row))
        told = {}
        for key, own in rows.items():
            now = [r for r in own if self._counts(r, self._fared(r))]
            standing = story_of(now, self.feed, self._deliveries).standing
            if standing is not None:
                told[key] = standing
        return told

    @property
    def _number(self) -> int:
        return self.released.release.release

    @cached_property
    def _known(self) -> tuple[Release, ...]:
        return tuple(r for r in self.releases if r.release <= self._number)

    @cached_property
    def _runs(self) -> dict[str, Release]:
        return {release.run: release for release in self._known}

    @cached_property
    def journal(self) -> list[ops.Decision]:
        return ops.read_journal(
            self.released.lakehouse, self.released.release.tables[ops.JOURNAL].version
        )

    @cached_property
    def _decided(self) -> Decided:
        return Decided.of([(d.release, d.decision, d.what) for d in self.journal])

    @cached_property
    def ledger(self) -> list[LedgerEntry]:
        version = self.released.release.tables[ops.FILES].version
        entries = ops.read_files(self.released.lakehouse, version)
        return [entry for entry in entries if entry.feed == self.feed.name]

    @cached_property
    def _deliveries(self) -> list[Any]:
        loaded = [(e.period, e.file) for e in self.ledger if e.state == "loaded"]
        return deliveries_of(loaded, self.feed)

    @property
    def _bronze(self) -> str:
        return f"bronze/{self.feed.name}"

    def _bronze_rows(self, sql: str, version: int) -> list[dict[str, Any]]:
        pinned = {"bronze": (self.released.lakehouse / self._bronze, version)}
        rows: list[dict[str, Any]] = lake.query(sql, pinned).to_pylist()
        return rows

    def _records(self, key: str) -> tuple[list[Spoken], dict[Any, tuple[str, str]]]:
        """All records of the key, and of the rejected ones their state in quarantine."""
        by_key = searching.BY_KEY.format(key=searching.text(key))
        rows = [r for v in self._versions() for r in self._bronze_rows(by_key, v)]
        back = [(r["file"], r["line"]) for r in rows if self._came_back(r)]
        if back:  # the record as it came may have had another key, or none
            sql = searching.BY_PLACE.format(places=searching.at_places(back))
            rows += self._bronze_rows(sql, self._newest)
        entries = self._quarantined(key, back)
        told = {(r["admission"], r["file"], r["line"]): self._spoken(r) for r in rows}
        places = {(r["file"], r["line"], r["sha256"]) for r in rows}
        refused = [e for e in entries if (e["file"], e["line"], e["sha256"]) not in places]
        waiting = {(e["file"], e["line"], e["sha256"]): (e["state"], e["id"]) for e in entries}
        return [*told.values(), *map(self._spoken, refused)], waiting

    @property
    def _newest(self) -> int:
        state = self.released.release.tables.get(self._bronze)
        if state is None:
            raise UsageError(
                f"nothing of {self.feed.name} was loaded",
                where=f"release {self._number}",
                hint="`support-lakehouse files` lists what was.",
            )
        return state.version

    def _versions(self) -> list[int]:
        """The version of bronze, and, where files are held, those that a rollback took back."""
        told = [self._newest]
        back = sorted(self._decided.back_to)
        for entry in self.ledger:
            if entry.state == "held":
                until = next((n for n in back if n > entry.release), None)
                before = [r for r in self._known if until is not None and r.release < until]
                if before and self._bronze in before[-1].tables:
                    told.append(before[-1].tables[self._bronze].version)
        return list(dict.fromkeys(told))

    def _came_back(self, row: Mapping[str, Any]) -> bool:
        release = self._runs.get(row["run"])
        return release is not None and release.kind == "replay"

    def _quarantined(self, key: str, back: Sequence[tuple[str, int]]) -> list[dict[str, Any]]:
        version = self.released.version(QUARANTINE)
        if version is None:
            return []
        words = {"feed": searching.text(self.feed.name), "key": searching.text(key)}
        pinned = {"quarantine": (self.released.lakehouse / QUARANTINE, version)}
        sql = searching.QUARANTINED_BY_KEY.format(**words)
        rows: list[dict[str, Any]] = lake.query(sql, pinned).to_pylist()
        if back:
            sql = searching.QUARANTINED_BY_PLACE.format(**words, places=searching.at_places(back))
            rows += lake.query(sql, pinned).to_pylist()
        return rows

    def _spoken(self, row: Mapping[str, Any]) -> Spoken:
        release = self._runs.get(row["run"])
        return spoken_of(row, self.feed, release.release if release else 0)

    def _fared(self, spoken: Spoken) -> Activity:
        return activity(self._known, self._decided, spoken.file, spoken.release)

    def _counts(self, spoken: Spoken, fared: Activity) -> bool:
        return fared.active.get(self._number, False) and not self._is_later(spoken)

    def _is_later(self, spoken: Spoken) -> bool:
        """Whether the record came after the month that is asked about."""
        month = self.released.as_of
        if month is None or not self.feed.is_dated:
            return False
        return period_order(spoken.period) > period_order(month)

    def _events(
        self,
        records: Iterable[Spoken],
        story: Story,
        fared: Mapping[int, Activity],
        waiting: Mapping[Any, tuple[str, str]],
    ) -> list[Event]:
        done = {id(d.spoken): d for d in story.done}
        told = [self._event(r, done.get(id(r)), fared[id(r)], waiting) for r in records]
        return sorted(told, key=_in_order)

    def _event(
        self,
        spoken: Spoken,
        done: Done | None,
        fared: Activity,
        waiting: Mapping[Any, tuple[str, str]],
    ) -> Event:
        if done is not None:
            changed = {n: _from_to(done, n) for n in done.changed}
            return Event(spoken, done.outcome, changed=changed, other=done.other)
        told = Event(spoken, "rejected")
        if not spoken.accepted:
            place = (spoken.file, spoken.line, spoken.sha256)
            told = replace(told, waits=waiting.get(place))
        if told.waits and told.waits[0] == "refused":
            return replace(told, outcome="refused", since=spoken.release)
        if fared.gone:
            return replace(
                told, outcome=fared.gone, since=fared.gone_in, why=self._said(fared.gone_in)
            )
        return replace(told, outcome="later") if self._is_later(spoken) else told

    def _said(self, release: int) -> str:
        """What a person said of a decision."""
        return next((d.why for d in self.journal if d.release == release and d.why), "")

    def _since(self, records: Sequence[Spoken], fared: Mapping[int, Activity], now: Story) -> int:
        """The release since which the key stands as it does; 0 where nothing stands."""
        if now.standing is None:
            return 0
        since, told = self._number, {}
        for release in reversed(self._known):
            number = release.release
            counted = [
                r
                for r in records
                if fared[id(r)].active.get(number, False) and not self._is_later(r)
            ]
            group = frozenset(map(id, counted))
            if group not in told:
                told[group] = story_of(counted, self.feed, [])
            then = told[group].standing
            if then is None or then.values != now.standing.values:
                break
            since = number
        return since

    def _silver(self, key: str) -> pa.Table:
        version = self.released.version(self.feed.table)
        if version is None:
            return pa.table({"_file": pa.array([], pa.string())})
        column = self.feed.key
        pinned = {"t": (self.released.lakehouse / self.feed.table, version)}
        if column is None:
            file, _, line = key.rpartition(":")
            where = searching.SILVER_BY_PLACE.format(
                file=searching.text(file), line=int(line) if line.isdecimal() else -1
            )
            return lake.query(where, pinned)
        sql = searching.SILVER_BY_KEY.format(column=column, key=searching.text(key))
        return lake.query(sql, pinned)

    def _counts_in(self, silver: pa.Table) -> Iterable[Mapping[str, Any]]:
        """The rows of the report that an interaction counts in."""
        there = [self.released.version(table) is not None for table in DIMENSIONS]
        if self.feed.table != INTERACTIONS or not silver.num_rows or not all(there):
            return
        zone = self.config.settings.business_zone
        cube = arrow_report.cube_of(silver.to_batches(), zone)
        named = arrow_report.support_report(cube, *(self.released.table(t) for t in DIMENSIONS))
        clock = arrow_report.clock_in(silver["interaction_start"], zone)[0].as_py()[:16]
        published = self.released.support_report(zone).to_pylist()
        for own in named.to_pylist():
            place = [own[key] for key in arrow_report.KEYS]
            row = next((p for p in published if [p[k] for k in arrow_report.KEYS] == place), None)
            yield {"own": own, "published": row, "clock": clock}

    def _hint(self, key: str) -> str:
        personal = self.feed.key and self.feed.column(self.feed.key).personal
        if personal:
            return ""
        sql = searching.KEYS_LIKE.format(key=searching.text(key))
        near = [row["key"] for row in self._bronze_rows(sql, self._newest)]
        return f"Did you mean {' or '.join(near)}?" if near else ""


def texts_of(table: pa.Table) -> list[dict[str, str | None]]:
    """The rows of a table as the texts that files have of them."""
    columns = {n: export.as_text(table[n], "UTC").to_pylist() for n in table.column_names}
    return [{n: columns[n][i] for n in columns} for i in range(table.num_rows)]


def _from_to(done: Done, column: str) -> tuple[str, str]:
    assert done.other is not None
    return (done.other.cells.get(column, ""), done.spoken.cells.get(column, ""))


def _in_order(event: Event) -> tuple[Any, ...]:
    spoken = event.spoken
    return (period_order(spoken.period), spoken.file.encode(), spoken.line, spoken.release)
