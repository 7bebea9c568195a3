"""Changes as a file written by careless hands: odd, and with dirt also wrong in places."""

from dataclasses import dataclass
from pathlib import Path
from random import Random

from .changes import ACTION, DELETE
from .spelling import UNREADABLE, any_case, padded, quoted, spell
from .tables import Row, Table, Type

EXTRA_COLUMN = "Comment"
EXTRA_CELLS = ("", "x", "see, above", "=1", "\u00a0")
NO_ACTIONS = ("", " ", "remove", "upsert", "addd", "add update", "dele te")
BLANK_LINES = ("", "", "  ", "\t", "\u00a0 ")
DELETE_LEFTOVERS = ("", "", "", "gone", "2025-02-30", "4.5")


@dataclass(frozen=True)
class Planned:
    """One change as meant: add, update or delete, and the row it carries."""

    action: str
    row: Row


class UntidyFile:
    """One file in the making; a file without actions is an extract."""

    def __init__(self, table: Table, rng: Random, *, has_action: bool) -> None:
        self._table = table
        self._rng = rng
        self._has_action = has_action
        self._columns = [*table.columns, *([ACTION] if has_action else [])]
        if rng.random() < 0.25:
            self._columns.append(EXTRA_COLUMN)
        if rng.random() < 0.3:
            rng.shuffle(self._columns)

    def write(self, path: Path, changes: list[Planned], *, dirt: bool) -> None:
        """Writes header, changes in their order, blank lines and, with dirt, bad rows."""
        rng = self._rng
        lines = [self._line(self._cells(change)) for change in changes]
        if dirt and changes:
            for _ in range(rng.randrange(5)):
                lines.insert(rng.randrange(len(lines) + 1), self._bad_line(rng.choice(changes)))
        lines.insert(0, self._header())
        while rng.random() < 0.3:
            lines.insert(rng.randrange(len(lines) + 1), rng.choice(BLANK_LINES))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self._joined(lines).encode())

    def _joined(self, lines: list[str]) -> str:
        rng = self._rng
        endings = rng.choice((("\n",), ("\r\n",), ("\r\n",), ("\n", "\r\n")))
        text = "".join(f"{line}{rng.choice(endings)}" for line in lines)
        if rng.random() < 0.4:
            text = text.removesuffix("\n").removesuffix("\r")
        return f"\ufeff{text}" if rng.random() < 0.2 else text

    def _header(self) -> str:
        rng = self._rng
        names = [padded(any_case(name, rng), rng) for name in self._columns]
        return ",".join(quoted(name, rng) for name in names)

    def _cells(self, change: Planned) -> dict[str, str]:
        """The cells by column; a delete keeps its key and sometimes leftovers, good or bad."""
        rng = self._rng
        cells = {name: spell(value, rng) for name, value in change.row.items()}
        if change.action == DELETE and rng.random() < 0.7:
            kept = self._table.key
            cells = {n: text if n == kept else self._leftover() for n, text in cells.items()}
        cells[ACTION] = any_case(change.action, rng)
        cells[EXTRA_COLUMN] = rng.choice(EXTRA_CELLS)
        return {name: padded(text, rng) for name, text in cells.items()}

    def _leftover(self) -> str:
        return self._rng.choice(DELETE_LEFTOVERS)

    def _line(self, cells: dict[str, str]) -> str:
        return ",".join(quoted(cells[name], self._rng) for name in self._columns)

    def _bad_line(self, change: Planned) -> str:
        """A line with something wrong: its width, its action, its key, a cell, or all."""
        rng = self._rng
        match rng.choice(("few", "many", "commas", "short commas", "cells", "cells", "cells")):
            case "few":
                return self._line(self._cells(change)).rpartition(",")[0].replace('"', "")
            case "many":
                return self._line(self._cells(change)) + rng.choice((",", ",extra", ",,,"))
            case "commas":
                return "," * (len(self._columns) - 1)
            case "short commas":
                return ","
            case _:
                return self._line(self._bad_cells(change))

    def _bad_cells(self, change: Planned) -> dict[str, str]:
        """An upsert or a delete with one to three wrong cells."""
        rng = self._rng
        action = rng.choice(("add", "update", change.action))
        cells = self._cells(Planned(action, change.row))
        typed = [n for n, kind in self._table.columns.items() if kind is not Type.TEXT]
        choices = [self._table.key, *self._table.required[1:], *typed, *typed]
        if self._has_action:
            choices += [ACTION, ACTION]
        for name in rng.sample(choices, k=min(len(choices), rng.choice((1, 1, 2, 3)))):
            cells[name] = padded(self._bad_cell(name), rng)
        return cells

    def _bad_cell(self, name: str) -> str:
        if name == ACTION:
            return self._rng.choice(NO_ACTIONS)
        kind = self._table.columns[name]
        if name in self._table.required and (kind is Type.TEXT or self._rng.random() < 0.4):
            return ""
        return self._rng.choice(UNREADABLE[kind])
