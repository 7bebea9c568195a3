"""Whoever judges and folds, Spark or Arrow, at once or in files: the same tables, to the bit."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from support_lakehouse.config import Config
from support_lakehouse.io import lake, ops
from support_lakehouse.io.datafiles import files_of
from support_lakehouse.io.runlog import Stages
from support_lakehouse.pipeline import load as loading
from support_lakehouse.pipeline import sessions as sessions_of
from support_lakehouse.pipeline.sessions import IN_MEMORY_BYTES, Sessions
from support_lakehouse.pipeline.verify import Asked, verify
from support_lakehouse.stages import judging
from tests.product.small_lakehouse import SmallLakehouse, Told, uninterrupted
from tests.product.support import DATA, load, published

SEED = 21


def go(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let all that follows go one way; small files go in memory."""
    if way == "by Spark":
        monkeypatch.setattr(judging, "can_judge", lambda *told: False)
    if way == "in ranges, marked":
        monkeypatch.setattr(judging, "_begins", lambda *told: ["AGT2", "INT1010", "INT1020"])
    if way.endswith("marked"):
        monkeypatch.setattr(loading, "IN_MEMORY_BYTES", -1)
        monkeypatch.setattr(loading, "SMALL_BYTES", 0)


@pytest.mark.parametrize("way", ["by Spark", "in files, marked", "in ranges, marked"])
def test_real_files_come_to_the_same_release(
    config: Config,
    spark: SparkSession,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    way: str,
) -> None:
    usual = tmp_path / "usual"
    load(config, spark, DATA, usual, "202502", "202503")
    go(way, monkeypatch)
    lakehouse = tmp_path / "other"
    for month in ("202502", "202503"):
        load(config, spark, DATA, lakehouse, month)
    one, other = (ops.read_releases(root)[-1] for root in (usual, lakehouse))
    assert other.state == one.state
    for table in ("quarantine", *(name for name in one.tables if name.startswith("bronze/"))):
        assert other.tables[table].fingerprint == one.tables[table].fingerprint
    assert published(lakehouse) == published(usual)
    _, found = verify(config, lakehouse, Asked(content=True, rows=True), spark=spark)
    assert found.result == "sound", found


@pytest.fixture(scope="module")
def due(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> list[Told]:
    """What a lakehouse says after each delivery, late ones among them, when Spark judges."""
    with pytest.MonkeyPatch.context() as patched:
        go("by Spark", patched)
        return uninterrupted(tmp_path_factory.mktemp("due"), SEED, spark, 4)


@pytest.mark.parametrize("way", ["in memory", "in files, marked"])
def test_each_delivery_comes_to_the_same_state(
    spark: SparkSession,
    due: list[Told],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    way: str,
) -> None:
    go(way, monkeypatch)
    assert uninterrupted(tmp_path, SEED, spark, 4) == due


def test_files_of_a_runs_own_are_gone_when_it_ends(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go("in files, marked", monkeypatch)
    one = SmallLakehouse(tmp_path, SEED)
    one.deliver(1)
    left = one.lakehouse / "staging" / "of-a-run-that-died" / "interactions.parquet"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half of it")
    one.run(spark)
    assert list((one.lakehouse / "staging").iterdir()) == []
    table = one.lakehouse / "bronze" / "interactions"
    assert lake.commit_of(table, 0)["engineInfo"] == "Support-Lakehouse"
    names = {path.name for path in table.glob("*.parquet")}
    assert {file.path for file in files_of(table, 0)} == names


def test_the_log_tells_where_keys_and_admissions_are(
    config: Config, spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go("in files, marked", monkeypatch)
    load(config, spark, DATA, tmp_path, "202502")
    for name, column in (("silver", "interaction_id"), ("bronze", "admission")):
        table = tmp_path / name / "interactions"
        told = pa.table(lake.opened(table, 0).get_add_actions(flatten=True)).to_pylist()
        assert told
        for file in told:
            there = pq.read_table(table / file["path"])[column].to_pylist()
            bounds = (file[f"min.{column}"], file[f"max.{column}"])
            assert bounds == (min(there), max(there))


def test_nothing_is_started_until_somebody_asks(tmp_path: Path) -> None:
    sessions = Sessions(None, tmp_path, "r1", {"things": 1}, Stages())
    assert not sessions.is_for(10 * IN_MEMORY_BYTES)
    sessions.end()
    assert sessions.given is None
    assert list(tmp_path.iterdir()) == []


def test_a_session_that_is_being_started_is_waited_for_before_it_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    starting, told = Event(), []

    @contextmanager
    def slow(**settings: object) -> Iterator[str]:
        starting.set()
        time.sleep(0.2)
        told.append("begun")
        yield "a session"
        told.append("ended")

    monkeypatch.setattr(sessions_of, "spark_session", slow)
    sessions = Sessions(None, tmp_path, "r1", {"things": 1}, Stages())
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(sessions.any)
        starting.wait()
        sessions.end()
    assert (asked.result(), told) == ("a session", ["begun", "ended"])


def test_who_gives_spark_has_it_do_what_is_big_and_who_submits_all(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = Sessions(spark, tmp_path, "r1", {"things": 1}, Stages())
    assert not given.is_for(IN_MEMORY_BYTES)
    assert given.is_for(IN_MEMORY_BYTES + 1)
    monkeypatch.setattr(sessions_of, "started_by_spark_submit", lambda: True)
    assert given.is_for(1)
    assert Sessions(None, tmp_path, "r1", {}, Stages()).is_for(1)
