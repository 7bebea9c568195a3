"""`verify` finds what is not as it was released, names it, and accuses nothing that is sound."""

import json
import shutil
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from unittest import mock

import pytest
from pyspark.sql import SparkSession

from support_lakehouse.config import Config
from support_lakehouse.io import lake, ops
from support_lakehouse.io.lock import lock
from support_lakehouse.model.verdict import Findings
from support_lakehouse.pipeline.back import rollback, withdraw
from support_lakehouse.pipeline.maintain import maintain
from support_lakehouse.pipeline.replay import replay
from support_lakehouse.pipeline.verify import Asked, verify
from tests.product import faults as f
from tests.product.support import DATA, command, load

FEBRUARY = "delta/agents_delta_202502.csv"
Fault = Callable[[Path], object]


@pytest.fixture(scope="module")
def whole(config: Config, spark: SparkSession, lakehouse: Path) -> Path:
    """The sample data, a refusal, a rollback, a file withdrawn, a row put right: five releases."""
    data = lakehouse.parent / "data"
    shutil.copytree(DATA, data)
    (data / "delta/agents_delta_202504.csv").write_text("agent_id\n")
    assert load(config, spark, data, lakehouse).state == "refused"
    rollback(config, lakehouse, 1, why="nothing was wrong with it")
    withdraw(config, lakehouse, FEBRUARY, why="sent by mistake", spark=spark)
    sheet = {"9b266f8428801a3e": {"end_time": "2026-01-05T13:12:00Z"}}
    assert replay(config, lakehouse, corrected=sheet, spark=spark).returned == {"calls": 1}
    kinds = [release.kind for release in ops.read_releases(lakehouse)]
    assert kinds == ["run", "refusal", "rollback", "replay", "replay"]
    return lakehouse


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "lakehouse"))


def found(lakehouse: Path, config: Config, **asked: object) -> Findings:
    return verify(config, lakehouse, Asked(**asked))[1]  # type: ignore[arg-type]


def told(findings: Findings) -> str:
    return "\n".join(f"{d.where} {d.key} {d.what}" for d in findings.differences)


def test_a_sound_lakehouse_has_no_finding(config: Config, whole: Path) -> None:
    for release in range(1, 6):
        findings = found(whole, config, release=release, content=True)
        assert (findings.result, told(findings), findings.notes) == ("sound", "", [])
    said = command("verify", "--lakehouse", whole, "--json")
    assert (said.code, said.json["result"], said.json["differences"]) == (0, "sound", [])
    checked = said.json["checked"]
    assert (checked["releases"], checked["tables"], checked["published files"]) == (5, 33, 8)


