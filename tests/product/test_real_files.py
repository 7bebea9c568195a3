"""The real files from end to end: one run, then everything that can be asked of it."""

import json
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from tests.product.support import DATA, REPO, Said, command, expected, published
from tests.reference import model, render

GOLDEN = REPO / "tests" / "golden" / "real"


def test_the_published_files_are_the_golden_ones(lakehouse):
    golden = {path.name: path.read_bytes() for path in GOLDEN.glob("*.csv")}
    assert published(lakehouse).items() >= golden.items()
    assert len(golden) == 5


def test_the_second_calculation_agrees_with_the_golden_folder():
    assert expected(DATA) == {p.name: p.read_bytes() for p in GOLDEN.glob("*.csv")}


def test_each_silver_table_has_one_commit_for_each_month_that_changed_it(lakehouse):
    def periods(table: str) -> list[str]:
        history = DeltaTable(lakehouse / "silver" / table).history()
        return [json.loads(c["userMetadata"])["period"] for c in reversed(history)]

    assert periods("agents") == ["initial", "202502", "202503"]
    assert periods("contact_centers") == ["initial", "202503"]
    assert periods("service_categories") == ["initial", "202502", "202503"]
    assert periods("interactions") == ["initial", "202502", "202503"]


def test_a_commit_says_its_run_and_feed(lakehouse):
    newest = DeltaTable(lakehouse / "silver" / "agents").history(1)[0]
    told = json.loads(newest["userMetadata"])
    assert (told["feed"], newest["operation"]) == ("agents", "MERGE")
    assert told["run"] == command("history", "--lakehouse", lakehouse, "--json").json[-1]["run"]


def test_history_can_be_read_back_for_two_years(lakehouse):
    for table in ("silver/agents", "bronze/agents", "gold/support_report", "ops/files"):
        kept = DeltaTable(lakehouse / table).metadata().configuration
        assert kept["delta.logRetentionDuration"] == "interval 744 days"
        assert kept["delta.deletedFileRetentionDuration"] == "interval 744 days"


@pytest.mark.parametrize("month", ["202501", "202502", "202503", "202512"])
def test_the_report_as_of_a_month_is_what_the_files_up_to_it_say(lakehouse, month):
    said = command("report", "--lakehouse", lakehouse, "--as-of", month)
    told = model.calculate(DATA, as_of=month).support_report
    assert said.out.encode() == render.to_csv("support_report", told)


def test_the_finals_as_of_a_month_and_in_the_business_zone(lakehouse, tmp_path):
    said = command(
        *("export", "--lakehouse", lakehouse, "--output", tmp_path),
        *("--as-of", "202502", "--zone", "business"),
    )
    assert said.code == 0
    told = model.calculate(DATA, as_of="202502").finals["interactions_final"]
    utc = (tmp_path / "interactions_final.csv").read_bytes()
    assert b"2025-01-05T09:30:00-05:00" in utc  # 14:30 UTC
    command("export", "--lakehouse", lakehouse, "--output", tmp_path, "--as-of", "202502")
    assert (tmp_path / "interactions_final.csv").read_bytes() == render.to_csv(
        "interactions_final", told
    )


def test_the_released_report_is_what_was_published(lakehouse):
    said = command("report", "--lakehouse", lakehouse, "--release", 1)
    assert said.out.encode() == published(lakehouse)["support_report.csv"]


def test_answers_reach_the_facts(lakehouse):
    told = command("answers", "--lakehouse", lakehouse, "--json").json
    by_center = told["interactions_by_contact_center"]
    assert by_center == {"Atlanta GA SE": 8, "Boston MA NE": 13, "Richmond VA E": 7}
    assert told["busiest_month"] == {"month": "2025-02", "total_interactions": 10}
    longest = told["longest_average_call"]
    assert (longest["contact_center_name"], longest["calls"]) == ("Boston MA NE", 11)
    assert (longest["total_minutes"], longest["average_minutes"]) == (140, 12.73)
    boston = told["work_time"]["Boston MA NE"]
    assert boston == {
        "calls": 11,
        "call_minutes": 140,
        "work_minutes": 110,
        "after_resolution_minutes": 30,
        "calls_with_time_after_resolution": 6,
    }
    assert told["work_time"]["Atlanta GA SE"]["work_minutes"] == 54  # 10.8 over 5 calls
    assert told["work_time"]["Richmond VA E"]["work_minutes"] == 62  # 12.4 over 5 calls


def test_answers_for_people_say_why(lakehouse):
    said = command("answers", "--lakehouse", lakehouse).out
    assert "Boston MA NE, 12.73 minutes (140 minutes over 11 calls)" in said
    assert "6 of the 11 calls there went on after the agent had resolved the matter" in said
    assert "Other centres with such calls: none." in said


def test_answers_of_some_months(lakehouse):
    told = command(
        "answers", "--lakehouse", lakehouse, "--from", "2025-01", "--to", "2025-01", "--json"
    ).json
    assert sum(told["interactions_by_contact_center"].values()) == 9
    assert told["busiest_month"] == {"month": "2025-01", "total_interactions": 9}


