"""Gates refuse a bad delivery before it touches silver, unless a person means it (contracts)."""

import json
from pathlib import Path

import yaml
from pyspark.sql import SparkSession

from support_lakehouse.config import Config, load_config
from support_lakehouse.io import ops
from support_lakehouse.stages.released import open_released
from tests.product.support import command, load

SHARE = {
    "feed": "things",
    "kind": "events",
    "files": "things/*.csv",
    "key": "id",
    "columns": {"id": "text", "size": "integer"},
    "delivery": {"max_rejected_share": 0.1},
}


def things(folder: Path, name: str, bad: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    rows = [f"{name}{n},{'x' if n < bad else n}" for n in range(100)]
    (folder / f"{name}.csv").write_text("\n".join(["id,size", *rows]))


def test_a_tenth_of_rejected_rows_is_the_limit(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "conf" / "feeds").mkdir(parents=True)
    (tmp_path / "conf" / "pipeline.yml").write_text("data: data\n")
    (tmp_path / "conf" / "feeds" / "things.yml").write_text(yaml.safe_dump(SHARE))
    config, data, lakehouse = load_config(tmp_path), tmp_path / "data", tmp_path / "lakehouse"
    things(data / "things", "a", bad=10)
    assert load(config, spark, data, lakehouse).state == "released"
    before = ops.read_releases(lakehouse)[-1]

    things(data / "things", "b", bad=11)
    refused = load(config, spark, data, lakehouse)
    assert refused.state == "refused"
    (refusal,) = refused.plan.refusals
    assert refusal.why.startswith("things/b.csv: 11 of 100 rows are rejected. Expected at most 10%")
    newest = ops.read_releases(lakehouse)[-1]
    assert (newest.kind, newest.state) == ("refusal", before.state)
    assert newest.tables["silver/things"] == before.tables["silver/things"]
    assert newest.tables["bronze/things"] == before.tables["bronze/things"]
    said = command("quarantine", "list", "--lakehouse", lakehouse, "--json", home=tmp_path)
    states = [entry["state"] for entry in said.json]
    assert (states.count("open"), states.count("refused")) == (10, 11)
    assert load(config, spark, data, lakehouse).release == newest, "the same refusal, once"

    accepted = load(config, spark, data, lakehouse, accept=("rejects",))
    assert accepted.release is not None
    assert accepted.release.rows["inserted"] == 89
    said = command("quarantine", "list", "--lakehouse", lakehouse, "--json", home=tmp_path)
    assert {entry["state"] for entry in said.json} == {"open"}


def roster(data: Path, day: str, active: int | None) -> None:
    """Ten known agents, so many of them active; None: no list of active agents at all."""
    details = data / "roster" / f"sync-{day}" / "agent_details"
    details.mkdir(parents=True)
    agents = [
        {"id": n, "contact": {"email": f"{n}@example.com", "name": f"{n}"}} for n in range(10)
    ]
    (details / "all.json").write_text(json.dumps(agents))
    if active is not None:
        (data / "roster" / f"sync-{day}" / "agents").mkdir()
        page = data / "roster" / f"sync-{day}" / "agents" / "page.json"
        page.write_text(json.dumps([{"id": n} for n in range(active)]))


def test_half_a_roster_retires_nobody(config: Config, spark: SparkSession, tmp_path: Path) -> None:
    data, lakehouse = tmp_path / "data", tmp_path / "lakehouse"
    roster(data, "2026-01-02", active=9)
    load(config, spark, data, lakehouse)

    def active() -> int:
        table = open_released(lakehouse).table("silver/roster_agents")
        return table["status"].to_pylist().count("active")

    roster(data, "2026-01-03", active=4)
    refused = load(config, spark, data, lakehouse)
    assert refused.state == "refused"
    assert "4 rows" in refused.plan.refusals[0].why
    assert "Expected at least 50% of it, and some; deliver" in refused.plan.refusals[0].why
    assert active() == 9
    meant = load(config, spark, data, lakehouse, accept=("short-snapshots",))
    assert meant.state == "released"
    assert active() == 4
    assert "accepted short-snapshots" in _journal(lakehouse)

    roster(data, "2026-01-05", active=0)
    assert load(config, spark, data, lakehouse).state == "refused"
    assert load(config, spark, data, lakehouse, accept=("short-snapshots",)).state == "released"
    assert active() == 0
    roster(data, "2026-01-06", active=None)
    said = command("run", "--data", data, "--lakehouse", lakehouse)
    assert said.code == 3
    assert "roster_active has none" in said.err.replace("\n", " ")

    roster(data, "2026-01-04", active=10)
    late = load(config, spark, data, lakehouse, days=("2026-01-04",))
    assert late.state == "released"
    assert active() == 0, "a late day does not disturb the latest state"
    history = open_released(lakehouse).table("silver/agent_status_history").to_pylist()
    by_day: dict[str, int] = {}
    for row in history:
        by_day[str(row["sync_date"])] = by_day.get(str(row["sync_date"]), 0) + row["is_active"]
    assert by_day == {"2026-01-02": 9, "2026-01-03": 4, "2026-01-04": 10, "2026-01-05": 0}


def _journal(lakehouse: Path) -> set[str]:
    from support_lakehouse.io import lake

    version = lake.newest_version(lakehouse / ops.JOURNAL)
    return set(lake.read(lakehouse / ops.JOURNAL, version)["decision"].to_pylist())
