"""The laws of the product in plain Python: the fold, the books, and what people decide."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any

from .resolved import BUSINESS_ZONE, UNKNOWN_TEXT
from .small import Cells, Change, Content, SmallFeed, judge

Row = Mapping[str, Any]
Balance = dict[str, int]
OUTCOMES = (
    *("inserted", "updated", "unchanged", "deleted", "absent_deletes", "superseded", "rejected"),
)


@dataclass(frozen=True)
class Loaded:
    """A file that counts: its verdicts by line, those of rows that came back among them."""

    content: Content
    verdicts: Mapping[int, Change | None]
    release: int

    @property
    def period(self) -> str:
        return self.content.feed.period(self.content.path)

    @property
    def accepted(self) -> list[tuple[int, Change]]:
        return [(line, change) for line, change in self.verdicts.items() if change is not None]


@dataclass
class Folded:
    """What a feed's files come to: the table, of a snapshot its history, the books of each file."""

    rows: list[Row] = field(default_factory=list)
    history: list[tuple[str, Row]] = field(default_factory=list)
    books: dict[str, Balance] = field(default_factory=dict)


def fold(feed: SmallFeed, files: Iterable[Loaded]) -> Folded:
    """The files in order of period, path and line, each kind of feed by its own law."""
    told = Folded()
    ordered = sorted(files, key=lambda file: (_order(file.period), file.content.path.encode()))
    for file in ordered:
        book = dict.fromkeys(OUTCOMES, 0)
        book["rejected"] = len(file.verdicts) - len(file.accepted)
        told.books[file.content.path] = book | {"read": len(file.verdicts)}
    if feed.kind == "log":
        told.rows = [change.row for file in ordered for _, change in file.accepted if change.row]
        for file in ordered:
            told.books[file.content.path]["inserted"] = len(file.accepted)
        return told
    state: dict[str, Row] = {}
    groups = [list(files) for _, files in groupby(ordered, key=lambda file: file.period)]
    if feed.kind == "lookup":
        groups = [[file] for file in ordered]
    last = groups[-1][0].period if groups else ""
    for group in groups:
        if feed.kind in ("lookup", "snapshot"):
            state, before = {}, state
        _fold_together(feed, group, state, told.books)
        if feed.kind == "snapshot":
            told.history += [(group[0].period, row) for row in state.values()]
            state = before | state if feed.absent == "keep" else state
            assert group[0].period <= last
    told.rows = list(state.values())
    return told


def _fold_together(
    feed: SmallFeed, group: Iterable[Loaded], state: dict[str, Row], books: dict[str, Balance]
) -> None:
    """Apply the files of one period: the last row of a key in each file, these in their order."""
    changes = []
    for file in group:
        own: dict[str, tuple[Any, ...]] = {}
        for line, change in file.accepted:
            place = (_rank(change, feed), file.content.path.encode(), line)
            own[change.key] = max(own.get(change.key, (place, change)), (place, change), key=_first)
        books[file.content.path]["superseded"] = len(file.accepted) - len(own)
        changes += [(place, change, file.content.path) for place, change in own.values()]
    for _, change, path in sorted(changes, key=_first):
        books[path][_apply(change, state)] += 1


def _first(told: tuple[Any, ...]) -> Any:
    return told[0]


def _rank(change: Change, feed: SmallFeed) -> tuple[int, ...]:
    """By the feed's order column, null first."""
    if not feed.order:
        return ()
    number = (change.row or {}).get(feed.order[0])
    return (-1,) if number is None else (number,)


def _apply(change: Change, state: dict[str, Row]) -> str:
    before = state.get(change.key)
    if change.row is None:
        state.pop(change.key, None)
        return "absent_deletes" if before is None else "deleted"
    state[change.key] = change.row
    if before is None:
        return "inserted"
    return "unchanged" if before == change.row else "updated"


def _order(period: str) -> tuple[bool, str]:
    return (period != "initial", period)


@dataclass(frozen=True)
class Waiting:
    """An entry of quarantine; `given` are the cells that it was judged again with."""

    state: str
    rules: str
    attempts: int
    given: Cells | None = None


Place = tuple[str, str, str, int]
"""Feed, file, sha256 and line of an entry of quarantine."""