def test_the_ledger_balances_for_every_file(lakehouse):
    files = command("files", "--lakehouse", lakehouse, "--json").json
    assert len([f for f in files if f["file"].startswith(("initial/", "delta/"))]) == 11
    for file in files:
        balance = dict(file["balance"])
        assert balance.pop("read") == sum(balance.values()) == file["rows"]
    march = next(f for f in files if f["file"] == "delta/service_categories_delta_202503.csv")
    assert (march["balance"]["inserted"], march["balance"]["deleted"]) == (2, 1)


def test_the_release_names_every_table_and_chains_to_none_before(lakehouse):
    (release,) = command("history", "--lakehouse", lakehouse, "--json").json
    assert (release["kind"], release["previous"]) == ("run", "")
    assert release["months"] == ["202502", "202503"]
    assert release["rows"]["read"] == 173
    assert {n for n in release["tables"] if n.startswith(("silver/", "gold/", "ops/"))} == {
        *(f"silver/{t}" for t in ("agents", "contact_centers", "interactions")),
        "silver/service_categories",
        *(f"silver/{t}" for t in ("calls", "call_agents", "call_center_log", "roster_agents")),
        *(f"silver/{t}" for t in ("roster_active", "roster_details", "agent_status_history")),
        *(f"silver/{t}_history" for t in ("roster_active", "roster_details")),
        *(f"gold/{t}" for t in ("agent_work_time", "interaction_cube", "interaction_hours")),
        *(f"gold/{t}" for t in ("work_cube", "hours_cube")),
        "gold/support_report",
        "ops/files",
        "ops/journal",
        "ops/metrics",
    }
    assert release["as_of"]["202502"]["silver/contact_centers"] == 0
    assert release["as_of"]["202503"]["silver/contact_centers"] == 1


def test_a_second_run_starts_no_jvm_and_commits_nothing(lakehouse):
    before = sorted(p for p in lakehouse.rglob("*.json"))
    code = (
        "import sys; from support_lakehouse.cli.app import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit as left: assert left.code == 0, left.code\n"
        "assert 'pyspark' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "run", "--lakehouse", str(lakehouse)],
        cwd=REPO,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "Loaded already, skipped: 29 files (initial, 202502, 202503, " in done.stdout
    assert sorted(p for p in lakehouse.rglob("*.json")) == before


def test_a_run_with_nothing_to_load_publishes_another_format(lakehouse):
    said = command("run", "--lakehouse", lakehouse, "--format", "json", "--json")
    assert (said.code, said.json["state"]) == (0, "nothing to do")
    assert len(said.json["published"]) == 5
    assert {n: b for n, b in published(lakehouse).items() if n.endswith("json")} == expected(
        DATA, "json"
    )
    again = command("run", "--lakehouse", lakehouse, "--format", "json", "--json")
    assert again.json["published"] == []


def test_parquet_is_typed(lakehouse):
    assert command("run", "--lakehouse", lakehouse, "--format", "parquet").code == 0
    report = pq.read_table(lakehouse / "published" / "support_report.parquet")
    assert [str(kind) for kind in report.schema.types] == [
        *("string", "string", "string", "int64", "int64", "decimal128(28, 4)"),
    ]
    told = model.calculate(DATA).support_report
    assert report.to_pylist() == [dict(row) for row in told]
    finals = pq.read_table(lakehouse / "published" / "interactions_final.parquet")
    assert str(finals.schema.field("interaction_start").type) == "timestamp[us, tz=UTC]"


def test_what_is_missing_or_was_changed_is_published_again(lakehouse):
    folder = lakehouse / "published"
    (folder / "support_report.csv").write_text("edited\n")
    (folder / "agents_final.csv").unlink()
    said = command("run", "--lakehouse", lakehouse, "--json")
    assert {Path(p).name for p in said.json["published"]} == {
        *("support_report.csv", "agents_final.csv"),
    }
    assert published(lakehouse).items() >= expected(DATA).items()


def test_a_broken_manifest_is_written_again(lakehouse):
    manifest = lakehouse / "published" / "manifest.json"
    manifest.write_text("{")
    assert command("run", "--lakehouse", lakehouse).code == 0
    told = json.loads(manifest.read_text())
    report = lakehouse / "published" / "support_report.csv"
    assert told["support_report.csv"]["file_size"] == report.stat().st_size
    assert told["support_report.csv"]["release"] == 1


def test_plan_says_that_there_is_nothing_to_do(lakehouse):
    said: Said = command("plan", "--lakehouse", lakehouse, "--json")
    assert (said.code, said.json["state"]) == (0, "nothing to do")
    assert {file["state"] for file in said.json["files"]} == {"loaded already"}


def test_gold_by_spark_is_the_report_by_arrow(lakehouse):
    by_spark = command("report", "--lakehouse", lakehouse)
    by_arrow = command("report", "--lakehouse", lakehouse, "--as-of", "202503")
    assert by_spark.out == by_arrow.out
    assert by_spark.out.count("\n") == 26
