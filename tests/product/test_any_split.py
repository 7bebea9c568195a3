"""The result is a function of the files: month by month, in halves, all at once (law L1)."""

from itertools import pairwise
from pathlib import Path

import pytest

from support_lakehouse.io import lake, ops
from tests.product.support import command, expected, load, published
from tests.reference import model, render
from tests.reference.histories import write_history

PREFIXED = ("required", "unreadable")


@pytest.fixture(scope="module")
def told(tmp_path_factory) -> tuple[Path, list[str]]:
    data = tmp_path_factory.mktemp("history") / "data"
    return data, write_history(data, seed=2025, interactions=30, months=3)


@pytest.fixture(scope="module")
def at_once(config, spark, told, tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("once") / "lakehouse"
    load(config, spark, told[0], root)
    return root


def test_all_at_once_is_what_the_second_calculation_says(told, at_once):
    assert published(at_once) == expected(told[0])


def test_the_books_agree_for_every_file(told, at_once):
    second = model.calculate(told[0])
    files = command("files", "--lakehouse", at_once, "--json").json
    assert {f["file"] for f in files} == set(second.balances)
    for file in files:
        assert file["balance"] == vars(second.balances[file["file"]]), file["file"]
        assert file["warnings"] == dict(second.warnings.get(file["file"], {})), file["file"]


def test_quarantine_holds_every_rejected_row_with_its_true_line_and_all_reasons(told, at_once):
    table = at_once / "quarantine"
    found = {
        (row["file"], row["line"], frozenset(map(_rule, row["reasons"])))
        for row in lake.read(table, lake.newest_version(table)).to_pylist()
    }
    second = {(r.file, r.line, frozenset(r.reasons)) for r in model.calculate(told[0]).rejected}
    assert found == second
    assert len(found) > 3


def _rule(reason: dict[str, str]) -> str:
    return f"{reason['rule']}:{reason['column']}" if reason["rule"] in PREFIXED else reason["rule"]


def test_as_of_each_month_is_what_the_second_calculation_says(told, at_once):
    data, months = told
    for month in months:
        second = model.calculate(data, as_of=month).support_report
        said = command("report", "--lakehouse", at_once, "--as-of", month)
        assert said.out.encode() == render.to_csv("support_report", second), month


def test_month_by_month_gives_the_same_bytes_and_the_same_state(
    config, spark, told, at_once, tmp_path
):
    data, months = told
    for month in months:
        load(config, spark, data, tmp_path, month)
    assert published(tmp_path) == published(at_once)
    releases = ops.read_releases(tmp_path)
    assert releases[-1].state == ops.read_releases(at_once)[-1].state
    for before, after in pairwise(releases):
        assert after.previous == before.hash


def test_in_two_halves_and_after_a_reset_it_is_the_same_again(
    config, spark, told, at_once, tmp_path
):
    data, months = told
    state = ops.read_releases(at_once)[-1].state
    load(config, spark, data, tmp_path, *months[:2])
    assert load(config, spark, data, tmp_path).release.state == state
    assert published(tmp_path) == published(at_once)

    rebuilt = load(config, spark, data, tmp_path, reset=True).release
    assert (rebuilt.kind, rebuilt.state) == ("reset", state)
    assert published(tmp_path) == published(at_once)
    first = command("report", "--lakehouse", tmp_path, "--release", 1)
    second = model.calculate(data, as_of=months[1]).support_report
    assert first.out.encode() == render.to_csv("support_report", second)
