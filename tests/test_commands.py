"""The command line: every command by its name, and none that pays for another's imports."""

import subprocess
import sys

import pytest

from support_lakehouse.cli.app import _exit_code
from support_lakehouse.cli.commands import COMMANDS

NAMES = [name for names in COMMANDS for name in names]


@pytest.mark.parametrize("name", NAMES)
def test_every_command_tells_what_it_is_for(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert _exit_code([name, "--help"]) == 0
    assert f" {name} [OPTIONS]" in capsys.readouterr().out


def test_all_commands_but_the_hidden_one_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert _exit_code(["--help"]) == 0
    listed = capsys.readouterr().out.partition("Commands:\n")[2]
    assert [line.split()[0] for line in listed.splitlines()] == [n for n in NAMES if n != "setup"]


def test_a_name_that_is_nearly_one_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert _exit_code(["rol-back"]) == 2
    assert "No such command 'rol-back'. Did you mean 'rollback'?" in capsys.readouterr().err


def test_a_command_imports_no_other() -> None:
    asked = (
        "import sys; from support_lakehouse.cli.app import _exit_code\n"
        "assert _exit_code(['report', '--help']) == 0\n"
        "told = {name.split('.')[2] for name in sys.modules if '.cli.' in name}\n"
        "assert told == {'app', 'commands', 'read', 'options', 'screen'}, told"
    )
    subprocess.run([sys.executable, "-c", asked], check=True, capture_output=True, text=True)
