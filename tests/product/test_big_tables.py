"""Tables that mark rows as gone instead of copying their files, as big ones do (real files)."""

from pathlib import Path

import pytest
from deltalake import DeltaTable
from pyspark.sql import SparkSession

from support_lakehouse.config import Config
from support_lakehouse.io import compact, lake, ops
from support_lakehouse.io.vectors import vectors_of
from support_lakehouse.pipeline import load as loading
from support_lakehouse.pipeline import run as pipeline
from support_lakehouse.pipeline.back import rollback
from support_lakehouse.pipeline.maintain import maintain
from support_lakehouse.pipeline.verify import Asked, verify
from support_lakehouse.stages import judging, merging
from tests.product.support import DATA, load, published

FEEDS = ("agents", "contact_centers", "interactions", "service_categories")


def vectors(lakehouse: Path, table: str) -> set[str]:
    return {path.name for path in (lakehouse / table).glob("deletion_vector_*.bin")}


def assert_sound(config: Config, spark: SparkSession, lakehouse: Path) -> None:
    _, found = verify(config, lakehouse, Asked(content=True, rows=True), spark=spark)
    assert found.result == "sound", found


def declared(lakehouse: Path) -> dict[str, tuple[str, dict[str, str]]]:
    """What each table says of its columns and of itself, deletion vectors aside."""
    told = {}
    for log in lakehouse.glob("**/_delta_log"):
        table = DeltaTable(log.parent)
        own = table.metadata().configuration
        own = {name: text for name, text in own.items() if name != "delta.enableDeletionVectors"}
        told[str(log.parent.relative_to(lakehouse))] = (table.schema().to_json(), own)
    return told


def engines(lakehouse: Path) -> dict[str, str]:
    """Who wrote the newest commit of each table."""
    told = {}
    for log in lakehouse.glob("**/_delta_log"):
        table = log.parent.relative_to(lakehouse).as_posix()
        info = lake.commit_of(log.parent, lake.newest_version(log.parent))
        by = info.get("engineInfo", "").partition("/")[0]
        told[table] = {"Apache-Spark": "Spark", "Support-Lakehouse": "ours"}.get(by, "delta-rs")
    return told


@pytest.mark.soak
def test_spark_and_delta_rs_write_the_same_tables_and_each_goes_on_with_the_others(
    config: Config, spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small, big, mixed = (tmp_path / name for name in ("small", "big", "mixed"))
    load(config, spark, DATA, small, "202502", "202503")
    load(config, spark, DATA, mixed, "202502")
    monkeypatch.setattr(loading, "SMALL_BYTES", 0)
    monkeypatch.setattr(judging, "can_judge", lambda *told: False)
    load(config, spark, DATA, mixed, "202503")
    load(config, spark, DATA, big, "202502", "202503")
    assert declared(small) == declared(big)
    states = {ops.read_releases(one)[-1].state for one in (small, big, mixed)}
    assert len(states) == 1
    assert_sound(config, spark, mixed)

    monkeypatch.undo()  # tables with deletion vectors are Spark's, also where little is written
    options = pipeline.Options(data=DATA, lakehouse=big, reset=True)
    done = pipeline.run(config, options, spark=spark)
    assert done.release is not None
    assert {done.release.state} == states
    assert_sound(config, spark, big)


@pytest.mark.parametrize("few", [0, 1_000_000], ids=["by Spark", "in memory"])
def test_marked_rows_are_gone_for_every_command(
    config: Config, spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(merging, "_MANY_KEYS", few)
    load(config, spark, DATA, tmp_path / "small", "202502", "202503", feeds=FEEDS)
    monkeypatch.setattr(loading, "SMALL_BYTES", 0)
    lakehouse = tmp_path / "big"
    for month in ("202502", "202503"):
        load(config, spark, DATA, lakehouse, month, feeds=FEEDS)
    first, second = ops.read_releases(lakehouse)
    assert not vectors(tmp_path / "small", "silver/interactions")
    assert len(vectors(lakehouse, "silver/interactions")) == 2
    assert engines(lakehouse)["silver/interactions"] == ("ours" if few else "Spark")
    assert declared(lakehouse) == declared(tmp_path / "small")
    assert second.state == ops.read_releases(tmp_path / "small")[-1].state
    assert published(lakehouse) == published(tmp_path / "small")
    assert_sound(config, spark, lakehouse)
    rollback(config, lakehouse, 1, why="to see it again")
    assert ops.read_releases(lakehouse)[-1].state == first.state
    assert_sound(config, spark, lakehouse)

    monkeypatch.setattr(compact, "MANY", 1)
    done = maintain(config, lakehouse, 0)
    assert "silver/interactions" in done.compacted
    assert ops.read_releases(lakehouse)[-1].state == first.state
    last = ops.read_releases(lakehouse)[-1]
    for name, table in last.tables.items():
        if name.startswith("silver/"):
            kept = {table.version, *(v[name] for v in last.as_of.values() if name in v)}
            assert vectors(lakehouse, name) == vectors_of(lakehouse / name, kept), name
    assert_sound(config, spark, lakehouse)


@pytest.mark.parametrize("by", ["Spark", "ours"])
def test_a_small_month_on_big_tables_is_written_without_spark(
    config: Config, spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    lakehouse = tmp_path / "big"
    with monkeypatch.context() as patched:
        patched.setattr(loading, "SMALL_BYTES", 0)
        if by == "Spark":
            patched.setattr(judging, "can_judge", lambda *told: False)
        else:
            patched.setattr(loading, "IN_MEMORY_BYTES", -1)
        load(config, spark, DATA, lakehouse, "202502", feeds=FEEDS)
    written = engines(lakehouse)
    assert {written[f"bronze/{feed}"] for feed in FEEDS} == {by}
    load(config, spark, DATA, lakehouse, "202503", feeds=FEEDS)
    written = engines(lakehouse)
    marked = {f"silver/{feed}" for feed in FEEDS}
    assert "Spark" not in written.values()
    assert {table for table, engine in written.items() if engine == "ours"} == marked
    load(config, spark, DATA, tmp_path / "small", "202502", "202503", feeds=FEEDS)
    assert set(engines(tmp_path / "small").values()) == {"delta-rs"}
    states = {ops.read_releases(one)[-1].state for one in (lakehouse, tmp_path / "small")}
    assert len(states) == 1
