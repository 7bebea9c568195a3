"""What each record of a key did, for every kind of feed."""

import pytest

from support_lakehouse.model.feed import Feed
from support_lakehouse.transforms.story import Spoken, deliveries_of, story_of

COLUMNS = {"id": "text", "n": "integer", "at": "integer"}
FEEDS = {
    "changes": {
        "kind": "changes",
        "files": {"initial": "i/x.csv", "changes": "d/x_{month}.csv"},
        "action": "action",
    },
    "events": {"kind": "events", "files": "e/*.csv", "order": ["at"]},
    "lookup": {"kind": "lookup", "files": "l/*.csv"},
    "log": {"kind": "log", "files": "g/*.csv"},
    "snapshot": {"kind": "snapshot", "files": "s/{date}/*.csv"},
    "kept": {"kind": "snapshot", "files": "s/{date}/*.csv", "absent": "keep"},
}


def feed(kind: str) -> Feed:
    return Feed.model_validate({"feed": "x", "key": "id", "columns": COLUMNS, **FEEDS[kind]})


def said(
    period: str, file: str, line: int, n: str, at: str = "", *, action: str = "add", why: str = ""
) -> Spoken:
    reasons = ({"rule": "required", "column": "n", "message": why},) if why else ()
    cells = {"id": "k", "n": n, "at": at}
    return Spoken(period, file, line, "", "a", 1, action, reasons, cells)


def told(kind: str, *records: Spoken, files: tuple[tuple[str, str], ...] = ()):
    own = feed(kind)
    story = story_of(records, own, deliveries_of(files, own))
    return [(d.spoken.line, d.outcome) for d in story.done], story.standing


def test_changes_go_by_period_then_line_and_the_last_line_of_a_file_counts():
    done, standing = told(
        "changes",
        said("202503", "d/3", 9, "2.0", action="update"),
        said("initial", "i", 2, "1"),
        said("202502", "d/2", 3, "5", action="update"),
        said("202502", "d/2", 4, "2", action="update"),
        said("202503", "d/3", 1, "", why="n is empty"),
    )
    assert done == [(2, "inserted"), (3, "superseded"), (4, "updated"), (9, "unchanged")]
    assert standing.by.line == 4
    assert {c: by.line for c, by in standing.columns.items()} == {"id": 2, "n": 4, "at": 2}


def test_a_delete_takes_out_and_what_comes_again_begins_anew():
    done, standing = told(
        "changes",
        said("initial", "i", 2, "1"),
        said("202502", "d/2", 3, "", action="delete"),
        said("202503", "d/3", 4, "", action="delete"),
        said("202504", "d/4", 5, "1", action="update"),
    )
    assert [outcome for _, outcome in done] == [
        "inserted", "deleted", "absent_deletes", "inserted",
    ]  # fmt: skip
    assert {by.line for by in standing.columns.values()} == {5}


def test_events_go_by_their_order_columns_before_file_and_line():
    done, standing = told(
        "events",
        said("", "e/2", 1, "2", at="1"),
        said("", "e/1", 1, "1", at="2"),
        said("", "e/0", 1, "0"),
    )
    assert done == [(1, "inserted"), (1, "updated"), (1, "updated")]
    assert standing.by.file == "e/1"


@pytest.mark.parametrize(
    ("files", "stands"), [(("l/1", "l/2"), True), (("l/1", "l/2", "l/3"), False)]
)
def test_of_a_lookup_the_last_delivery_is_all_there_is(files, stands):
    records = (said("", "l/1", 2, "1"), said("", "l/2", 2, "1"))
    done, standing = told("lookup", *records, files=tuple(("", file) for file in files))
    assert done == [(2, "inserted"), (2, "unchanged")]
    assert (standing is not None) is stands


def test_what_a_delivery_between_did_not_name_comes_in_again():
    records = (said("", "l/1", 2, "1"), said("", "l/3", 3, "1"))
    files = tuple(("", file) for file in ("l/1", "l/2", "l/3"))
    assert told("lookup", *records, files=files)[0] == [(2, "inserted"), (3, "inserted")]


@pytest.mark.parametrize(("kind", "stands"), [("snapshot", False), ("kept", True)])
def test_a_snapshot_forgets_who_is_absent_unless_it_keeps(kind, stands):
    files = (("2026-01-02", "s/2026-01-02/a"), ("2026-01-03", "s/2026-01-03/a"))
    _, standing = told(kind, said("2026-01-02", "s/2026-01-02/a", 1, "1"), files=files)
    assert (standing is not None) is stands


def test_each_record_of_a_log_stands_for_itself():
    done, standing = told("log", said("", "g/1", 2, "1"), said("", "g/1", 5, "1"))
    assert done == [(2, "inserted"), (5, "inserted")]
    assert standing.by.line == 5
