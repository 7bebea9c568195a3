"""Where each value of each row comes from: the file and line that said it last (law L1)."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .changes import judge_file
from .tables import Row, Table

Origin = tuple[str, int]


@dataclass(frozen=True)
class Told:
    """A row, who wrote it, and who said each of its values."""

    row: Row
    by: Origin
    columns: dict[str, Origin]


@dataclass(frozen=True)
class Source:
    """A file that counts: where its bytes lie, its path, whether it is an extract."""

    data: Path
    file: str

    @property
    def is_extract(self) -> bool:
        return self.file.startswith("initial/")


def origins(files: Iterable[Source], table: Table) -> dict[str, Told]:
    """The rows that files in their order come to, with the origin of each value."""
    state: dict[str, Told] = {}
    for told in files:
        judged = judge_file(told.data, told.file, table, is_extract=told.is_extract)
        for change in {c.key: c for c in judged.changes}.values():
            place = (told.file, change.line)
            before = state.pop(change.key, None)
            if change.row is not None:
                state[change.key] = _after(before, change.row, place)
    return state


def _after(before: Told | None, row: Row, place: Origin) -> Told:
    if before is None:
        return Told(row, place, dict.fromkeys(row, place))
    kept = {n: before.columns[n] if before.row[n] == v else place for n, v in row.items()}
    return Told(row, place if row != before.row else before.by, kept)
