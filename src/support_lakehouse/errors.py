"""Owns the errors a person can meet, each with its exit code (design.md 8)."""

from collections.abc import Sequence
from dataclasses import dataclass


class SupportLakehouseError(Exception):
    """The root: says what went wrong, where, what was expected and what to do about it."""

    exit_code = 1

    def __init__(
        self, what: str, *, where: str | None = None, expected: str | None = None, hint: str = ""
    ) -> None:
        self.what, self.where, self.expected, self.hint = what, where, expected, hint
        super().__init__(self.sentence())

    def sentence(self) -> str:
        """All that is known as one line for the screen."""
        parts = [f"{self.where}: {self.what}" if self.where else self.what]
        if self.expected:
            parts.append(f"Expected {self.expected}.")
        if self.hint:
            parts.append(self.hint)
        head, *rest = parts
        return " ".join([head if not rest or head.endswith(".") else f"{head}.", *rest])


class UsageError(SupportLakehouseError):
    """Wrong use: an unknown month, a folder that is not there."""

    exit_code = 2


class ConfigError(UsageError):
    """A file in `conf/` that cannot be meant."""


class SetupError(UsageError):
    """Java, Python or the Delta jars are missing or wrong."""


@dataclass(frozen=True)
class Refusal:
    """One reason why the data is not taken: the feed, the file, and a sentence."""

    feed: str
    file: str
    why: str


class DataRefused(SupportLakehouseError):
    """The data was refused by policy; nothing of the run is released."""

    exit_code = 3

    def __init__(self, refusals: Sequence[Refusal]) -> None:
        self.refusals = tuple(refusals)
        first = self.refusals[0]
        more = f" (and {len(self.refusals) - 1} more)" if len(self.refusals) > 1 else ""
        super().__init__(f"{first.why}{more}")


class LockHeld(SupportLakehouseError):
    """Another run writes to the lakehouse."""

    exit_code = 4

    def __init__(self, owner: str, lakehouse: str) -> None:
        super().__init__(
            f"{owner} works on this lakehouse",
            where=lakehouse,
            hint="Nothing was changed. Wait for its end and run again; readers need not wait.",
        )


class Damaged(SupportLakehouseError):
    """A table cannot be read as the release says: a log entry or file is torn, empty or missing."""

    exit_code = 5


class BooksDoNotBalance(SupportLakehouseError):
    """Rows read and rows accounted for differ: a fault of the program, so nothing is released."""

    exit_code = 1
