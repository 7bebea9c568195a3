"""Steps that fail: each writing of a table, file or folder is counted, and the k-th one fails."""

import builtins
import io
import os
import resource
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any
from unittest import mock

import deltalake
from pyspark import SparkContext

from support_lakehouse.io import ops, tables
from support_lakehouse.io.tables import Tables

AT_ONCE = ("_write", "merge", "upsert")
"""Writings by Spark: each fails before or after it is done."""


@dataclass
class Steps:
    """Counts the steps under a folder; from the k-th on, all of them fail."""

    folder: Path
    at: int | None
    error: BaseException
    taken: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def failed(self) -> bool:
        return self.at is not None and len(self.taken) > self.at

    def step(self, name: str) -> None:
        with self._lock:
            self.taken.append(name)
            if self.failed:
                raise self.error


@contextmanager
def failing(folder: Path, at: int | None, error: BaseException) -> Iterator[Steps]:
    """Let the `at`-th step (from 0) and all after it raise the error, as if the disk were full."""
    steps = Steps(folder, at, error)
    with ExitStack() as patched:
        for name in AT_ONCE:
            own = _around(getattr(Tables, name), name, steps)
            patched.enter_context(mock.patch.object(Tables, name, own))
        for module in (ops, tables):
            for name in ("write_deltalake", "DeltaTable"):
                if hasattr(module, name):
                    put = mock.patch.object(module, name, _writer(name, steps))
                    patched.enter_context(put)
        for owner, name in ((os, "mkdir"), (os, "replace"), (os, "unlink"), (shutil, "rmtree")):
            own = _within(getattr(owner, name), name, steps)
            patched.enter_context(mock.patch.object(owner, name, own))
        for owner in (io, builtins):
            patched.enter_context(mock.patch.object(owner, "open", _opening(steps)))
        yield steps


def _around(done: Callable[..., Any], name: str, steps: Steps) -> Callable[..., Any]:
    def own(*given: Any, **named: Any) -> Any:
        steps.step(f"before {name}")
        told = done(*given, **named)
        steps.step(f"after {name}")
        return told

    return own


def _writer(name: str, steps: Steps) -> Any:
    if name == "write_deltalake":
        return _around(deltalake.write_deltalake, name, steps)

    class Failing(deltalake.DeltaTable):
        def restore(self, *given: Any, **named: Any) -> dict[str, Any]:
            return _around(super().restore, "restore", steps)(*given, **named)

    return Failing


def _within(done: Callable[..., Any], name: str, steps: Steps) -> Callable[..., Any]:
    def own(path: Any, *given: Any, **named: Any) -> Any:
        if _is_below(path, steps.folder):
            steps.step(f"{name} {path}")
        return done(path, *given, **named)

    return own


def _opening(steps: Steps) -> Callable[..., Any]:
    opened = io.open

    def own(file: Any, mode: str = "r", *given: Any, **named: Any) -> Any:
        if set(mode) & set("wax") and _is_below(file, steps.folder):
            steps.step(f"open {file}")
        return opened(file, mode, *given, **named)

    return own


def _is_below(path: Any, folder: Path) -> bool:
    """Locks, logs and what is read are not what a run is made of."""
    if not isinstance(path, str | os.PathLike):
        return False
    told = os.fspath(path)
    return told.startswith(f"{folder}/") and "/logs/" not in told and not told.endswith(".lock")


@contextmanager
def little_room(file_bytes: int) -> Iterator[None]:
    """Let the JVM write no file of more bytes: to it the disk seems full."""
    gateway: Any = SparkContext._gateway
    jvm = gateway.proc.pid
    before = resource.prlimit(jvm, resource.RLIMIT_FSIZE)
    resource.prlimit(jvm, resource.RLIMIT_FSIZE, (file_bytes, before[1]))
    try:
        yield
    finally:
        resource.prlimit(jvm, resource.RLIMIT_FSIZE, before)


def files_below(folder: Path) -> dict[Path, tuple[int, int]]:
    """Each file with its time and its size."""
    told = {path: path.stat() for path in folder.rglob("*") if path.is_file()}
    return {path: (found.st_mtime_ns, found.st_size) for path, found in told.items()}


def lose_power(folder: Path, before: dict[Path, tuple[int, int]], rng: Random) -> list[Path]:
    """Cut short some of the files that were written since `before`, as a loss of power does."""
    new = [path for path, told in files_below(folder).items() if before.get(path) != told]
    torn = [path for path in sorted(new) if path.name != ".lock" and rng.random() < 0.5]
    for path in torn:
        os.truncate(path, rng.randrange(path.stat().st_size + 1) if rng.random() < 0.6 else 0)
    return torn
