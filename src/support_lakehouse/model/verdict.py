"""Owns the words of a verification: what was checked, what differs, what could not be looked at."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

Result = Literal["sound", "damaged", "not checked"]


@dataclass(frozen=True)
class Difference:
    """One thing that is not as it was released: a table or file, perhaps a key in it, and what."""

    where: str
    what: str
    key: str = ""
    todo: str = ""


@dataclass
class Findings:
    """What a verification has found so far.

    `checked` counts what was looked at. `unchecked` are sentences on what could not be: that is no
    damage. `notes` are what a person may want to know and the next run puts right by itself.
    """

    checked: Counter[str] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def differs(self, where: str, what: str, *, key: str = "", todo: str = "") -> None:
        """Add a difference, once."""
        told = Difference(where, what, key, todo)
        if told not in self.differences:
            self.differences.append(told)

    def left_out(self, sentence: str) -> None:
        """Add what could not be looked at, once."""
        if sentence not in self.unchecked:
            self.unchecked.append(sentence)

    def not_opened(self, what: str, error: OSError) -> None:
        """Add what the system did not let be opened."""
        self.left_out(f"{what} could not be opened: {error.strerror}.")

    def take_over(self, others: "Findings") -> None:
        """Add what was found elsewhere."""
        self.checked.update(others.checked)
        self.differences += others.differences
        self.unchecked += others.unchecked
        self.notes += others.notes

    @property
    def result(self) -> Result:
        if self.differences:
            return "damaged"
        return "not checked" if self.unchecked else "sound"
