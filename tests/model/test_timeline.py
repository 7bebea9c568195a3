"""Which files are folded again when some change (design.md 5: rewind and replay)."""

from collections.abc import Collection, Mapping
from typing import Any

import pytest

from support_lakehouse.model.books import LedgerEntry
from support_lakehouse.model.feed import Feed
from support_lakehouse.model.timeline import Fold, Timeline, order_of, timeline

Told = tuple[str, tuple[str, ...], bool]


def feed(kind: str, files: Any, **more: Any) -> Feed:
    declared = {"feed": "things", "kind": kind, "files": files, "key": "id"}
    return Feed.model_validate(declared | {"columns": {"id": "text", "at": "date"}} | more)


CHANGES = feed(
    "changes",
    {"initial": "initial/t.csv", "changes": "delta/t_{month}.csv"},
    action="action",
)
BY_DATE = feed("events", "calls/{date}/*.csv")
EVENTS = feed("events", "calls/*.csv")
ORDERED = feed("events", "calls/*.csv", order=["at"])
LOG = feed("log", "log/*.csv")
SNAPSHOT = feed("snapshot", "staff/{day}/*.json", format="json")
LOOKUP = feed("lookup", "agents/*.csv")


def entry(file: str, period: str = "", *, release: int = 1, admissions: int = 1) -> LedgerEntry:
    """A file that was loaded in a release; 0 for one that this run takes."""
    names = tuple(f"r{n}-0" for n in range(admissions))
    place: Any = {"feed": "things", "file": file, "period": period}
    about: Any = {"sha256": "", "size": 0, "mtime_ns": 0, "inode": 0}
    return LedgerEntry(**place, **about, release=release, admissions=names)


def new(file: str, period: str = "") -> LedgerEntry:
    return entry(file, period, release=0)


def back(file: str, period: str = "") -> LedgerEntry:
    """A file of which rows came back from quarantine."""
    return entry(file, period, admissions=2)


def told(
    feed: Feed,
    *active: LedgerEntry,
    left: Collection[str] = (),
    versions: Mapping[str, int] | None = None,
) -> tuple[int | None, list[Told], tuple[str, ...]]:
    """The timeline in short: version to go back to, folds (period, files, begins), replays.

    New files and those with returned rows are the changed ones; `left` are periods of others.
    """
    changed = {e.file for e in active if not e.release or len(e.admissions) > 1}
    found = timeline(feed, active, changed, left, versions or {})
    return found.rewind_to, [(f.period, f.paths, f.begins) for f in found.folds], found.replays


def test_files_go_by_period_the_extract_first_then_by_path_as_bytes() -> None:
    places = [("é", "202502"), ("z", "initial"), ("Z", "202503"), ("a", "202502"), ("b", "")]
    ordered = sorted((entry(file, period) for file, period in places), key=order_of)
    assert [e.file for e in ordered] == ["z", "b", "a", "é", "Z"]


def test_a_first_run_begins_with_the_extract_and_folds_month_by_month() -> None:
    active = [new("t3", "202503"), new("t0", "initial"), new("t2", "202502")]
    assert told(CHANGES, *active) == (
        None,
        [("initial", ("t0",), True), ("202502", ("t2",), False), ("202503", ("t3",), False)],
        (),
    )


def test_a_later_month_goes_on_top() -> None:
    active = [entry("t0", "initial"), entry("t1", "202501"), new("t3", "202503")]
    assert told(CHANGES, *active, versions={"initial": 0, "202501": 1}) == (
        None,
        [("202503", ("t3",), False)],
        (),
    )


def test_a_late_month_goes_back_to_the_one_before_and_what_follows_is_folded_again() -> None:
    active = [
        entry("t0", "initial"),
        entry("t1", "202501"),
        new("t2", "202502"),
        entry("t3", "202503"),
        entry("t4", "202504"),
    ]
    versions = {"initial": 0, "202501": 3, "202503": 4, "202504": 5}
    assert told(CHANGES, *active, versions=versions) == (
        3,
        [("202502", ("t2",), False), ("202503", ("t3",), False), ("202504", ("t4",), False)],
        ("202503", "202504"),
    )


