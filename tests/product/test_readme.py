"""What the README says to type works."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.product.support import REPO, command

README = (REPO / "README.md").read_text(encoding="utf-8")
SHELL = "\n".join(re.findall(r"```sh\n(.*?)```", README, re.DOTALL)).replace("\\\n", " ")
PYTHON = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
COMMANDS = [line for line in SHELL.splitlines() if line.startswith("support-lakehouse ")]
TARGETS = [line for line in SHELL.splitlines() if line.startswith("make ")]


@pytest.fixture(scope="module")
def home(lakehouse) -> Path:
    """A folder as the README has it: conf, data, and a lakehouse with the months loaded."""
    folder = lakehouse.parent
    for name in ("conf", "data"):
        shutil.copytree(REPO / name, folder / name)
    for told in (lakehouse / "ops", folder / "data"):
        assert told.is_dir()
    return folder


@pytest.mark.parametrize("line", [line for line in COMMANDS if "doctor" not in line])
def test_a_command_works(home, line, monkeypatch):
    monkeypatch.chdir(home)
    said = command(*shlex.split(line)[1:], home=home)
    assert said.code == 0, said.err


def test_there_are_commands_to_try():
    assert len(COMMANDS) >= 8
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


def test_history_and_time_travel_in_sql_and_pyspark(home):
    block = next(code for code in PYTHON if "DESCRIBE HISTORY" in code)
    done = subprocess.run(
        [sys.executable, "-c", block], cwd=home, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert '"period": "202502"' in done.stdout
    assert "INT1001" in done.stdout
