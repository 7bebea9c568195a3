"""The reading of `conf/`: every mistake is told with its file and place."""

from pathlib import Path

import pytest

from support_lakehouse.config import Config, find_root, load_config
from support_lakehouse.errors import ConfigError

AGENTS = """
feed: agents
kind: changes
files: {initial: initial/agents.csv, changes: "delta/agents_delta_{month}.csv"}
key: agent_id
action: action
columns:
  agent_id: text
  center: {type: text, references: centers}
final: {unknown_member: true}
"""
CENTERS = """
feed: centers
kind: changes
files: {initial: initial/centers.csv, changes: "delta/centers_delta_{month}.csv"}
key: center_id
action: action
columns: {center_id: text}
"""


def root(tmp_path: Path, pipeline: str = "", **feeds: str) -> Path:
    """A folder with these files in `conf/`; two good feeds where none is told otherwise."""
    (tmp_path / "conf" / "feeds").mkdir(parents=True)
    (tmp_path / "conf" / "pipeline.yml").write_text(pipeline, encoding="utf-8")
    for name, text in ({"agents": AGENTS, "centers": CENTERS} | feeds).items():
        (tmp_path / "conf" / "feeds" / f"{name}.yml").write_text(text, encoding="utf-8")
    return tmp_path


def told(tmp_path: Path, pipeline: str = "", **feeds: str) -> str:
    """The complaint about a configuration, its folder left out."""
    with pytest.raises(ConfigError) as error:
        load_config(root(tmp_path, pipeline, **feeds))
    assert error.value.exit_code == 2
    return str(error.value).replace(f"{tmp_path}/conf/", "")


def test_the_projects_own_configuration_is_read(config: Config) -> None:
    names = [feed.name for feed in config.feeds]
    assert {"agents", "contact_centers", "interactions", "service_categories"} <= set(names)
    assert names == sorted(names)
    assert config.settings.business_zone == "-05:00"
    assert (config.data, config.lakehouse) == (config.root / "data", config.root / "lakehouse")


def test_settings_that_are_not_given_have_a_default(tmp_path: Path) -> None:
    settings = load_config(root(tmp_path)).settings
    assert (settings.format, settings.business_zone) == ("csv", "-05:00")
    assert settings.retention.days == 744


def test_feeds_stand_in_order_of_name(tmp_path: Path) -> None:
    read = load_config(root(tmp_path, zebra=CENTERS.replace("feed: centers", "feed: aaa")))
    assert [feed.name for feed in read.feeds] == ["aaa", "agents", "centers"]
    assert read.feed("centers").key == "center_id"


def test_an_unknown_key_is_told_with_the_one_that_was_meant(tmp_path: Path) -> None:
    assert told(tmp_path, "bussiness_zone: UTC") == (
        "pipeline.yml: bussiness_zone: no such key; did you mean business_zone?"
    )


def test_an_unknown_key_of_a_feed_is_told_in_the_words_of_the_file(tmp_path: Path) -> None:
    agents = AGENTS.replace("feed: agents", "feed: agents\nfeeed: x")
    assert told(tmp_path, agents=agents) == (
        "feeds/agents.yml: feeed: no such key; did you mean feed?"
    )


def test_an_unknown_key_that_is_like_no_other_is_told_alone(tmp_path: Path) -> None:
    assert told(tmp_path, "zzz: 1") == "pipeline.yml: zzz: no such key"


def test_an_unknown_key_deeper_down_is_told_with_what_was_meant_there(tmp_path: Path) -> None:
    assert told(tmp_path, "business_hours: {form: 9}") == (
        "pipeline.yml: business_hours.form: no such key; did you mean from?"
    )


def test_a_mistake_in_a_column_is_told_by_the_columns_name(tmp_path: Path) -> None:
    agents = AGENTS.replace("center: {type: text,", "center: {type: text, requird: true,")
    assert told(tmp_path, agents=agents) == (
        "feeds/agents.yml: columns.center.requird: no such key; did you mean required?"
    )


def test_a_key_that_stands_twice_is_refused(tmp_path: Path) -> None:
    assert told(tmp_path, "format: csv\nformat: json") == (
        "pipeline.yml: not readable as YAML: line 2: format: the key stands twice"
    )


def test_a_column_that_stands_twice_is_refused(tmp_path: Path) -> None:
    agents = AGENTS.replace("  agent_id: text", "  agent_id: text\n  agent_id: date")
    assert told(tmp_path, agents=agents) == (
        "feeds/agents.yml: not readable as YAML: line 9: agent_id: the key stands twice"
    )


def test_a_reference_to_no_feed_is_told_with_the_one_that_was_meant(tmp_path: Path) -> None:
    agents = AGENTS.replace("references: centers", "references: center")
    assert told(tmp_path, agents=agents) == (
        "feeds/agents.yml: columns.center.references: no feed is called center;"
        " did you mean centers?"
    )


