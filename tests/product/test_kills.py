"""Killed at any moment, a run leaves readers where they were, and running again completes it."""

import os
import random
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest

from support_lakehouse.config import Config
from support_lakehouse.io import ops
from tests.product.support import REPO, command, published

FEEDS = "agents,contact_centers"
SECONDS = (4.0, 16.0)
"""Between the start of Spark and the end of a run of two feeds, on two cores."""


def begin(lakehouse: Path, *options: str) -> "subprocess.Popen[bytes]":
    """The real command, in a process group of its own."""
    words = [sys.executable, "-m", "support_lakehouse", "run", "--feeds", FEEDS]
    return subprocess.Popen(
        [*words, "--lakehouse", str(lakehouse), *options],
        cwd=REPO,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    lakehouse = tmp_path_factory.mktemp("whole") / "lakehouse"
    for months in ("202502", "202503"):
        assert begin(lakehouse, "--months", months).wait(timeout=120) == 0
    return lakehouse


@pytest.mark.parametrize(("seed", "all_of_it", "first"), [(1, False, True)])
def test_a_killed_run_is_recovered_by_running_again(
    config: Config, uninterrupted: Path, tmp_path: Path, seed: int, all_of_it: bool, first: bool
) -> None:
    lakehouse = tmp_path / "lakehouse"
    if not first:
        assert begin(lakehouse, "--months", "202502").wait(timeout=120) == 0
    before = ops.read_releases(lakehouse)
    process = begin(lakehouse, "--months", "202503")
    time.sleep(random.Random(seed).uniform(*SECONDS))
    if all_of_it:
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait(timeout=60)
    seen = ops.read_releases(lakehouse)
    assert [r.hash for r in seen[: len(before)]] == [r.hash for r in before]
    if seen:
        reported = command("files", "--lakehouse", lakehouse, "--json")
        assert reported.code == 0

    assert begin(lakehouse).wait(timeout=180) == 0
    newest, whole = (ops.read_releases(at)[-1] for at in (lakehouse, uninterrupted))
    assert newest.state == whole.state
    assert published(lakehouse) == published(uninterrupted)
    for earlier, later in pairwise(ops.read_releases(lakehouse)):
        assert later.previous == earlier.hash
