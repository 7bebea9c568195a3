"""What the contenders publish, compared; with Polars and DuckDB where they are installed."""

import json
import runpy
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from compare import told_in
from figures import Published, differences, read_published

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden" / "real"
REPORT = "month,contact_center_name,department,total_interactions,total_calls,total_call_duration\n"
FINAL = "interaction_id,call_duration_minutes,satisfaction_rating\n"


def published(folder: Path, report: str, final: str | None = None) -> Path:
    folder.mkdir()
    folder.joinpath("support_report.csv").write_text(REPORT + report)
    if final is not None:
        folder.joinpath("interactions_final.csv").write_text(FINAL + final)
    return folder


def test_numbers_are_compared_by_value_and_rows_in_any_order(tmp_path):
    one = published(tmp_path / "one", "2025-01,B,IT,2,1,140\n", "a,10,5\nb,12.5,\n")
    two = published(tmp_path / "two", "2025-01,B,IT,2,1,140.0000\n", "b,12.5000,\na,10.0,5\n")
    assert differences(read_published(one), read_published(two)) == []


@pytest.mark.parametrize("final", ["a,1,5\n", "a,10,\n", "a,10,5\na,10,5\n", "b,10,5\n"])
def test_a_final_that_differs_in_one_cell_or_row_is_told(tmp_path, final):
    one = published(tmp_path / "one", "", "a,10,5\n")
    two = published(tmp_path / "two", "", final)
    (line,) = differences(read_published(one), read_published(two))
    assert line.startswith("interactions_final.csv: 1 rows")


def test_a_final_that_only_one_of_them_has_is_not_compared(tmp_path):
    one, two = published(tmp_path / "one", "", "a,10,5\n"), published(tmp_path / "two", "")
    assert differences(read_published(one), read_published(two)) == []


WAY = """
import json, pathlib, sys
folder = pathlib.Path(sys.argv[1], "published")
folder.mkdir(parents=True)
(folder / "support_report.csv").write_text(sys.argv[2].replace("/", "\\n"))
print(json.dumps({"seconds": {"all": 1.5}, "versions": {"It": "2"}}))
"""


def compared(folder: Path, *minutes: int) -> "subprocess.CompletedProcess[str]":
    """compare.py, with contenders that publish one group each with these minutes."""
    way, main = folder / "way.py", Path(__file__).with_name("compare.py")
    way.write_text(WAY)
    words = [sys.executable, str(main), "--data", str(folder), "--runs", "1"]
    for place, value in enumerate(minutes):
        report = f"{REPORT.strip()}/2025-01,B,IT,2,1,{value}"
        words += ["--contender", f"way{place}={sys.executable} {way} {{lakehouse}} {report}"]
    words += ["--json", str(folder / "found.json"), "--work", str(folder)]
    return subprocess.run(words, capture_output=True, text=True, check=False)


def test_the_same_figures_are_timed_with_stages_and_versions(tmp_path):
    done = compared(tmp_path, 7, 7)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "the same: support_report.csv (1 rows)"
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["stages"] == {"way0": {"all": 1.5}, "way1": {"all": 1.5}}
    assert found["versions"]["It"] == "2"
    assert found["ratios"]["way0"]["wall_seconds"] == 1
    assert not list(tmp_path.glob("bench-*"))


def test_another_figure_ends_the_comparison_before_any_time_is_told(tmp_path):
    done = compared(tmp_path, 7, 8)
    assert (done.returncode, done.stdout) == (1, "")
    assert "way0 and way1 do not publish the same (1 lines):" in done.stderr
    assert "2025-01 / B / IT: total_call_duration 7, 8" in done.stderr
    assert not (tmp_path / "found.json").exists()


def test_output_that_is_no_json_object_tells_no_stages():
    assert told_in('{"seconds": {"extract": 1.5}}') == {"seconds": {"extract": 1.5}}
    assert told_in("Done.\n") == told_in("[1]") == told_in("") == {}


AWKWARD = {
    "initial/contact_centers.csv": "contact_center_id,contact_center_name,location\nC1,Boston,B\n",
    "initial/service_categories.csv": "category_id,category_name,department\nS1,Help, IT \n",
    "initial/agents.csv": "agent_id,full_name,contact_center_id,hire_date,category_id\n"
    "A1,Ann,C1,2024-01-01,S1\n",
    # X1 stands twice, X2 has no start, X3 began in the last hours of January at UTC-5.
    "initial/interactions.csv": "interaction_id,timestamp,channel,category_id,agent_id,"
    "contact_center_id,interaction_start,agent_resolution_timestamp,interaction_end,"
    "call_duration_minutes,satisfaction_rating\n"
    "X1,,phone,S1,A1,C1,2025-01-05T10:00:00Z,,,9.0,\n"
    "X2,,phone,S1,A1,C1,,,,100,\n"
    "X3,,Phone ,S1,A1,C1,2025-02-01T04:59:59Z,,,0.25,4.0\n"
    "X4,,web,S9,A1,,2025-03-01T05:00:00Z,,,,\n"
    "X1,,phone,S1,A1,C1,2025-01-06T10:00:00Z,,,2.5,\n",
    # X5 comes, goes and comes back in one file; X4 is deleted by its key alone; X9 never was.
    "delta/interactions_delta_202502.csv": "interaction_id,timestamp,channel,category_id,agent_id,"
    "contact_center_id,interaction_start,agent_resolution_timestamp,interaction_end,"
    "call_duration_minutes,satisfaction_rating,action\n"
    "X5,,phone,S9,A1,C1,2025-02-03T10:00:00Z,,,1,,add\n"
    "X5,,,,,,,,,,, delete \n"
    "X5,,phone,S9,A1,C1,2025-02-03T10:00:00Z,,,7,,ADD\n"
    "X4,,,,,,,,,,,Delete\n"
    "X9,,,,,,,,,,,delete\n"
    "X3,,phone,S1,A1,C1,2025-02-01T04:59:59Z,,,0.75,,update\n",
}
EXPECTED = {
    ("2025-01", "Boston", "IT"): (2, 2, Decimal("3.25")),
    ("2025-02", "Boston", "Unknown"): (1, 1, 7),
}


def publishes(script: str, data: Path, lakehouse: Path, monkeypatch) -> Published:
    """What a contender publishes; skipped where its engine is not installed."""
    pytest.importorskip(script.removeprefix("with_").removesuffix(".py"))
    words = [script, "--data", str(data), "--lakehouse", str(lakehouse)]
    monkeypatch.setattr(sys, "argv", words)
    runpy.run_path(str(Path(__file__).with_name(script)), run_name="__main__")
    return read_published(lakehouse / "published")


@pytest.mark.parametrize("script", ["with_polars.py", "with_duckdb.py"])
def test_a_contender_publishes_the_expected_files(script, tmp_path, monkeypatch, capsys):
    made = publishes(script, ROOT / "data", tmp_path, monkeypatch)
    assert differences(read_published(GOLDEN), made) == []
    assert made.finals.keys() == read_published(GOLDEN).finals.keys()
    told = told_in(capsys.readouterr().out)
    assert list(told["seconds"]) == ["extract", "months", "marts", "publish"]


@pytest.mark.parametrize("script", ["with_polars.py", "with_duckdb.py"])
def test_a_contender_does_the_whole_work(script, tmp_path, monkeypatch):
    for name, text in AWKWARD.items():
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    made = publishes(script, tmp_path / "data", tmp_path / "lakehouse", monkeypatch)
    assert {k: tuple(v.values()) for k, v in made.report.items()} == EXPECTED