def test_the_file_is_named_even_where_its_feed_is_called_otherwise(tmp_path: Path) -> None:
    people = AGENTS.replace("feed: agents", "feed: people").replace(": centers", ": nothing")
    assert told(tmp_path, staff=people) == (
        "feeds/staff.yml: columns.center.references: no feed is called nothing"
    )


def test_two_feeds_of_one_name_are_refused(tmp_path: Path) -> None:
    assert "two feeds are called agents" in told(tmp_path, again=AGENTS)


def test_a_bad_type_is_told_by_the_columns_name(tmp_path: Path) -> None:
    complaint = told(tmp_path, agents=AGENTS.replace("agent_id: text", "agent_id: int"))
    assert complaint == (
        "feeds/agents.yml: columns.agent_id.type: must be one of text, integer, decimal(p,s),"
        " double, boolean, date, timestamp, timestamp_ntz, time, not 'int'; did you mean integer?"
    )


def test_a_bad_type_is_told_with_its_file_and_what_is_expected(tmp_path: Path) -> None:
    complaint = told(tmp_path, agents=AGENTS.replace("agent_id: text", "agent_id: decimal(4,5)"))
    assert complaint.startswith("feeds/agents.yml: columns.")
    assert complaint.endswith("the scale of a decimal is at most its precision")


@pytest.mark.parametrize("zone", ["Mars/Base", "-5:00", "+18:00", "", "../zone", "America"])
def test_a_zone_that_is_none_is_refused(tmp_path: Path, zone: str) -> None:
    assert told(tmp_path, f'business_zone: "{zone}"') == (
        f"pipeline.yml: business_zone: no zone is called {zone!r}; write an offset like -05:00"
        " or a name like America/New_York"
    )


@pytest.mark.parametrize("zone", ["-05:00", "+05:30", "+17:59", "America/New_York", "UTC"])
def test_an_offset_or_a_name_is_a_zone(tmp_path: Path, zone: str) -> None:
    read = load_config(root(tmp_path, f'business_zone: "{zone}"'))
    assert read.settings.business_zone == zone


@pytest.mark.parametrize(
    ("pipeline", "complaint"),
    [
        ("format: xml", "pipeline.yml: format: must be one of csv, json, parquet, not 'xml'"),
        ("business_hours: {from: 17, to: 9}", "business_hours: business hours end before they"),
        ("retention_months: 0", "pipeline.yml: retention_months: must be at least 1"),
        ("data: 5", "pipeline.yml: data: must be a text, not 5; put it in quotes"),
        ("- a list", "pipeline.yml: the file: must be a mapping of keys to values"),
        ("format: [", "pipeline.yml: not readable as YAML: line 2: did not find"),
        ("format: x\nzzz: 1", "; zzz: no such key"),
    ],
)
def test_every_mistake_is_told_with_its_file_and_place(
    tmp_path: Path, pipeline: str, complaint: str
) -> None:
    found = told(tmp_path, pipeline)
    assert complaint in found
    assert found.startswith("pipeline.yml: ")
    assert "\n" not in found


def test_a_file_that_is_not_utf8_is_told(tmp_path: Path) -> None:
    place = root(tmp_path) / "conf" / "feeds" / "agents.yml"
    place.write_bytes(b"feed: ag\xe9nts\n")
    with pytest.raises(ConfigError, match=r"agents\.yml: not readable as YAML"):
        load_config(tmp_path)


def test_a_folder_without_settings_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"pipeline\.yml: the file is not there"):
        load_config(tmp_path)


def test_the_fingerprint_tells_what_is_declared_and_not_how(tmp_path: Path) -> None:
    one = load_config(root(tmp_path / "one", "format: csv"))
    other = load_config(
        root(tmp_path / "two", "# the usual\ndata: elsewhere", centers=CENTERS + "# c")
    )
    third = load_config(root(tmp_path / "three", "format: json"))
    assert one.fingerprint == other.fingerprint != third.fingerprint


def test_the_folder_is_the_one_that_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUPPORT_LAKEHOUSE_HOME", str(root(tmp_path / "named")))
    assert find_root() == tmp_path / "named"
    monkeypatch.setenv("SUPPORT_LAKEHOUSE_HOME", str(tmp_path / "nowhere"))
    with pytest.raises(ConfigError, match=r"nowhere: no conf/pipeline\.yml") as error:
        find_root()
    assert "SUPPORT_LAKEHOUSE_HOME" in str(error.value)


def test_the_working_folder_goes_before_the_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SUPPORT_LAKEHOUSE_HOME", raising=False)
    monkeypatch.chdir(root(tmp_path / "here"))
    assert find_root() == tmp_path / "here"
    monkeypatch.chdir(tmp_path)
    assert find_root() == Path(__file__).parents[1]
