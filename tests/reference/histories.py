"""Data folders made from a seed: every oddity that the files of group A may have."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from random import Random

from .changes import DELETE
from .story_values import POOLS, Values
from .tables import DIMENSIONS, INTERACTIONS, TABLES, Row, Table
from .untidy import Planned, UntidyFile

STARTS = (date(2025, 2, 1), date(2025, 2, 1), date(2024, 11, 1), date(2025, 10, 1))
NEVER_THERE = ("GHOST1", "GHOST2")

Step = Callable[[Random, "Track"], Planned]


@dataclass
class Track:
    """One table while its history is made: what is there, what was taken away."""

    table: Table
    values: Values
    current: dict[str, Row] = field(default_factory=dict)
    gone: dict[str, Row] = field(default_factory=dict)
    touched: list[str] = field(default_factory=list)

    def apply(self, change: Planned) -> Planned:
        key = str(change.row[self.table.key])
        before = self.current.pop(key, None)
        if change.action != DELETE:
            self.current[key] = change.row
        elif before is not None:
            self.gone[key] = before
        self.touched.append(key)
        return change

    def draw(self, key: str) -> Row:
        return self.values.row(self.table.columns, key)


def write_history(
    folder: Path, seed: int, *, interactions: int = 60, months: int = 4, dirt: bool = True
) -> list[str]:
    """Writes `initial/` and `delta/` under `folder`; the months (YYYYMM), ascending.

    `interactions` is the number of interaction keys to add in all. With `dirt`, some rows are
    to be rejected and some cells unreadable; without, every row is accepted and no cell warns.
    """
    return write_tracked(folder, seed, interactions=interactions, months=months, dirt=dirt)[0]


def write_tracked(
    folder: Path, seed: int, *, interactions: int = 60, months: int = 4, dirt: bool = True
) -> tuple[list[str], dict[str, dict[str, Row]]]:
    """`write_history`, and the rows of each table by key as they must be at its end.

    The rows hold only without dirt, whose rows are not followed.
    """
    rng = Random(seed)
    firsts = _month_starts(rng.choice(STARTS), months)
    names = [f"{first:%Y%m}" for first in firsts]
    values = Values(rng, [_before(firsts[0]), *firsts] if firsts else [STARTS[0]])
    tracks = [Track(table, values) for table in TABLES]
    for track in tracks:
        fresh = _fresh_keys(rng, track.table, interactions, months + 1)
        _write_file(folder / track.table.extract, track, fresh[0], rng, dirt=dirt, steps=EXTRACT)
        for month, keys in zip(names, fresh[1:], strict=True):
            if track.table in DIMENSIONS and rng.random() < 0.25:
                continue  # this month has no file for the table, its keys never come
            path = folder / track.table.delta(month)
            _write_file(path, track, keys, rng, dirt=dirt, steps=CHANGES)
    return names, {track.table.name: track.current for track in tracks}


def _write_file(
    path: Path, track: Track, fresh: list[str], rng: Random, *, dirt: bool, steps: tuple[Step, ...]
) -> None:
    """The fresh keys in between other steps, in an order that the seed gives."""
    is_extract = steps is EXTRACT
    track.touched.clear()
    few = 3 if track.table in DIMENSIONS else max(4, len(fresh))
    plan: list[Step | str] = [*fresh, *(rng.choice(steps) for _ in range(rng.randrange(few + 1)))]
    rng.shuffle(plan)
    changes = []
    for step in plan:
        change = _add(rng, track, step) if isinstance(step, str) else step(rng, track)
        changes.append(track.apply(change))
    UntidyFile(track.table, rng, has_action=not is_extract).write(path, changes, dirt=dirt)


def _fresh_keys(rng: Random, table: Table, interactions: int, periods: int) -> list[list[str]]:
    """The keys that each period adds: about half in the extract, the rest over the months."""
    pool = (
        [f"INT{number:05}" for number in range(1, interactions + 1)]
        if table is INTERACTIONS
        else list(POOLS[table.key])
    )
    rng.shuffle(pool)
    fresh: list[list[str]] = [[] for _ in range(periods)]
    for key in pool:
        fresh[0 if rng.random() < 0.5 else rng.randrange(periods)].append(key)
    return fresh


def _add(rng: Random, track: Track, key: str) -> Planned:
    """A key that is not there yet, sometimes by an update."""
    return Planned(rng.choice(("add", "add", "update")), track.draw(key))


def _change(rng: Random, track: Track) -> Planned:
    """Other values for a key that is there, sometimes by an add."""
    return Planned(rng.choice(("update", "update", "add")), track.draw(_any(rng, track.current)))


def _repeat_as_is(rng: Random, track: Track) -> Planned:
    """The values that are there already, most likely in another spelling."""
    key = _any(rng, track.current)
    return Planned("update", track.current.get(key) or track.draw(key))


def _again_in_this_file(rng: Random, track: Track) -> Planned:
    """A key that this file has named before, with other values or as a delete."""
    key = rng.choice(track.touched or [_any(rng, track.current)])
    return Planned(rng.choice(("update", "add", DELETE)), track.draw(key))


def _again_in_this_extract(rng: Random, track: Track) -> Planned:
    return Planned("add", track.draw(rng.choice(track.touched or NEVER_THERE)))


def _take_away(rng: Random, track: Track) -> Planned:
    key = _any(rng, track.current)
    return Planned(DELETE, track.current.get(key) or track.draw(key))


def _bring_back(rng: Random, track: Track) -> Planned:
    """A key that was deleted, as it was or with other values."""
    key = _any(rng, track.gone)
    as_it_was = track.gone.get(key) if rng.random() < 0.5 else None
    return Planned("add", as_it_was or track.draw(key))


def _take_away_nothing(rng: Random, track: Track) -> Planned:
    return Planned(DELETE, track.draw(rng.choice(NEVER_THERE)))


def _any(rng: Random, rows: dict[str, Row]) -> str:
    return rng.choice(sorted(rows) or NEVER_THERE)


EXTRACT: tuple[Step, ...] = (_again_in_this_extract,)
CHANGES: tuple[Step, ...] = (
    _change,
    _change,
    _repeat_as_is,
    _again_in_this_file,
    _take_away,
    _bring_back,
    _take_away_nothing,
)


def _month_starts(first: date, count: int) -> list[date]:
    months = [first.year * 12 + first.month - 1 + step for step in range(count)]
    return [date(month // 12, month % 12 + 1, 1) for month in months]


def _before(first: date) -> date:
    return date(first.year - (first.month == 1), (first.month - 2) % 12 + 1, 1)
