"""Every value of every row has its true file, line and release; every figure its interactions."""

import csv
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from unittest import mock

import pytest

from support_lakehouse.errors import UsageError
from support_lakehouse.io import lake, ops
from support_lakehouse.stages.explain import Explaining
from support_lakehouse.stages.released import open_released
from tests.product.causes import BROKEN, TABLES, Caused
from tests.product.support import command
from tests.reference.origins import origins
from tests.reference.tables import INTERACTIONS, Table

LAST = 9


def asking(caused: Caused, release: int, table: Table) -> Explaining:
    released = open_released(caused.config, caused.lakehouse, release=release)
    releases = ops.read_releases(caused.lakehouse)
    return Explaining(caused.config, released, releases, caused.config.feed(table.name))


@pytest.mark.parametrize("release", range(1, LAST + 1))
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


def test_what_is_gone_stands_nowhere_and_says_why(caused: Caused):
    gone = 0
    for release in (3, 6, LAST):
        explaining = asking(caused, release, INTERACTIONS)
        true = origins(caused.sources(release, INTERACTIONS), INTERACTIONS)
        others = origins(caused.sources(5, INTERACTIONS), INTERACTIONS).keys() - true.keys()
        for key in sorted(others):
            try:
                life = explaining.life(key)
            except UsageError:
                continue  # its file was never there
            assert life.story.standing is None
            assert life.silver.num_rows == 0
            gone += 1
    assert gone


def test_the_balance_of_a_file_is_what_its_records_did(caused: Caused):
    """Told key by key, the outcomes of each file add up to the ledger's."""
    explaining = asking(caused, 3, INTERACTIONS)
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
    at = ("--lakehouse", caused.lakehouse, "--json")
    file, line = caused.by_hand
    (first,) = command("explain", "interactions", BROKEN, "--release", 2, *at).json["events"]
    assert (first["file"], first["line"], first["outcome"]) == (file, line, "rejected")
    assert first["reasons"][0] == {
        "rule": "unreadable",
        "column": "interaction_start",
        "message": "interaction_start is not a timestamp (YYYY-MM-DDTHH:MM:SSZ)",
    }
    came, back = command("explain", "interactions", BROKEN, "--release", 4, *at).json["events"]
    assert (came["outcome"], came["quarantine"]["state"]) == ("rejected", "released")
    assert (back["outcome"], back["release"], back["stands"]) == ("inserted", 4, True)
    corrected = command("explain", "interactions", BROKEN, "--release", 5, *at).json
    assert [e["outcome"] for e in corrected["events"]] == ["corrected", "corrected"]
    assert {e["since"] for e in corrected["events"]} == {5}
    assert corrected["silver"] is None
    now = command("explain", "interactions", BROKEN, "--release", 8, *at).json
    assert now["silver"] is None
    told = [(e["outcome"], e["release"], e["since"]) for e in now["events"]]
    assert told == [("rejected", 1, None), ("corrected", 4, 5)], "release 7 took back the sheet"


def test_a_withdrawn_file_says_who_took_it_out_and_why(caused: Caused):
    months = caused.months
    third = INTERACTIONS.delta(months[2])
    key = min(k for k, v in _origins(caused, 5).items() if v.by[0] == third)
    said = command("explain", "interactions", key, "--release", 6, "--lakehouse", caused.lakehouse)
    assert "counts no more, its file was withdrawn, in release 6: sent by mistake" in said.out
    assert third in said.out


def _origins(caused: Caused, release: int):
    return origins(caused.sources(release, INTERACTIONS), INTERACTIONS)


def test_since_which_release_a_row_stands_so(caused: Caused):
    """What March says stands since March came in, unless February came later and changed it."""
    explaining = asking(caused, 3, INTERACTIONS)
    late = INTERACTIONS.delta(caused.months[1])
    before, after = (_origins(caused, release) for release in (2, 3))
    for key, told in after.items():
        life = explaining.life(key)
        same = key in before and before[key].row == told.row
        if told.by[0] == late:
            assert life.since == 3, key
        assert (life.since < 3) == same, key


def test_each_figure_is_the_sum_of_its_interactions(caused: Caused):
    at = ("--lakehouse", caused.lakehouse, "--release", 4)
    report = command("report", *at).out
    true = _origins(caused, 4)
    keys = set()
    for row in csv.DictReader(io.StringIO(report)):
        place = (row["month"], row["contact_center_name"], row["department"])
        said = command("explain", "report", *place, "--json", *at)
        assert said.code == 0, said.err
        told = json.loads(said.out, parse_float=Decimal)
        for measure in ("total_interactions", "total_calls", "total_call_duration"):
            total = sum(one[measure] for one in told["interactions"])
            assert total == told["sums"][measure] == told[measure] == Decimal(row[measure])
        for one in told["interactions"]:
            place_ = (one["file"], one["line"])
            assert place_ == true[one["key"]].by
            assert one["release"] == caused.release_of(4, place_)
            keys.add(one["key"])
    assert keys == set(true)


def test_a_figure_that_does_not_add_up_ends_with_5_and_both_sums(caused: Caused) -> None:
    """The last release was made by a program that takes all but phone calls for calls."""
    at = ("--lakehouse", caused.lakehouse)
    rows = list(csv.DictReader(io.StringIO(command("report", *at).out)))
    row = next(r for r in rows if r["total_calls"] != "0" and r["total_interactions"] == "1")
    place = [row[k] for k in ("month", "contact_center_name", "department")]
    with _zone(caused):
        said = command("explain", "report", *place, *at)
    assert said.code == 5
    assert "1 interactions, 0 calls" in said.err
    assert "1 interactions, 1 calls" in said.err
    assert "That is NOT what the report says" in said.out


@contextmanager
def _zone(caused: Caused) -> Iterator[None]:
    """The command line with the configuration of the last releases."""
    with mock.patch("support_lakehouse.cli.explain.load_config", return_value=caused.config):
        yield


def test_unknown_words_are_told_what_is_meant(caused: Caused):
    at = ("--lakehouse", caused.lakehouse)
    for words, hint in (
        (("interaction", "x"), "did you mean interactions?"),
        (("interactions", BROKEN[:-1] + "9"), f"Did you mean {BROKEN}"),
        (("report", "202501", "x", "y"), "a month like 2025-01"),
        (("report", "2025-01", "x", "y"), "the report has no row"),
        (("interactions",), "FEED KEY, or report MONTH CENTRE DEPARTMENT"),
    ):
        said = command("explain", *words, *at)
        assert said.code == 2
        assert hint in said.err, said.err
