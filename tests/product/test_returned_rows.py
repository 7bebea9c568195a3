"""Rejected rows that come back: as if they had been good from the start (issue: quarantine)."""

import csv
import io
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from support_lakehouse.config import Config
from support_lakehouse.io import ops
from support_lakehouse.pipeline.back import withdraw
from support_lakehouse.pipeline.replay import discard, replay
from support_lakehouse.transforms.by_hand import sheet_row
from tests.product.support import DATA, command, load, published
from tests.reference import deliveries

BROKEN = {  # of a row of interactions in February and in the extract: what it is made into
    "initial/interactions.csv": 3,
    "delta/interactions_delta_202502.csv": 4,
    "delta/agents_delta_202502.csv": 2,
}


@pytest.fixture
def clean(config: Config, spark: SparkSession, tmp_path: Path) -> Path:
    """The real monthly files and clean deliveries of the other groups, loaded."""
    data = tmp_path / "clean"
    shutil.copytree(DATA / "initial", data / "initial")
    shutil.copytree(DATA / "delta", data / "delta")
    deliveries.write_calls(data, 5, files=2, dirt=0)
    deliveries.write_call_log(data, 5, dirt=0)
    load(config, spark, data, tmp_path / "clean_lakehouse")
    return data


def broken(data: Path, folder: Path) -> dict[tuple[str, int], str]:
    """A copy of the data in which some rows are bad; what these rows were."""
    shutil.copytree(data, folder)
    were = {}
    for file, line in BROKEN.items():
        path = folder / file
        lines = path.read_bytes().decode().split("\n")
        were[file, line] = lines[line - 1].rstrip("\r")
        cells = next(csv.reader([lines[line - 1].replace("\r", "")]))
        cells[0] = " "  # the key is gone
        lines[line - 1] = ",".join(cells)
        path.write_bytes("\n".join(lines).encode())
    for path in sorted((folder / "calls").glob("*calls*")):
        if path.suffix == ".jsonl":
            lines = path.read_text().split("\n")
            at = next(n for n, line in enumerate(lines) if line.strip())
            were[f"calls/{path.name}", at + 1] = lines[at]
            lines[at] = json.dumps(json.loads(lines[at]) | {"start_time": "not yet"})
            path.write_text("\n".join(lines))
    return were


def sheet_with(
    lakehouse: Path, config: Config, were: dict[tuple[str, int], str]
) -> dict[str, dict[str, str]]:
    """The open rows as a sheet in which a person put the records right."""
    from support_lakehouse.pipeline.replay import entries_of

    told = {}
    for entry in entries_of(lakehouse, ops.read_releases(lakehouse)):
        row = sheet_row(entry, config.feed(entry["feed"]), personal=True)
        told[entry["id"]] = row | {"raw": were[entry["file"], entry["line"]]}
    return told


def test_corrected_rows_come_back_as_if_they_had_been_good_from_the_start(
    config: Config, spark: SparkSession, clean: Path, tmp_path: Path
) -> None:
    were = broken(clean, tmp_path / "broken")
    lakehouse, right = tmp_path / "lakehouse", tmp_path / "clean_lakehouse"
    load(config, spark, tmp_path / "broken", lakehouse)
    rejected = ops.read_releases(lakehouse)[-1].rows["rejected"]
    assert rejected == len(were) >= 4
    sheet = sheet_with(lakehouse, config, were)
    done = replay(config, lakehouse, corrected=sheet, why="typing errors", spark=spark)
    assert (sum(done.returned.values()), done.rejected) == (len(were), {})
    newest, expected = (ops.read_releases(root)[-1] for root in (lakehouse, right))
    assert newest.kind == "replay"
    assert {
        name: (table.rows, table.fingerprint)
        for name, table in newest.tables.items()
        if name.startswith(("silver/", "gold/"))
    } == {
        name: (table.rows, table.fingerprint)
        for name, table in expected.tables.items()
        if name.startswith(("silver/", "gold/"))
    }
    assert newest.state == expected.state
    assert published(lakehouse) == published(right)
    for entry in ops.read_files(lakehouse, newest.tables[ops.FILES].version):
        assert entry.balance.balances, entry.file
        assert entry.balance.rejected == 0

    again = replay(config, lakehouse, corrected=sheet, spark=spark)
    assert (again.returned, again.release) == ({}, newest), "twice is once"
    assert (
        "Nothing to load"
        in command("run", "--data", tmp_path / "broken", "--lakehouse", lakehouse).out
    )


