"""What a run will do: the files that count, change, and are folded."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from support_lakehouse.model.books import WITHDRAWAL_HELD, LedgerEntry
from support_lakehouse.model.feed import Feed
from support_lakehouse.model.landing import FoundFile, Header, ScannedFile
from support_lakehouse.model.plan import Plan, as_of, feeds_at_work, periods_of, with_replays
from support_lakehouse.model.release import Release


def feed(name: str) -> Feed:
    files = {"initial": f"{name}.csv", "changes": f"{name}_{{month}}.csv"}
    declared = {"feed": name, "kind": "changes", "files": files, "key": "id", "action": "action"}
    return Feed.model_validate(declared | {"columns": {"id": "text"}})


AGENTS, CALLS, IDLE = feed("agents"), feed("calls"), feed("idle")


def entry(name: str, file: str, period: str, **more: Any) -> LedgerEntry:
    told: dict[str, Any] = {"sha256": "5ha", "size": 100, "mtime_ns": 1, "inode": 2}
    told |= {"feed": name, "file": file, "period": period, "release": 1, "admissions": ("r1-0",)}
    return LedgerEntry(**told | more)


def scanned(name: str, file: str, period: str, *, label: str = "") -> ScannedFile:
    found = FoundFile(name, file, period, Path("/data") / file, 10, 3, 4, label or period)
    header = Header(("id", "more"), 1, ("more",))
    return ScannedFile(found, "new", False, True, False, False, (), header, unpacked_bytes=40)


def release(number: int, as_of: dict[str, dict[str, int]]) -> Release:
    told: dict[str, Any] = {"at": "", "run": "r", "kind": "run", "months": (), "files": ()}
    told |= {"rows": {}, "tables": {}, "refusals": (), "code": "", "config": "", "previous": ""}
    return Release(release=number, as_of=as_of, **told)


AS_OF = {
    "initial": {"silver/agents": 0, "silver/calls": 0},
    "202501": {"silver/agents": 1, "silver/calls": 4},
    "202502": {"silver/agents": 2},
}
EXTRACT = entry("agents", "agents.csv", "initial")
JANUARY = entry("agents", "agents_202501.csv", "202501")
FEBRUARY = entry("agents", "agents_202502.csv", "202502")
CALLS_THERE = entry("calls", "calls.csv", "initial")
LEDGER = (EXTRACT, JANUARY, FEBRUARY, CALLS_THERE)
RELEASES = (release(6, {}), release(7, AS_OF))
MARCH = scanned("agents", "agents_202503.csv", "202503")
OTHER = scanned("calls", "calls_202501.csv", "202501")


def short(plan: Plan, feed: Feed) -> tuple[int | None, list[tuple[str, bool]], tuple[str, ...]]:
    told = plan.timeline(feed)
    return told.rewind_to, [(fold.period, fold.begins) for fold in told.folds], told.replays


def test_the_first_release_is_1_and_each_next_one_more() -> None:
    assert (Plan(()).last, Plan(()).number) == (None, 1)
    plan = Plan(RELEASES)
    assert (plan.last, plan.number) == (RELEASES[1], 8)


def test_a_plan_works_where_it_loads_a_file_or_takes_rows_back() -> None:
    assert not Plan(RELEASES, LEDGER, LEDGER).works
    assert Plan(RELEASES, LEDGER, LEDGER, load=(MARCH,)).works
    assert Plan(RELEASES, LEDGER, LEDGER[1:], returned=(EXTRACT,)).works


def test_all_files_of_a_feed_count_those_of_before_and_those_of_the_run() -> None:
    plan = Plan(RELEASES, LEDGER, LEDGER[:2], load=(MARCH, OTHER), returned=(FEBRUARY,))
    assert [e.file for e in plan.active("agents")] == [
        "agents.csv",
        "agents_202501.csv",
        "agents_202503.csv",
        "agents_202502.csv",
    ]
    assert [e.file for e in plan.changed("agents")] == ["agents_202503.csv", "agents_202502.csv"]
    assert [e.file for e in plan.active("calls")] == ["calls_202501.csv"]
    assert plan.changed("idle") == plan.active("idle") == ()
    assert feeds_at_work(plan, [IDLE, CALLS, AGENTS]) == [CALLS, AGENTS]
    assert periods_of(plan.changed("agents")) == {"202502", "202503"}


def test_a_file_that_the_run_takes_is_not_counted_yet_and_knows_its_admission() -> None:
    plan = Plan(RELEASES, load=(OTHER, MARCH)).admitted_by("r8")
    assert [file.admission for file in plan.load] == ["r8-0", "r8-1"]
    assert plan.files_of("agents") == (plan.load[1],)
    [new] = plan.new_entries("agents")
    assert new == LedgerEntry(
        feed="agents",
        file="agents_202503.csv",
        period="202503",
        sha256="new",
        size=10,
        mtime_ns=3,
        inode=4,
        release=0,
        admissions=("r8-1",),
        header=("id", "more"),
        drift=("more",),
    )


def test_a_label_is_remembered_where_it_is_not_the_period_itself() -> None:
    named = scanned("agents", "a.csv", "2026-01-02", label="day1")
    plain = scanned("agents", "b.csv", "2026-01-03")
    plan = Plan((), load=(named, plain)).admitted_by("r1")
    assert [e.label for e in plan.new_entries("agents")] == ["day1", ""]


def test_what_is_at_stake_is_the_size_of_all_files_unpacked() -> None:
    plan = Plan(RELEASES, LEDGER, (EXTRACT, CALLS_THERE), load=(MARCH, OTHER), returned=(JANUARY,))
    assert plan.bytes_at_stake() == 3 * 100 + 2 * 40
    assert plan.bytes_at_stake("agents") == 2 * 100 + 40
    assert plan.bytes_at_stake("idle") == 0


def test_a_new_month_goes_on_top_of_the_last_release() -> None:
    plan = Plan(RELEASES, LEDGER, LEDGER, load=(MARCH,)).admitted_by("r8")
    assert short(plan, AGENTS) == (None, [("202503", False)], ())
    assert short(plan, CALLS) == (None, [], ())


def test_a_corrected_month_goes_back_to_the_version_before_it_in_its_own_table() -> None:
    corrected = scanned("agents", "agents_202501.csv", "202501")
    plan = Plan(
        RELEASES,
        LEDGER,
        (EXTRACT, FEBRUARY, CALLS_THERE),
        load=(corrected,),
        corrected=(JANUARY,),
    ).admitted_by("r8")
    assert short(plan, AGENTS) == (0, [("202501", False), ("202502", False)], ("202502",))


def test_rows_that_came_back_have_their_month_folded_again_from_the_version_before() -> None:
    plan = Plan(RELEASES, LEDGER, (EXTRACT, JANUARY), returned=(FEBRUARY,))
    assert short(plan, AGENTS) == (1, [("202502", False)], ())


def test_a_withdrawn_month_is_folded_no_more_and_stands_aside_in_the_ledger() -> None:
    plan = Plan(RELEASES, LEDGER, (EXTRACT, FEBRUARY, CALLS_THERE), withdrawn=(JANUARY,))
    assert plan.works
    assert (plan.left("agents"), plan.left("calls"), plan.changed("agents")) == ((JANUARY,), (), ())
    assert feeds_at_work(plan, [CALLS, AGENTS]) == [AGENTS]
    assert short(plan, AGENTS) == (0, [("202502", False)], ("202502",))
    assert with_replays(plan, [AGENTS, CALLS]).replays == {"agents": ("202502",)}
    [aside] = plan.kept_aside()
    assert (aside.file, aside.state) == ("agents_202501.csv", "withdrawn")


def test_who_stands_aside_stays_there_unless_the_file_is_taken_again() -> None:
    held = entry("agents", "agents_202503.csv", "202503", state="held")
    other = entry("agents", "agents_202504.csv", "202504", state="withdrawn")
    plan = Plan(RELEASES, LEDGER, LEDGER, aside=(held, other), load=(MARCH,))
    assert plan.kept_aside() == (other,)


def test_a_withdrawal_is_held_until_it_is_carried_out_or_the_file_is_taken_again() -> None:
    held = entry("agents", "agents_202503.csv", "202503", state=WITHDRAWAL_HELD)
    there = entry("agents", "agents_202503.csv", "202503")
    assert Plan(RELEASES, (there,), (there,), aside=(held,)).kept_aside() == (held,)
    taken = Plan(RELEASES, (there,), (), load=(MARCH,), corrected=(there,), aside=(held,))
    assert taken.kept_aside() == ()
    done = Plan(RELEASES, (there,), (), withdrawn=(there,), aside=(held,))
    assert done.kept_aside() == (replace(there, state="withdrawn"),)


def test_a_reset_keeps_nobody_aside() -> None:
    held = entry("agents", "agents_202504.csv", "202504", state="held")
    assert Plan(RELEASES, LEDGER, (), load=(MARCH,), aside=(held,), reset=True).kept_aside() == ()


def test_a_reset_knows_no_version_and_begins_with_the_extract() -> None:
    files = [scanned("agents", "agents.csv", "initial"), MARCH]
    plan = Plan(RELEASES, LEDGER, (), load=tuple(files), reset=True).admitted_by("r8")
    assert short(plan, AGENTS) == (None, [("initial", True), ("202503", False)], ())


def test_a_plan_does_not_change() -> None:
    with pytest.raises(AttributeError):
        Plan(()).reset = True  # type: ignore[misc]


def known_after(plan: Plan, **folded: dict[str, int]) -> dict[str, dict[str, int]]:
    """The versions of agents and calls as of each period, after a run that folded some."""
    by_table = {f"silver/{name}": versions for name, versions in folded.items()}
    told = as_of(plan, (AGENTS, CALLS), by_table)
    return {
        p: {t.removeprefix("silver/"): v for t, v in there.items()} for p, there in told.items()
    }


def test_as_of_a_month_a_table_without_files_for_it_stands_as_the_month_before_left_it() -> None:
    plan = Plan((), load=(scanned("agents", "agents.csv", "initial"), OTHER))
    assert known_after(plan, agents={"initial": 0}, calls={"initial": 0, "202501": 3}) == {
        "initial": {"agents": 0, "calls": 0},
        "202501": {"agents": 0, "calls": 3},
    }


def test_a_late_month_counts_in_all_later_months_also_those_without_files_of_the_feed() -> None:
    known = {
        "initial": {"silver/agents": 0},
        "202502": {"silver/agents": 0, "silver/calls": 7},
        "202503": {"silver/agents": 2, "silver/calls": 8},
    }
    late = scanned("agents", "agents_202501.csv", "202501")
    plan = Plan((release(7, known),), (EXTRACT,), (EXTRACT,), load=(late,))
    assert known_after(plan, agents={"202501": 5, "202503": 6}) == {
        "initial": {"agents": 0},
        "202501": {"agents": 5},
        "202502": {"agents": 5, "calls": 7},
        "202503": {"agents": 6, "calls": 8},
    }


def test_as_of_a_month_that_was_withdrawn_the_month_before_stands() -> None:
    kept = (EXTRACT, FEBRUARY)
    plan = Plan(RELEASES, LEDGER, kept, withdrawn=(JANUARY,))
    assert known_after(plan, agents={"202502": 9}) == {
        "initial": {"agents": 0, "calls": 0},
        "202501": {"agents": 0, "calls": 4},
        "202502": {"agents": 9, "calls": 4},
    }


def test_where_a_table_begins_anew_no_version_of_before_is_true() -> None:
    plan = Plan(RELEASES, LEDGER, (JANUARY, FEBRUARY), withdrawn=(EXTRACT,))
    assert known_after(plan, agents={"initial": 5, "202501": 6, "202502": 7})["202501"] == {
        "agents": 6,
        "calls": 4,
    }
    assert short(plan, AGENTS)[1][0] == ("initial", True)


def test_in_a_reset_a_feed_without_files_loses_its_rows() -> None:
    plan = Plan(RELEASES, LEDGER, load=(MARCH,), reset=True)
    assert [feed.name for feed in feeds_at_work(plan, (AGENTS, CALLS, IDLE))] == ["agents", "calls"]
    assert short(plan, CALLS)[1] == [("initial", True)]
    assert plan.timeline(CALLS).files == ()
