"""Owns a difference between two reports: what moved, and the causes that add up to it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from support_lakehouse.transforms.moves import Number
from support_lakehouse.transforms.report import KEYS, MEASURES

FigurePlace = tuple[str, str, str]
_MOST_KEYS = 100


@dataclass(frozen=True, order=True)
class Cause:
    """Why figures moved: the word of contracts.md, the file that decides it, and the release.

    `what` says more to people; `key` is the dimension's row of a whole move, `line` its place.
    """

    cause: str
    file: str
    release: int
    what: str = ""
    key: str = ""
    line: int = 0


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
class Sums:
    """What causes do to figures, while it is put together."""

    parts: dict[tuple[FigurePlace, str], dict[Cause, Part]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    log: list[Mapping[str, Any]] = field(default_factory=list)

    def add(
        self,
        place: FigurePlace,
        measures: Sequence[Number],
        cause: Cause,
        key: str,
        line: tuple[str, int] | None,
    ) -> None:
        for measure, change in zip(MEASURES, measures, strict=True):
            if change:
                self.parts[place, measure].setdefault(cause, Part()).add(change, key)
        told = dict(zip(KEYS, place, strict=True)) | dict(zip(MEASURES, measures, strict=True))
        self.log.append({"key": key, **told, "cause": cause, "place": line})


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
