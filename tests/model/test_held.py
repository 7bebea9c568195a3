"""What a rollback holds: by hand, and in random histories beside the plain model of the laws."""

from dataclasses import replace
from random import Random

import pytest

from support_lakehouse.model.books import DECISIONS_HELD, WITHDRAWAL_HELD, LedgerEntry
from support_lakehouse.model.held import after_rollback
from tests.reference import laws
from tests.reference.laws import Books
from tests.reference.small import Content, small_feeds

FEED = small_feeds(0)[1]
SOME = {"contact_center_id": "c1", "contact_center_name": "North"}
CONTENTS = {
    (path, size): Content(FEED, path, ({**SOME, "size": str(size)},))
    for path in FEED.paths
    for size in range(3)
}
"""Three contents for each of three files."""


def entry(file: str, sha256: str, state: str = "loaded") -> LedgerEntry:
    admissions = () if state == DECISIONS_HELD else ("r1-0",)
    return LedgerEntry("agents", file, "", sha256, 1, 1, 1, state, 1, admissions)


def ledger(*told: str) -> tuple[LedgerEntry, ...]:
    """`a1` is file a with content 1, loaded; a word behind it says what else it is."""
    words = {"held": "held", "out": "withdrawn", "back": WITHDRAWAL_HELD, "decided": DECISIONS_HELD}
    split = [text.partition(" ") for text in told]
    return tuple(entry(c[0], c[1], words[word] if word else "loaded") for c, _, word in split)


def told(entries: tuple[LedgerEntry, ...]) -> set[str]:
    words = {"loaded": "", "held": " held", "withdrawn": " out", WITHDRAWAL_HELD: " back"}
    return {f"{e.file}{e.sha256}{words[e.state]}" for e in entries}


@pytest.mark.parametrize(
    ("then", "now", "after"),
    [
        (("a1",), ("a1", "b1"), {"a1", "b1 held"}),
        (("a1",), ("a2",), {"a1", "a2 held"}),
        (("a1", "b1"), ("a1", "b1 out"), {"a1", "b1", "b1 back"}),  # withdrawn since
        (("a1", "b1"), ("a1",), {"a1", "b1", "b1 back"}),  # not there at a reset since
        (("a1",), ("a2 out",), {"a1", "a2 out", "a1 back"}),  # corrected, and withdrawn
        (("a1",), ("a1", "b1 out"), {"a1", "b1 out"}),  # loaded since, and withdrawn
        (("a1 out",), ("a1",), {"a1 held"}),  # a reset took it again
        (("a1 out", "b1"), ("a2", "b1"), {"a1 out", "a2 held", "b1"}),
        (("a1 held",), ("a1 out",), {"a1 out"}),
        (("b1", "a1 held"), ("b1", "a1"), {"b1", "a1 held"}),  # accepted since
        (("b1 out",), ("b1", "b1 back"), {"b1 out"}),  # back to the withdrawal
        (("b1", "b1 back"), ("b1 out",), {"b1", "b1 back"}),
        (("b1",), ("b1", "b1 back"), {"b1", "b1 back"}),  # back twice
        (("b2",), ("b1", "b1 back"), {"b2", "b1 out", "b2 back"}),
        (("b2",), ("b1", "b1 back", "b3 held"), {"b2", "b1 out", "b3 held", "b2 back"}),
        (("b3",), ("b1", "b1 back", "b3 held"), {"b3", "b1 out"}),
        (("a1",), ("a1 held",), {"a1"}),  # back to what a rollback held
        (("a1", "b1"), ("a1", "b2", "b1 out"), {"a1", "b1", "b2 held"}),  # out, then sent again
    ],
)
def test_what_a_person_decided_since_is_held(then, now, after) -> None:
    assert told(after_rollback(ledger(*now), ledger(*then))) == after


