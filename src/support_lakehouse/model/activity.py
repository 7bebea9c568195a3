"""Owns from which release to which a row of bronze counted (L1): loaded, replaced, out, back."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from support_lakehouse.model.release import Release

_BACK_TO = re.compile(r"to release ([0-9]+)")


@dataclass(frozen=True)
class Decided:
    """What of the journal decides which files count: files taken out, and rollbacks, by release."""

    withdrawn: Mapping[int, Collection[str]] = field(default_factory=dict)
    back_to: Mapping[int, int] = field(default_factory=dict)

    @classmethod
    def of(cls, journal: Sequence[tuple[int, str, str]]) -> "Decided":
        """From lines of the journal: release, decision, what."""
        withdrawn: dict[int, set[str]] = {}
        back_to = {}
        for release, decision, what in journal:
            if decision == "withdrawn":
                withdrawn.setdefault(release, set()).add(what)
            elif decision == "rolled back" and (told := _BACK_TO.fullmatch(what)):
                back_to[release] = int(told[1])
        return cls(withdrawn, back_to)


@dataclass(frozen=True)
class Activity:
    """For each release, oldest first, whether a row counts, and why and since when no more.

    `gone` is `corrected` (its file came again), `withdrawn`, `held` or `reset`; `gone_in` is the
    release since which it is so, 0 while the row counts.
    """

    active: Mapping[int, bool]
    gone: str = ""
    gone_in: int = 0


def activity(releases: Sequence[Release], decided: Decided, file: str, admitted: int) -> Activity:
    """How a row fared that came in `file` with the release `admitted`.

    `releases` are all up to the one that is asked about, oldest first.
    """
    active: dict[int, bool] = {}
    before = False
    gone, gone_in = "", 0
    for release in releases:
        number = release.release
        if number in decided.back_to:
            now, why = active.get(decided.back_to[number], False), "held"
        elif number == admitted:
            now, why = True, ""
        elif release.kind == "reset":
            now, why = False, "reset"
        elif release.kind == "run" and file in release.files:
            now, why = False, "corrected"
        elif file in decided.withdrawn.get(number, ()):
            now, why = False, "withdrawn"
        else:
            now, why = before, gone
        if now:
            gone, gone_in = "", 0
        elif before:
            gone, gone_in = why, number
        active[number] = before = now
    return Activity(active, gone, gone_in)
