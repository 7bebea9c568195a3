"""Generated histories: repeatable, balanced, and as rich as they claim."""

import csv
import json
from collections import Counter
from dataclasses import asdict
from io import StringIO
from pathlib import Path

import pytest

from .histories import write_history, write_tracked
from .model import Calculation, calculate, months_found
from .render import PUBLISHED, to_csv, to_json
from .tables import DIMENSIONS

SEEDS = range(30)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*.csv")}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> list[Calculation]:
    folders = [tmp_path_factory.mktemp("dirty") for _ in SEEDS]
    for seed, folder in zip(SEEDS, folders, strict=True):
        write_history(folder, seed)
    return [calculate(folder) for folder in folders]


def test_a_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        write_history(tmp_path / name, seed)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    assert contents(tmp_path / "a") != contents(tmp_path / "c")


def test_the_months_given_back_are_those_found(tmp_path: Path) -> None:
    assert write_history(tmp_path, 1, months=5) == months_found(tmp_path)
    assert len(months_found(tmp_path)) == 5


def test_every_file_balances(results: list[Calculation]) -> None:
    for result in results:
        assert all(balance.read == balance.outcomes for balance in result.balances.values())


def test_every_reference_of_interactions_joins(results: list[Calculation]) -> None:
    for result in results:
        for table in DIMENSIONS:
            keys = {row[table.key] for row in result.finals[f"{table.name}_final"]}
            assert all(row[table.key] in keys for row in result.finals["interactions_final"])


def test_the_report_counts_every_interaction_once(results: list[Calculation]) -> None:
    for result in results:
        counted = sum(int(str(row["total_interactions"])) for row in result.support_report)
        assert counted == len(result.silver["interactions"])


def test_together_they_show_every_outcome_reason_and_warning(results: list[Calculation]) -> None:
    outcomes: Counter[str] = Counter()
    for result in results:
        for balance in result.balances.values():
            outcomes.update(asdict(balance))
    assert min(outcomes.values()) > 0
    reasons = {reason for result in results for row in result.rejected for reason in row.reasons}
    assert reasons == {
        "width",
        "action",
        "required:agent_id",
        "required:contact_center_id",
        "required:category_id",
        "required:interaction_id",
        "required:interaction_start",
        "unreadable:interaction_start",
    }
    rules = {r for result in results for counts in result.warnings.values() for r in counts}
    assert rules == {
        "unreadable:hire_date",
        "unreadable:timestamp",
        "unreadable:agent_resolution_timestamp",
        "unreadable:interaction_end",
        "unreadable:call_duration_minutes",
        "unreadable:satisfaction_rating",
        "allowed:channel",
        "range:satisfaction_rating",
        "range:call_duration_minutes",
        "not_before:interaction_end",
    }


@pytest.mark.parametrize("seed", SEEDS)
def test_without_dirt_the_files_read_back_as_what_was_meant(tmp_path: Path, seed: int) -> None:
    _, meant = write_tracked(tmp_path, seed, dirt=False)
    result = calculate(tmp_path)
    assert result.rejected == []
    unread = [r for rules in result.warnings.values() for r in rules if r.startswith("unread")]
    assert not unread
    for table, rows in meant.items():
        assert result.silver[table] == [rows[key] for key in sorted(rows)]


def test_rendered_files_hold_every_row(results: list[Calculation]) -> None:
    for result in results:
        tables = {"support_report": result.support_report, **result.finals}
        for name, rows in tables.items():
            cells = list(csv.reader(StringIO(to_csv(name, rows).decode(), newline="")))
            assert cells[0] == list(PUBLISHED[name])
            assert len(cells) == len(rows) + 1
            assert [list(r) for r in json.loads(to_json(name, rows))] == [cells[0]] * len(rows)
