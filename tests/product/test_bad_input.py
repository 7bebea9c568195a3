"""What cannot be taken: nothing is released, and a sentence says file, place and what to do."""

from dataclasses import replace
from pathlib import Path

import pytest

from support_lakehouse.errors import ConfigError, DataRefused
from support_lakehouse.io import lake, ops
from support_lakehouse.pipeline import load as loading
from support_lakehouse.stages import judging
from tests.product.support import command, load
from tests.reference.stories import EXTRACTS, header, interaction, write_story

AGENTS_202502 = "delta/agents_delta_202502.csv"


@pytest.fixture
def story(tmp_path):
    def write(files: dict[str, str | bytes]) -> Path:
        return write_story(tmp_path / "data", files)

    return write


def refused(data: Path, *more: str) -> tuple[int, str]:
    """Run on the folder beside a lakehouse; the exit code and what was said."""
    lakehouse = data.parent / "lakehouse"
    said = command("run", "--data", data, "--lakehouse", lakehouse, *more)
    assert not list(lakehouse.glob("silver/*")), "something was released"
    return said.code, said.err.replace("\n", " ")


def test_no_extract_for_a_table(story):
    data = story({})
    (data / "initial" / "agents.csv").unlink()
    code, said = refused(data)
    assert code == 3
    assert "initial/agents.csv is not there. Expected an extract" in said


def test_a_change_file_without_action(story):
    code, said = refused(story({AGENTS_202502: EXTRACTS["agents"]}))
    assert code == 3
    assert f"{AGENTS_202502}, header: no column action. Expected a change file to say add" in said


def test_a_declared_column_is_missing(story):
    code, said = refused(story({"initial/agents.csv": "agent_id,full_name\n"}))
    assert code == 3
    assert "initial/agents.csv, header: no column contact_center_id, hire_date" in said


def test_a_file_of_zero_bytes_is_not_shown_whole(story):
    code, said = refused(story({AGENTS_202502: b"\0" * 3_000}))
    assert code == 3
    assert "found '\\x00\\x00" in said
    assert "' and so on." in said
    assert len(said) < 1_000


def test_a_column_stands_twice(story):
    code, said = refused(story({"initial/agents.csv": "Agent_ID,agent_id \n"}))
    assert code == 3
    assert "'agent_id' stands twice" in said


def test_an_empty_file(story):
    code, said = refused(story({AGENTS_202502: "\r\n \t\n"}))
    assert code == 3
    assert f"{AGENTS_202502} is empty. Expected a header with agent_id" in said


def test_bytes_that_are_not_utf8(story):
    code, said = refused(story({AGENTS_202502: header("agents").encode() + b"A1,Jos\xe9,,,,add\n"}))
    assert code == 3
    assert f"{AGENTS_202502}, line 2: the bytes are not UTF-8" in said


def test_a_link_is_not_followed(story, tmp_path):
    data = story({})
    (tmp_path / "elsewhere.csv").write_text(header("agents"))
    (data / "delta").mkdir()
    (data / AGENTS_202502).symlink_to(tmp_path / "elsewhere.csv")
    code, said = refused(data)
    assert code == 3
    assert f"{AGENTS_202502} is a link" in said


@pytest.mark.parametrize("months", ["2025-02", "202513", "202502,x", "000001"])
def test_a_month_that_is_no_month(story, months):
    code, said = refused(story({}), "--months", months)
    assert code == 2
    assert "is no month" in said


def test_a_month_without_any_file(story):
    code, said = refused(story({AGENTS_202502: header("agents")}), "--months", "202502,202507")
    assert code == 2
    assert "no file for month 202507" in said


def test_a_folder_that_is_not_there(tmp_path):
    code, said = refused(tmp_path / "nowhere" / "data")
    assert code == 2
    assert "the data folder is not there" in said


@pytest.mark.parametrize("place", ["there.txt", "there.txt/lakehouse"])
def test_a_lakehouse_that_cannot_be_made(story, tmp_path, place):
    (tmp_path / "there.txt").write_text("a file")
    said = command("run", "--data", story({}), "--lakehouse", tmp_path / place)
    assert said.code == 2
    assert f"{place}: the lakehouse cannot be written: " in said.err.replace("\n", "")
    assert "Name another with --lakehouse." in said.err.replace("\n", " ")
    assert "Traceback" not in said.err


