"""A file's rows judged: accepted changes, rejected rows, warnings (contracts: Reading)."""

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from .oddities import oddities
from .records import Record, RefusedError, read_records
from .tables import Row, Table
from .values import UnreadableError, read

ACTION = "action"
UPSERTS = ("add", "update")
DELETE = "delete"


@dataclass(frozen=True)
class Change:
    """One accepted row: the row to put under the key, or None to take it away; its line."""

    key: str
    row: Row | None
    line: int = 0


@dataclass(frozen=True)
class Rejection:
    """One rejected row, with all its reasons: the action first, then by column."""

    file: str
    line: int
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class JudgedFile:
    """Changes in order of line; warnings count what is odd about accepted rows by rule."""

    file: str
    changes: list[Change]
    rejected: list[Rejection]
    warnings: dict[str, int]


def judge_file(data: Path, file: str, table: Table, *, is_extract: bool) -> JudgedFile:
    """Every row of one file, judged. Raises RefusedError for a broken header."""
    header, records = read_records(data, file)
    declared = [*table.columns] if is_extract else [*table.columns, ACTION]
    missing = [name for name in declared if name not in header]
    if missing:
        raise RefusedError(file, f"columns not there: {', '.join(missing)}")
    changes: list[Change] = []
    rejected: list[Rejection] = []
    warnings: Counter[str] = Counter()
    for record in records:
        verdict = _judge(record, header, table, is_extract)
        if isinstance(verdict, list):
            rejected.append(Rejection(file, record.line, tuple(verdict)))
        else:
            change, unreadable = verdict
            changes.append(replace(change, line=record.line))
            warnings.update(f"unreadable:{name}" for name in unreadable)
            warnings.update(oddities(change.row or {}))
    return JudgedFile(file, changes, rejected, dict(warnings))


def _judge(
    record: Record, header: tuple[str, ...], table: Table, is_extract: bool
) -> tuple[Change, list[str]] | list[str]:
    """The change and its columns that became null, or the reasons against the row."""
    if len(record.cells) != len(header):
        return ["width"]
    cells = dict(zip(header, record.cells, strict=True))
    action = "add" if is_extract else cells[ACTION].lower()
    if action == DELETE:
        key = cells[table.key]
        return (Change(key, None), []) if key else [f"required:{table.key}"]
    row, unreadable = _typed(cells, table)
    reasons = [] if action in UPSERTS else [ACTION]
    for name in table.required:
        if not cells[name]:
            reasons.append(f"required:{name}")
        elif name in unreadable:
            reasons.append(f"unreadable:{name}")
    return reasons or (Change(cells[table.key], row), unreadable)


def _typed(cells: dict[str, str], table: Table) -> tuple[Row, list[str]]:
    """The declared columns as values; what is unreadable is null and named."""
    row: Row = {}
    unreadable = []
    for name, kind in table.columns.items():
        try:
            row[name] = read(cells[name], kind)
        except UnreadableError:
            row[name] = None
            unreadable.append(name)
    return row, unreadable
