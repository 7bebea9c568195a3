"""What moved between any two states adds up, figure by figure, and each cause is the true one."""

from collections import defaultdict
from itertools import combinations
from typing import Any

import pytest

from support_lakehouse.io import ops
from support_lakehouse.stages.diff import Differing
from support_lakehouse.stages.released import open_released
from support_lakehouse.transforms.difference import Difference
from tests.product.causes import TABLES, Caused, report_of
from tests.product.support import command
from tests.reference.origins import origins
from tests.reference.tables import INTERACTIONS

MEASURES = ("total_interactions", "total_calls", "total_call_duration")

pytestmark = pytest.mark.soak

LAST = 7


def difference(caused: Caused, a: int, b: int) -> Difference:
    config = caused.configs[b]
    before, after = (open_released(caused.lakehouse, release=n) for n in (a, b))
    releases = ops.read_releases(caused.lakehouse)
    return Differing(config, releases, before, after).difference()


def test_the_causes_add_up_between_any_two_releases(caused: Caused) -> None:
    reports = {n: report_of(caused, n) for n in range(1, LAST + 1)}
    words = set()
    for a, b in combinations(reports, 2):
        told = difference(caused, a, b)
        assert told.adds_up
        moved = {(m.place, m.measure): (m.before, m.after) for m in told.figures}
        expected = {}
        for place in {*reports[a], *reports[b]}:
            pair = (reports[n].get(place, (0, 0, 0)) for n in (a, b))
            for measure, was, now in zip(MEASURES, *pair, strict=True):
                if was != now:
                    expected[place, measure] = (was, now)
        assert moved == expected, (a, b)
        for figure in told.figures:
            total = sum(part.change for _, part in figure.causes)
            assert total == figure.after - figure.before, (a, b, figure.place)
            words |= {cause.cause for cause, _ in figure.causes}
    assert words == {
        *("new", "late", "corrected", "withdrawn", "replayed", "rule", "dimension"),
        *("rollback", "code"),
    }


@pytest.mark.parametrize(
    ("a", "b", "causes"),
    [
        (1, 2, {("late", 1), ("new", 3), ("corrected", 0)}),
        (2, 3, {("replayed", 2)}),
        (3, 4, {("rollback", 2)}),
        (2, 4, set()),
        (4, 5, {("withdrawn", 2), ("rule", None)}),
        (5, 6, {("rollback", n) for n in range(4)} | {("rule", None)}),
        (4, 6, {("rollback", n) for n in (0, 1, 3)}),
        (1, 6, set()),
        (6, 7, {("late", 1), ("new", 3), ("corrected", 0), ("withdrawn", 2), ("code", None)}),
        (1, 4, {("late", 1), ("new", 3), ("corrected", 0)}),
    ],
)
def test_each_release_moves_figures_by_what_was_done_in_it(
    caused: Caused, a: int, b: int, causes: set[tuple[str, int | None]]
) -> None:
    told = difference(caused, a, b)
    found = {(row["cause"].cause, row["cause"].file) for row in told.log if not row["cause"].key}
    files = {n: INTERACTIONS.delta(month) for n, month in enumerate(caused.months)}
    assert found == {(word, "" if n is None else files[n]) for word, n in causes}


@pytest.mark.parametrize(("a", "b"), [(1, 2), (2, 3), (1, 3), (3, 4), (4, 6)])
def test_the_keys_are_those_that_the_second_calculation_has_otherwise(
    caused: Caused, a: int, b: int
) -> None:
    before, after = (origins(caused.sources(n, INTERACTIONS), INTERACTIONS) for n in (a, b))
    changed = {
        key
        for key in before.keys() | after.keys()
        if key not in before or key not in after or before[key].row != after[key].row
    }
    told = difference(caused, a, b)
    keys: dict[str, set[Any]] = defaultdict(set)
    for row in told.log:
        if not row["cause"].key:
            keys[row["key"]].add(row["place"])
    assert keys.keys() <= changed
    assert {k for k in changed if (k in before) != (k in after)} <= keys.keys()
    for key, places in keys.items():
        true = {rows[key].by for rows in (before, after) if key in rows}
        assert places <= true or key not in before or key not in after, key


def test_a_renamed_centre_is_one_move(caused: Caused) -> None:
    told = difference(caused, 1, 2)
    moves = {row["cause"] for row in told.log if row["cause"].key}
    assert len({cause.key for cause in moves}) == len(moves) > 1
    for cause in moves:
        rows = [row for row in told.log if row["cause"] == cause]
        assert sum(row["total_interactions"] for row in rows) == 0
        assert {row["key"] for row in rows} == {cause.key}
        table = next(t for t in TABLES if f"/{t.name}_delta" in cause.file)
        names = origins(caused.sources(2, table), table)
        column = "department" if table.key == "category_id" else "contact_center_name"
        if cause.key in names:
            assert (cause.file, cause.line) == names[cause.key].columns[column]


def test_months_are_compared_as_releases_are_and_backwards_with_the_sign_turned(
    caused: Caused,
) -> None:
    at = ("--lakehouse", caused.lakehouse, "--json")
    one, two, three = (f"3@{month}" for month in caused.months[:3])
    told = command("diff", one, two, *at)
    assert told.code == 0, told.err
    back = command("diff", two, one, *at).json
    assert told.json["adds_up"]
    assert (back["from"], back["to"]) == (two, one)
    turned = [(f["after"], f["before"]) for f in back["figures"]]
    assert [(f["before"], f["after"]) for f in told.json["figures"]] == turned
    for figure in back["figures"]:
        change = sum(cause["change"] for cause in figure["causes"])
        assert change == pytest.approx(figure["after"] - figure["before"])
    assert command("diff", two, three, *at).json["adds_up"]
    assert command("diff", one, one, *at).json["figures"] == []


def test_the_screen_tells_a_summary_then_figures_then_keys(caused: Caused) -> None:
    at = ("--lakehouse", caused.lakehouse)
    said = command("diff", 4, 5, *at)
    third = caused.by_hand[0]
    assert said.out.startswith("From release 4 to release 5 ")
    assert "The causes add up to the difference of every figure." in said.out
    assert "taken out in release 5: sent by mistake" in said.out
    assert third in said.out
    assert "more: --limit" in command("diff", 4, 5, "--limit", 1, *at).out
    assert len(command("diff", 4, 5, "--log", *at).out) > len(said.out)
    assert command("diff", 5, "feb", *at).code == 2
    assert command("diff", 5, 99, *at).code == 2