@pytest.mark.parametrize("meanwhile", ["in_memory", "build_marts"])
def test_a_file_that_changes_while_it_is_read(
    config, spark, story, tmp_path, monkeypatch, meanwhile
):
    agents = header("agents") + "A1,Ann One,C1,2020-01-01,K1,add\n"
    data = story({AGENTS_202502: agents})
    owner = judging if meanwhile == "in_memory" else loading
    work = getattr(owner, meanwhile)

    def and_grows(*told, **named):
        (data / AGENTS_202502).write_text(agents + "A2,Ben Two,C1,2020-01-01,K1,add\n")
        return work(*told, **named)

    monkeypatch.setattr(owner, meanwhile, and_grows)
    said = "agents_delta_202502.csv changed while it was read"
    if meanwhile == "in_memory":  # nothing was written yet: it is a refusal as any other
        told = load(config, spark, data, tmp_path / "one")
        assert told.state == "refused"
        assert said in told.release.refusals[0]["why"]
    else:
        with pytest.raises(DataRefused, match=said):
            load(config, spark, data, tmp_path / "one")
    monkeypatch.undo()
    one, other = (load(config, spark, data, tmp_path / name) for name in ("one", "other"))
    assert one.state == other.state == "released"
    assert one.release.state == other.release.state
    table = tmp_path / "one/silver/agents"
    rows = lake.read(table, lake.newest_version(table))
    assert sorted(rows["agent_id"].to_pylist()) == ["A1", "A2"]


def test_an_unknown_option():
    said = command("run", "--month", "202502")
    assert said.code == 2


def test_a_refusal_is_a_release_and_the_same_refusal_says_nothing_new(story):
    data = story({AGENTS_202502: EXTRACTS["agents"]})
    lakehouse = data.parent / "lakehouse"
    assert [refused(data)[0], refused(data)[0]] == [3, 3]
    (release,) = ops.read_releases(lakehouse)
    assert release.kind == "refusal"
    assert release.refusals[0]["file"] == AGENTS_202502
    (entry,) = command("files", "--lakehouse", lakehouse, "--json").json
    assert (entry["state"], entry["file"]) == ("refused", AGENTS_202502)
    assert "no column action" in entry["why"]


def test_plan_refuses_what_run_would_refuse(story):
    data = story({AGENTS_202502: EXTRACTS["agents"]})
    said = command("plan", "--data", data, "--lakehouse", data.parent / "lakehouse", "--json")
    assert (said.code, said.json["state"]) == (3, "refused")
    assert not (data.parent / "lakehouse").exists()


def test_files_of_no_feed_are_listed_and_left_alone(story):
    data = story({"delta/agents_delta_202513.csv": "x\n"})
    said = command("plan", "--data", data, "--lakehouse", data.parent / "lakehouse", "--json")
    assert said.json["unmatched"] == ["delta/agents_delta_202513.csv"]


