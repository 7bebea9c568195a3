"""What a command costs: seconds, processor seconds and memory of all processes it starts."""

import ctypes
import os
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

POLL_SECONDS = 0.02
SAMPLE_SECONDS = 0.2
SAMPLE_SHARE = 0.02
"""Part of the time that samples may take: a big process takes the kernel milliseconds to add up."""
LINGER_SECONDS = 60
PR_SET_CHILD_SUBREAPER = 36
PROC = Path("/proc")
PARENT, FLAGS = 1, 6
"""Places in /proc/PID/stat, counted from behind the command's name."""
PF_FORKNOEXEC = 0x40
"""A flag there: forked, and not yet a program of its own."""
RSS_UNIT = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True)
class Cost:
    """What one run took; settled is when the last process that it left behind had ended too."""

    exit_code: int
    wall_seconds: float
    settled_seconds: float
    cpu_seconds: float
    peak_memory_mb: float

    def as_dict(self) -> dict[str, float]:
        """For a JSON file."""
        return asdict(self)


def own_orphans() -> None:
    """Make orphans of our commands our children (Linux), so that their cost reaches us.

    A JVM started by PySpark is not waited for by its Python: without this its time is lost.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def measured(words: list[str], output: Path, errors: Path) -> Cost:
    """Run a command to its end and the end of all it started; what it says goes to two files.

    Raises OSError if it cannot start, TimeoutError if something it started does not end.
    """
    began = time.monotonic()
    with output.open("wb") as out, errors.open("wb") as err:
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
    wall = cpu = peak = 0.0
    due = began
    while True:
        try:
            pid, status, usage = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            break
        now = time.monotonic()
        if pid:
            cpu += usage.ru_utime + usage.ru_stime
            # What the kernel kept of the biggest process: no sample need have met its peak. It
            # begins with what the parent had at the exec, so whoever measures must stay small.
            peak = max(peak, usage.ru_maxrss * RSS_UNIT / 1e6)
            if pid == process.pid:
                wall, process.returncode = now - began, os.waitstatus_to_exitcode(status)
        elif process.returncode is not None and now - began - wall > LINGER_SECONDS:
            raise TimeoutError(f"{words[0]} left a process running after {LINGER_SECONDS} s")
        else:
            if now >= due:
                peak = max(peak, tree_memory_mb(os.getpid()))
                took = time.monotonic() - now
                due = now + max(SAMPLE_SECONDS, took / SAMPLE_SHARE)
            time.sleep(POLL_SECONDS)
    settled = time.monotonic() - began
    return Cost(process.returncode, wall, settled, cpu, peak)


def tree_memory_mb(root: int, proc: Path = PROC) -> float:
    """Memory of all descendants of a process; 0 where there is no /proc."""
    return sum(memory_mb(pid, proc) for pid in programs_below(root, proc))


def programs_below(root: int, proc: Path = PROC) -> list[int]:
    """The descendants of a process that run a program of their own.

    Between its birth and its exec a child shares all memory with its parent (vfork), and would
    count it a second time. So a fork that never execs is left out too; no contender makes one.
    """
    children: dict[int, list[int]] = {}
    ready = set()
    for pid in map(int, filter(str.isdecimal, listed(proc))):
        try:
            # The command's name, in brackets, may hold blanks and brackets: count from behind it.
            stat = (proc / str(pid) / "stat").read_bytes().rpartition(b")")[2].split()
        except OSError:
            continue  # It has ended since.
        children.setdefault(int(stat[PARENT]), []).append(pid)
        if not int(stat[FLAGS]) & PF_FORKNOEXEC:
            ready.add(pid)
    family = children.get(root, [])
    for pid in family:
        family.extend(children.get(pid, ()))
    return [pid for pid in family if pid in ready]


def listed(folder: Path) -> list[str]:
    """The names in a folder; none where it is not there."""
    try:
        return os.listdir(folder)
    except OSError:
        return []


def memory_mb(pid: int, proc: Path = PROC) -> float:
    """Memory of one process: PSS, its part of shared pages counted, or else RSS; 0 if it ended."""
    try:
        rollup = (proc / str(pid) / "smaps_rollup").read_bytes()
        return int(rollup.partition(b"\nPss:")[2].split()[0]) * 1024 / 1e6
    except (OSError, IndexError):
        pass  # An old kernel, a process of somebody else's, or one that has just ended.
    try:
        pages = int((proc / str(pid) / "statm").read_bytes().split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