def test_two_late_months_go_back_once() -> None:
    active = [
        entry("t0", "initial"),
        new("t1", "202501"),
        entry("t2", "202502"),
        new("t3", "202503"),
    ]
    assert told(CHANGES, *active, versions={"initial": 7, "202502": 8}) == (
        7,
        [("202501", ("t1",), False), ("202502", ("t2",), False), ("202503", ("t3",), False)],
        ("202502",),
    )


def test_a_corrected_month_is_folded_anew_with_all_that_follow() -> None:
    active = [entry("t0", "initial"), new("t1", "202501"), entry("t2", "202502")]
    versions = {"initial": 0, "202501": 1, "202502": 2}
    assert told(CHANGES, *active, left=["202501"], versions=versions) == (
        0,
        [("202501", ("t1",), False), ("202502", ("t2",), False)],
        ("202502",),
    )


def test_a_corrected_last_month_is_no_month_on_top() -> None:
    active = [entry("t0", "initial"), new("t1", "202501")]
    found = told(CHANGES, *active, left=["202501"], versions={"initial": 0, "202501": 1})
    assert found == (0, [("202501", ("t1",), False)], ())


def test_a_corrected_extract_begins_the_table_again() -> None:
    active = [new("t0", "initial"), entry("t1", "202501")]
    found = told(CHANGES, *active, left=["initial"], versions={"initial": 0, "202501": 1})
    assert found == (None, [("initial", ("t0",), True), ("202501", ("t1",), False)], ("202501",))


def test_rows_that_came_back_have_their_month_folded_again() -> None:
    active = [entry("t0", "initial"), back("t1", "202501"), entry("t2", "202502")]
    versions = {"initial": 0, "202501": 1, "202502": 2}
    assert told(CHANGES, *active, versions=versions) == (
        0,
        [("202501", ("t1",), False), ("202502", ("t2",), False)],
        ("202502",),
    )


def test_a_file_that_left_has_its_month_folded_without_it() -> None:
    active = [entry("a", "2025-01-01"), entry("b", "2025-01-02"), entry("d", "2025-01-03")]
    versions = {"2025-01-01": 0, "2025-01-02": 1, "2025-01-03": 2}
    assert told(BY_DATE, *active, left=["2025-01-02"], versions=versions) == (
        0,
        [("2025-01-02", ("b",), False), ("2025-01-03", ("d",), False)],
        ("2025-01-02", "2025-01-03"),
    )


def test_a_last_month_that_left_is_a_step_back_and_no_more() -> None:
    active = [entry("t0", "initial"), entry("t1", "202501")]
    versions = {"initial": 0, "202501": 1, "202502": 2}
    assert told(CHANGES, *active, left=["202502"], versions=versions) == (1, [], ())


def test_a_first_day_that_left_begins_the_table_with_the_next() -> None:
    active = [entry("b", "2025-01-02"), entry("c", "2025-01-03")]
    versions = {"2025-01-01": 0, "2025-01-02": 1, "2025-01-03": 2}
    assert told(BY_DATE, *active, left=["2025-01-01"], versions=versions) == (
        None,
        [
            ("2025-01-01", (), True),
            ("2025-01-02", ("b",), False),
            ("2025-01-03", ("c",), False),
        ],
        ("2025-01-02", "2025-01-03"),
    )


def test_as_of_a_first_day_that_left_the_table_stays_empty_when_a_later_day_changes() -> None:
    active = [new("b", "2025-01-02"), entry("c", "2025-01-03")]
    versions = {"2025-01-01": 3, "2025-01-02": 4, "2025-01-03": 5}
    assert told(BY_DATE, *active, left=["2025-01-02"], versions=versions) == (
        3,
        [("2025-01-02", ("b",), False), ("2025-01-03", ("c",), False)],
        ("2025-01-03",),
    )


