"""Owns what is guessed of a column from some of its cells: a type, whether it could be a key."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from support_lakehouse.model.feed import FormatName

Row = Mapping[str, str | None]
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}(?:\.0+)?")
_DECIMAL = re.compile(r"[+-]?([0-9]+)(?:\.([0-9]+))?")
_CODE = re.compile(r"[+-]?0[0-9].*|\+[0-9]{7,}")
_TIME = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]")
_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_CLOCK = r"[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?"
_TIMESTAMP = re.compile(rf"{_DAY}[T ]{_CLOCK}(?:Z|[+-][0-9]{{2}}:?[0-9]{{2}})?")
_MOST_DIGITS, _USUAL_DIGITS = 38, 12


@dataclass(frozen=True)
class Sample:
    """What some rows of a file tell; a cell is its trimmed text, or None where it holds nothing.

    `columns` are header names, or the dotted paths of a JSON record's values. `left_out` has what
    no column can be made of, with the reason.
    """

    file: str
    format: FormatName
    columns: tuple[str, ...]
    rows: Sequence[Row]
    delimiter: str = ","
    header: bool = True
    left_out: Mapping[str, str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()

    def cells(self, column: str) -> list[str]:
        """The cells of a column that hold something."""
        found = (row.get(column) for row in self.rows)
        return [cell for cell in found if cell is not None]


def guess_type(cells: Sequence[str]) -> str:
    """The narrowest type that reads every cell (contracts.md, Reading); text if there is none.

    Digits that are no number stay text: codes like 007, and telephone numbers.
    """
    if not cells or any(_CODE.fullmatch(cell) and not _is_moment(cell) for cell in cells):
        return "text"
    if all(_INTEGER.fullmatch(cell) for cell in cells):
        return "integer"
    if all(_DECIMAL.fullmatch(cell) for cell in cells):
        return _decimal(cells)
    if all(cell.lower() in ("true", "false") for cell in cells):
        return "boolean"
    if all(re.fullmatch(_DAY, cell) and _is_real(cell) for cell in cells):
        return "date"
    if all(_TIMESTAMP.fullmatch(cell) and _is_real(cell) for cell in cells):
        return "timestamp"
    return "time" if all(_TIME.fullmatch(cell) for cell in cells) else "text"


def _is_moment(cell: str) -> bool:
    """Whether something that begins like a code is a time or a date, as 00:30:00 is."""
    return ":" in cell or re.match(_DAY, cell) is not None


def _decimal(cells: Sequence[str]) -> str:
    """Room for every digit that was seen, and for some more before the point."""
    parts = [found.groups("") for found in map(_DECIMAL.fullmatch, cells) if found]
    scale = max(len(fraction.rstrip("0")) for _, fraction in parts)
    whole = max(len(digits) for digits, _ in parts)
    if scale == 0 or whole + scale > _MOST_DIGITS:
        return "text"
    return f"decimal({min(max(_USUAL_DIGITS, whole + scale + 2), _MOST_DIGITS)},{scale})"


def _is_real(cell: str) -> bool:
    try:
        datetime.fromisoformat(cell)
    except ValueError:
        return False
    return True


def odd_cells(cells: Sequence[str]) -> tuple[str, int] | None:
    """The type that most cells are of though not all, and how many are not; None: all are alike."""
    single = Counter(guess_type([cell]) for cell in cells)
    type_, most = single.most_common(1)[0] if cells else ("text", 0)
    return (type_, len(cells) - most) if type_ != "text" and 2 * most > len(cells) else None


def guess_key(sample: Sample, types: Mapping[str, str]) -> str | None:
    """A column of `types` whose cells all differ; one whose name ends in id goes before others.

    A single row proves nothing: there, only the name counts.
    """
    rows = len(sample.rows)
    fit = [column for column in types if rows and len(set(sample.cells(column))) == rows]
    named = [column for column in fit if column.lower().endswith("id")]
    others = [c for c in fit if types[c] in ("text", "integer") and rows > 1]
    return next(iter(named + others), None)