@pytest.mark.parametrize(
    ("then", "now", "decided", "after"),
    [
        ("a1", ("a1",), "a1", {"a1 decided 7"}),
        ("a1", ("a1", "b1"), "b1", {"b1 decided 7"}),  # loaded since: it waits with its file
        ("a1", ("a2",), "a1", set()),  # corrected since
        ("a1", ("a1", "a1 back"), "a1", set()),  # to be taken out
        ("a1", ("a1", "b1 held", "b1 decided"), "", {"b1 decided 1"}),  # back twice
        ("a1", ("a1", "a1 decided"), "a1", {"a1 decided 1", "a1 decided 7"}),
        ("a1", ("a1 out",), "a1", set()),
    ],
)
def test_what_was_decided_of_rejected_rows_since_is_held(then, now, decided, after) -> None:
    contents = {("agents", decided[0], decided[1])} if decided else set()
    made = after_rollback(ledger(*now), ledger(then), contents, release=7)
    lines = [e for e in made if e.state == DECISIONS_HELD]
    assert {f"{e.file}{e.sha256} decided {e.release}" for e in lines} == after
    assert all(e.balance == balance_of(0) and not e.admissions for e in lines)


def test_a_line_on_a_withdrawal_counts_no_row_and_files_put_aside_have_none_in_bronze() -> None:
    back, new = replace(entry("b", "1"), balance=balance_of(5)), entry("c", "1")
    made = {e.state: e for e in after_rollback((new,), (back,))}
    assert made["loaded"] == back
    assert made[WITHDRAWAL_HELD] == replace(
        entry("b", "1", WITHDRAWAL_HELD), admissions=(), balance=balance_of(0)
    )
    assert made["held"] == replace(entry("c", "1", "held"), admissions=())


def balance_of(rows: int):
    return replace(entry("", "").balance, read=rows, inserted=rows)


class Folder:
    """A data folder, and what a person does with it and with the books of the model."""

    def __init__(self, rng: Random) -> None:
        self.rng, self.disk, self.books, self.released = rng, {}, Books(), [Books()]

    def step(self) -> None:
        getattr(
            self, self.rng.choice(("deliver", "deliver", "back", "withdraw", "held", "reset"))
        )()
        self.released.append(self.books)

    def run(self, *accept: str, reset: bool = False) -> Books:
        books = Books() if reset else self.books
        planned = laws.plan(books, self.disk, {FEED.name}, ("corrections", *accept))
        assert not planned.refused
        return laws.done(books, planned, "strict", len(self.released))

    def deliver(self) -> None:
        content = self.rng.choice(list(CONTENTS.values()))
        self.disk[content.path] = content
        self.books = self.run()

    def held(self) -> None:
        self.books = self.run("held")

    def reset(self) -> None:
        for path in self.rng.sample(
            sorted(self.disk), min(len(self.disk), self.rng.choice((0, 1)))
        ):
            del self.disk[path]
        self.books = self.run(reset=True)

    def withdraw(self) -> None:
        held = {path for (path, _), state in self.books.aside.items() if state == "held"}
        there = sorted({*self.books.loaded, *held})
        if there:
            self.books = laws.withdrawn(self.books, self.rng.choice(there))

    def back(self) -> None:
        """Back to any release; once accepted, what is held leads where it led before.

        Bytes that have left the folder cannot be accepted.
        """
        now, then, before = self.books, self.rng.choice(self.released), contents(self.run("held"))
        there = {path: content.sha256 for path, content in self.disk.items()}
        wanted = {key for key, state in now.aside.items() if state == "held"}
        wanted |= contents(now).items()
        gone = {path for path, _ in wanted} - {path for path, _ in wanted & there.items()}
        self.books = laws.rolled_back(now, then)
        assert contents(self.books) == contents(then)
        made = after_rollback(entries_of(now), entries_of(then))
        assert key_of(made) == key_of(entries_of(self.books))
        assert contents(self.run("held")) == before or gone


def contents(books: Books) -> dict[str, str]:
    return {path: file.content.sha256 for path, file in books.loaded.items()}


def entries_of(books: Books) -> tuple[LedgerEntry, ...]:
    loaded = contents(books)
    return (
        *(entry(path, sha256) for path, sha256 in loaded.items()),
        *(entry(path, sha256, state) for (path, sha256), state in books.aside.items()),
        *(entry(path, loaded[path], WITHDRAWAL_HELD) for path in books.out),
    )


def key_of(entries: tuple[LedgerEntry, ...]) -> list[tuple[str, str, str]]:
    return sorted((e.file, e.sha256, e.state) for e in entries)


@pytest.mark.parametrize("seed", range(300))
def test_whatever_was_done_going_back_and_accepting_leads_to_the_newest_files(seed: int) -> None:
    folder = Folder(Random(seed))
    for _ in range(15):
        folder.step()
