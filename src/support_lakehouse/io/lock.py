"""Owns the lock on a lakehouse: one writer at a time, and the JVM that may outlive it (law L8)."""

import errno
import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from support_lakehouse.errors import LockHeld, UsageError

NAME = ".lock"
_JVM_SECONDS = 60
_held: IO[str] | None = None


@contextmanager
def lock(lakehouse: Path) -> Iterator[None]:
    """Hold the lakehouse for writing; LockHeld, at once, where another run does.

    Raises UsageError where there can be no such folder.

    The operating system lets go of a dead owner's lock. A JVM that the owner left behind may still
    commit for some seconds, so its end is waited for.
    """
    global _held
    is_new = not lakehouse.exists()
    with _opened(lakehouse) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise LockHeld(_owner(file), str(lakehouse)) from error
        _wait_for_jvm(_told(file))
        _write(file, {"jvm": None})
        _held = file
        try:
            yield
        finally:
            _held = None
            _write(file, {"jvm": None})
            if is_new and [path.name for path in lakehouse.iterdir()] == [NAME]:
                (lakehouse / NAME).unlink()  # nothing came of it: leave nothing behind
                lakehouse.rmdir()


def _opened(lakehouse: Path) -> IO[str]:
    try:
        lakehouse.mkdir(parents=True, exist_ok=True)
        return (lakehouse / NAME).open("a+", encoding="utf-8")
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise
        raise UsageError(
            f"the lakehouse cannot be written: {os.strerror(error.errno or 0)}",
            where=str(lakehouse),
            expected="a folder that is there and may be written, or can be made",
            hint="Name another with --lakehouse.",
        ) from error


def is_held(lakehouse: Path) -> bool:
    """Whether a run works on the lakehouse right now."""
    try:
        with (lakehouse / NAME).open(encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def name_jvm(pid: int) -> None:
    """Let the lock that is held, if any, tell which JVM writes for it."""
    if _held is not None:
        _write(_held, {"jvm": pid, "jvm_began": _began(pid)})


def _write(file: IO[str], more: dict[str, Any]) -> None:
    told = {"host": socket.gethostname(), "pid": os.getpid()}
    told |= {"since": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
    file.seek(0)
    file.truncate()
    file.write(json.dumps({**told, **more}) + "\n")
    file.flush()


def _told(file: IO[str]) -> dict[str, Any]:
    file.seek(0)
    try:
        told = json.loads(file.read() or "{}")
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _owner(file: IO[str]) -> str:
    told = _told(file)
    if not told:
        return "another run"
    return f"process {told.get('pid')} on {told.get('host')}, since {told.get('since')},"


def _wait_for_jvm(told: dict[str, Any]) -> None:
    pid, began = told.get("jvm"), told.get("jvm_began")
    if not isinstance(pid, int) or told.get("host") != socket.gethostname():
        return
    until = time.monotonic() + _JVM_SECONDS
    while began is not None and _began(pid) == began:
        if time.monotonic() > until:
            raise LockHeld(f"the JVM {pid} of a run that ended", "it does not end")
        time.sleep(0.1)


def _began(pid: int) -> str | None:
    """When a process began, in the kernel's ticks; None where it has ended or nobody can tell."""
    try:
        state, *rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if state == "Z" else rest[18]
