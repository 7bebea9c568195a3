"""Owns what moved in the report between two states, by cause, so that it adds up exactly."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pyarrow as pa

from support_lakehouse.config import Config
from support_lakehouse.io import lake, ops
from support_lakehouse.model.feed import Feed
from support_lakehouse.model.release import Release
from support_lakehouse.stages.explain import INTERACTIONS
from support_lakehouse.stages.figure import CATEGORIES, CENTERS, NAMED
from support_lakehouse.stages.places import Place
from support_lakehouse.stages.records import Records
from support_lakehouse.stages.released import REPORT, Released
from support_lakehouse.stages.sides import Deciding, side_of
from support_lakehouse.transforms import moves
from support_lakehouse.transforms.difference import (
    Cause,
    Difference,
    FigurePlace,
    Moved,
    Part,
    Sums,
)
from support_lakehouse.transforms.moves import Names, Number
from support_lakehouse.transforms.report import KEYS, MEASURES
from support_lakehouse.transforms.story import Standing

CUBE = "gold/interaction_cube"
Figures = Mapping[FigurePlace, tuple[Number, ...]]
_ZERO: tuple[Number, ...] = (0,) * len(MEASURES)


@dataclass(frozen=True)
class Differing:
    """Two states of one lakehouse, the earlier first, whose reports are compared."""

    config: Config
    releases: Sequence[Release]
    before: Released
    after: Released

    def difference(self) -> Difference:
        """What moved, by cause. Its `adds_up` is false where causes are missing."""
        was, now = self._report(self.before), self._report(self.after)
        sums = Sums()
        self._dimensions(sums)
        self._interactions(sums)
        self._rest(sums, was, now)
        figures = [
            Moved(place, measure, a, b, tuple(sorted(sums.parts[place, measure].items(), key=_big)))
            for place in sorted({*was, *now}, key=lambda p: [part.encode() for part in p])
            for measure, a, b in zip(
                MEASURES, was.get(place, _ZERO), now.get(place, _ZERO), strict=True
            )
            if a != b
        ]
        return Difference(tuple(figures), tuple(sums.log))

    @property
    def _zone(self) -> str:
        return self.config.settings.business_zone

    def _feed(self, table: str) -> Feed:
        return next(feed for feed in self.config.feeds if feed.table == table)

    @cached_property
    def _journal(self) -> list[ops.Decision]:
        state = self.after.release.tables[ops.JOURNAL]
        return ops.read_journal(self.after.lakehouse, state.version)

    def _deciding(self, table: str) -> Deciding:
        before, after = (
            side_of(released, self.releases, self._feed(table), counts=_is_reported(released))
            for released in (self.before, self.after)
        )
        return Deciding(before, after, self.releases, self._journal)

    def _report(self, released: Released) -> dict[FigurePlace, tuple[Number, ...]]:
        """The published figures by their place; none where nothing is reported yet."""
        if not _is_reported(released):
            return {}
        rows = released.support_report(self._zone).to_pylist()
        return {tuple(r[k] for k in KEYS): tuple(r[m] for m in MEASURES) for r in rows}

    def _names(self, released: Released) -> tuple[Names, Names]:
        told = []
        for table in (CENTERS, CATEGORIES):
            there = released.version(table) is not None
            told.append(moves.names_of(released.table(table), *NAMED[table]) if there else {})
        return told[0], told[1]

    def _interactions(self, sums: Sums) -> None:
        """Each changed interaction leaves its old cell and enters its new one, by the new names."""
        changed = self._changed()
        if changed is None or not changed.num_rows:
            return
        causes, rows = self._with_causes(changed)
        sides = [moves.side_of(rows, side, self._zone) for side in "ab"]
        told = moves.by_key(sides[0], sides[1], *self._names(self.after))
        columns = [told[name].to_pylist() for name in told.column_names]
        for key, number, month, center, department, *measures in zip(*columns, strict=True):
            cause, place = causes[number]
            sums.add((month, center, department), measures, cause, key, place.get(key))

    def _changed(self) -> pa.Table | None:
        """Interactions that differ, as they were and as they are; None where none can."""
        there = {"a": _is_reported(self.before), "b": _is_reported(self.after)}
        sides = {"a": self.before, "b": self.after}
        versions = {n: r.pinned(INTERACTIONS) for n, r in sides.items() if there[n]}
        if len(set(versions.values())) < sum(there.values()) or not versions:
            return None
        table = self.after.lakehouse / INTERACTIONS
        other = next(iter(versions.values()))
        pinned = {n: (table, versions.get(n, other)) for n in sides}
        key = self._feed(INTERACTIONS).key
        assert key is not None
        return lake.query(moves.changed_sql(key, there), pinned)

    def _with_causes(
        self, changed: pa.Table
    ) -> tuple[list[tuple[Cause, dict[str, Place]]], pa.Table]:
        """The changed rows with the number of their cause; the causes, with each key's place."""
        deciding = self._deciding(INTERACTIONS)
        keys = changed["key"].to_pylist()
        was, now = (_places(changed, side) for side in "ab")
        gone = {k for k, a, b in zip(keys, was, now, strict=True) if a is None or b is None}
        took_out = [side.deletes(gone) for side in (deciding.before, deciding.after)]
        numbers: dict[Cause, int] = {}
        causes: list[tuple[Cause, dict[str, Place]]] = []
        column = []
        for key, a, b in zip(keys, was, now, strict=True):
            told = (a or took_out[0].get(key), b or took_out[1].get(key))
            cause = deciding.cause(*told)
            number = numbers.setdefault(cause, len(causes))
            if number == len(causes):
                causes.append((cause, {}))
            places = [place for place in told if place and place[0] == cause.file]
            if places:
                causes[number][1][key] = places[-1]
            column.append(number)
        return causes, changed.append_column("cause", pa.array(column, pa.int64()))

    def _dimensions(self, sums: Sums) -> None:
        """Whole cells move where a centre or a category goes by another name."""
        before, after = self._names(self.before), self._names(self.after)
        if before == after or not _is_reported(self.before):
            return
        moving = list(moves.cell_moves(self._cube(self.before), before, after))
        causes = [
            self._renamings(table, {key for step, key, *_ in moving if step == n}, before, after)
            for n, table in enumerate((CENTERS, CATEGORIES))
        ]
        told: dict[tuple[Cause, FigurePlace], list[Number]] = {}
        for step, key, source, target, measures in moving:
            for place, sign in ((source, -1), (target, 1)):
                own = told.setdefault((causes[step][key], place), [*_ZERO])
                own[:] = [was + sign * m for was, m in zip(own, measures, strict=True)]
        for (cause, place), total in told.items():
            line = (cause.file, cause.line) if cause.file else None
            sums.add(place, total, cause, cause.key, line)

    def _renamings(
        self,
        table: str,
        keys: set[str],
        before: tuple[Names, Names],
        after: tuple[Names, Names],
    ) -> dict[str, Cause]:
        """For each key of a dimension that is called otherwise: by whose word."""
        if not keys:
            return {}
        column, feed = NAMED[table][1], self._feed(table)
        deciding = self._deciding(table)
        sides = (deciding.before, deciding.after)
        stand = [self._standing(r, feed, keys) for r in (self.before, self.after)]
        places = []
        for side, own in zip(sides, stand, strict=True):
            said = {key: standing.columns[column].place for key, standing in own.items()}
            places.append(side.deletes(keys - said.keys()) | said)
        n = (CENTERS, CATEGORIES).index(table)
        told = {}
        for key in keys:
            was, now = places[0].get(key), places[1].get(key)
            decided = deciding.cause(was, now)
            line = next((p[1] for p in (now, was) if p and p[0] == decided.file), 0)
            a, b = moves.name_in(before[n], key), moves.name_in(after[n], key)
            what = f"{key}: {a} is now {b}, {decided.what}"
            told[key] = Cause("dimension", decided.file, decided.release, what, key, line)
        return told

    def _standing(self, released: Released, feed: Feed, keys: set[str]) -> dict[str, Standing]:
        if released.version(feed.table) is None:
            return {}
        return Records(released, self.releases, feed).standing(keys)

    def _cube(self, released: Released) -> pa.Table:
        if released.as_of is None:
            return released.table(CUBE)
        return released.cube(self._zone)

    def _rest(self, sums: Sums, was: Figures, now: Figures) -> None:
        """What the rows do not explain: the months or measures are reckoned otherwise."""
        deciding = None
        for place in sorted({*was, *now}):
            pairs = zip(was.get(place, _ZERO), now.get(place, _ZERO), strict=True)
            left = [
                b - a - sum(p.change for p in sums.parts[place, measure].values())
                for measure, (a, b) in zip(MEASURES, pairs, strict=True)
            ]
            if any(left):
                deciding = deciding or self._deciding(INTERACTIONS)
                cause = deciding.otherwise(today=self.config.fingerprint)
                sums.add(place, left, cause, "", None)


def _is_reported(released: Released) -> bool:
    return released.version(INTERACTIONS if released.as_of else REPORT) is not None and all(
        released.version(table) is not None for table in (INTERACTIONS, CENTERS, CATEGORIES)
    )


def _places(changed: pa.Table, side: str) -> list[Place | None]:
    columns = (changed[f"{side}_{name}"].to_pylist() for name in ("_file", "_line"))
    return [(file, line) if file is not None else None for file, line in zip(*columns, strict=True)]


def _big(part: tuple[Cause, Part]) -> tuple[Any, ...]:
    """Causes with the biggest change first."""
    cause, own = part
    return (-abs(own.change), cause)