def test_where_the_version_before_is_not_known_all_is_folded_from_the_beginning() -> None:
    active = [entry("t0", "initial"), entry("t1", "202501"), new("t2", "202502")]
    active += [entry("t3", "202503")]
    assert told(CHANGES, *active, versions={"initial": 0, "202503": 4}) == (
        None,
        [
            ("initial", ("t0",), True),
            ("202501", ("t1",), False),
            ("202502", ("t2",), False),
            ("202503", ("t3",), False),
        ],
        ("initial", "202503"),
    )


def test_a_month_on_top_of_one_whose_version_is_not_known_begins_anew() -> None:
    active = [entry("t0", "initial"), entry("t1", "202501"), new("t2", "202502")]
    rewind, folds, _ = told(CHANGES, *active, versions={"initial": 0})
    assert (rewind, [begins for _, _, begins in folds]) == (None, [True, False, False])


@pytest.mark.parametrize("one", [CHANGES, BY_DATE, SNAPSHOT, LOOKUP], ids=lambda f: f.kind)
def test_where_nothing_changed_nothing_is_folded(one: Feed) -> None:
    active = [entry("a", "2025-01-01"), entry("b", "2025-01-02")]
    assert told(one, *active, versions={"2025-01-01": 0, "2025-01-02": 1}) == (None, [], ())


def test_files_of_one_period_are_one_fold_and_a_new_one_takes_the_others_along() -> None:
    active = [entry("b", "2025-01-01"), new("c", "2025-01-02"), entry("d", "2025-01-02")]
    active += [new("a", "2025-01-02")]
    assert told(BY_DATE, *active, versions={"2025-01-01": 0, "2025-01-02": 1}) == (
        0,
        [("2025-01-02", ("a", "c", "d"), False)],
        ("2025-01-02",),
    )


def test_without_periods_new_files_go_on_top_where_they_come_last() -> None:
    assert told(EVENTS, entry("a"), new("c"), new("b")) == (None, [("", ("b", "c"), False)], ())
    assert told(EVENTS, new("b"), new("a")) == (None, [("", ("a", "b"), True)], ())


def test_without_periods_a_file_between_others_has_all_folded_anew() -> None:
    whole = (None, [("", ("a", "b", "c"), True)], ("",))
    assert told(EVENTS, entry("a"), new("b"), entry("c")) == whole
    assert told(EVENTS, entry("b"), new("a"), new("c")) == whole


def test_without_periods_rows_that_came_back_have_all_folded_anew() -> None:
    assert told(EVENTS, entry("a"), back("b")) == (None, [("", ("a", "b"), True)], ("",))
    assert told(LOG, entry("a"), back("b")) == (None, [("", ("a", "b"), True)], ("",))


def test_order_columns_may_put_a_new_row_behind_an_old_one_so_all_is_folded_anew() -> None:
    assert told(ORDERED, entry("a"), new("b")) == (None, [("", ("a", "b"), True)], ("",))
    assert told(ORDERED, new("a"), new("b")) == (None, [("", ("a", "b"), True)], ())


def test_the_rows_of_a_log_are_appended_wherever_their_file_stands() -> None:
    assert told(LOG, entry("b"), new("a"), entry("c")) == (None, [("", ("a",), False)], ())
    assert told(LOG, new("b"), new("a")) == (None, [("", ("a", "b"), True)], ())


@pytest.mark.parametrize("one", [EVENTS, LOG], ids=["events", "log"])
def test_without_periods_a_corrected_file_has_all_folded_anew(one: Feed) -> None:
    whole = (None, [("", ("a", "b"), True)], ("",))
    assert told(one, entry("a"), new("b"), left=[""]) == whole


