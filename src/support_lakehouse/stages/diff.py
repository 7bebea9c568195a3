"""Owns what moved in the report between two states, by cause, so that it adds up exactly."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
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
from support_lakehouse.stages.sides import Cause, Deciding, side_of
from support_lakehouse.transforms import moves
from support_lakehouse.transforms.moves import Names, Number
from support_lakehouse.transforms.report import KEYS, MEASURES
from support_lakehouse.transforms.story import Standing

CUBE = "gold/interaction_cube"
_MOST_KEYS = 100
FigurePlace = tuple[str, str, str]
Figures = Mapping[FigurePlace, tuple[Number, ...]]
_ZERO: tuple[Number, ...] = (0,) * len(MEASURES)


@dataclass
class Part:
    """What one cause does to one figure: by how much, and through which keys."""

    change: Any = 0  # an int or a Decimal
    keys: list[str] = field(default_factory=list)
    key_count: int = 0

    def add(self, change: Number, key: str) -> None:
        self.change += change
        self.key_count += 1
        if len(self.keys) < _MOST_KEYS:
            self.keys.append(key)


@dataclass(frozen=True)
class Moved:
    """One figure that is another now: a measure of a row of the report."""

    place: FigurePlace
    measure: str
    before: Number
    after: Number
    causes: tuple[tuple[Cause, Part], ...]

    @property
    def explained(self) -> bool:
        told = sum(part.change for _, part in self.causes)
        return told == self.after - self.before and all(cause.cause for cause, _ in self.causes)


@dataclass(frozen=True)
class Difference:
    """All figures that moved, in order, and each key or whole cell that moved, with its cause.

    `log` has a row for each key and figure: KEYS, what it adds to the measures, key, cause.
    """

    figures: tuple[Moved, ...]
    log: tuple[Mapping[str, Any], ...]

    @property
    def adds_up(self) -> bool:
        return all(figure.explained for figure in self.figures)


@dataclass
class _Sums:
    """What causes do to figures, while it is put together."""

    parts: dict[tuple[FigurePlace, str], dict[Cause, Part]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    log: list[Mapping[str, Any]] = field(default_factory=list)

    def add(
        self, place: FigurePlace, measures: Sequence[Number], cause: Cause, key: str, file_line: Any
    ) -> None:
        for measure, change in zip(MEASURES, measures, strict=True):
            if change:
                self.parts[place, measure].setdefault(cause, Part()).add(change, key)
        told = dict(zip(KEYS, place, strict=True)) | dict(zip(MEASURES, measures, strict=True))
        self.log.append({"key": key, **told, "cause": cause, "place": file_line})


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
        sums = _Sums()
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

    def _interactions(self, sums: _Sums) -> None:
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

    def _dimensions(self, sums: _Sums) -> None:
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

    def _rest(self, sums: _Sums, was: Figures, now: Figures) -> None:
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


def reversed_(told: Difference) -> Difference:
    """The same, seen from the later state."""

    def taken_back(cause: Cause) -> Cause:
        return replace(cause, what=f"not yet: {cause.what}")

    figures = tuple(
        Moved(
            m.place,
            m.measure,
            before=m.after,
            after=m.before,
            causes=tuple(
                (taken_back(c), Part(-p.change, p.keys, p.key_count)) for c, p in m.causes
            ),
        )
        for m in told.figures
    )
    log = tuple(
        {**row, "cause": taken_back(row["cause"])} | {m: -row[m] for m in MEASURES}
        for row in told.log
    )
    return Difference(figures, log)