LAYERS = ("bronze/agents", "silver/agents", "gold/support_report", "quarantine", "ops/files")
STRUCTURE: dict[str, tuple[Fault, str]] = {
    **{
        f"a data file of {name} is gone": (lambda at, t=name: f.data_file(at / t).unlink(), name)
        for name in LAYERS
    },
    **{
        f"a data file of {name} is cut short": (lambda at, t=name: f.cut(f.data_file(at / t)), name)
        for name in LAYERS
    },
    "a data file as of February is gone": (
        lambda at: f.data_file(at / "silver/interactions", 1).unlink(),
        "silver/interactions",
    ),
    "a whole table is gone": (lambda at: shutil.rmtree(at / "silver/calls"), "silver/calls"),
    "a log entry is empty": (
        lambda at: f.entry(at / "silver/interactions", 1).write_bytes(b""),
        f"{1:020}.json",
    ),
    "a log entry is torn": (lambda at: f.cut(f.entry(at / "bronze/calls", 0)), f"{0:020}.json"),
    "a log entry is gone": (
        lambda at: f.entry(at / "silver/interactions", 1).unlink(),
        "silver/interactions",
    ),
    "a row of bronze is gone": (
        lambda at: f.change(at / "bronze/agents", f.drop(2)),
        "bronze/agents",
    ),
    "a row of silver is gone": (
        lambda at: f.change(at / "silver/agents", f.drop(2)),
        "silver/agents",
    ),
    "a row as of the extract is gone": (
        lambda at: f.change_as_of(at / "silver/interactions", 0, f.drop(2)),
        "silver/interactions as of initial version 0 has",
    ),
    "a row as of February is there twice": (
        lambda at: f.change_as_of(at / "silver/interactions", 1, lambda rows: rows.append(rows[0])),
        "silver/interactions as of 202502 version 1 has",
    ),
    "a row of quarantine is gone": (
        lambda at: f.change(at / "quarantine", f.drop(0)),
        "quarantine",
    ),
    "two rows of bronze change files": (
        lambda at: f.change(at / "bronze/agents", lambda rows: rows[0].update(admission="other")),
        "bronze/agents",
    ),
    "a number of the ledger is another": (
        lambda at: f.change(at / "ops/files", f.add_to(3, "inserted", 1)),
        "ops/files",
    ),
    "two numbers of the ledger are others": (
        lambda at: f.change(
            at / "ops/files", lambda rows: [f.add_to(3, c, 1)(rows) for c in ("read", "inserted")]
        ),
        "ops/files",
    ),
    "a decision of the journal is another": (
        lambda at: f.change(at / "ops/journal", f.set_in(0, who="nobody")),
        "ops/journal",
    ),
    "a count of the metrics is another": (
        lambda at: f.change(at / "ops/metrics", f.add_to(0, "rows", 1)),
        "ops/metrics",
    ),
    "a figure of gold is another": (
        lambda at: f.change(at / "gold/support_report", f.add_to(0, "total_interactions", 1)),
        "gold/support_report",
    ),
    "a row of a withdrawn file is left in silver": (
        lambda at: f.change(at / "silver/agents", f.set_in(0, _file=FEBRUARY)),
        "silver/agents",
    ),
    "a published file is edited, its size and time kept": (
        lambda at: f.edit(at / "published/support_report.csv", b"Boston", b"BOSTON"),
        "published/support_report.csv",
    ),
    "a published file is cut short": (
        lambda at: f.cut(at / "published/interactions_final.csv"),
        "published/interactions_final.csv",
    ),
    "the manifest is torn": (lambda at: f.cut(at / "published/manifest.json"), "manifest.json"),
    "the manifest tells another hash": (
        lambda at: f.in_manifest(at, "support_report.csv", "sha256", "0" * 64),
        "support_report.csv",
    ),
    "the manifest names another configuration": (
        lambda at: f.in_manifest(at, "support_report.csv", "config", "0" * 64),
        "support_report.csv",
    ),
    "the newest release is another": (
        lambda at: f.change(
            at / "ops/releases", f.set_in(0, kind="run"), f.added_by(at / "ops/releases", 4)
        ),
        "release 5",
    ),
    "the newest release is gone": (
        lambda at: f.entry(at / "ops/releases", 4).write_bytes(b""),
        "release 5",
    ),
    "somebody else wrote to a table": (
        lambda at: f.DeltaTable(at / "silver/agents").delete(),
        "silver/agents",
    ),
}


@pytest.mark.parametrize("name", STRUCTURE)
def test_a_fault_is_found_without_a_flag_and_named(name: str, config: Config, copy: Path) -> None:
    plant, where = STRUCTURE[name]
    plant(copy)
    findings = found(copy, config)
    assert findings.result == "damaged"
    assert where in told(findings)


def test_what_maintenance_leaves_is_sound_and_tells_the_same(config: Config, copy: Path) -> None:
    releases = range(1, len(ops.read_releases(copy)) + 1)
    before = {n: command("report", "--lakehouse", copy, "--release", n).out for n in releases}
    made = maintain(config, copy, 24)
    assert set(made.compacted) <= set(ops.read_releases(copy)[-1].tables)
    assert {
        n: command("report", "--lakehouse", copy, "--release", n).out for n in releases
    } == before
    assert verify(config, copy, Asked(content=True))[1].result == "sound"


def test_every_old_release_is_bound_by_the_next(config: Config, copy: Path) -> None:
    table = copy / "ops/releases"
    f.change(table, f.set_in(0, at="2020-01-01T00:00:00Z"), f.added_by(table, 0))
    assert "release 1 its row is not the one" in told(found(copy, config))


def test_all_faults_are_told_and_each_says_what_to_do(copy: Path) -> None:
    for name in ("a data file of silver/agents is gone", "a published file is cut short"):
        STRUCTURE[name][0](copy)
    said = command("verify", "--lakehouse", copy)
    assert said.code == 5
    assert "1. silver/agents/part-" in said.err
    assert "2. published/interactions_final.csv: its bytes are not" in said.err
    assert "What to do about 1:" in said.err
    assert "Release 5: damaged." in said.out
    narrowed = command("verify", "--lakehouse", copy, "--feed", "calls", "--json").json
    assert [d["where"] for d in narrowed["differences"]] == ["published/interactions_final.csv"]


