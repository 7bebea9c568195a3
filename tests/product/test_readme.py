"""What the README says to type works, and what it says is printed and lies where is so."""

import csv
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from unittest import mock

import pytest

from support_lakehouse.io import ops
from tests.product.support import REPO, command

README = (REPO / "README.md").read_text(encoding="utf-8")
TABLES = (REPO / "docs" / "tables.md").read_text(encoding="utf-8")
SHELL = "\n".join(re.findall(r"```sh\n(.*?)```", README, re.DOTALL)).replace("\\\n", " ")
PYTHON = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
COMMANDS = [line for line in SHELL.splitlines() if line.startswith("support-lakehouse ")]
TARGETS = [line for line in SHELL.splitlines() if line.startswith("make ")]
CHANGING = ("quarantine replay", "quarantine discard", "withdraw", "rollback")
"""What these leave behind is looked at in a story of their own."""
STORY = [
    line
    for line in COMMANDS
    if line.startswith("support-lakehouse quarantine") or any(word in line for word in CHANGING)
]
PLACES = README.partition("## Where does it go?")[2].partition("\nLayers:")[0]
PLACE = re.compile(r"(?:\w+/)+(?:\w+\.(?:py|yml|md|json))?")


@pytest.fixture(scope="module")
def home(lakehouse) -> Path:
    """A folder as the README has it: conf, data, and a lakehouse with the months loaded."""
    folder = lakehouse.parent
    for name in ("conf", "data"):
        shutil.copytree(REPO / name, folder / name)
    for told in (lakehouse / "ops", folder / "data"):
        assert told.is_dir()
    return folder


@pytest.mark.parametrize(
    "line", [line for line in COMMANDS if "doctor" not in line and line not in STORY]
)
def test_a_command_works(home, line, monkeypatch):
    monkeypatch.chdir(home)
    said = command(*shlex.split(line)[1:], home=home)
    assert said.code == 0, said.err


def test_there_are_commands_to_try():
    assert len(COMMANDS) >= 20
    assert all(any(word in line for line in STORY) for word in CHANGING)
    assert "make run MONTHS=202502,202503" in TARGETS


@pytest.mark.parametrize("line", TARGETS)
def test_a_target_exists_and_asks_for_a_known_command(line):
    told = subprocess.run(
        ["make", "--dry-run", *shlex.split(line)[1:]],
        cwd=REPO,
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr


def test_the_variables_of_make_become_options():
    asked = ["DAYS=d1,d2", "FEEDS=calls,call_agents", "ACCEPT=corrections,rejects"]
    for target in ("run", "plan"):
        told = subprocess.run(
            ["make", "--dry-run", target, *asked],
            cwd=REPO,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for option in ("--days 'd1,d2'", "--feeds 'calls,call_agents'"):
            assert option in told
        assert "--accept 'corrections,rejects'" in told


def test_the_first_example_is_what_a_run_of_the_sample_data_says(lakehouse):
    (release,) = ops.read_releases(lakehouse)
    said = f"Release 1: {len(release.files)} files, {release.rows['read']} rows, state"
    assert f"{said} {release.state}, " in README


@pytest.fixture
def own_copy(home, spark, tmp_path, monkeypatch) -> Iterator[Path]:
    """Another such folder, to work in; commands that need a session get that of the tests."""
    folder = Path(shutil.copytree(home, tmp_path / "home"))
    monkeypatch.chdir(folder)
    instead = nullcontext(spark)
    with mock.patch("support_lakehouse.pipeline.sessions.spark_session", return_value=instead):
        yield folder


def test_a_rejected_row_comes_back_a_file_goes_and_all_goes_back(own_copy):
    """The README's story, line by line; the person's part is done with a few lines of Python."""
    told = ""
    for line in STORY:
        if "--corrected calls.csv" in line:
            correct(own_copy / "calls.csv", "9b266f8428801a3e", "end_time", "2026-01-05T13:12:00Z")
        said = command(*shlex.split(line)[1:], home=own_copy)
        assert said.code == 0, (line, said.err)
        told += said.out
    for part in (
        "9b266f8428801a3e  calls  calls/calls_2026-01-05.jsonl     7  open          1  end_time is",
        "Wrote calls.csv (10 rows). Correct the cells, then:",
        "calls: 1 rows came back, 0 are still rejected.",
        "Release 2, state 30864dca1cee4650.",
    ):
        assert part in told
        assert part in README
    releases = ops.read_releases(own_copy / "lakehouse")
    assert [r.kind for r in releases] == ["run", "replay", "replay", "replay", "rollback"]
    assert releases[-1].state == releases[0].state


def correct(sheet: Path, row: str, column: str, cell: str) -> None:
    with sheet.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        rows, columns = list(reader), list(reader.fieldnames or ())
    for entry in rows:
        if entry["id"] == row:
            entry[column] = cell
    with sheet.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)


def test_history_and_time_travel_in_sql_and_pyspark(home):
    block = next(code for code in PYTHON if "DESCRIBE HISTORY" in code)
    done = subprocess.run(
        [sys.executable, "-c", block], cwd=home, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert '"period": "202502"' in done.stdout
    assert "INT1001" in done.stdout


def test_the_query_for_the_errors_of_the_roster_is_sql_that_runs(lakehouse, spark):
    (sql,) = re.findall(r"```sql\n(.*?)```", TABLES, re.DOTALL)
    rows = spark.sql(sql.replace("`lakehouse/quarantine`", f"`{lakehouse}/quarantine`")).collect()
    told = {(row.agent_id, row.error_message) for row in rows}
    assert (11100000007, "email is empty") in told
    assert (None, "agent_id is not a whole number; email is empty; name is empty") in told
    assert {row.error_type for row in rows} == {"VALIDATION_ERROR"}
    (release,) = ops.read_releases(lakehouse)
    assert {row.created_at.strftime("%Y-%m-%dT%H:%M:%SZ") for row in rows} == {release.at}
    entries = command("quarantine", "list", "--lakehouse", lakehouse, "--json").json
    own = [entry for entry in entries if entry["feed"].startswith("roster_")]
    assert len(rows) == len(own) == 10


@pytest.mark.parametrize(
    "row", [line for line in PLACES.splitlines() if line.startswith("| a") and "|" in line[2:]]
)
def test_what_you_want_to_add_has_its_place_where_the_table_says(row):
    """Every path of a row is there, and every name stands in a file of its row."""
    quoted = [name for name in re.findall(r"`([^`]+)`", row) if "<" not in name]
    paths = [place_of(name) for name in quoted if PLACE.fullmatch(name)]
    assert paths
    for path in paths:
        assert path.exists(), path
    code = "\n".join(path.read_text(encoding="utf-8") for path in paths if path.suffix == ".py")
    names = [name for name in quoted if re.fullmatch(r"[A-Z_]\w+", name) and name != "Makefile"]
    for name in names:
        assert re.search(rf"\b{name}\b", code), name


def place_of(name: str) -> Path:
    top = name.split("/")[0]
    return (
        REPO / name if top in ("conf", "docs", "tests") else REPO / "src/support_lakehouse" / name
    )