def test_dirty_rows_are_rejected_and_the_rest_goes_on(config, spark, story, tmp_path):
    """One folder with every kind of row that is wrong, and its books by hand."""
    data = story(
        {
            "initial/interactions.csv": EXTRACTS["interactions"]
            + "\n"  # no row
            + interaction("I1", channel="phone", call_duration_minutes="lots")
            + interaction("I2", start="")
            + interaction("I3", start="yesterday")
            + interaction("", start="2025-01-05T10:00:00Z")
            + "I4,only,three\n"
            + ",,,\n",
            "initial/contact_centers.csv": EXTRACTS["contact_centers"]
            + 'C1,"Boston, the ""hub""\nby the river",MA\nC2,Quiet,VA\n',
            "delta/contact_centers_delta_202502.csv": "Contact_Center_ID , action,location,extra,"
            "contact_center_name\n"
            "C2, DELETE ,,,\n"
            "C3,remove,,,Odd\n"
            "C4,,,,Odd\n",
            "delta/agents_delta_202502.csv": header("agents"),
        }
    )
    done = load(config, spark, data, tmp_path / "lakehouse")
    assert done.state == "released"
    books = {e.file: e for e in done.loaded}
    interactions = books["initial/interactions.csv"]
    assert (interactions.balance.read, interactions.balance.inserted) == (6, 1)
    assert dict(interactions.reasons) == {
        "required:interaction_id": 1,
        "required:interaction_start": 1,
        "unreadable:interaction_start": 1,
        "width": 2,
    }
    assert dict(interactions.warnings) == {"unreadable:call_duration_minutes": 1}
    changes = books["delta/contact_centers_delta_202502.csv"]
    assert changes.drift == ("extra",)
    assert (changes.balance.deleted, changes.balance.rejected) == (1, 2)
    assert books["delta/agents_delta_202502.csv"].balance.read == 0
    table = tmp_path / "lakehouse" / "quarantine"
    rows = lake.read(table, lake.newest_version(table)).to_pylist()
    places = {(r["file"], r["line"], r["reasons"][0]["message"]) for r in rows}
    file = "initial/interactions.csv"
    assert places == {
        (file, 4, "interaction_start is empty"),
        (file, 5, "interaction_start is not a timestamp (YYYY-MM-DDTHH:MM:SSZ)"),
        (file, 6, "interaction_id is empty"),
        (file, 7, "the row has 3 cells where the header has 11"),
        (file, 8, "the row has 4 cells where the header has 11"),
        (changes.file, 3, "the action is none of add, update, delete"),
        (changes.file, 4, "the action is empty"),
    }
    centers = lake.read(tmp_path / "lakehouse" / "silver" / "contact_centers", 1).to_pylist()
    assert [c["contact_center_name"] for c in centers] == ['Boston, the "hub"\nby the river']


def test_the_extract_alone_then_months_a_late_one_and_a_changed_file_refused(
    config, spark, story, tmp_path
):
    lakehouse = tmp_path / "lakehouse"
    data = story({})
    assert load(config, spark, data, lakehouse).release.months == ()
    (data / "delta").mkdir()
    line = "A1,Ann,,,,add\n"
    (data / "delta" / "agents_delta_202503.csv").write_text(header("agents") + line)
    assert load(config, spark, data, lakehouse).release.months == ("202503",)
    state = ops.read_releases(lakehouse)[-1].state

    (data / AGENTS_202502).write_text(header("agents") + "A1,Bob,,,,add\nA1,,,,,delete\n")
    late = load(config, spark, data, lakehouse)
    assert (late.release.months, late.release.state) == (("202502",), state)
    assert late.release.as_of["202502"]["silver/agents"] != late.release.as_of["202503"]

    (data / "delta" / "agents_delta_202504.csv").write_text(header("agents") + "A1,Ann,,,,update")
    done = load(config, spark, data, lakehouse)
    assert (done.loaded[0].balance.unchanged, done.release.state) == (1, state)
    versions = [r.tables["silver/agents"].version for r in ops.read_releases(lakehouse)[-2:]]
    assert versions[0] == versions[1], "nothing changed, no commit"

    (data / "delta" / "agents_delta_202503.csv").write_text(header("agents"))
    changed = command("run", "--data", data, "--lakehouse", lakehouse)
    assert changed.code == 3
    assert "was loaded in release 2" in changed.err.replace("\n", " ")
    newest = ops.read_releases(lakehouse)[-1]
    assert (newest.kind, newest.state) == ("refusal", state)
    corrected = load(config, spark, data, lakehouse, accept=("corrections",))
    assert (corrected.release.rows["read"], corrected.release.state) == (0, state)


def test_a_changed_declaration_asks_for_a_reset(config, spark, story, tmp_path):
    lakehouse = tmp_path / "lakehouse"
    load(config, spark, story({}), lakehouse)
    agents = config.feed("agents")
    typed = agents.columns[3].model_copy(update={"type": agents.columns[0].type})
    other = agents.model_copy(update={"columns": (*agents.columns[:3], typed, agents.columns[4])})
    feeds = tuple(other if feed is agents else feed for feed in config.feeds)
    with pytest.raises(ConfigError, match="the columns hire_date of agents are declared otherwise"):
        load(replace(config, feeds=feeds), spark, tmp_path / "data", lakehouse)