def test_a_row_with_another_hash_is_found_by_content(config: Config, copy: Path) -> None:
    f.change(copy / "silver/agents", f.add_to(0, "_row_hash", 1))
    f.change(copy / "bronze/calls", f.add_to(0, "_row_hash", 1))
    f.change(copy / "quarantine", f.add_to(0, "_row_hash", 1))
    assert found(copy, config).result == "sound"
    findings = found(copy, config, content=True)
    assert {d.where for d in findings.differences} == {
        "silver/agents",
        "bronze/calls",
        "quarantine",
    }


LABELS = ("file", "period", "sha256", "header", "run")


@pytest.mark.parametrize("name", LABELS)
def test_what_bronze_tells_of_a_file_is_held_against_the_ledger(
    name: str, config: Config, copy: Path
) -> None:
    """No hash and no count tells these, as the row keeps its hash and its admission."""
    f.change(copy / "bronze/agents", f.set_in(0, **{name: "other"}))
    findings = found(copy, config, content=True)
    assert "bronze/agents" in {d.where for d in findings.differences}
    assert f"rows of admission {admission(copy)} tell another {name} than" in told(findings)


def admission(lakehouse: Path) -> str:
    row = f.pq.read_table(f.data_file(lakehouse / "bronze/agents"))["admission"][0]
    return str(row.as_py())


def test_rows_that_change_places_between_files_are_found(config: Config, copy: Path) -> None:
    def swap(rows: list[f.Row]) -> None:
        one, other = rows[0], next(row for row in rows if row["file"] != rows[0]["file"])
        one["admission"], other["admission"] = other["admission"], one["admission"]

    table = copy / "bronze/agents"
    f.change(table, swap)
    assert found(copy, config).result == "sound"
    assert "tell another file" in told(found(copy, config, content=True))


def test_what_was_changed_as_of_an_earlier_month_only_is_found(
    config: Config, spark: SparkSession, copy: Path
) -> None:
    """One row has another hash, one other values under its hash: the released version has both."""
    table = copy / "silver/interactions"
    f.change_as_of(table, 1, f.add_to(0, "_row_hash", 1))
    f.change_as_of(table, 0, f.set_in(0, agent_id="A-9999"))
    key = f.pq.read_table(f.data_file(table, 0))["interaction_id"][0].as_py()
    assert found(copy, config).result == "sound"
    months = [(d.where, d.key) for d in found(copy, config, content=True).differences]
    assert months == [("silver/interactions", "as of 202502")]
    odd = verify(config, copy, Asked(rows=True, feed="interactions"), spark=spark)[1].differences
    told = {(d.key, d.what.partition(": its ")[0]) for d in odd if d.what.startswith("as of init")}
    assert told == {(key, "as of initial: the row was changed")}
    assert ("silver/interactions", "as of 202502") in {(d.where, d.key) for d in odd}


def test_changed_rows_are_named_by_their_keys(
    config: Config, spark: SparkSession, copy: Path
) -> None:
    """None of these changes a hash, a count or a size, so only the values themselves tell."""
    f.change(copy / "silver/agents", f.set_in(0, full_name="Somebody Else"))
    key = f.pq.read_table(f.data_file(copy / "silver/agents"))["agent_id"][0].as_py()
    f.change(copy / "bronze/calls", f.set_in(0, raw="{}"))
    f.change(copy / "bronze/contact_centers", f.set_in(0, warnings=["range:name"]))
    f.change(copy / "quarantine", f.set_in(0, reasons=None))
    f.change(copy / "gold/agent_work_time", f.add_to(0, "work_minutes", Decimal(1)))
    f.change(copy / "silver/contact_centers", f.set_in(0, _line=99))
    assert found(copy, config, content=True).result == "sound"
    findings = verify(config, copy, Asked(rows=True), spark=spark)[1]
    odd = {(d.where, d.what.split(":")[0]) for d in findings.differences}
    assert ("silver/agents", "the row was changed") in odd
    assert ("silver/agents", "other full_name") in odd
    assert ("bronze/calls", "the row was changed") in odd
    assert ("gold/agent_work_time", "other work_minutes") in odd
    assert ("silver/contact_centers", "the place beside it is not that of a record") in {
        (where, what[:43]) for where, what in odd
    }
    assert {d.key for d in findings.differences if d.where == "silver/agents"} == {key}
    planted = {"silver/agents", "bronze/calls", "silver/calls", "gold/agent_work_time"}
    planted |= {"bronze/contact_centers", "quarantine"}
    assert {where for where, _ in odd} == {*planted, "silver/contact_centers"}, "no other"
    assert findings.checked["tables made again"] == 19


