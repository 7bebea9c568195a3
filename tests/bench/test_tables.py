"""The tables of docs/performance.md, from figures written by hand."""

import sys

import pytest
from compare import Run, summary
from figures import Content, Published
from measure import Cost
from tables import costs, losses, main, put, section, stages

FOUND = {
    "date": "2026-03-01",
    "machine": {
        **{"cores": 2, "memory_gb": 23.5, "system": "Linux", "java": "17.0.1"},
        **{"python": "3.11.7", "load_before": 0.4},
    },
    "versions": {"PySpark": "4.2.0", "DuckDB": "2.0.0"},
    "data_bytes": 153_400_000,
    "months": 3,
    "interactions": 1_014_998,
    "same": {"support_report.csv": 6042},
    "runs": {
        "usual": [{"wall_seconds": 100.0}, {"wall_seconds": 120.0}],
        "product": [{"wall_seconds": 44.0}, {"wall_seconds": 44.0}],
        "duckdb": [{"wall_seconds": 4.0}, {"wall_seconds": 4.4}],
    },
    "medians": {
        "usual": {"wall_seconds": 110.0, "cpu_seconds": 200.0, "peak_memory_mb": 3000.0},
        "product": {"wall_seconds": 44.0, "cpu_seconds": 60.0, "peak_memory_mb": 450.0},
        "duckdb": {"wall_seconds": 4.2, "cpu_seconds": 8.0, "peak_memory_mb": 500.0},
    },
    "stages": {"usual": {"extract": 60.04, "months": 30.0}, "product": {}, "duckdb": {}},
    "ratios": {
        "usual": {"wall_seconds": 1.0, "cpu_seconds": 1.0, "peak_memory_mb": 1.0},
        "product": {"wall_seconds": 0.4, "cpu_seconds": 0.3, "peak_memory_mb": 0.15},
        "duckdb": {"wall_seconds": 0.0382, "cpu_seconds": 0.04, "peak_memory_mb": 0.1667},
    },
}


def test_a_line_for_each_contender_with_its_spread_and_its_ratios_to_the_first():
    assert costs(FOUND)[2:] == [
        "| the usual PySpark + Delta script | 110.0 (100.0 to 120.0) | 1.00 | 200.0 | 1.00"
        " | 3,000 | 1.00 |",
        "| **Support Lakehouse** | 44.0 (44.0 to 44.0) | 0.40 | 60.0 | 0.30 | 450 | 0.15 |",
        "| DuckDB to Parquet | 4.2 (4.0 to 4.4) | 0.038 | 8.0 | 0.040 | 500 | 0.17 |",
    ]


def test_stages_of_those_that_tell_them():
    assert stages(FOUND)[2:] == ["| the usual PySpark + Delta script | extract 60.0, months 30.0 |"]


def test_what_the_product_loses_is_told_and_what_it_wins_is_not_among_it():
    assert losses(FOUND)[1:] == [
        "- Against DuckDB to Parquet: 10.5 times the seconds, 7.5 times the processor seconds."
    ]


def test_nothing_is_said_of_losses_where_the_product_did_not_run():
    others = {k: v for k, v in FOUND["medians"].items() if k != "product"}
    assert losses({**FOUND, "medians": others}) == []


def test_a_section_says_when_where_how_often_and_that_the_figures_are_the_same():
    text = section(FOUND)
    assert "### 1,014,998 interactions, 153 MB, 3 months of changes" in text
    assert (
        "2026-03-01, medians of 2 runs each. 2 cores, 24 GB, Linux, load 0.4 before the first"
        " run. Java 17.0.1, Python 3.11.7, PySpark 4.2.0, DuckDB 2.0.0." in text
    )
    assert text.endswith("The same from all: support_report.csv (6,042 rows).")


def test_a_machine_at_other_work_is_told():
    assert "busy" not in section(FOUND)
    busy = {**FOUND, "machine": {**FOUND["machine"], "load_before": 1.1}}
    assert "DuckDB 2.0.0. The machine was busy with other work: processor" in section(busy)


def test_a_section_takes_the_place_of_its_old_one_and_leaves_the_others():
    page = "# Page\n<!-- begin a -->\nold\n<!-- end a -->\n<!-- begin b -->\nb\n<!-- end b -->\n"
    assert put(page, "a", "new") == page.replace("old", "new")


def test_a_section_without_a_place_goes_to_the_end():
    assert put("# Page\n", "a", "new") == "# Page\n\n<!-- begin a -->\nnew\n<!-- end a -->\n"


def test_a_section_without_an_end_is_refused_rather_than_the_page_cut():
    with pytest.raises(ValueError, match="has no <!-- end a -->"):
        put("<!-- begin a -->\n# All the rest\n", "a", "new")


def test_without_figures_the_page_stays_and_the_way_to_them_is_told(tmp_path, monkeypatch, capsys):
    (tmp_path / "page.md").write_text("# Page\n")
    words = ["tables.py", str(tmp_path / "none.json"), "--into", str(tmp_path / "page.md")]
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit):
        main()
    assert "none.json is not there: `make bench` measures" in capsys.readouterr().err
    assert (tmp_path / "page.md").read_text() == "# Page\n"


def test_what_compare_writes_is_what_the_tables_read(tmp_path):
    for name in ("initial/agents.csv", "delta/agents_delta_202502.csv"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(b"x" * 500)
    group = {("2025-01", "Boston", "IT"): {"total_interactions": 7}}
    published = Published(group, {"agents_final.csv": Content(3, 0)})
    runs = [Run(Cost(0, s, s + 1, 2 * s, 100.0), {"extract": s}, {"X": "1"}) for s in (1.0, 3.0)]
    found = summary(tmp_path, {"usual": runs}, published)
    text = section({**FOUND, **found})
    assert "### 7 interactions, 1 kB, 1 month of changes" in text
    assert "| the usual PySpark + Delta script | 2.0 (1.0 to 3.0) | 1.00 | 4.0 | 1.00 |" in text
    assert "| the usual PySpark + Delta script | extract 2.0 |" in text
    assert text.endswith("support_report.csv (1 rows), agents_final.csv (3 rows).")
