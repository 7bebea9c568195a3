"""The same job by spark-submit on a standalone cluster publishes the same bytes."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pyspark
import pytest

from support_lakehouse.io import runtime
from tests.product.support import REPO, published

SPARK = Path(pyspark.__file__).parent
ENVIRONMENT = {
    **os.environ,
    "SPARK_LOCAL_IP": "127.0.0.1",
    "SPARK_NO_DAEMONIZE": "1",
    "PYSPARK_PYTHON": sys.executable,
}


@contextmanager
def started(log: Path, *arguments: str) -> Iterator[None]:
    """A daemon of the pip package's spark-class; ended at the end."""
    with log.open("wb") as file:
        process = subprocess.Popen(
            [str(SPARK / "bin" / "spark-class"), *arguments],
            env=ENVIRONMENT,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
        try:
            yield
        finally:
            process.terminate()
            process.wait(timeout=30)


def said(log: Path, pattern: str) -> str:
    """Wait for a line in a log; its first group."""
    for _ in range(300):
        found = re.search(pattern, log.read_text(errors="replace"))
        if found:
            return found[1]
        time.sleep(0.1)
    raise AssertionError(f"{log.name} never said {pattern}: {log.read_text()[-2000:]}")


@pytest.fixture
def cluster(tmp_path) -> Iterator[str]:
    """One master and two workers on loopback; the master's address."""
    deploy = "org.apache.spark.deploy"
    with ExitStack() as stack:
        log = tmp_path / "master.log"
        ports = ("--port", "0", "--webui-port", "0")
        stack.enter_context(started(log, f"{deploy}.master.Master", "--host", "127.0.0.1", *ports))
        master = said(log, r"Starting Spark master at (spark://127\.0\.0\.1:\d+)")
        for number in (1, 2):
            log = tmp_path / f"worker{number}.log"
            sized = ("--cores", "1", "--memory", "1g", "--work-dir", str(tmp_path / f"w{number}"))
            there = ("--host", "127.0.0.1", *ports, *sized, master)
            stack.enter_context(started(log, f"{deploy}.worker.Worker", *there))
            said(log, r"(Successfully registered with master)")
        yield master


def submitted(lakehouse: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The job on the real files by spark-submit, which takes the arguments as its own."""
    return subprocess.run(
        [
            *(str(SPARK / "bin" / "spark-submit"), *arguments),
            *(str(REPO / "jobs" / "run_pipeline.py"), "--lakehouse", str(lakehouse)),
            *("--feeds", "agents,contact_centers,interactions,service_categories"),
            *("--data", str(REPO / "data"), "--months", "202502,202503", "--json"),
        ],
        env=ENVIRONMENT,
        cwd=REPO,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.soak
def test_spark_submit_publishes_the_same_bytes(cluster, tmp_path):
    jars = ",".join(str(path) for path in runtime.jars())
    done = submitted(
        tmp_path / "lakehouse",
        *("--master", cluster, "--jars", jars),
        *("--conf", "spark.executor.memory=700m", "--conf", "spark.executor.cores=1"),
        *("--conf", "spark.ui.enabled=false", "--conf", "spark.driver.host=127.0.0.1"),
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert '"state": "released"' in done.stdout
    golden = {p.name: p.read_bytes() for p in (REPO / "tests" / "golden" / "real").iterdir()}
    assert published(tmp_path / "lakehouse") == golden
    # How many workers ran an executor is told by the folders that they worked in.
    assert len(list(tmp_path.glob("w?/app-*/*"))) == 2


def test_without_jars_the_job_says_what_to_add(tmp_path):
    done = submitted(tmp_path / "lakehouse", "--master", "local[1]")
    assert done.returncode == 2
    # spark-submit passes on both of the job's outputs as its own standard output.
    assert f"Add --packages {runtime.PACKAGE}" in done.stdout
