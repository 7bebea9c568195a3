"""Every value of every row has its true file, line and release; every figure its interactions."""

import csv
import io
from decimal import Decimal
from typing import Any

import pytest

from support_lakehouse.io import lake, ops
from support_lakehouse.stages.explain import Explaining
from support_lakehouse.stages.figure import Figures
from support_lakehouse.stages.released import open_released
from tests.product.causes import BROKEN, TABLES, Caused
from tests.product.support import command
from tests.reference.origins import origins
from tests.reference.tables import INTERACTIONS, Table

pytestmark = pytest.mark.soak

LAST = 7


def asking(caused: Caused, release: int, table: Table) -> Explaining:
    config = caused.configs[release]
    released = open_released(caused.lakehouse, release=release)
    releases = ops.read_releases(caused.lakehouse)
    return Explaining(config, released, releases, config.feed(table.name))


@pytest.mark.parametrize("release", [1, 3, 5, 6, LAST])
def test_each_value_comes_from_where_the_second_calculation_says(caused: Caused, release: int):
    cells = 0
    for table in TABLES:
        true = origins(caused.sources(release, table), table)
        explaining = asking(caused, release, table)
        for key, told in true.items():
            life = explaining.life(key)
            assert life.agrees
            standing = life.story.standing
            assert standing is not None
            for column, place in told.columns.items():
                by = standing.columns[column]
                assert by.place == place, (key, column)
                assert by.release == caused.release_of(release, place), (key, column)
                cells += 1
            assert standing.by.place == told.by
            assert life.silver["_file"].to_pylist() == [told.by[0]]
    assert cells > 200


def test_what_no_file_says_any_more_stands_nowhere(caused: Caused):
    gone = 0
    for release in (4, 5, 6, LAST):
        explaining = asking(caused, release, INTERACTIONS)
        there = _origins(caused, release).keys()
        for key in sorted(_origins(caused, 3).keys() - there):
            life = explaining.life(key)
            assert life.story.standing is None
            assert life.silver.num_rows == 0
            assert life.agrees
            gone += 1
    assert gone > 3


def test_the_balance_of_a_file_is_what_its_records_did(caused: Caused):
    """Told key by key, the outcomes of each file add up to the ledger's."""
    explaining = asking(caused, 2, INTERACTIONS)
    version = explaining.released.release.tables["bronze/interactions"].version
    table = caused.lakehouse / "bronze/interactions"
    rows = lake.query("SELECT DISTINCT key FROM t WHERE key IS NOT NULL", {"t": (table, version)})
    told: dict[tuple[str, str], int] = {}
    for key in rows["key"].to_pylist():
        for event in explaining.life(key).events:
            place = (event.spoken.file, event.outcome)
            told[place] = told.get(place, 0) + 1
    for entry in explaining.records.ledger:
        for outcome, count in entry.balance.as_dict().items():
            if outcome not in ("read", "rejected"):
                assert told.get((entry.file, outcome), 0) == count, (entry.file, outcome)


def test_the_life_of_a_key_that_was_rejected_put_right_and_taken_back(caused: Caused):
    file, line = caused.by_hand

    def told(release: int) -> tuple[list[tuple[str, int, int | None]], Any]:
        words = ("--release", release, "--lakehouse", caused.lakehouse, "--json")
        said = command("explain", "interactions", BROKEN, *words).json
        assert {(e["file"], e["line"]) for e in said["events"]} == {(file, line)}
        return [(e["outcome"], e["release"], e["since"]) for e in said["events"]], said

    events, said = told(2)
    assert events == [("rejected", 1, None)]
    assert said["events"][0]["reasons"][0] == {
        "rule": "unreadable",
        "column": "interaction_start",
        "message": "interaction_start is not a timestamp (YYYY-MM-DDTHH:MM:SSZ)",
    }
    assert said["events"][0]["quarantine"]["state"] == "open"
    events, said = told(3)
    assert events == [("rejected", 1, None), ("inserted", 3, None)]
    assert said["events"][0]["quarantine"]["state"] == "released"
    assert (said["since"], said["silver"]["_line"]) == (3, line)
    assert said["report_rows"][0]["month"] == "2025-01"
    events, said = told(4)
    assert events == [("rejected", 1, None), ("held", 3, 4)]
    assert said["silver"] is None
    assert told(5)[0] == [("withdrawn", 1, 5), ("held", 3, 4)]
    assert told(6)[0] == [("rejected", 1, None), ("held", 3, 4)]