def test_a_figure_of_gold_that_was_changed_is_not_what_was_published(
    config: Config, copy: Path
) -> None:
    f.change(copy / "gold/support_report", f.add_to(0, "total_call_duration", Decimal(1)))
    told = found(copy, config)
    assert [d.where for d in told.differences] == ["published/support_report.csv"]
    assert "other bytes" in told.differences[0].what


def test_what_a_crash_leaves_in_published_is_no_damage(config: Config, copy: Path) -> None:
    manifest = copy / "published/manifest.json"
    older = json.loads(manifest.read_text())
    (copy / "published/support_report.csv").unlink()
    assert found(copy, config).result == "sound", "the next run writes it"
    # The file is written, the manifest not yet: it tells of the release before, and its bytes.
    command("run", "--data", copy.parent, "--lakehouse", copy)
    for name, entry in older.items():
        entry.update(release=1, release_hash=ops.read_releases(copy)[0].hash)
        entry.update(state="0" * 16, sha256="0" * 64) if name == "agents_final.csv" else None
        entry["tables"] = {n: vars(t) for n, t in ops.read_releases(copy)[0].tables.items()}
    manifest.write_text(json.dumps(older))
    findings = found(copy, config)
    assert (told(findings), findings.result) == ("", "sound")
    assert any("agents_final.csv is newer" in note for note in findings.notes)
    manifest.unlink()
    assert found(copy, config).result == "sound"


def test_what_a_run_at_work_publishes_is_not_checked(config: Config, copy: Path) -> None:
    f.cut(copy / "published/support_report.csv")
    with lock(copy):
        findings = found(copy, config)
    assert (findings.result, findings.differences) == ("not checked", [])
    assert found(copy, config).result == "damaged"


def test_what_was_cut_off_is_not_checked_and_not_damaged(copy: Path) -> None:
    with mock.patch(
        "support_lakehouse.pipeline.verify.check_tables", side_effect=KeyboardInterrupt
    ):
        said = command("verify", "--lakehouse", copy, "--json")
    assert (said.code, said.json["result"], said.json["differences"]) == (130, "not checked", [])


def test_a_manifest_tells_where_it_came_from(config: Config, whole: Path, tmp_path: Path) -> None:
    for format in ("csv", "parquet"):
        out = tmp_path / format
        asked = ["--lakehouse", whole, "--release", 1, "--output", out, "--format", format]
        assert command("export", *asked).code == 0
        said = command("verify", "--lakehouse", whole, "--against", out / "manifest.json")
        assert said.code == 0
        assert f"agents_final.{format} came from here: release 1, the same bytes." in said.out
        first = (out / "manifest.json").read_bytes()
        command("export", *asked)
        assert (out / "manifest.json").read_bytes() == first, "always the same bytes"
    held = tmp_path / "csv/manifest.json"
    entry = json.loads(held.read_text())["agents_final.csv"]
    assert entry["tables"]["silver/agents"]["version"] == 2
    assert entry["release_hash"] == ops.read_releases(whole)[0].hash
    for wrong in ({"sha256": "0" * 64}, {"release_hash": "0" * 64}, {"release": 9}):
        held.write_text(json.dumps({"agents_final.csv": {**entry, **wrong}}))
        said = command("verify", "--lakehouse", whole, "--against", held)
        assert said.code == 5, wrong
    (tmp_path / "no.json").write_text("[]")
    assert command("verify", "--lakehouse", whole, "--against", tmp_path / "no.json").code == 2


def test_what_there_is_not_cannot_be_verified(config: Config, whole: Path, tmp_path: Path) -> None:
    for words in (["--release", 9], ["--feed", "nobody"]):
        assert command("verify", "--lakehouse", whole, *words).code == 2
    assert command("verify", "--lakehouse", tmp_path).code == 2
    assert lake.version_of(whole / "silver/agents") is not None
