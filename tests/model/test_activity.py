"""From which release to which a row counts, by releases and the journal alone."""

import pytest

from support_lakehouse.model.activity import Activity, Decided, activity
from support_lakehouse.model.release import Kind, Release

FILE, OTHER = "delta/x.csv", "delta/y.csv"


def releases(*told: tuple[Kind, tuple[str, ...]]) -> list[Release]:
    return [
        Release(
            release=number,
            at="",
            run=f"r{number}",
            kind=kind,
            months=(),
            files=files,
            rows={},
            tables={},
            as_of={},
            refusals=(),
            code="",
            config="",
            previous="",
        )
        for number, (kind, files) in enumerate(told, start=1)
    ]


RUN: tuple[Kind, tuple[str, ...]] = ("run", (FILE,))
ELSE: tuple[Kind, tuple[str, ...]] = ("run", (OTHER,))


@pytest.mark.parametrize(
    ("told", "decided", "admitted", "active", "gone"),
    [
        ((RUN, ELSE), Decided(), 1, (True, True), ("", 0)),
        ((ELSE, RUN), Decided(), 2, (False, True), ("", 0)),
        ((RUN, ELSE, RUN), Decided(), 1, (True, True, False), ("corrected", 3)),
        ((RUN, ("refusal", (FILE,))), Decided(), 1, (True, True), ("", 0)),
        ((RUN, ("reset", (OTHER,)), ELSE), Decided(), 1, (True, False, False), ("reset", 2)),
        ((RUN, ("replay", ())), Decided({2: {FILE}}, {}), 1, (True, False), ("withdrawn", 2)),
        ((RUN, ("replay", ())), Decided({2: {OTHER}}, {}), 1, (True, True), ("", 0)),
        ((ELSE, RUN, ("rollback", ())), Decided({}, {3: 1}), 2, (False, True, False), ("held", 3)),
        (
            (RUN, ("replay", ()), ("rollback", ())),
            Decided({2: {FILE}}, {3: 1}),
            1,
            (True, False, True),
            ("", 0),
        ),
        (
            (RUN, RUN, ("rollback", ()), RUN),
            Decided({}, {3: 1}),
            1,
            (True, False, True, False),
            ("corrected", 4),
        ),
    ],
)
def test_a_row_counts_from_its_release_until_something_takes_it_out(
    told, decided, admitted, active, gone
):
    assert activity(releases(*told), decided, FILE, admitted) == Activity(
        dict(enumerate(active, start=1)), *gone
    )


def test_the_journal_says_what_was_taken_out_and_where_it_went_back_to():
    journal = [
        (1, "accepted", "2 files"),
        (2, "withdrawn", FILE),
        (3, "rolled back", "to release 1"),
    ]
    assert Decided.of(journal) == Decided({2: {FILE}}, {3: 1})
