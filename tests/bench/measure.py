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
LINGER_SECONDS = 60
PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True)
class Cost:
    """What one run took; settled is when the last process that it left behind had ended too."""

    exit_code: int
    wall_seconds: float
    settled_seconds: float
    cpu_seconds: float
    peak_rss_mb: float

    def as_dict(self) -> dict[str, float]:
        """For a JSON file."""
        return asdict(self)


def own_orphans() -> None:
    """Make orphans of our commands our children (Linux), so that their cost reaches us.

    A JVM started by PySpark is not waited for by its Python: without this its time is lost.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def measured(words: list[str], log: Path) -> Cost:
    """Run a command to its end and the end of all it started; its output goes to a file.

    Raises OSError if it cannot start, TimeoutError if something it started does not end.
    """
    began = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
    wall = cpu = peak = 0.0
    sampled = began
    while True:
        try:
            pid, status, usage = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            break
        now = time.monotonic()
        if pid:
            cpu += usage.ru_utime + usage.ru_stime
            if pid == process.pid:
                wall, process.returncode = now - began, os.waitstatus_to_exitcode(status)
        elif process.returncode is not None and now - began - wall > LINGER_SECONDS:
            raise TimeoutError(f"{words[0]} left a process running after {LINGER_SECONDS} s")
        else:
            if now - sampled >= SAMPLE_SECONDS:
                sampled, peak = now, max(peak, tree_rss_mb(os.getpid()))
            time.sleep(POLL_SECONDS)
    settled = time.monotonic() - began
    return Cost(process.returncode, wall, settled, cpu, peak)


def tree_rss_mb(root: int) -> float:
    """Resident memory of all descendants of a process; 0 where there is no /proc."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            # The command's name, in brackets, may hold blanks: the parent stands two after it.
            parents[int(entry.name)] = int(
                (entry / "stat").read_text().rpartition(")")[2].split()[1]
            )
        except OSError:
            continue
    family, grown = {root}, True
    while grown:
        more = {pid for pid, parent in parents.items() if parent in family} - family
        grown = bool(more)
        family |= more
    return sum(rss_mb(pid) for pid in family - {root})


def rss_mb(pid: int) -> float:
    """Resident memory of one process; 0 if it has ended."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
