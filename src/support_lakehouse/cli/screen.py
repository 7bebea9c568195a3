"""Owns what people see: tables and sentences on the screen, and the JSON for scripts."""

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from support_lakehouse.model.books import LedgerEntry
from support_lakehouse.model.landing import shown_path


class _Screen(Console):
    """A console that leaves a closed pipe, as of `| head`, to the edge of the program."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


out = _Screen(highlight=False, soft_wrap=True)
err = _Screen(stderr=True, highlight=False, soft_wrap=True)


def say(sentence: str = "") -> None:
    """Print a sentence; brackets in it are text."""
    out.print(Text(shown_path(sentence)))


def complain(sentence: str) -> None:
    """Print an error for a person, on standard error."""
    err.print(Text(shown_path(sentence), style="red"))


def table(columns: Sequence[str], rows: Sequence[Sequence[object]], title: str = "") -> None:
    """Print rows under their columns; numbers stand to the right."""
    shown = Table(title=title or None, title_justify="left", box=None, pad_edge=False)
    numbers = [all(isinstance(row[i], int | Decimal) for row in rows) for i in range(len(columns))]
    for column, is_number in zip(columns, numbers, strict=True):
        shown.add_column(column, justify="right" if is_number else "left", overflow="fold")
    for row in rows:
        shown.add_row(*(Text("" if cell is None else shown_path(str(cell))) for cell in row))
    wide = _Screen(highlight=False, width=None if sys.stdout.isatty() else 200)
    wide.print(shown)


def say_returned(returned: Mapping[str, int], rejected: Mapping[str, int]) -> None:
    """For each feed, how many rejected rows came back and how many did not."""
    for name in sorted({*returned, *rejected}):
        back, still = returned.get(name, 0), rejected.get(name, 0)
        say(f"{name}: {back} rows came back, {still} are still rejected.")


def say_oddities(entries: Iterable[LedgerEntry]) -> None:
    """Print what was rejected, warned of and undeclared, a line for each feed and rule."""
    told: dict[str, Counter[str]] = {}
    drift: dict[str, set[str]] = {}
    for entry in entries:
        sums = told.setdefault(entry.feed, Counter())
        sums.update({f"rejected by {rule}": rows for rule, rows in entry.reasons.items()})
        sums.update({f"warning {rule}": rows for rule, rows in entry.warnings.items()})
        drift.setdefault(entry.feed, set()).update(entry.drift)
    for feed, sums in sorted(told.items()):
        for what, rows in sums.items():
            say(f"{feed}: {what}: {rows}")
        if drift[feed]:
            say(f"{feed}: columns that nobody declared: {', '.join(sorted(drift[feed]))}")


def short(number: int | Decimal) -> str:
    """A number without zeros at the end, and without an exponent."""
    text = f"{number:f}" if isinstance(number, Decimal) else str(number)
    return text.rstrip("0").rstrip(".") if "." in text else text


def print_json(value: Any) -> None:
    """Print one JSON value; exact decimals become plain numbers."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=1, default=_plain) + "\n")


def _plain(value: object) -> int | float:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


@contextmanager
def progress(*, shown: bool) -> Iterator[Callable[[str], None]]:
    """A line on the terminal that names the stage at work; nothing where there is no terminal."""
    if not (shown and err.is_terminal):
        yield lambda stage: None
        return
    with err.status("plan") as status:
        yield lambda stage: status.update(stage)
