"""The whole calculation: files folded into silver, report, finals and balance (design: L1-L3)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .changes import Change, JudgedFile, Rejection, judge_file
from .resolved import State, by_key, finals, support_report
from .tables import TABLES, Row, Table

DELTA_FILE = re.compile(r"(\w+)_delta_([0-9]{4}(?:0[1-9]|1[0-2]))\.csv", re.ASCII)


@dataclass(frozen=True)
class Balance:
    """What became of the rows of one file (design: L3)."""

    read: int
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0
    absent_deletes: int = 0
    superseded: int = 0
    rejected: int = 0

    @property
    def outcomes(self) -> int:
        """Equals `read` when no row was lost."""
        applied = self.inserted + self.updated + self.unchanged
        taken_away = self.deleted + self.absent_deletes
        return applied + taken_away + self.superseded + self.rejected


@dataclass(frozen=True)
class Calculation:
    """All that the files up to a month say.

    `silver` by table and `finals` by `<table>_final` are sorted by key; `balances` and
    `warnings` (rule to count) are by file relative to the data folder; `rejected` is in
    order of the fold.
    """

    silver: dict[str, list[Row]]
    support_report: list[Row]
    finals: dict[str, list[Row]]
    balances: dict[str, Balance]
    warnings: dict[str, dict[str, int]]
    rejected: list[Rejection]


def months_found(data: Path) -> list[str]:
    """The months (YYYYMM) that have a change file of any of the four tables, ascending."""
    names = {table.name for table in TABLES}
    matches = (DELTA_FILE.fullmatch(path.name) for path in (data / "delta").glob("*"))
    return sorted({match[2] for match in matches if match and match[1] in names})


def calculate(
    data: Path, months: Sequence[str] | None = None, *, as_of: str | None = None
) -> Calculation:
    """The extract and the change files of `months` (None: all), those up to `as_of` only.

    Raises RefusedError for a file that may not be taken, ValueError for a month without files.
    """
    found = months_found(data)
    absent = sorted(set(months or ()) - set(found))
    if absent:
        raise ValueError(f"months without any file: {', '.join(absent)}")
    chosen = found if months is None else sorted(set(months))
    periods = [month for month in chosen if as_of is None or month <= as_of]
    states: dict[str, State] = {}
    balances: dict[str, Balance] = {}
    judged_files: list[JudgedFile] = []
    for table in TABLES:
        states[table.name] = {}
        for judged in _judged_in_order(data, table, periods):
            balances[judged.file] = fold(states[table.name], judged)
            judged_files.append(judged)
    return Calculation(
        silver={table.name: by_key(table, states[table.name].values()) for table in TABLES},
        support_report=support_report(states),
        finals=finals(states),
        balances=balances,
        warnings={judged.file: judged.warnings for judged in judged_files},
        rejected=[row for judged in judged_files for row in judged.rejected],
    )


def _judged_in_order(data: Path, table: Table, months: Sequence[str]) -> list[JudgedFile]:
    """The extract, then the months ascending; a month may lack a file (sources: A)."""
    deltas = [table.delta(month) for month in months]
    return [
        judge_file(data, table.extract, table, is_extract=True),
        *(
            judge_file(data, file, table, is_extract=False)
            for file in deltas
            if (data / file).exists()
        ),
    ]


def fold(state: State, judged: JudgedFile) -> Balance:
    """Applies one file to `state`: the last line for a key wins (design: L1)."""
    last: dict[str, Change] = {change.key: change for change in judged.changes}
    outcomes = [_apply(state, change) for change in last.values()]
    return Balance(
        read=len(judged.changes) + len(judged.rejected),
        inserted=outcomes.count("inserted"),
        updated=outcomes.count("updated"),
        unchanged=outcomes.count("unchanged"),
        deleted=outcomes.count("deleted"),
        absent_deletes=outcomes.count("absent_deletes"),
        superseded=len(judged.changes) - len(last),
        rejected=len(judged.rejected),
    )


def _apply(state: State, change: Change) -> str:
    """The outcome of one change; an upsert of what is there already is `unchanged`."""
    before = state.get(change.key)
    if change.row is None:
        state.pop(change.key, None)
        return "absent_deletes" if before is None else "deleted"
    state[change.key] = change.row
    if before is None:
        return "inserted"
    return "unchanged" if before == change.row else "updated"
