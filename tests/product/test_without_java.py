"""What is delivered as CSV is loaded, month after month, where there is no Java at all."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support_lakehouse.io import lake, ops
from tests.product.support import DATA, REPO, expected, published

FEEDS = "agents,contact_centers,interactions,service_categories,call_center_log,call_agents"
BAD = "call_id,caller_id,agent_id,call_start_time,call_end_time,call_status\nx,1,2,,,LOST\n1,2\n"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The sample data, but for the second day of the call centre's log."""
    data = Path(shutil.copytree(DATA, tmp_path / "data"))
    (data / "call_center" / "call_center_2026_01_03.csv").rename(tmp_path / "later.csv")
    return data


def run(data: Path, lakehouse: Path, *arguments: str) -> Any:
    """The real command without Java; what it printed."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "support_lakehouse", "run", "--json", "--feeds", FEEDS),
            *("--data", str(data), "--lakehouse", str(lakehouse), *arguments),
        ],
        cwd=REPO,
        env={**os.environ, "PATH": "/nowhere", "JAVA_HOME": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def rejected(lakehouse: Path) -> list[tuple[str, int]]:
    table = lakehouse / "quarantine"
    rows = lake.read(table, lake.newest_version(table)).to_pylist()
    return sorted((row["file"].rsplit("/", 1)[-1], row["line"]) for row in rows)


def test_months_and_days_one_after_another(data: Path, tmp_path: Path) -> None:
    lakehouse = tmp_path / "lakehouse"
    first = run(data, lakehouse, "--months", "202502")
    assert "session" not in first["seconds"]
    before = rejected(lakehouse)
    version = lake.newest_version(lakehouse / "quarantine")
    assert before

    second = run(data, lakehouse, "--months", "202502,202503")
    assert second["state"] == "released"
    assert lake.newest_version(lakehouse / "quarantine") == version  # nothing new was rejected

    (tmp_path / "later.csv").rename(data / "call_center" / "call_center_2026_01_03.csv")
    (data / "call_center" / "call_center_2026_01_04.csv").write_text(BAD)
    run(data, lakehouse)
    new = set(rejected(lakehouse)) - set(before)
    assert {("call_center_2026_01_04.csv", 2), ("call_center_2026_01_04.csv", 3)} <= new

    due = expected(data)
    assert {name: published(lakehouse)[name] for name in due} == due
    assert [release.kind for release in ops.read_releases(lakehouse)] == ["run", "run", "run"]


def test_all_at_once_is_the_same(data: Path, tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for months in ("202502", "202502,202503"):
        run(data, one, "--months", months)
    run(data, other, "--months", "202502,202503")
    states = {ops.read_releases(lakehouse)[-1].state for lakehouse in (one, other)}
    assert len(states) == 1
