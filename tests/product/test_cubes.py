"""Cubes that a month brings up to date are those that all interactions make (real files)."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from support_lakehouse.config import Config
from support_lakehouse.io import ops, tables
from support_lakehouse.model.release import Release
from support_lakehouse.pipeline import back
from support_lakehouse.pipeline import load as loading
from support_lakehouse.stages import changed
from support_lakehouse.transforms import cubes, marts, named
from tests.product.support import DATA, load

FEEDS = ("agents", "contact_centers", "interactions", "service_categories")


@pytest.fixture
def added(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """The keys of each cube that was added to; however small the data, it counts as big."""
    told: list[tuple[str, ...]] = []

    def told_of(plain: Callable[..., Any]) -> Callable[..., Any]:
        def add(*given: Any) -> Any:
            told.extend(keys for keys in of_cubes if keys == given[-1])
            return plain(*given)

        return add

    of_cubes = (cubes.CUBE_KEYS, cubes.WORK_KEYS, cubes.HOURS_KEYS)
    monkeypatch.setattr(marts, "added", told_of(marts.added))
    monkeypatch.setattr(named, "updated", told_of(named.updated))
    monkeypatch.setattr(loading, "SMALL_BYTES", 0)
    monkeypatch.setattr(changed, "WORTH_ADDING_BYTES", 0)
    monkeypatch.setattr(changed, "SHARE", 0)
    return told


def last(config: Config, spark: SparkSession, data: Path, lakehouse: Path, *months: str) -> Release:
    load(config, spark, data, lakehouse, *months, feeds=FEEDS, finals=False)
    return ops.read_releases(lakehouse)[-1]


@pytest.fixture
def staying(tmp_path: Path) -> Path:
    """The real files, but that March only gives a category another name."""
    data = tmp_path / "staying"
    shutil.copytree(DATA, data)
    (data / "delta" / "service_categories_delta_202503.csv").write_text(
        "category_id,category_name,department,action\nCLMS,All Claims,Operations,update\n"
    )
    return data


def assert_same(one: Release, other: Release) -> None:
    assert one.state == other.state
    assert {n: t.rows for n, t in one.tables.items() if n.startswith("gold/")} == {
        n: t.rows for n, t in other.tables.items() if n.startswith("gold/")
    }


@pytest.mark.parametrize("departments", ["stay", "move"])
@pytest.mark.parametrize("by", ["DataFusion and Arrow", "DataFusion and Spark", "Spark"])
def test_a_month_on_top_is_added_and_all_is_as_if_made_anew(
    config: Config,
    spark: SparkSession,
    tmp_path: Path,
    added: list[tuple[str, ...]],
    staying: Path,
    monkeypatch: pytest.MonkeyPatch,
    departments: str,
    by: str,
) -> None:
    if by == "DataFusion and Spark":  # as where cubes do not fit into memory
        monkeypatch.setattr(tables, "_READ_WHOLE_BYTES", -1)
    if by == "Spark":  # as where there is too much for one machine
        monkeypatch.setattr(loading, "COUNTED_BY_SPARK_BYTES", -1)
    data = staying if departments == "stay" else DATA
    last(config, spark, data, tmp_path / "one", "202502")
    assert added == []
    one = last(config, spark, data, tmp_path / "one", "202503")
    assert sorted(added) == sorted([cubes.CUBE_KEYS, cubes.WORK_KEYS, cubes.HOURS_KEYS])
    added.clear()
    both = last(config, spark, data, tmp_path / "both", "202502", "202503")
    assert added == []
    assert_same(one, both)


def test_where_a_department_alone_changed_only_work_is_counted_again(
    config: Config,
    spark: SparkSession,
    tmp_path: Path,
    added: list[tuple[str, ...]],
    staying: Path,
) -> None:
    last(config, spark, staying, tmp_path / "one", "202502", "202503")
    told = b"category_id,category_name,department,action\nACCT,Accounts,IT,update\nNEW,,IT,add\n"
    (staying / "delta" / "service_categories_delta_202504.csv").write_bytes(told)
    one = last(config, spark, staying, tmp_path / "one", "202504")
    assert added == [cubes.WORK_KEYS]
    assert_same(one, last(config, spark, staying, tmp_path / "all", "202502", "202503", "202504"))


def in_april(data: Path, category: str, **changed: str) -> None:
    """Let April bring a category, with `{}` for that of a call in March, and the call, changed."""
    head, *rows = (data / "delta" / "interactions_delta_202503.csv").read_text().splitlines()
    call = next(row.split(",") for row in rows if ",phone," in row.lower())
    cells = dict(zip(head.split(","), call, strict=True))
    text = f"{head}\n{','.join((cells | changed).values())}\n"
    (data / "delta" / "interactions_delta_202504.csv").write_text(text)
    told = f"category_id,category_name,department,action\n{category}\n"
    (data / "delta" / "service_categories_delta_202504.csv").write_text(
        told.format(cells["category_id"])
    )


@pytest.mark.parametrize("call", ["comes with its category", "is gone as its category moves"])
def test_a_call_counts_in_the_department_that_its_category_is_in_now(
    config: Config,
    spark: SparkSession,
    tmp_path: Path,
    added: list[tuple[str, ...]],
    staying: Path,
    call: str,
) -> None:
    last(config, spark, staying, tmp_path / "one", "202502", "202503")
    if call == "comes with its category":
        new = {"category_id": "NEW", "interaction_id": "INT99999", "action": "add"}
        in_april(staying, "NEW,New,Repair,add", **new)
    else:
        in_april(staying, "{},Any,Elsewhere,update", action="delete")
    one = last(config, spark, staying, tmp_path / "one", "202504")
    assert sorted(added) == sorted([cubes.CUBE_KEYS, cubes.WORK_KEYS, cubes.HOURS_KEYS])
    assert_same(one, last(config, spark, staying, tmp_path / "all", "202502", "202503", "202504"))


CENTER_HEAD, AGENT_HEAD = (
    "contact_center_id,contact_center_name,location,action\n",
    "agent_id,full_name,contact_center_id,hire_date,category_id,action\n",
)
NAMES = {
    # A month's files, and the keys of those rows of cubes that are looked at for them.
    "a centre": (
        {"contact_centers": CENTER_HEAD + "CC002,Atlanta's,Atlanta GA,update\n"},
        {"CC002"},
    ),
    "a centre that is called as another": (
        {"contact_centers": CENTER_HEAD + "CC002,Boston MA NE,Atlanta GA,update\n"},
        {"CC002"},
    ),
    "a centre that goes": (
        {"contact_centers": CENTER_HEAD + "CC003,,,delete\nCC009,New,New,add\n"},
        {"CC003"},
    ),
    "another place alone": (
        {"contact_centers": CENTER_HEAD + "CC002,Atlanta GA SE,Decatur GA,update\n"},
        set(),
    ),
    "an agent": (
        {"agents": AGENT_HEAD + "AGT005,Ann Other,CC003,2024-05-01,ELIG,update\n"},
        {"AGT005"},
    ),
    "centres and agents": (
        {
            "contact_centers": CENTER_HEAD + "CC001,Boston,Boston MA,update\n",
            "agents": AGENT_HEAD + "AGT005,,,,,delete\nAGT099,New One,CC001,2024-05-01,ELIG,add\n",
        },
        {"CC001", "AGT005"},
    ),
}


@pytest.mark.parametrize("case", NAMES)
def test_where_names_alone_changed_only_what_shows_them_is_made_again(
    config: Config,
    spark: SparkSession,
    tmp_path: Path,
    added: list[tuple[str, ...]],
    monkeypatch: pytest.MonkeyPatch,
    case: str,
) -> None:
    files, concerned = NAMES[case]
    data = tmp_path / "data"
    shutil.copytree(DATA, data)
    last(config, spark, data, tmp_path / "one", "202502", "202503")
    for feed, text in files.items():
        (data / "delta" / f"{feed}_delta_202504.csv").write_text(text)
    read: list[list[dict[str, Any]]] = []

    def mart_of(cube: pa.Table, *given: Any) -> pa.Table:
        read.append(cube.to_pylist())
        return plain(cube, *given)

    plain = named.mart_of
    with monkeypatch.context() as patched:
        patched.setattr(named, "mart_of", mart_of)
        one = last(config, spark, data, tmp_path / "one", "202504")
    assert added == []
    assert any(read) == bool(concerned)
    for row in (row for rows in read for row in rows):
        assert concerned & {row["contact_center_id"], row.get("agent_id")}, row
    assert {key for rows in read for row in rows for key in row.values()} >= concerned
    assert_same(one, last(config, spark, data, tmp_path / "all", "202502", "202503", "202504"))


def test_where_the_program_or_conf_changed_cubes_are_made_anew(
    config: Config, spark: SparkSession, tmp_path: Path, added: list[tuple[str, ...]]
) -> None:
    last(config, spark, DATA, tmp_path / "one", "202502")
    with patch.object(changed, "code_fingerprint", lambda: "another"):
        last(config, spark, DATA, tmp_path / "one", "202503")
    assert added == []


@pytest.mark.parametrize("between", ["a run of another feed", "a rollback"])
def test_where_conf_changed_before_a_release_that_left_cubes_alone_they_are_made_anew(
    config: Config,
    spark: SparkSession,
    tmp_path: Path,
    added: list[tuple[str, ...]],
    between: str,
) -> None:
    settings = config.settings.model_copy(update={"business_zone": "+09:00"})
    other, one = replace(config, settings=settings), tmp_path / "one"
    last(config, spark, DATA, one, "202502")
    if between == "a rollback":
        last(other, spark, DATA, one, "202503")
        back.rollback(other, one, 1, why="a test")
    else:
        load(other, spark, DATA, one, feeds=("call_center_log",), finals=False)
    load(other, spark, DATA, one, "202503", feeds=FEEDS, finals=False, accept=("held",))
    assert added == []
    made = ops.read_releases(one)[-1].tables
    fresh = last(other, spark, DATA, tmp_path / "fresh", "202502", "202503").tables
    assert {n: t.fingerprint for n, t in made.items() if n.startswith("gold/")} == {
        n: t.fingerprint for n, t in fresh.items() if n.startswith("gold/")
    }