def test_without_periods_a_file_that_left_has_all_folded_anew_though_others_come_last() -> None:
    whole = (None, [("", ("a", "c"), True)], ("",))
    assert [told(one, entry("a"), new("c"), left=[""]) for one in (EVENTS, LOG)] == [whole] * 2


def test_without_periods_what_a_file_that_left_had_brought_goes() -> None:
    assert told(EVENTS, entry("a"), left=[""]) == (None, [("", ("a",), True)], ("",))
    assert told(LOG, entry("a"), left=[""]) == (None, [("", ("a",), True)], ("",))


def test_each_day_of_a_snapshot_is_made_of_its_own_files_whatever_comes_later() -> None:
    active = [entry("a1", "2026-01-01"), entry("b1", "2026-01-02"), new("b2", "2026-01-02")]
    active += [entry("c1", "2026-01-03")]
    assert told(SNAPSHOT, *active, versions={"2026-01-03": 5}) == (
        None,
        [("2026-01-02", ("b1", "b2"), False)],
        (),
    )


def test_a_day_of_a_snapshot_that_left_is_made_of_no_file() -> None:
    found = told(SNAPSHOT, entry("a", "2026-01-01"), left=["2026-01-02"])
    assert found == (None, [("2026-01-02", (), False)], ())


def test_a_feed_of_which_nothing_is_left_has_tables_of_no_file() -> None:
    nothing = (None, [("", (), True)], ())
    assert [told(one, left=[""]) for one in (EVENTS, LOG, LOOKUP)] == [nothing] * 3
    assert told(SNAPSHOT, left=["2026-01-02", "2026-01-01"])[1] == [
        ("2026-01-01", (), True),
        ("2026-01-02", (), True),
    ]


def test_where_nothing_is_left_the_table_is_empty_as_of_every_month_it_was_known_at() -> None:
    found = told(CHANGES, left=["202505"], versions={"initial": 0, "202505": 1})
    assert found == (None, [("initial", (), True)], ())


def test_a_snapshots_days_go_in_order() -> None:
    active = [new("c", "2026-01-03"), new("a", "2026-01-01")]
    folds = [("2026-01-01", ("a",), False), ("2026-01-03", ("c",), False)]
    assert told(SNAPSHOT, *active) == (None, folds, ())


def test_the_last_delivery_of_a_lookup_is_the_table() -> None:
    assert told(LOOKUP, new("a")) == (None, [("", ("a",), True)], ())
    assert told(LOOKUP, entry("a"), new("b")) == (None, [("", ("b",), True)], ())


def test_new_deliveries_of_a_lookup_that_are_not_the_last_are_counted_with_it() -> None:
    assert told(LOOKUP, new("a"), new("b")) == (None, [("", ("a", "b"), True)], ())


def test_a_late_delivery_of_a_lookup_is_counted_and_leaves_the_table_alone() -> None:
    assert told(LOOKUP, entry("c"), new("b"), entry("a")) == (None, [("", ("b",), False)], ())
    of_days = feed("lookup", "agents/{date}/*.csv")
    late = (new("a", "2025-01-01"), entry("b", "2025-01-02"))
    assert told(of_days, *late) == (None, [("2025-01-01", ("a",), False)], ())


def test_a_lookup_whose_last_delivery_changed_or_left_is_made_anew() -> None:
    assert told(LOOKUP, entry("a"), new("b"), left=[""]) == (None, [("", ("b",), True)], ())
    assert told(LOOKUP, entry("a"), back("b")) == (None, [("", ("b",), True)], ())
    assert told(LOOKUP, entry("a"), left=[""]) == (None, [("", ("a",), True)], ("",))


def test_a_timeline_names_its_files_in_the_order_of_its_folds() -> None:
    one, two, three = entry("b"), entry("a"), entry("c")
    found = Timeline(None, (Fold("1", (one, two)), Fold("2", (three,))))
    assert [e.file for e in found.files] == ["b", "a", "c"]
