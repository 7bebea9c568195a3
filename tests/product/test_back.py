"""Late, corrected, withdrawn, rolled back: as if only what is active had come (L1, L8)."""

import shutil
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from support_lakehouse.config import Config
from support_lakehouse.errors import LockHeld
from support_lakehouse.io import lake, ops
from support_lakehouse.io.lock import lock
from support_lakehouse.model.release import Release
from support_lakehouse.pipeline.back import rollback, withdraw
from tests.product.support import DATA, command, load, published

FEEDS = ("agents", "contact_centers", "interactions", "service_categories")
ONE = ("interactions",)
FEBRUARY = "delta/interactions_delta_202502.csv"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for folder in ("initial", "delta"):
        shutil.copytree(DATA / folder, tmp_path / "data" / folder)
    return tmp_path / "data"


def newest(lakehouse: Path) -> Release:
    return ops.read_releases(lakehouse)[-1]


def tables(release: Release) -> dict[str, tuple[int, str]]:
    """Rows and fingerprints of silver, gold, bronze and quarantine."""
    return {
        name: (table.rows, table.fingerprint)
        for name, table in release.tables.items()
        if not name.startswith("ops/")
    }


def test_a_late_month_takes_its_place_and_says_so(
    config: Config, spark: SparkSession, data: Path, tmp_path: Path
) -> None:
    in_order, late = tmp_path / "in_order", tmp_path / "late"
    load(config, spark, data, in_order)
    load(config, spark, data, late, "202503")
    planned = command("plan", "--data", data, "--lakehouse", late, "--json").json
    done = load(config, spark, data, late)
    assert done.release is not None
    assert done.release.state == newest(in_order).state
    assert published(late) == published(in_order)
    assert {f: list(p) for f, p in done.release.replayed.items()} == planned["replays"]
    assert done.release.replayed["interactions"] == ("202503",)
    assert set(done.release.moved) <= set(planned["may_move"])
    for month in ("202502", "202503"):
        reports = [
            command("report", "--lakehouse", at, "--as-of", month) for at in (in_order, late)
        ]
        assert reports[0].out == reports[1].out != ""


def test_a_corrected_and_a_withdrawn_file_are_as_if_they_had_never_been(
    config: Config, spark: SparkSession, data: Path, tmp_path: Path
) -> None:
    lakehouse, never = tmp_path / "lakehouse", tmp_path / "never"
    right = (data / FEBRUARY).read_bytes()
    (data / FEBRUARY).write_bytes(right.replace(b"phone", b"fax"))
    load(config, spark, data, lakehouse, feeds=ONE)
    (data / FEBRUARY).write_bytes(right)
    assert command("run", "--feeds", *ONE, "--data", data, "--lakehouse", lakehouse).code == 3
    corrected = load(config, spark, data, lakehouse, feeds=ONE, accept=("corrections",))
    load(config, spark, data, never, feeds=ONE)
    assert corrected.release is not None
    assert corrected.release.state == newest(never).state

    made = withdraw(config, lakehouse, FEBRUARY, why="sent by mistake", spark=spark)
    assert load(config, spark, data, lakehouse, feeds=ONE).state == "nothing to do", "it stays out"
    (data / FEBRUARY).unlink()
    shutil.rmtree(never)
    load(config, spark, data, never, feeds=ONE)
    assert (made.state, published(lakehouse)) == (newest(never).state, published(never))


def test_a_rollback_holds_what_came_since_until_it_is_accepted(
    config: Config, spark: SparkSession, data: Path, tmp_path: Path
) -> None:
    lakehouse = tmp_path / "lakehouse"
    load(config, spark, data, lakehouse, "202502", feeds=ONE)
    first = newest(lakehouse)
    load(config, spark, data, lakehouse, feeds=ONE)
    state = newest(lakehouse).state
    made = rollback(config, lakehouse, first.release, why="wrong month")
    assert (made.kind, made.state, tables(made)) == ("rollback", first.state, tables(first))
    for _ in range(3):
        assert load(config, spark, data, lakehouse, feeds=ONE).state == "nothing to do"
    held = command("plan", "--data", data, "--lakehouse", lakehouse, "--json").json["held"]
    assert {"feed": "interactions", "file": "delta/interactions_delta_202503.csv"} in held
    again = load(config, spark, data, lakehouse, feeds=ONE, accept=("held",))
    assert again.release is not None
    assert again.release.state == state


def test_what_stands_beyond_the_last_release_is_undone(
    config: Config, spark: SparkSession, data: Path, tmp_path: Path
) -> None:
    lakehouse = tmp_path / "lakehouse"
    load(config, spark, data, lakehouse, "202502", feeds=FEEDS[:2])
    before, bytes_ = newest(lakehouse), published(lakehouse)
    load(config, spark, data, lakehouse, feeds=FEEDS[:2])
    # The run dies before its release is written: the row is torn, as by a loss of power.
    log = lakehouse / "ops/releases/_delta_log"
    torn = max(log.glob("*.json"))
    whole = torn.read_bytes()
    torn.write_bytes(whole[: len(whole) // 2])
    (lakehouse / "gold" / "left" / "_delta_log").mkdir(parents=True)
    assert newest(lakehouse).hash == before.hash, "readers stay where they were"
    assert command("report", "--lakehouse", lakehouse).code != 1

    done = load(config, spark, data, lakehouse, feeds=FEEDS[:2])
    assert done.state == "released"
    kinds = [release.kind for release in ops.read_releases(lakehouse)]
    assert kinds == ["run", "recovery", "run"]
    assert not (lakehouse / "gold" / "left").exists()
    fresh = tmp_path / "fresh"
    load(config, spark, data, fresh, feeds=FEEDS[:2])
    assert newest(lakehouse).state == newest(fresh).state
    assert published(lakehouse) == published(fresh)
    assert published(lakehouse) != bytes_


def test_a_torn_entry_of_a_released_version_is_named(
    config: Config, spark: SparkSession, data: Path, tmp_path: Path
) -> None:
    lakehouse = tmp_path / "lakehouse"
    load(config, spark, data, lakehouse, feeds=FEEDS[:1])
    version = lake.newest_version(lakehouse / "silver/agents")
    entry = lakehouse / f"silver/agents/_delta_log/{version:020}.json"
    entry.write_bytes(b"")
    said = command("run", "--data", data, "--lakehouse", lakehouse)
    assert said.code == 5
    assert entry.name in said.err.replace("\n", "")
    assert "torn or empty" in said.err


def test_a_second_writer_leaves_at_once(tmp_path: Path, data: Path) -> None:
    with lock(tmp_path / "lakehouse"):
        with pytest.raises(LockHeld) as error, lock(tmp_path / "lakehouse"):
            pass
        said = command("run", "--data", data, "--lakehouse", tmp_path / "lakehouse")
    assert error.value.exit_code == said.code == 4
    assert "process" in said.err
    assert not (tmp_path / "lakehouse").exists(), "nothing came of it"
