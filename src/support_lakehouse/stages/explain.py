"""Owns the life of one key as a release tells it: each record that spoke of it, what stands."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import pyarrow as pa

from support_lakehouse.config import Config
from support_lakehouse.errors import UsageError
from support_lakehouse.io import export, lake
from support_lakehouse.model.activity import Activity
from support_lakehouse.model.feed import Feed
from support_lakehouse.model.period import period_order
from support_lakehouse.model.release import Release
from support_lakehouse.stages.records import Records, Where
from support_lakehouse.stages.released import Released
from support_lakehouse.transforms import report as arrow_report
from support_lakehouse.transforms import searching
from support_lakehouse.transforms.story import (
    Done,
    Spoken,
    Story,
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

    @cached_property
    def records(self) -> Records:
        return Records(self.released, self.releases, self.feed)

    def life(self, key: str) -> Life:
        """The life of a key; UsageError where no record ever spoke of it."""
        records, waiting = self.records.of_key(key)
        if not records:
            near = self.records.near(key)
            raise UsageError(
                f"no file spoke of {key}",
                where=self.feed.name,
                expected=f"a value of {self.feed.key}" if self.feed.key else "FILE:LINE",
                hint=f"Did you mean {' or '.join(near)}?" if near else "",
            )
        fared = {id(r): self.records.fared(r) for r in records}
        now = [r for r in records if self.records.counts(r, fared[id(r)])]
        story = story_of(now, self.feed, self.records.deliveries)
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

    def _events(
        self,
        records: Iterable[Spoken],
        story: Story,
        fared: Mapping[int, Activity],
        waiting: Mapping[Where, tuple[str, str]],
    ) -> list[Event]:
        done = {id(d.spoken): d for d in story.done}
        told = [self._event(r, done.get(id(r)), fared[id(r)], waiting) for r in records]
        return sorted(told, key=_in_order)

    def _event(
        self,
        spoken: Spoken,
        done: Done | None,
        fared: Activity,
        waiting: Mapping[Where, tuple[str, str]],
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
                told, outcome=fared.gone, since=fared.gone_in, why=self.records.said(fared.gone_in)
            )
        return replace(told, outcome="later") if self.records.is_later(spoken) else told

    def _since(self, records: Sequence[Spoken], fared: Mapping[int, Activity], now: Story) -> int:
        """The release since which the key stands as it does; 0 where nothing stands."""
        if now.standing is None:
            return 0
        since, told = self.released.release.release, {}
        for release in reversed(self.records.known):
            number = release.release
            counted = [r for r in records if self.records.counts(r, fared[id(r)], number)]
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
