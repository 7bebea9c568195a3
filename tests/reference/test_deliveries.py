"""Generated deliveries: repeatable, balanced, never refused, and as rich as they claim."""

import gzip
from pathlib import Path

import pytest

from .call_log import COLUMNS, CallLogResult, calculate_call_log
from .calls import CALL, CallsResult, calculate_calls
from .deliveries import write_call_log, write_calls, write_roster
from .json_values import Column
from .roster import DETAILS, RosterResult, calculate_roster
from .verdicts import Reason, Rejected, Warnings

SEEDS = range(20)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def write_all(folder: Path, seed: int, dirt: float) -> dict[str, str]:
    write_calls(folder, seed, dirt=dirt)
    write_call_log(folder, seed, dirt=dirt)
    return write_roster(folder, seed, dirt=dirt, labelled=seed % 2 == 0)


@pytest.fixture(scope="module")
def dirty(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Path, dict[str, str]]]:
    folders = [tmp_path_factory.mktemp("dirty") for _ in SEEDS]
    return [
        (folder, write_all(folder, seed, 0.3)) for seed, folder in zip(SEEDS, folders, strict=True)
    ]


@pytest.fixture(scope="module")
def calls(dirty: list[tuple[Path, dict[str, str]]]) -> list[CallsResult]:
    return [calculate_calls(folder) for folder, _ in dirty]


@pytest.fixture(scope="module")
def rosters(dirty: list[tuple[Path, dict[str, str]]]) -> list[RosterResult]:
    return [calculate_roster(folder, labels) for folder, labels in dirty]


@pytest.fixture(scope="module")
def logs(dirty: list[tuple[Path, dict[str, str]]]) -> list[CallLogResult]:
    return [calculate_call_log(folder) for folder, _ in dirty]


def reasons(rejected: list[list[Rejected]]) -> set[Reason]:
    return {reason for rows in rejected for row in rows for reason in row.reasons}


def warned(warnings: list[Warnings]) -> set[Reason]:
    return {reason for files in warnings for rules in files.values() for reason in rules}


def expected(columns: dict[str, Column], *, required: bool) -> set[Reason]:
    rules = ("required", "type") if required else ("type",)
    names = [name for name, column in columns.items() if column.required is required]
    return {(rule, name) for name in names for rule in rules}


def test_a_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        write_all(tmp_path / name, seed, 0.3)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    assert contents(tmp_path / "a") != contents(tmp_path / "c")


@pytest.mark.parametrize("seed", SEEDS)
def test_without_dirt_every_row_is_accepted_and_nothing_warns(tmp_path: Path, seed: int) -> None:
    labels = write_all(tmp_path, seed, 0)
    calls, log = calculate_calls(tmp_path), calculate_call_log(tmp_path)
    roster = calculate_roster(tmp_path, labels)
    assert (calls.rejected, roster.rejected, log.rejected) == ([], [], [])
    assert warned([calls.warnings, roster.warnings]) == set()


def test_calls_show_every_reason_and_warning(calls: list[CallsResult]) -> None:
    whole: set[Reason] = {("json", None), ("width", None), ("expression", None)}
    agents: set[Reason] = {("required", "agent_id")}
    found = reasons([result.rejected for result in calls])
    assert found == whole | agents | expected(CALL, required=True)
    assert warned([result.warnings for result in calls]) == expected(CALL, required=False)
    assert [result.refused for result in calls] == [{} for _ in SEEDS]
    assert all(result.agents_not_found for result in calls)


def test_rosters_show_every_reason_and_warning(rosters: list[RosterResult]) -> None:
    found = reasons([result.rejected for result in rosters])
    assert found == {("json", None)} | expected(DETAILS, required=True)
    shown = warned([result.warnings for result in rosters])
    unread = {("type", name) for name in ("job_title", "language", "mobile", "time_zone")}
    assert shown == expected(DETAILS, required=False) - unread
    assert [result.refused for result in rosters] == [{} for _ in SEEDS]
    assert all(any(result.active_unknown.values()) for result in rosters)


def test_logs_show_every_reason(logs: list[CallLogResult]) -> None:
    rules = {
        "required": (COLUMNS[0], *COLUMNS[3:]),
        "pattern": COLUMNS[:3],
        "type": COLUMNS[3:5],
        "allowed": COLUMNS[5:],
        "width": (None,),
    }
    expected = {(rule, name) for rule, names in rules.items() for name in names}
    assert reasons([result.rejected for result in logs]) == expected
    assert [result.refused for result in logs] == [{} for _ in SEEDS]
    assert all(sum(result.repeated.values()) for result in logs)


def test_every_raw_record_stands_in_its_file_on_its_line(
    dirty: list[tuple[Path, dict[str, str]]], logs: list[CallLogResult]
) -> None:
    for (folder, _), log in zip(dirty, logs, strict=True):
        for row in log.rejected_rows:
            text = (folder / str(row["file"])).read_bytes().decode("utf-8-sig")
            before = text.split("\n")[: int(str(row["line"])) - 1]
            behind = text[sum(len(line) + 1 for line in before) :]
            assert behind.startswith(str(row["raw"]))
            assert behind[len(str(row["raw"])) :].startswith(("\n", "\r\n")) or behind == row["raw"]


def test_files_are_of_a_size_to_look_at(
    dirty: list[tuple[Path, dict[str, str]]], calls: list[CallsResult], logs: list[CallLogResult]
) -> None:
    counts = [*(result.counts for result in calls), *(result.counts for result in logs)]
    assert all(15 <= count.read <= 45 for files in counts for count in files.values())
    packed = [path for folder, _ in dirty for path in folder.rglob("*.gz")]
    assert all(gzip.decompress(path.read_bytes()) for path in packed)
    assert {path.parent.name for path in packed} == {"calls", "agent_details", "agents"}