@dataclass(frozen=True)
class Books:
    """All that a release stands for: loaded files, files put aside, quarantine.

    `out` are loaded files that were out before a rollback brought them back; `decided` is what had
    been decided of rows before a rollback made them wait again.
    """

    loaded: Mapping[str, Loaded] = field(default_factory=dict)
    aside: Mapping[tuple[str, str], str] = field(default_factory=dict)
    waiting: Mapping[Place, Waiting] = field(default_factory=dict)
    out: frozenset[str] = frozenset()
    decided: Mapping[Place, Waiting] = field(default_factory=dict)

    def of(self, feed: SmallFeed, up_to: str | None = None) -> Folded:
        """A feed's tables, perhaps by the files up to a month."""
        own = [file for file in self.loaded.values() if file.content.feed == feed]
        if up_to is not None:
            own = [file for file in own if _order(file.period) <= _order(up_to)]
        return fold(feed, own)

    def report(self, feeds: tuple[SmallFeed, ...], up_to: str | None = None) -> list[Row]:
        """support_report, perhaps as of a month; the first three feeds are what it is made of."""
        facts, centers, categories = feeds[:3]
        names = {row[centers.key]: row[centers.text] for row in self.of(centers).rows}
        parts = {row[categories.key]: row[categories.text] for row in self.of(categories).rows}
        groups: dict[tuple[str, str, str], list[Row]] = {}
        for row in self.of(facts, up_to).rows:
            month = f"{row['interaction_start'].astimezone(BUSINESS_ZONE):%Y-%m}"
            name = names.get(row["contact_center_id"]) or UNKNOWN_TEXT
            part = parts.get(row["category_id"]) or UNKNOWN_TEXT
            groups.setdefault((month, name, part), []).append(row)
        return [
            {
                **dict(zip(("month", "contact_center_name", "department"), group, strict=True)),
                "total_interactions": len(rows),
                "total_calls": sum(row["channel"] == "phone" for row in rows),
                "total_call_duration": sum(
                    (row["call_duration_minutes"] or Decimal(0) for row in rows), Decimal(0)
                ),
            }
            for group, rows in sorted(groups.items())
        ]


@dataclass(frozen=True)
class Planned:
    """What a run must do with each file on the disk."""

    load: tuple[Content, ...] = ()
    refused: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    withdrawn: tuple[str, ...] = ()
    staying: tuple[str, ...] = ()
    undecided: frozenset[str] = frozenset()
    again: frozenset[str] = frozenset()
    emptied: Collection[str] = frozenset()


def plan(
    books: Books, disk: Mapping[str, Content], feeds: Collection[str], accept: Collection[str]
) -> Planned:
    """Files by what they are: new, corrected, held, withdrawn or loaded already.

    Who accepts what is held has files that were out taken out first; what then comes is new.
    """
    load, refused, held = [], [], []
    out = {path for path in books.out if books.loaded[path].content.feed.name in feeds}
    if "held" in accept:
        for path in out:
            books = _taken_out(books, path)
    for path, content in sorted(disk.items()):
        if content.feed.name not in feeds:
            continue
        state, loaded = books.aside.get((path, content.sha256)), books.loaded.get(path)
        if state is not None:
            if state == "held":
                load.append(content) if "held" in accept else held.append(path)
        elif loaded is None or (loaded.content != content and "corrections" in accept):
            load.append(content)
        elif loaded.content != content:
            refused.append(path)
    out -= {content.path for content in load}
    first = Planned(tuple(load), tuple(refused), tuple(held))
    contents = {path: file.content.sha256 for path, file in books.loaded.items()}
    contents |= {content.path: content.sha256 for content in load}
    decided = frozenset(
        path
        for feed, path, sha256, _ in books.decided
        if feed in feeds and contents.get(path) == sha256
    )
    if "held" in accept:
        return replace(first, withdrawn=tuple(sorted(out)), again=decided)
    return replace(first, staying=tuple(sorted(out - {*held})), undecided=decided)


def done(books: Books, planned: Planned, rules: str, release: int) -> Books:
    """The books after a run did with the files what was planned."""
    for path in planned.withdrawn:
        books = _taken_out(books, path)
    return admitted(books, planned.load, rules, release)


def decided_again(books: Books, paths: Collection[str], rules: str) -> Books:
    """The books after what was held of decisions about rows of some files was decided again."""
    own = {place: was for place, was in books.decided.items() if place[1] in paths}
    waiting = dict(books.waiting)
    given: dict[Place, Cells | None] = {}
    for place in open_places(books):
        if place in own and own[place].state == "released":
            given[place] = own[place].given
        elif place in own:
            waiting[place] = replace(waiting[place], state="discarded")
    others = {place: was for place, was in books.decided.items() if place not in own}
    return judged_again(replace(books, waiting=waiting, decided=others), given, rules)


