"""Killed at any moment, a run leaves readers where they were, and running again completes it."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any
from unittest import mock

import pytest
from pyspark.sql import SparkSession

from support_lakehouse.errors import LockHeld, UsageError
from support_lakehouse.io import export, ops
from support_lakehouse.io.lock import lock
from support_lakehouse.pipeline import run as running
from support_lakehouse.pipeline.recovery import recover
from support_lakehouse.stages.released import open_released
from tests.product.small_lakehouse import SmallLakehouse, Told, uninterrupted
from tests.product.support import command

SECONDS = (3.0, 9.0)
"""Between the start of Spark and the end of a run of tiny feeds, on two quiet cores."""
SEED, TRIALS = 11, 3
POINTS = (
    "between release and publishing",
    "before the release",
    "after a fold of silver",
    "after the ledger",
)


@dataclass
class Reader:
    """Asks for the report over and over; `seen` are the releases and figures that it was told."""

    one: SmallLakehouse
    seen: set[tuple[int, bytes]] = field(default_factory=set)
    errors: list[Exception] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)

    def poll(self) -> None:
        while not self.stopped.wait(0.2):
            try:
                self._look()
            except UsageError:
                continue  # nothing was released yet
            except Exception as error:
                self.errors.append(error)

    def _look(self) -> None:
        released = open_released(self.one.lakehouse)
        text = "".join(export.text_of(released.support_report("-05:00"), "csv"))
        self.seen.add((released.release.release, text.encode()))
        path = self.one.lakehouse / "published" / "support_report.csv"
        if path.exists():
            self.seen.add((0, path.read_bytes()))


@contextmanager
def reading(one: SmallLakehouse) -> Iterator[Reader]:
    """A reader at work meanwhile."""
    reader = Reader(one)
    thread = threading.Thread(target=reader.poll)
    thread.start()
    try:
        yield reader
    finally:
        reader.stopped.set()
        thread.join()


@dataclass(frozen=True)
class Kill:
    """One kill: whether it met a run at work, a first run at that, and left its JVM behind."""

    met: bool
    first: bool
    alone: bool

    def __str__(self) -> str:
        words = ("of Python alone" if self.alone else "of all", "in a first run" * self.first)
        return " ".join(filter(None, words)) if self.met else "too late"


def kill(process: "subprocess.Popen[bytes]", *, all_of_it: bool) -> bool:
    """End it as the system would when memory is short; perhaps its JVM lives on.

    Whether there was something to end.
    """
    met = process.poll() is None
    if met:
        os.killpg(process.pid, signal.SIGKILL) if all_of_it else process.kill()
    process.wait(timeout=60)
    return met


def kill_at_random(one: SmallLakehouse, rng: Random, *, all_of_it: bool) -> Kill:
    known = ops.read_releases(one.lakehouse)
    process = one.begin()
    time.sleep(rng.uniform(*SECONDS))
    met = kill(process, all_of_it=all_of_it)
    now = ops.read_releases(one.lakehouse)
    assert [r.hash for r in now[: len(known)]] == [r.hash for r in known], "readers stay"
    return Kill(met, first=not known, alone=not all_of_it)


def kill_often(one: SmallLakehouse, whole: list[Told], rng: Random, *, kills: int) -> list[Kill]:
    """Half of the kills in the first run at least, half of them of the Python process alone.

    In between it dies once more, at a named point; most often it is then completed.
    """
    done = []
    with reading(one) as reader:
        due = [one.deliver(1)]
        for number in range(kills // 2):
            done.append(kill_at_random(one, rng, all_of_it=bool(number % 2)))
        assert one.begin(dying_at=rng.choice(POINTS)).wait(120) != 0
        if rng.random() < 0.7:
            assert one.begin().wait(120) == 0
        if len(whole) > 1:
            due.append(one.deliver(2))
        for number in range(kills // 2):
            done.append(kill_at_random(one, rng, all_of_it=bool(number % 2)))
        assert one.begin().wait(120) == 0
    assert one.told == whole[-1]
    for before, release in pairwise(ops.read_releases(one.lakehouse)):
        assert release.previous == before.hash
    assert reader.errors == []
    assert {figures for _, figures in reader.seen} <= set(due)
    assert due[-1] in {figures for _, figures in reader.seen}
    assert len(set(due)) == len(whole), "the same figures would prove nothing"
    return done


@pytest.mark.soak
def test_killed_runs_are_completed_by_running_again_and_readers_never_see_a_mix(
    spark: SparkSession, tmp_path: Path
) -> None:
    whole = uninterrupted(tmp_path / "whole", SEED, spark, 2)
    kill_often(SmallLakehouse(tmp_path / "one", SEED), whole, Random(SEED), kills=4)


def test_two_writers_at_once_one_works_and_one_leaves(spark: SparkSession, tmp_path: Path) -> None:
    write_together(spark, SmallLakehouse(tmp_path / "one", SEED), Random(SEED))


def write_together(spark: SparkSession, one: SmallLakehouse, rng: Random) -> None:
    """One of two at a time gets the lock; the other leaves, or comes later and finds it done."""
    for number in range(1, TRIALS + 1):
        due = one.deliver(number)
        if number == 1:
            assert command_meets(one, spark) == 4
        else:
            left, outcome = two_writers(one, spark, rng.uniform(-0.5, 0.8))
            assert (left, outcome) in ((4, "worked"), (0, "left"), (0, "worked"))
        assert (one.lakehouse / "published" / "support_report.csv").read_bytes() == due
    loaded = [file for release in ops.read_releases(one.lakehouse) for file in release.files]
    assert sorted(loaded) == sorted(one.books.loaded), "each file once, none lost"


def command_meets(one: SmallLakehouse, spark: SparkSession) -> int:
    """The exit code of the real command that comes while a run here has the lock."""
    left = []

    def recover_late(*given: Any) -> Any:
        left.append(one.begin().wait(120))
        return recover(*given)

    with mock.patch.object(running, "recover", recover_late):
        one.run(spark)
    return left[0]


def two_writers(one: SmallLakehouse, spark: SparkSession, offset: float) -> tuple[int, str]:
    """The exit code of the real command, and what became of a run here, begun so much later."""
    outcome = []

    def work() -> None:
        try:
            one.run(spark)
            outcome.append("worked")
        except LockHeld:
            outcome.append("left")

    thread = threading.Thread(target=work)
    if offset < 0:
        thread.start()
    time.sleep(abs(offset))
    process = one.begin()
    if offset >= 0:
        thread.start()
    thread.join()
    return process.wait(120), outcome[0]


def test_a_second_writer_is_told_who_works(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with lock(tmp_path / "lakehouse"):
        with pytest.raises(LockHeld) as error, lock(tmp_path / "lakehouse"):
            pass
        said = command("run", "--data", tmp_path / "data", "--lakehouse", tmp_path / "lakehouse")
    assert error.value.exit_code == said.code == 4
    assert f"process {os.getpid()}" in said.err.replace("\n", "")
    assert not (tmp_path / "lakehouse").exists(), "nothing came of it"
