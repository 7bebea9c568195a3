"""Calls, roster and call-centre log against the second, independent calculation."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from support_lakehouse.config import Config
from support_lakehouse.pipeline.run import RunResult
from support_lakehouse.stages.released import Released, open_released
from tests.product.support import load
from tests.reference import call_log, calls, deliveries, render_call_log, roster
from tests.reference.verdicts import Counts, Reason, Rejected

Verdicts = dict[tuple[str, int], frozenset[Reason]]
NAMES = {"type": "unreadable"}
"""What the second calculation calls a rule, and what the product does."""
DURATION = ("not_before", "end_time")


def reasons(rejected: Iterable[Rejected]) -> Verdicts:
    """The reasons of the second calculation in the product's words."""
    told: Verdicts = {}
    for row in rejected:
        named = {(NAMES.get(rule, rule), column) for rule, column in row.reasons}
        told[row.file, row.line] = frozenset(
            DURATION if reason == ("expression", None) else reason for reason in named
        )
    return told


def quarantined(released: Released, *feeds: str) -> Verdicts:
    return {
        (entry["file"], entry["line"]): frozenset(
            (reason["rule"], reason["column"]) for reason in entry["reasons"]
        )
        for entry in released.quarantine().to_pylist()
        if entry["feed"] in feeds
    }


def rows(table: pa.Table, key: str) -> list[dict[str, Any]]:
    told = [
        {name: row[name] for name in table.column_names if not name.startswith("_")}
        for row in table.to_pylist()
    ]
    return sorted(told, key=lambda row: row[key])


def check_counts(done: RunResult, counts: Mapping[str, Counts]) -> None:
    """Each file's rows, and that they are all accounted for."""
    ledger = {entry.file: entry.balance for entry in done.loaded}
    for file, expected in counts.items():
        assert (ledger[file].read, ledger[file].rejected) == (expected.read, expected.rejected)
        assert ledger[file].balances


@pytest.fixture(scope="module", params=[11, 12])
def delivered(
    request: pytest.FixtureRequest,
    config: Config,
    spark: SparkSession,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, Path, RunResult, dict[str, str]]:
    """Dirty deliveries of all three groups, loaded at once: data, lakehouse, run, labels."""
    data, lakehouse = (tmp_path_factory.mktemp(name) for name in ("data", "lakehouse"))
    seed = request.param
    deliveries.write_calls(data, seed)
    labels = deliveries.write_roster(data, seed, labelled=seed % 2 == 1)
    deliveries.write_call_log(data, seed)
    done = load(config, spark, data, lakehouse, sync_dates=labels, accept=("short-snapshots",))
    return data, lakehouse, done, labels


def test_calls_are_cleaned_as_calculated(config: Config, delivered: Any) -> None:
    data, lakehouse, done, _ = delivered
    expected = calls.calculate_calls(data)
    released = open_released(lakehouse)
    assert released.cleaned_calls().to_pylist() == expected.rows
    assert quarantined(released, "calls", "call_agents") == reasons(expected.rejected)
    not_found = sum(expected.agents_not_found.values())
    assert done.release is not None
    assert done.release.unresolved["calls.agent_id"] == not_found
    check_counts(done, expected.counts)


def test_the_roster_is_as_calculated(config: Config, delivered: Any) -> None:
    data, lakehouse, done, labels = delivered
    expected = roster.calculate_roster(data, labels)
    released = open_released(lakehouse)
    agents = rows(released.table("silver/roster_agents"), "agent_id")
    assert [{k: v for k, v in a.items() if k != "ingested_at"} for a in agents] == expected.agents
    history = rows(released.table("silver/agent_status_history"), "agent_id")
    order = ("agent_id", "sync_date")
    assert sorted(history, key=lambda r: [r[k] for k in order]) == expected.history
    assert quarantined(released, "roster_agents", "roster_active") == reasons(expected.rejected)
    check_counts(done, expected.counts)


def test_the_call_log_is_published_as_calculated(config: Config, delivered: Any) -> None:
    data, lakehouse, done, _ = delivered
    expected = call_log.calculate_call_log(data)
    released = open_released(lakehouse)
    assert quarantined(released, "call_center_log") == reasons(expected.rejected)
    published = lakehouse / "published"
    accepted = (published / "call_center_log.csv").read_bytes()
    assert accepted == render_call_log.call_log_csv(expected)
    messages = {
        (entry["file"], entry["line"]): "; ".join(r["message"] for r in entry["reasons"])
        for entry in released.quarantine().to_pylist()
        if entry["feed"] == "call_center_log"
    }
    rejected = (published / "call_center_log_rejected.csv").read_bytes()
    assert rejected == render_call_log.rejected_csv(expected, messages)
    repeated = {
        entry.file: entry.warnings["repeated:call_id"]
        for entry in done.loaded
        if "repeated:call_id" in entry.warnings
    }
    assert repeated == {file: n for file, n in expected.repeated.items() if n}
    check_counts(done, expected.counts)