def test_rows_are_judged_again_by_todays_rules(
    config: Config, spark: SparkSession, tmp_path: Path
) -> None:
    deliveries.write_call_log(tmp_path / "data", 5, dirt=0)
    path = next((tmp_path / "data" / "call_center").iterdir())
    path.write_text(path.read_text() + "77,78,79,08:00:00,08:01:00,WAITING\n")
    mistaken = path.with_name("call_center_by_mistake.csv")
    mistaken.write_text(path.read_text().splitlines()[0] + "\n")
    lakehouse = tmp_path / "lakehouse"
    load(config, spark, tmp_path / "data", lakehouse)
    withdraw(config, lakehouse, f"call_center/{mistaken.name}", why="a mistake", spark=spark)
    (found,) = command("quarantine", "list", "--lakehouse", lakehouse, "--json").json
    assert (found["feed"], found["state"]) == ("call_center_log", "open")
    assert found["reasons"][0]["rule"] == "allowed"
    assert replay(config, lakehouse, spark=spark).returned == {}, "the rules are the same"

    log = config.feed("call_center_log")
    allowed = log.rules[-1].model_copy(update={"values": ("COMPLETED", "WAITING")})
    today = log.model_copy(update={"rules": (*log.rules[:-1], allowed)})
    feeds = tuple(today if feed is log else feed for feed in config.feeds)
    done = replay(_with(config, feeds), lakehouse, feed="call_center_log", spark=spark)
    assert done.returned == {"call_center_log": 1}
    assert load(config, spark, tmp_path / "data", lakehouse).state == "nothing to do", (
        "it stays out"
    )
    (found,) = command("quarantine", "list", "--lakehouse", lakehouse, "--json").json
    assert (found["state"], found["attempts"]) == ("released", 2)
    text = (lakehouse / "published" / "call_center_log.csv").read_text()
    assert "77,78,79,08:00:00,08:01:00,WAITING,60\n" in text


def test_a_person_looks_exports_and_gives_up(
    config: Config, spark: SparkSession, tmp_path: Path
) -> None:
    folder = tmp_path / "data" / "calls"
    folder.mkdir(parents=True)
    call = {"call_id": "c1", "customer_id": "Someone", "start_time": "soon"}
    (folder / "calls.jsonl").write_text(json.dumps(call) + "\n\n{broken\n")
    lakehouse = tmp_path / "lakehouse"
    load(config, spark, tmp_path / "data", lakehouse)
    at = ("--lakehouse", lakehouse)
    first, second = command("quarantine", "list", *at, "--json").json
    assert [(e["line"], len(e["reasons"])) for e in (first, second)] == [(1, 2), (3, 1)]
    shown = command("quarantine", "show", first["id"], *at).out
    assert "Someone" not in shown
    assert "***" in shown
    assert "Someone" in command("quarantine", "show", first["id"], "--show-personal", *at).out

    output = tmp_path / "sheet.csv"
    assert command("quarantine", "export", "--feed", "calls", "--output", output, *at).code == 0
    rows = list(csv.DictReader(io.StringIO(output.read_text())))
    assert [row["id"] for row in rows] == [first["id"], second["id"]]
    assert rows[0]["customer_id"] == "***"
    rows[0] |= {"start_time": "2026-01-05T10:00:00Z", "end_time": "2026-01-05T10:30:00Z"}
    done = replay(config, lakehouse, corrected={r["id"]: r for r in rows}, spark=spark)
    assert done.returned == {"calls": 1}
    (silver,) = _calls(lakehouse, config)
    assert silver["customer_id"] == "Someone", "what comes back masked is unchanged"

    made = discard(config, lakehouse, [second["id"]], why="nobody knows", spark=spark)
    assert made.state == done.release.state  # type: ignore[union-attr]
    states = {e["id"]: e["state"] for e in command("quarantine", "list", *at, "--json").json}
    assert states == {first["id"]: "released", second["id"]: "discarded"}
    assert command("quarantine", "discard", second["id"], "--why", "again", *at).code == 2


def _with(config: Config, feeds: Any) -> Config:
    from dataclasses import replace

    return replace(config, feeds=feeds)


def _calls(lakehouse: Path, config: Config) -> list[dict[str, Any]]:
    from support_lakehouse.stages.released import open_released

    rows: list[dict[str, Any]] = open_released(lakehouse).table("silver/calls").to_pylist()
    return rows
