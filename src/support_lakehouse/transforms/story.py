"""Owns the story of one key, told without Spark: what each row that spoke of it did (L1)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from support_lakehouse.model.feed import Feed
from support_lakehouse.model.period import period_order
from support_lakehouse.transforms.by_hand import cells_by_name
from support_lakehouse.transforms.spelled import Value, value_of

Values = Mapping[str, Value]
Delivery = tuple[tuple[bool, str], bytes]
_AFTER_ALL: Delivery = ((True, "~"), b"")


@dataclass(frozen=True)
class Spoken:
    """One record that spoke of the key: where it stood, what was asked, how it was judged.

    `release` is the one that admitted it, 0 where none did. `cells` are its trimmed texts.
    """

    period: str
    file: str
    line: int
    sha256: str
    admission: str
    release: int
    action: str
    reasons: tuple[Mapping[str, Any], ...]
    cells: Mapping[str, str]

    @property
    def accepted(self) -> bool:
        return not self.reasons

    @property
    def place(self) -> tuple[str, int]:
        return (self.file, self.line)


@dataclass(frozen=True)
class Done:
    """What a record did: its outcome, named as in the ledger, and the columns that it changed.

    `other` is who had written what it changed, or the record that it gave way to.
    """

    spoken: Spoken
    outcome: str
    changed: tuple[str, ...] = ()
    other: Spoken | None = None


@dataclass(frozen=True)
class Standing:
    """A key's row after some records: its values, who wrote the row, and who each column's value.

    `by` is the record of the last change that mattered.
    """

    values: Values
    by: Spoken
    columns: Mapping[str, Spoken]


@dataclass
class Story:
    """The records in the order in which they count, what each did, and what stands at the end.

    Of a log all accepted records stand; `standing` is the last of them. `left_out_by` is the
    delivery since which nothing stands because it did not name the key.
    """

    done: list[Done] = field(default_factory=list)
    standing: Standing | None = None
    left_out_by: str = ""


def spoken_of(row: Mapping[str, Any], feed: Feed, release: int) -> Spoken:
    """A row of bronze or quarantine as a record of the story."""
    return Spoken(
        period=row["period"],
        file=row["file"],
        line=row["line"],
        sha256=row["sha256"],
        admission=row.get("admission") or "",
        release=release,
        action=row.get("action") or "",
        reasons=tuple(row["reasons"] or ()),
        cells=cells_by_name(row["raw"], row["header"], feed),
    )


def values_of(spoken: Spoken, feed: Feed) -> Values:
    """The typed values of a record; None where a cell is empty or unreadable."""
    return {c.name: value_of(spoken.cells.get(c.name, ""), c.type) for c in feed.columns}


def story_of(records: Iterable[Spoken], feed: Feed, deliveries: Sequence[Delivery]) -> Story:
    """Fold the accepted records of one key that count; rejected ones are left out.

    `deliveries` are what the key may be missing from (see `deliveries_of`): what the last of them
    lacks is in the table no more.
    """
    accepted = sorted((r for r in records if r.accepted), key=_by_place)
    story = Story()
    for period, group in groupby(accepted, key=lambda r: _delivery(r.period, r.file, feed)):
        rows = sorted(group, key=lambda r: _in_order(r, feed))
        if story.standing and _missed(story, period, deliveries, feed):
            story.standing = None
        if feed.kind == "log":
            story.done += [Done(spoken, "inserted") for spoken in rows]
            story.standing = _written(None, rows[-1], feed)
        else:
            _fold(story, rows, feed)
    missed = _missed(story, _AFTER_ALL, deliveries, feed) if story.standing else None
    if missed:
        story.standing, story.left_out_by = None, missed[1].decode() or missed[0][1]
    return story


def deliveries_of(files: Iterable[tuple[str, str]], feed: Feed) -> list[Delivery]:
    """The deliveries that are the whole truth of their date, in order; of most feeds there is none.

    `files` are the period and the path of each file that counts.
    """
    if feed.kind != "lookup" and (feed.kind != "snapshot" or feed.absent == "keep"):
        return []
    return sorted({_delivery(period, file, feed) for period, file in files})


def _delivery(period: str, file: str, feed: Feed) -> Delivery:
    """What records are folded together: those of a period, of a lookup those of a file."""
    return (period_order(period), file.encode() if feed.kind == "lookup" else b"")


def _missed(
    story: Story, until: Delivery, deliveries: Sequence[Delivery], feed: Feed
) -> Delivery | None:
    """The first delivery since the last record that did not name the key; None if all did."""
    last = story.done[-1].spoken
    after = _delivery(last.period, last.file, feed)
    return next((d for d in deliveries if after < d < until), None)


def _fold(story: Story, rows: Sequence[Spoken], feed: Feed) -> None:
    """One period: of each file the last record of the key counts, the files one after another."""
    last = {spoken.file: spoken for spoken in rows}
    for spoken in rows:
        if last[spoken.file] is not spoken:
            story.done.append(Done(spoken, "superseded", other=last[spoken.file]))
            continue
        story.done.append(_apply(story, spoken, feed))


def _apply(story: Story, spoken: Spoken, feed: Feed) -> Done:
    before = story.standing
    if spoken.action == "delete":
        story.standing = None
        return Done(spoken, "deleted" if before else "absent_deletes")
    story.standing = _written(before, spoken, feed)
    if before is None:
        return Done(spoken, "inserted")
    changed = tuple(n for n, v in story.standing.values.items() if v != before.values[n])
    return Done(spoken, "updated" if changed else "unchanged", changed, before.by)


def _written(before: Standing | None, spoken: Spoken, feed: Feed) -> Standing:
    values = values_of(spoken, feed)
    if before is None:
        return Standing(values, spoken, dict.fromkeys(values, spoken))
    kept = {n: before.columns[n] if v == before.values[n] else spoken for n, v in values.items()}
    return Standing(values, spoken if values != before.values else before.by, kept)


def _by_place(spoken: Spoken) -> tuple[Any, ...]:
    return (period_order(spoken.period), spoken.file.encode(), spoken.line)


def _in_order(spoken: Spoken, feed: Feed) -> tuple[Any, ...]:
    """What records of a period are sorted by; an empty order column comes first."""
    values = [value_of(spoken.cells.get(n, ""), feed.column(n).type) for n in feed.order]
    return (*((v is not None, v) for v in values), spoken.file.encode(), spoken.line)
