"""Five tiny feeds, one of each kind: how they are declared, their files, the verdict on a row."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from hashlib import sha256
from random import Random
from typing import Any

Cells = dict[str, str]
BROKEN = "{broken"
"""A record that cannot be taken apart: no JSON, and too few cells."""
ODD = "odd"
"""A text that the strict rules reject and the lenient ones take."""


@dataclass(frozen=True)
class SmallFeed:
    """A feed with a key, a text, a number and perhaps more; `paths` are the files it may have."""

    name: str
    kind: str
    files: Any
    columns: dict[str, Any]
    texts: tuple[str, ...]
    keys: tuple[str, ...]
    paths: tuple[str, ...]
    periods: tuple[str, ...]
    order: tuple[str, ...] = ()
    absent: str = "remove"

    @property
    def key(self) -> str:
        return next(iter(self.columns))

    @property
    def text(self) -> str:
        return list(self.columns)[1]

    @property
    def number(self) -> str:
        return list(self.columns)[2]

    @property
    def is_json(self) -> bool:
        return self.paths[0].endswith(".jsonl")

    def period(self, path: str) -> str:
        return self.periods[self.paths.index(path)]

    def declared(self, *, strict: bool) -> dict[str, Any]:
        """What stands in its YAML file."""
        allowed = [*self.texts, *([] if strict else [ODD])]
        told: dict[str, Any] = {"feed": self.name, "kind": self.kind, "files": self.files}
        told |= {"key": self.key, "columns": self.columns}
        told |= {"rules": [{"rule": "allowed", "column": self.text, "values": allowed}]}
        told |= {"action": "action"} if self.kind == "changes" else {}
        told |= {"format": "json_lines"} if self.is_json else {}
        told |= {"order": list(self.order)} if self.order else {}
        return told | ({"absent": self.absent} if self.kind == "snapshot" else {})


def small_feeds(variant: int) -> tuple[SmallFeed, ...]:
    """The feeds; the bits of `variant` give some of them periods, order and memory."""
    monthly, ordered, dated, keep = (bool(variant >> bit & 1) for bit in range(4))
    months = ("202502", "202503", "202504", "202505")
    days = ("2025-01-01", "2025-01-02", "2025-01-03")
    interactions = SmallFeed(
        "interactions",
        "changes",
        {"initial": "initial/interactions.csv", "changes": "delta/interactions_{month}.csv"},
        {
            "interaction_id": "text",
            "channel": "text",
            "call_duration_minutes": "decimal(12,4)",
            "interaction_start": {"type": "timestamp", "required": True},
            "contact_center_id": {"type": "text", "references": "contact_centers"},
            "category_id": {"type": "text", "references": "service_categories"},
        },
        ("phone", "chat"),
        ("i1", "i2", "i3", "i4"),
        ("initial/interactions.csv", *(f"delta/interactions_{month}.csv" for month in months)),
        ("initial", *months),
    )
    centers = SmallFeed(
        "contact_centers",
        "lookup",
        "centers/{date}/*.csv" if dated else "centers/*.csv",
        {"contact_center_id": "text", "contact_center_name": "text", "size": "integer"},
        ("North", "South"),
        ("c1", "c2", "c3"),
        tuple(f"centers/{day}/a.csv" for day in days)
        if dated
        else tuple(f"centers/{name}.csv" for name in "abc"),
        days if dated else ("", "", ""),
    )
    categories = SmallFeed(
        "service_categories",
        "snapshot",
        "categories/{date}/*.csv",
        {"category_id": "text", "department": "text", "size": "integer"},
        ("Sales", "Help"),
        ("s1", "s2", "s3"),
        tuple(f"categories/{day}/{name}.csv" for day in days for name in "ab"),
        tuple(day for day in days for _ in "ab"),
        absent="keep" if keep else "remove",
    )
    tickets = SmallFeed(
        "tickets",
        "events",
        "tickets/{month}/*.jsonl" if monthly else "tickets/*.jsonl",
        {"ticket_id": "text", "topic": "text", "version": "integer"},
        ("bill", "line"),
        ("t1", "t2", "t3"),
        ("tickets/202502/a.jsonl", "tickets/202502/b.jsonl", "tickets/202503/a.jsonl")
        if monthly
        else tuple(f"tickets/{name}.jsonl" for name in "abc"),
        ("202502", "202502", "202503") if monthly else ("", "", ""),
        order=("version",) if ordered else (),
    )
    log = SmallFeed(
        "call_log",
        "log",
        "log/*.csv",
        {"call_id": "text", "status": "text", "seconds": "integer"},
        ("done", "lost"),
        ("l1", "l2"),
        ("log/a.csv", "log/b.csv", "log/c.csv"),
        ("", "", ""),
    )
    return (interactions, centers, categories, tickets, log)


@dataclass(frozen=True)
class Content:
    """One file as it was delivered; a row is its cells as text, None where it is BROKEN."""

    feed: SmallFeed
    path: str
    rows: tuple[Cells | None, ...]

    @property
    def header(self) -> list[str]:
        has_action = self.feed.kind == "changes" and not self.path.startswith("initial/")
        return [*self.feed.columns, *(["action"] if has_action else [])]

    @property
    def first_line(self) -> int:
        return 1 if self.feed.is_json else 2

    @property
    def lines(self) -> dict[int, Cells | None]:
        return dict(enumerate(self.rows, self.first_line))

    def record(self, cells: Cells | None) -> str:
        """A row as it stands in the file."""
        if cells is None:
            return BROKEN
        return json.dumps(cells) if self.feed.is_json else ",".join(cells[n] for n in self.header)

    @cached_property
    def data(self) -> bytes:
        head = [] if self.feed.is_json else [",".join(self.header)]
        return "".join(f"{line}\n" for line in [*head, *map(self.record, self.rows)]).encode()

    @cached_property
    def sha256(self) -> str:
        return sha256(self.data).hexdigest()


def draw_content(feed: SmallFeed, path: str, rng: Random, *, dirt: bool = True) -> Content:
    """A file of up to four rows, some of them bad; of JSON lines one row at least."""
    has_action = feed.kind == "changes" and not path.startswith("initial/")
    few = rng.choice((1, 2, 3, 4) if feed.is_json else (0, 1, 2, 3, 4, 4))
    rows = [draw_row(feed, rng, has_action=has_action) for _ in range(few)]
    if not dirt:
        return Content(feed, path, tuple(rows))
    return Content(feed, path, tuple(_bad(r, feed, rng) if rng.random() < 0.3 else r for r in rows))


def draw_row(feed: SmallFeed, rng: Random, *, has_action: bool) -> Cells:
    """A good row."""
    cells = {feed.key: rng.choice(feed.keys), feed.text: rng.choice(feed.texts)}
    cells[feed.number] = rng.choice(("1", "2", "3", ""))
    if feed.kind == "changes":
        starts = ("2025-01-10T12:00:00Z", "2025-02-01T02:00:00Z", "2025-02-10T12:00:00Z")
        cells["interaction_start"] = rng.choice((*starts, "2025-03-01T05:00:00Z"))
        cells["contact_center_id"] = rng.choice(("c1", "c2", "c3", "c9", ""))
        cells["category_id"] = rng.choice(("s1", "s2", "s3", "s9", ""))
    if has_action:
        cells["action"] = rng.choice(("add", "update", "Delete", "delete"))
    return cells


def _bad(row: Cells, feed: SmallFeed, rng: Random) -> Cells | None:
    match rng.choice(("key", "number", "text", "text", "action", "record")):
        case "key":
            return {**row, feed.key: ""}
        case "number":
            return {**row, feed.number: "many"}
        case "text":
            return {**row, feed.text: ODD}
        case "action":
            return {**row, "action": "upsert"} if "action" in row else {**row, feed.key: ""}
        case _:
            return None


@dataclass(frozen=True)
class Change:
    """One accepted row: the typed row to put under the key, None to take it away."""

    key: str
    row: Mapping[str, Any] | None


def judge(cells: Cells | None, feed: SmallFeed, *, strict: bool) -> Change | None:
    """The change that a row is, None for a rejected one."""
    if cells is None or not cells[feed.key]:
        return None
    action = cells.get("action", "add").lower()
    if action == "delete":
        return Change(cells[feed.key], None)
    good = action in ("add", "update") and cells[feed.number] != "many"
    good = good and (cells[feed.text] != ODD or not strict)
    good = good and cells.get("interaction_start", "there") != ""
    return Change(cells[feed.key], _typed(cells, feed)) if good else None


def _typed(cells: Cells, feed: SmallFeed) -> dict[str, Any]:
    row: dict[str, Any] = {name: cells[name] or None for name in feed.columns}
    if cells[feed.number]:
        exact = feed.kind == "changes"
        row[feed.number] = Decimal(cells[feed.number]) if exact else int(cells[feed.number])
    if feed.kind == "changes":
        row["interaction_start"] = datetime.fromisoformat(cells["interaction_start"])
    return row
