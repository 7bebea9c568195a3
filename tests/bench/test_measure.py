"""Which processes are counted, and with what memory."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from measure import PF_FORKNOEXEC, memory_mb, programs_below, tree_memory_mb

READY, BEING_BORN = 0x400000, 0x400000 | PF_FORKNOEXEC
linux = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")


def process(proc: Path, pid: int, parent: int, *, flags: int = READY, name: str = "java") -> Path:
    """A folder as the kernel shows one for a process."""
    folder = proc / str(pid)
    folder.mkdir()
    folder.joinpath("stat").write_text(f"{pid} ({name}) S {parent} 7 7 0 -1 {flags} 4 0 0\n")
    return folder


def test_all_below_a_process_are_counted_and_nobody_else(tmp_path):
    for pid, parent in ((1, 0), (10, 1), (11, 10), (12, 11), (20, 1)):
        process(tmp_path, pid, parent)
    (tmp_path / "self").mkdir()
    assert sorted(programs_below(10, tmp_path)) == [11, 12]


def test_a_child_that_has_no_program_yet_is_not_counted_but_what_it_started_is(tmp_path):
    process(tmp_path, 11, 10)
    process(tmp_path, 12, 11, flags=BEING_BORN)
    process(tmp_path, 13, 12)
    assert sorted(programs_below(10, tmp_path)) == [11, 13]


def test_a_name_with_blanks_and_brackets_shifts_nothing(tmp_path):
    process(tmp_path, 11, 10, name="a) S 99 (b c")
    assert programs_below(10, tmp_path) == [11]


def test_a_process_that_ended_meanwhile_is_passed_over(tmp_path):
    (tmp_path / "11").mkdir()
    process(tmp_path, 12, 10)
    assert programs_below(10, tmp_path) == [12]


def test_shared_pages_count_by_their_part_where_the_kernel_tells_it(tmp_path):
    folder = process(tmp_path, 11, 10)
    folder.joinpath("statm").write_text("9000 3000 100 1 0 500 0\n")
    assert memory_mb(11, tmp_path) == pytest.approx(3000 * os.sysconf("SC_PAGE_SIZE") / 1e6)
    folder.joinpath("smaps_rollup").write_text("0-f [rollup]\nRss: 8000 kB\nPss:  4000 kB\n")
    assert memory_mb(11, tmp_path) == pytest.approx(4.096)


def test_no_proc_is_no_memory(tmp_path):
    assert tree_memory_mb(1, tmp_path / "proc") == 0
    assert memory_mb(1, tmp_path) == 0


FORK = """
import os, subprocess
from measure import memory_mb, programs_below
read, write = os.pipe()
fork = os.fork()
if fork == 0:
    os.read(read, 1)
    os._exit(0)
program = subprocess.Popen(["sleep", "60"])
below = programs_below(os.getpid())
print(program.pid in below, fork in below, memory_mb(program.pid) > 0)
program.kill()
os.write(write, b".")
"""
COST = """
import pathlib, sys
from measure import measured
output, errors = pathlib.Path("output"), pathlib.Path("errors")
code = "import subprocess; x = b'x' * 80_000_000; print(7); subprocess.run(['false'])"
cost = measured([sys.executable, "-c", code], output, errors)
print(cost.exit_code, output.read_text().strip(), errors.read_text())
print(80 < cost.peak_memory_mb < 160, 0 < cost.wall_seconds <= cost.settled_seconds)
"""


def said(code: str, folder: Path) -> str:
    """What a script says. It has a process of its own, as it waits for all children it has."""
    path = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    return subprocess.check_output([sys.executable, "-c", code], cwd=folder, env=path, text=True)


@linux
def test_the_kernel_marks_a_fork_and_takes_the_mark_off_a_program(tmp_path):
    assert said(FORK, tmp_path) == "True False True\n"


@linux
def test_a_command_is_measured_with_what_it_started(tmp_path):
    assert said(COST, tmp_path) == "0 7 \nTrue True\n"
