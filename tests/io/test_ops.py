"""The ledger, the journal and the releases: what is written is what is read."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from support_lakehouse.errors import UsageError
from support_lakehouse.io import lake, ops
from support_lakehouse.model.books import Balance, LedgerEntry
from support_lakehouse.model.release import FORMAT, Release, TableState

KEPT = timedelta(days=62)
ENTRY = LedgerEntry(
    feed="agents",
    file="delta/agents_delta_202502.csv",
    period="202502",
    sha256="5ha",
    size=120,
    mtime_ns=1736087400_000000001,
    inode=7,
    state="loaded",
    release=1,
    admissions=("r1-0",),
    header=("agent_id", "Größe", "action"),
    drift=("Größe",),
    balance=Balance(read=5, inserted=1, updated=1, deleted=1, superseded=1, rejected=1),
    reasons={"required:agent_id": 1},
    warnings={"unreadable:hire_date": 2},
)
RELEASE = Release(
    release=1,
    at="2025-04-01T08:00:00Z",
    run="r1",
    kind="run",
    months=("202502",),
    files=(ENTRY.file,),
    rows={"read": 5, "inserted": 1},
    tables={"silver/agents": TableState(3, 10, "00ff"), "ops/files": TableState(0, 1, "01")},
    as_of={"initial": {"silver/agents": 2}, "202502": {"silver/agents": 3}},
    earlier={"silver/agents": (TableState(2, 9, "00fe"),)},
    refusals=(),
    code="c0de",
    config="c0ff",
    previous="",
)


def test_before_the_first_release_there_is_none(tmp_path: Path) -> None:
    assert ops.read_releases(tmp_path) == []


def test_a_release_is_read_as_it_was_written(tmp_path: Path) -> None:
    refusals = ({"feed": "agents", "file": "a.csv", "why": "a.csv is empty"},)
    second = replace(RELEASE, release=2, kind="refusal", refusals=refusals, previous=RELEASE.hash)
    ops.append_release(tmp_path, RELEASE, KEPT)
    ops.append_release(tmp_path, second, KEPT)
    assert ops.read_releases(tmp_path) == [RELEASE, second]


def test_the_chain_of_hashes_holds_after_reading(tmp_path: Path) -> None:
    for release in (RELEASE, replace(RELEASE, release=2, previous=RELEASE.hash)):
        ops.append_release(tmp_path, release, KEPT)
    first, second = ops.read_releases(tmp_path)
    assert second.previous == first.hash == RELEASE.hash
    assert first.state == RELEASE.state


def test_releases_are_read_oldest_first_whatever_the_order_of_rows(tmp_path: Path) -> None:
    for number in (2, 10, 1):
        ops.append_release(tmp_path, replace(RELEASE, release=number), KEPT)
    assert [release.release for release in ops.read_releases(tmp_path)] == [1, 2, 10]


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    ops.append_release(tmp_path, RELEASE, KEPT)
    ops.append_release(tmp_path, replace(RELEASE, release=2, format=FORMAT + 1), KEPT)
    with pytest.raises(UsageError) as error:
        ops.read_releases(tmp_path)
    assert str(error.value) == (
        f"{tmp_path}: the lakehouse has format {FORMAT + 1}, this program knows {FORMAT}."
        " Install the newer program that wrote it."
    )
    assert error.value.exit_code == 2


def test_the_ledger_is_read_as_it_was_written_in_order_of_feed_and_file(tmp_path: Path) -> None:
    first = replace(ENTRY, file="a.csv")
    refused = LedgerEntry("calls", "b.csv", "202502", "", 0, 0, 0, "refused", 1, why="empty")
    state = ops.write_files(tmp_path, [refused, ENTRY, first], "r1", KEPT)
    assert ops.read_files(tmp_path, state.version) == [first, ENTRY, refused]
    assert (state.version, state.rows) == (0, 3)


def test_an_older_version_of_the_ledger_stays_readable(tmp_path: Path) -> None:
    before = ops.write_files(tmp_path, [ENTRY], "r1", KEPT)
    after = ops.write_files(tmp_path, [], "r2", KEPT)
    assert ops.read_files(tmp_path, before.version) == [ENTRY]
    assert ops.read_files(tmp_path, after.version) == []


def test_the_journal_only_grows(tmp_path: Path) -> None:
    told = [
        ops.Decision(number, "2025-04-01T08:00:00Z", "r1", "accepted", "ann", f"{number} files")
        for number in (1, 2)
    ]
    ops.append_journal(tmp_path, told[:1], "r1", KEPT)
    state = ops.append_journal(tmp_path, told[1:], "r2", KEPT)
    rows = lake.read(tmp_path / ops.JOURNAL, state.version).to_pylist()
    assert state.rows == 2
    assert {(row["release"], row["who"], row["what"], row["why"]) for row in rows} == {
        (1, "ann", "1 files", ""),
        (2, "ann", "2 files", ""),
    }


@pytest.mark.parametrize("known", ["the last state", "an older state", "none"])
def test_what_is_said_of_a_table_that_grew_is_what_it_holds(tmp_path: Path, known: str) -> None:
    states: list[TableState] = []
    for run in ("r1", "r2", "r3"):
        was = {"the last state": states[-1:], "an older state": states[:1], "none": []}[known]
        states.append(ops.append_metrics(tmp_path, [ENTRY], run, KEPT, *was))
    rows = lake.read(tmp_path / ops.METRICS, 2).to_pylist()
    assert len({row["run"] for row in rows}) == 3
    assert states[-1] == TableState(2, len(rows), ops.fingerprint_of_rows(rows))


def test_a_commit_tells_its_run_and_how_long_it_is_kept(tmp_path: Path) -> None:
    ops.append_release(tmp_path, RELEASE, KEPT)
    table = tmp_path / ops.RELEASES
    told = lake.commit_of(table, 0)
    told = json.loads(told["userMetadata"])
    assert told == {"run": "r1", "release": RELEASE.release, "hash": RELEASE.hash}
    log = (table / "_delta_log" / f"{0:020}.json").read_text()
    assert '"delta.deletedFileRetentionDuration":"interval 62 days"' in log


def test_a_fingerprint_does_not_depend_on_the_order_of_rows_or_keys() -> None:
    rows = [{"a": 1, "b": "é"}, {"a": 2, "b": None}, {"a": 1, "b": "é"}]
    turned = [{"b": None, "a": 2}, {"b": "é", "a": 1}, {"b": "é", "a": 1}]
    assert ops.fingerprint_of_rows(rows) == ops.fingerprint_of_rows(turned)
    assert ops.fingerprint_of_rows(rows) != ops.fingerprint_of_rows(rows[:2])
    assert ops.fingerprint_of_rows([]) == "0000000000000000"
