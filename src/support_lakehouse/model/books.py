"""Owns the books: what became of each row of a file, and the ledger's line on the file."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

WITHDRAWAL_HELD = "withdrawal held"
"""The state of a second line on a loaded file: a rollback brought it back, and a person, or a
reset, had taken it out."""
DECISIONS_HELD = "decisions held"
"""The state of a second line on a file: a rollback took back what a person had decided about its
rejected rows. The line's release is the last one that has the decisions."""


OPEN, RELEASED, DISCARDED, SUPERSEDED, REFUSED = (
    "open", "released", "discarded", "superseded", "refused"
)  # fmt: skip
STATES = (OPEN, RELEASED, DISCARDED, SUPERSEDED, REFUSED)
"""Of an entry of quarantine: it waits, came back, was given up, its file came with other bytes, or
its file was refused."""


Content = tuple[str, str, str]
"""A file with certain bytes: feed, path, sha256."""


@dataclass(frozen=True)
class Balance:
    """The outcomes of one file's rows; they add up to the rows read (law L3)."""

    read: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0
    absent_deletes: int = 0
    superseded: int = 0
    rejected: int = 0

    @property
    def accounted(self) -> int:
        return sum(getattr(self, f.name) for f in fields(self) if f.name != "read")

    @property
    def balances(self) -> bool:
        return self.read == self.accounted

    def as_dict(self) -> dict[str, int]:
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @staticmethod
    def total(balances: "list[Balance]") -> "Balance":
        names = [f.name for f in fields(Balance)]
        return Balance(**{name: sum(getattr(b, name) for b in balances) for name in names})


@dataclass(frozen=True)
class LedgerEntry:
    """One file in the ledger: its state is `loaded` or `refused`, or one of those put aside.

    A file is put aside as `withdrawn` or as `held`. `withdrawal held` and `decisions held` are
    second lines, beside the file's own.

    `admissions` name the rows in bronze that stand for the file: those of the time it was taken
    (`admissions[0]`), and those of each time that rows of it came back from quarantine. `release`
    is 0 until the file's own is made.
    """

    feed: str
    file: str
    period: str
    sha256: str
    size: int
    mtime_ns: int
    inode: int
    state: str = "loaded"
    release: int = 0
    admissions: tuple[str, ...] = ()
    label: str = ""
    header: tuple[str, ...] = ()
    drift: tuple[str, ...] = ()
    balance: Balance = Balance()
    reasons: Mapping[str, int] = field(default_factory=dict)
    warnings: Mapping[str, int] = field(default_factory=dict)
    why: str = ""

    @property
    def place(self) -> tuple[str, str]:
        return (self.feed, self.file)

    @property
    def content(self) -> Content:
        return (self.feed, self.file, self.sha256)

    @property
    def is_aside(self) -> bool:
        return self.state in ("held", "withdrawn") or self.is_second

    @property
    def is_second(self) -> bool:
        return self.state in (WITHDRAWAL_HELD, DECISIONS_HELD)
