"""What the product needs around it: one sentence says what was found, needed, and what to do."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from threading import Thread

import pytest

from support_lakehouse.cli.app import Terminated, leaving
from support_lakehouse.io import runtime
from tests.product.support import DATA, REPO


def run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own; variables without a value are taken away."""
    kept = {k: v for k, v in {**os.environ, **environment}.items() if v}
    return subprocess.run(
        [sys.executable, "-m", "support_lakehouse", *arguments],
        cwd=REPO,
        env=kept,
        capture_output=True,
        text=True,
        check=False,
    )


def first_run(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    lakehouse = str(folder / "lakehouse")
    return run(folder, "run", "--data", str(DATA), "--lakehouse", lakehouse, **environment)


def java(folder: Path, version: str) -> Path:
    """A Java of another version, which is not asked for more than that."""
    program = folder / "bin" / "java"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\n")
    program.chmod(0o755)
    return folder


@pytest.mark.parametrize("command", ["run", "doctor", "setup"])
def test_without_java_a_sentence_says_what_to_install(tmp_path, command):
    done = run(tmp_path, command, PATH=str(tmp_path), JAVA_HOME="", **_fresh(tmp_path, command))
    assert done.returncode == 2
    assert "no Java found (PATH). Expected Java 17 or 21. Install it" in done.stderr
    assert "Traceback" not in done.stderr


def _fresh(folder: Path, command: str) -> dict[str, str]:
    """A home whose data folder is the repository's and whose lakehouse is nowhere yet."""
    if command != "run":
        return {}
    (folder / "conf").symlink_to(REPO / "conf")
    (folder / "data").symlink_to(DATA)
    return {"SUPPORT_LAKEHOUSE_HOME": str(folder)}


def test_a_wrong_java_is_named_with_its_version(tmp_path):
    done = first_run(tmp_path, JAVA_HOME=str(java(tmp_path, "11.0.2")))
    assert done.returncode == 2
    assert f'{tmp_path}/bin/java is version "11.0.2". Expected Java 17 or 21.' in done.stderr


@pytest.mark.parametrize("options", ["", "-Dsome.option=1"])
def test_the_class_data_archive_is_found_whatever_java_says_first(options):
    asked = "from support_lakehouse.io import runtime as r; print(r.archive().name, r.java()[1])"
    done = subprocess.run(
        [sys.executable, "-c", asked],
        env={**os.environ, "JAVA_TOOL_OPTIONS": options},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"{runtime.archive().name} {runtime.java()[1]}\n"


def test_missing_jars_are_named_with_the_command_that_brings_them(tmp_path):
    done = first_run(tmp_path, SUPPORT_LAKEHOUSE_RUNTIME=str(tmp_path / "none"))
    assert done.returncode == 2
    assert "delta-storage-4.4.0.jar are not there" in done.stderr
    assert "Run `make setup` once, with the network on." in done.stderr


def test_doctor_names_a_changed_jar(tmp_path):
    (tmp_path / "delta-storage-4.4.0.jar").write_bytes(b"not a jar")
    done = run(tmp_path, "doctor", SUPPORT_LAKEHOUSE_RUNTIME=str(tmp_path))
    assert done.returncode == 2
    assert "missing or changed" in done.stderr


def test_doctor_starts_a_session(tmp_path):
    done = run(tmp_path, "doctor")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Spark 4.2.0 wrote a Delta table and read 3 rows: fine" in done.stdout


def _running(lakehouse: Path, until: str) -> subprocess.Popen[str]:
    """A run in a process group of its own, whose log holds `until` by now."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "support_lakehouse", "run", "--data", str(DATA)),
            *("--lakehouse", str(lakehouse)),
        ],
        cwd=REPO,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while not any(until in log.read_text() for log in lakehouse.glob("logs/*.log")):
        assert process.poll() is None
        time.sleep(0.01)
    return process


def test_a_job_stopped_by_sigterm_leaves_with_143(tmp_path):
    process = _running(tmp_path / "lakehouse", until="")
    process.terminate()
    _, said = process.communicate(timeout=60)
    assert process.returncode == 143
    assert "What was released whole stands" in said


@pytest.mark.parametrize(
    ("told", "code", "sentence"),
    [
        (signal.SIGTERM, 143, "Stopped by SIGTERM."),  # as `timeout` tells it
        (signal.SIGINT, 130, "Interrupted."),  # as a terminal tells Ctrl-C
    ],
)
def test_a_stop_of_the_whole_group_says_one_sentence(tmp_path, told, code, sentence):
    process = _running(tmp_path / "lakehouse", until=" session ")
    os.killpg(process.pid, told)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (
        code,
        f"{sentence} What was released whole stands, nothing else is seen; run again to go on.\n",
    )


@pytest.fixture
def handlers():
    """What answers the signals stands again as it was."""
    stood = {told: signal.getsignal(told) for told in (signal.SIGTERM, signal.SIGALRM)}
    yield
    for told, answer in stood.items():
        signal.signal(told, answer)


def test_a_stop_waits_until_a_thread_has_begun(handlers, monkeypatch):
    signal.signal(signal.SIGTERM, leaving(Terminated))
    thread, told = Thread(target=int), []
    monkeypatch.setattr(thread._started, "wait", lambda: signal.raise_signal(signal.SIGTERM))

    def work():
        thread.start()
        told.append("begun")
        time.sleep(10)

    with pytest.raises(Terminated):
        work()
    assert told == ["begun"]
    thread.join()
