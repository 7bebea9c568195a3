"""Owns how the life of a key is told, to people and scripts."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from support_lakehouse.cli import screen
from support_lakehouse.config import Config
from support_lakehouse.stages.explain import Event, Life, texts_of
from support_lakehouse.stages.released import Released
from support_lakehouse.transforms.by_hand import MASK
from support_lakehouse.transforms.report import KEYS, MEASURES

_WORDS = {
    "inserted": "put in",
    "updated": "changed the row",
    "unchanged": "said what was there already",
    "deleted": "took the row out",
    "absent_deletes": "wanted to take out what was not there",
    "superseded": "gave way to a later line of its file",
    "rejected": "rejected",
    "refused": "its file was refused",
    "corrected": "counts no more, its file came again",
    "withdrawn": "counts no more, its file was withdrawn",
    "held": "counts no more, taken back by a rollback",
    "reset": "counts no more since a reset",
    "later": "after the month that is asked about",
}
"""What an outcome is called on the screen."""
_REJECTED = {
    "open": "rejected, waits in quarantine",
    "released": "rejected, came back later",
    "discarded": "rejected, and given up",
    "superseded": "rejected",
}


class ToldLife:
    """A life as people and scripts are told it; personal values are masked unless asked for."""

    def __init__(self, life: Life, released: Released, *, personal: bool) -> None:
        self.life, self.released = life, released
        self.hidden = set() if personal else {c.name for c in life.feed.columns if c.personal}

    def json(self) -> dict[str, Any]:
        rows = [self._row(row) for row in _plain_rows(self.life)]
        return {
            "feed": self.life.feed.name,
            "key": self.life.key,
            "release": self.released.release.release,
            "as_of": self.released.as_of,
            "events": [self._event(event) for event in self.life.events],
            "silver": rows[-1] if rows else None,
            "silver_rows": rows,
            "since": self.life.since or None,
            "cells": self._cells(),
            "report_rows": [self._report_row(row) for row in self.life.counts_in],
        }

    def _event(self, event: Event) -> dict[str, Any]:
        spoken = event.spoken
        return {
            "release": spoken.release or None,
            "period": spoken.period,
            "file": spoken.file,
            "line": spoken.line,
            "action": spoken.action or None,
            "outcome": event.outcome,
            "reasons": [dict(reason) for reason in spoken.reasons],
            "since": event.since or None,
            "why": event.why,
            "stands": self._stands(event),
            "changed": {
                name: {"from": self._masked(name, a), "to": self._masked(name, b)}
                for name, (a, b) in event.changed.items()
            },
            "quarantine": dict(zip(("state", "id"), event.waits, strict=True))
            if event.waits
            else None,
            "cells": {name: self._masked(name, text) for name, text in spoken.cells.items()},
        }

    def _cells(self) -> dict[str, Any]:
        standing = self.life.story.standing
        if standing is None:
            return {}
        return {
            name: {"file": by.file, "line": by.line, "release": by.release, "period": by.period}
            for name, by in standing.columns.items()
        }

    def _report_row(self, row: Mapping[str, Any]) -> dict[str, Any]:
        own, published = row["own"], row["published"]
        return {
            **{key: own[key] for key in KEYS},
            **{m: published[m] if published else None for m in MEASURES},
            "own": {m: own[m] for m in MEASURES},
        }

    def _stands(self, event: Event) -> bool:
        standing = self.life.story.standing
        return standing is not None and standing.by is event.spoken

    def _row(self, row: Mapping[str, Any]) -> dict[str, Any]:
        return {name: self._masked(name, value) for name, value in row.items()}

    def _masked(self, name: str, value: Any) -> Any:
        return MASK if name in self.hidden and value not in (None, "") else value

    def tell(self, config: Config) -> None:
        """Print the life, the place of each record behind it."""
        life, number = self.life, self.released.release.release
        month = f", as of {self.released.as_of}" if self.released.as_of else ""
        screen.say(f"{life.feed.name} {life.key}, in release {number}{month}: {self._sum()}")
        screen.say()
        rows = [self._line(n, event) for n, event in enumerate(life.events, start=1)]
        screen.table(["", "period", "said", "what came of it", "release", "file", "line"], rows)
        for n, event in enumerate(life.events, start=1):
            self._tell_more(n, event)
        if life.story.standing is not None:
            self._tell_row()
        for row in life.counts_in:
            self._tell_figure(row, config.settings.business_zone)
        if self.hidden:
            screen.say("Personal data is masked; --show-personal shows it.")

    def _sum(self) -> str:
        life, standing = self.life, self.life.story.standing
        if standing is None:
            missed = life.story.left_out_by
            return f"no row stands, as {missed} does not name it." if missed else "no row stands."
        by = standing.by
        return (
            f"the row stands as {by.file}, line {by.line}, says, since release {life.since}."
            if life.feed.kind != "log"
            else f"{life.silver.num_rows} rows stand, the last by {by.file}, line {by.line}."
        )

    def _line(self, n: int, event: Event) -> list[Any]:
        spoken = event.spoken
        what = _WORDS[event.outcome]
        if event.outcome == "rejected" and event.waits:
            what = _REJECTED.get(event.waits[0], what)
        stands = " (stands)" if self._stands(event) else ""
        return [
            n,
            spoken.period,
            spoken.action,
            what + stands,
            spoken.release or "",
            spoken.file,
            spoken.line,
        ]

    def _tell_more(self, n: int, event: Event) -> None:
        """What does not fit on a record's line: reasons, changed columns, why it counts no more."""
        spoken = event.spoken
        at = f"{spoken.file}, line {spoken.line}"
        for reason in spoken.reasons:
            screen.say(f"{n}. rejected: {reason['message']} ({at})")
        if event.waits and event.waits[0] == "open":
            screen.say(f"{n}. waits in quarantine as {event.waits[1]} ({at})")
        for name, (before, after) in event.changed.items():
            was, is_ = (self._masked(name, text) or "nothing" for text in (before, after))
            screen.say(f"{n}. {name}: {was} -> {is_} ({at})")
        if event.outcome == "superseded" and event.other is not None:
            screen.say(f"{n}. gave way to line {event.other.line} of the same file ({at})")
        if event.since:
            said = f": {event.why}" if event.why else ""
            screen.say(f"{n}. {_WORDS[event.outcome]}, in release {event.since}{said} ({at})")

    def _tell_row(self) -> None:
        """The row as it stands, each value with who said it."""
        standing = self.life.story.standing
        assert standing is not None
        row = texts_of(self.life.silver)[-1] if self.life.silver.num_rows else {}
        screen.say()
        screen.table(
            ["column", "value", "release", "file", "line"],
            [
                [name, self._masked(name, row.get(name)), by.release, by.file, by.line]
                for name, by in standing.columns.items()
            ],
            title=f"The row in {self.life.feed.table}, and who said each value",
        )

    def _tell_figure(self, row: Mapping[str, Any], zone: str) -> None:
        own, published = row["own"], row["published"]
        place = ", ".join(str(own[key]) for key in KEYS)
        screen.say()
        if published is None:
            screen.say(f"It should count in {place}, which the report does not have.")
            return
        started = texts_of(self.life.silver)[-1]["interaction_start"]
        figures = ", ".join(
            f"{m} {screen.short(own[m])} of {screen.short(published[m])}" for m in MEASURES
        )
        screen.say(f"It counts in support_report {place}: {figures}.")
        screen.say(f"It started at {started}, which is {row['clock']} in the zone {zone}.")


def _plain_rows(life: Life) -> list[dict[str, Any]]:
    """Silver's rows as JSON has them: numbers as numbers, dates and moments as text."""
    names = [*life.feed.column_names, "_period", "_file", "_line"]
    texts = texts_of(life.silver)
    values = life.silver.to_pylist()
    return [
        {n: v[n] if _is_plain(v[n]) else t[n] for n in names}
        for v, t in zip(values, texts, strict=True)
    ]


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, bool | int | float | str | Decimal)
