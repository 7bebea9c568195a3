"""A full disk, a folder that may not be written, a loss of power: running again mends it."""

import errno
import itertools
import os
import shutil
from pathlib import Path
from random import Random
from unittest import mock

import pytest
from pyspark.sql import SparkSession

from support_lakehouse.cli import app
from support_lakehouse.io import ops
from support_lakehouse.pipeline import load
from support_lakehouse.stages import judging
from tests.product.failing import failing, files_below, little_room, lose_power
from tests.product.small_lakehouse import SmallLakehouse, Told, uninterrupted

SEED = 7
SAMPLE = 5
"""So many steps of a run fail in `make test`, one after another; in `make soak` every one."""


def no_room() -> OSError:
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def no_permission() -> OSError:
    return PermissionError(errno.EACCES, os.strerror(errno.EACCES))


@pytest.fixture(scope="module")
def whole(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> list[Told]:
    return uninterrupted(tmp_path_factory.mktemp("whole"), SEED, spark, 2)


def fail_at(one: SmallLakehouse, spark: SparkSession, at: int, rng: Random) -> list[str]:
    """A run whose `at`-th step and all after it fail; perhaps the power goes off as well.

    Told are the steps that it took.
    """
    before, known = files_below(one.lakehouse), ops.read_releases(one.lakehouse)
    error = rng.choice((no_room, no_permission))()
    with failing(one.lakehouse, at, error) as steps:
        try:
            one.run(spark)
        except OSError as raised:
            assert raised is error  # noqa: PT017 - a step that comes too late fails nothing
        else:
            assert not steps.failed
    now = ops.read_releases(one.lakehouse)
    assert [release.hash for release in now[: len(known)]] == [r.hash for r in known]
    if rng.random() < 0.5 and len(now) == len(known):
        lose_power(one.lakehouse, before, rng)
    return steps.taken


def test_steps_that_fail_one_run_after_another_leave_no_trace(
    spark: SparkSession, whole: list[Told], tmp_path: Path
) -> None:
    one, rng = SmallLakehouse(tmp_path / "one", SEED), Random(SEED)
    for number in (1, 2):
        one.deliver(number)
        steps = 150
        for at in rng.sample(range(steps), SAMPLE):
            fail_at(one, spark, at, rng)
        one.run(spark)
        assert one.told == whole[number - 1]


def test_a_disk_that_is_full_for_the_jvm_leaves_no_trace(
    spark: SparkSession, whole: list[Told], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = SmallLakehouse(tmp_path / "one", SEED)
    monkeypatch.setattr(load, "SMALL_BYTES", 0)  # so that Spark writes, not delta-rs
    monkeypatch.setattr(judging, "can_judge", lambda *told: False)
    for number, rooms in ((1, (0, 2500)), (2, (0, 1500))):
        one.deliver(number)
        for room in rooms:
            with little_room(room), pytest.raises(Exception, match=r"(?i)java|file|delta"):
                one.run(spark)
        one.run(spark)
        assert one.told == whole[number - 1]


def test_a_full_disk_is_called_so(capsys: pytest.CaptureFixture[str]) -> None:
    told = f"Generic LocalFileSystem error: {os.strerror(errno.ENOSPC)} (os error 28)"
    with (
        mock.patch.object(app, "command_line", side_effect=OSError(told)),
        pytest.raises(SystemExit) as left,
    ):
        app.main(["run"])
    assert left.value.code == 1
    assert "The disk is full. Free some space and run again" in capsys.readouterr().err


def fail_each(spark: SparkSession, root: Path, seed: int) -> str:
    """Of a first and of a second run each step fails by itself; for `make soak`."""
    rng, whole = Random(seed), uninterrupted(root / "whole", seed, spark, 2)
    told = []
    for number in (1, 2):
        base = SmallLakehouse(root / f"base{number}", seed)
        for earlier in range(1, number):
            base.deliver(earlier)
            base.run(spark)
        base.deliver(number)
        for at in itertools.count():
            one = base.copied(root / f"one{number}_{at}")
            steps = fail_at(one, spark, at, rng)
            one.run(spark)
            assert one.told == whole[number - 1], (number, at)
            shutil.rmtree(one.home)
            if len(steps) <= at:
                break
        told.append(at)
    return f"{told[0]} steps of a first run, {told[1]} of a second"