def test_a_withdrawn_file_says_who_took_it_out_and_why(caused: Caused):
    third = caused.by_hand[0]
    key = min(k for k, v in _origins(caused, 4).items() if v.by[0] == third)
    said = command("explain", "interactions", key, "--release", 5, "--lakehouse", caused.lakehouse)
    assert "counts no more, its file was withdrawn, in release 5: sent by mistake" in said.out
    assert third in said.out


def _origins(caused: Caused, release: int):
    return origins(caused.sources(release, INTERACTIONS), INTERACTIONS)


def test_since_which_release_a_row_stands_so(caused: Caused):
    """The late month in release 2 changed some rows, the others stand since release 1."""
    explaining = asking(caused, 2, INTERACTIONS)
    before, after = (_origins(caused, release) for release in (1, 2))
    found = set()
    for key, told in after.items():
        same = key in before and before[key].row == told.row
        assert explaining.life(key).since == (1 if same else 2), key
        found.add(same)
    assert found == {True, False}


def test_each_figure_is_the_sum_of_its_interactions(caused: Caused):
    config = caused.configs[3]
    released = open_released(caused.lakehouse, release=3)
    figures = Figures(config, released, ops.read_releases(caused.lakehouse))
    true = _origins(caused, 3)
    keys = []
    report = command("report", "--lakehouse", caused.lakehouse, "--release", 3).out
    for row in csv.DictReader(io.StringIO(report)):
        figure = figures.figure(*list(row.values())[:3])
        assert figure.adds_up
        for measure in ("total_interactions", "total_calls", "total_call_duration"):
            assert figure.sums[measure] == Decimal(row[measure])
        rows = figure.interactions.to_pylist()
        for one, came in zip(rows, figure.came_in, strict=True):
            place = (one["_file"], one["_line"])
            assert place == true[one["interaction_id"]].by
            assert came == caused.release_of(3, place)
            keys.append(one["interaction_id"])
    assert sorted(keys) == sorted(true), "each interaction counts in one figure"


def test_the_screen_of_a_figure_names_file_and_line_of_all_it_is_made_of(caused: Caused):
    at = ("--lakehouse", caused.lakehouse, "--release", 3)
    month, center, department, *_ = command("report", *at).out.splitlines()[1].split(",")
    told = command("explain", "report", month, center, department, *at, "--json").json
    said = command("explain", "report", month, center, department, *at).out
    assert "That is what the report says." in said
    for one in [*told["interactions"], *(n for n in told["names"] if n["file"])]:
        assert f"{one['file']} {one['line']}" in " ".join(said.split())
    assert (
        sum(one["total_interactions"] for one in told["interactions"])
        == told["sums"]["total_interactions"]
    )


def test_a_figure_that_does_not_add_up_ends_with_5_and_both_sums(caused: Caused) -> None:
    """The last release was made by a program that takes all but phone calls for calls."""
    at = ("--lakehouse", caused.lakehouse)
    rows = list(csv.DictReader(io.StringIO(command("report", *at).out)))
    row = next(r for r in rows if r["total_calls"] != "0" and r["total_interactions"] == "1")
    said = command("explain", "report", *list(row.values())[:3], *at)
    assert said.code == 5
    assert "1 interactions, 0 calls" in said.err
    assert "1 interactions, 1 calls" in said.err
    assert "That is NOT what the report says" in said.out


def test_unknown_words_are_told_what_is_meant(caused: Caused):
    at = ("--lakehouse", caused.lakehouse)
    for words, hint in (
        (("interaction", "x"), "Did you mean interactions?"),
        (("interactions", BROKEN.lower()), f"Did you mean {BROKEN}"),
        (("report", "202501", "x", "y"), "a month like 2025-01"),
        (("report", "2025-01", "x", "y"), "the report has no row"),
        (("interactions",), "FEED KEY, or report MONTH CENTRE DEPARTMENT"),
    ):
        said = command("explain", *words, *at)
        assert said.code == 2
        assert hint in said.err, said.err