def admitted(books: Books, load: Iterable[Content], rules: str, release: int) -> Books:
    """The books after files were taken in: judged by today's rules, old versions step aside."""
    loaded, waiting = dict(books.loaded), dict(books.waiting)
    taken = {content.path: content for content in load}
    for place, entry in books.waiting.items():
        now = taken.get(place[1])
        if entry.state == "open" and now is not None and now.sha256 != place[2]:
            waiting[place] = replace(entry, state="superseded")
    for path, content in taken.items():
        verdicts = {
            line: judge(cells, content.feed, strict=rules == "strict")
            for line, cells in content.lines.items()
        }
        loaded[path] = Loaded(content, verdicts, release)
        for line in (line for line, change in verdicts.items() if change is None):
            place = (content.feed.name, path, content.sha256, line)
            before = waiting[place].attempts if place in waiting else 0
            waiting[place] = Waiting("open", rules, before + 1)
    aside = {key: state for key, state in books.aside.items() if key[0] not in taken}
    decided = {
        place: was
        for place, was in books.decided.items()
        if place[1] not in taken or taken[place[1]].sha256 == place[2]
    }
    return Books(loaded, aside, waiting, books.out - taken.keys(), decided)


def judged_again(books: Books, given: Mapping[Place, Cells | None], rules: str) -> Books:
    """The books after waiting rows were judged again, each as it is given now."""
    loaded, waiting = dict(books.loaded), dict(books.waiting)
    for place, cells in given.items():
        _, path, _, line = place
        file = loaded[path]
        change = judge(cells, file.content.feed, strict=rules == "strict")
        state = "open" if change is None else "released"
        waiting[place] = Waiting(state, rules, waiting[place].attempts + 1, cells)
        loaded[path] = replace(file, verdicts={**file.verdicts, line: change})
    return replace(books, loaded=loaded, waiting=waiting)


def open_places(books: Books) -> list[Place]:
    """Entries that wait and whose file counts as it is."""
    active = {(path, file.content.sha256) for path, file in books.loaded.items()}
    return sorted(p for p, e in books.waiting.items() if e.state == "open" and p[1:3] in active)


def withdrawn(books: Books, path: str) -> Books:
    """The books without a file, as a person took it out: what is loaded of it and what is held."""
    aside = {k: "withdrawn" if k[0] == path else state for k, state in books.aside.items()}
    decided = {place: was for place, was in books.decided.items() if place[1] != path}
    return _taken_out(replace(books, aside=aside, decided=decided), path)


def _taken_out(books: Books, path: str) -> Books:
    aside, kept, decided = dict(books.aside), dict(books.loaded), books.decided
    if path in books.loaded:
        sha256 = kept.pop(path).content.sha256
        aside[path, sha256] = "withdrawn"
        decided = {place: was for place, was in decided.items() if place[1:3] != (path, sha256)}
    return replace(books, loaded=kept, aside=aside, out=books.out - {path}, decided=decided)


def rolled_back(now: Books, then: Books) -> Books:
    """The books of an earlier release; once accepted, what is held leads where it led before.

    What counts now and did not then is held; of what counted then, the files that are out now are
    to be taken out again.
    """
    was_out = now.out
    for path in was_out:
        now = _taken_out(now, path)
    before = {(path, file.content.sha256) for path, file in then.loaded.items()}
    aside = dict(now.aside)
    aside |= {(path, file.content.sha256): "held" for path, file in now.loaded.items()}
    stays = {key for key, state in aside.items() if state == "held"}
    elsewhere = {path for path, _ in stays} - was_out
    out = frozenset(path for path, _ in before - stays if path not in elsewhere)
    aside = {key: state for key, state in (dict(then.aside) | aside).items() if key not in before}
    since = {
        place: was
        for place, was in now.waiting.items()
        if was.state in ("released", "discarded")
        and (place not in then.waiting or then.waiting[place].state != was.state)
        and place[1] in now.loaded
        and now.loaded[place[1]].content.sha256 == place[2]
    }
    return Books(then.loaded, aside, then.waiting, out, {**now.decided, **since})


def is_clean(books: Books, rules: str) -> bool:
    """Whether today's rules, on the files alone, say of every row what the books say."""
    return all(
        change == judge(file.content.lines[line], file.content.feed, strict=rules == "strict")
        for file in books.loaded.values()
        for line, change in file.verdicts.items()
    )


assert BUSINESS_ZONE.utcoffset(None) == timedelta(hours=-5)
