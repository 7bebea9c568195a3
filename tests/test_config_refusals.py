"""What a feed's file must not say: each is refused in a sentence, before any data is read."""

from pathlib import Path

import pytest

from support_lakehouse.cli.app import _exit_code
from support_lakehouse.config import load_config, read_config
from support_lakehouse.errors import ConfigError

FEED = """\
feed: parcels
kind: events
files: parcels/*.csv
key: parcel_id
columns:
  parcel_id: text
  size: decimal(8,2)
  sent: date
  arrived: timestamp
"""
SNAPSHOT = FEED.replace("events", "snapshot").replace("*.csv", "{date}.csv")
MANY_DEEP = "[" * 5000
BOMB = "a: &a [x]\nb: &b [*a, *a, *a]\nc: [*b, *b, *b]\n"


def folder(tmp_path: Path, **feeds: str | bytes) -> Path:
    """A folder whose `conf/` holds these feeds."""
    (tmp_path / "conf" / "feeds").mkdir(parents=True)
    (tmp_path / "conf" / "pipeline.yml").write_text("", encoding="utf-8")
    for name, told in feeds.items():
        content = told.encode() if isinstance(told, str) else told
        (tmp_path / "conf" / "feeds" / f"{name}.yml").write_bytes(content)
    return tmp_path


def refusal(tmp_path: Path, told: str | bytes) -> str:
    """The sentence for a broken feed file, from the file's name on."""
    root = folder(tmp_path, parcels=told)
    with pytest.raises(ConfigError) as error:
        load_config(root)
    assert error.value.exit_code == 2
    sentence = str(error.value)
    assert "\n" not in sentence
    assert len(sentence) < 600
    return sentence.replace(f"{root}/conf/feeds/", "")


def with_rule(rule: str) -> str:
    return f"{FEED}rules:\n  - {{rule: width}}\n  - {rule}\n"


def instead(old: str, new: str, told: str = FEED) -> str:
    assert old in told
    return told.replace(old, new)


REFUSED: dict[str, tuple[str | bytes, str]] = {
    # Words that nobody knows
    "unknown key": (FEED + "delimeter: ;", "delimeter: no such key; did you mean delimiter?"),
    "unknown key of a column": (
        instead("size: decimal(8,2)", "size: {type: integer, requierd: true}"),
        "columns.size.requierd: no such key; did you mean required?",
    ),
    "unknown key of the header": (
        FEED + "header: {drft: accept}",
        "header.drft: no such key; did you mean drift?",
    ),
    "unknown key of files": (
        instead("files: parcels/*.csv", "files: {delivries: a.csv}"),
        "files.delivries: no such key; did you mean deliveries?",
    ),
    "unknown key of a rule": (
        with_rule("{rule: range, column: size, mni: 1, max: 2}"),
        "rules.1.mni: no such key; did you mean min?",
    ),
    "unknown rule": (
        with_rule("{rule: requierd, column: size}"),
        "rules.1.rule: must be one of required, width, length, pattern, allowed, range,"
        " not_before, expression, not 'requierd'; did you mean required?",
    ),
    "unknown kind": (
        instead("kind: events", "kind: event"),
        "kind: must be one of changes, events, log, snapshot, lookup, not 'event';"
        " did you mean events?",
    ),
    "unknown format": (
        FEED + "format: jsonlines",
        "format: must be one of csv, json, json_lines, json_array, json_object, not 'jsonlines';"
        " did you mean json_lines?",
    ),
    "unknown type": (
        instead("decimal(8,2)", "intger"),
        "columns.size.type: must be one of text, integer, decimal(p,s), double, boolean, date,"
        " timestamp, timestamp_ntz, time, not 'intger'; did you mean integer?",
    ),
    "unknown type of a column with keys": (
        instead("decimal(8,2)", "{type: [integer]}"),
        "columns.size.type: must be a type like text or decimal(12,4), not a list",
    ),
    "unknown level": (
        with_rule("{rule: required, column: size, level: warning}"),
        "rules.1.level: must be one of error, warn, not 'warning'; did you mean warn?",
    ),
    "unknown order of the header": (
        FEED + "header: {order: exactly}",
        "header.order: must be one of by_name, exact, not 'exactly'; did you mean exact?",
    ),
    # Columns that are not there
    "key that is no column": (
        instead("key: parcel_id", "key: parcel"),
        "key: no column is called 'parcel'; did you mean parcel_id?",
    ),
    "rule on no column": (
        with_rule("{rule: required, column: sized}"),
        "rules.1 (required): no column is called 'sized'; did you mean size?",
    ),
    "rule on a column without a name": (
        with_rule('{rule: required, column: ""}'),
        "rules.1 (required): no column is called ''",
    ),
    "comparison with no column": (
        with_rule("{rule: not_before, column: sent, other: arived}"),
        "rules.1 (not_before): no column is called 'arived'; did you mean arrived?",
    ),
    "order by no column": (FEED + "order: [zzz]", "order: no column is called 'zzz'; there are"),
    "reference to no feed": (
        instead("size: decimal(8,2)", "size: {type: text, references: parcel}"),
        "columns.size.references: no feed is called parcel; did you mean parcels?",
    ),
    "together with no feed": (
        SNAPSHOT + "delivery: {together_with: parcelz}",
        "delivery.together_with: no feed is called parcelz; did you mean parcels?",
    ),
    # Keys that are missing, or hold something else than they should
    "no key at all": ("feed: parcels", "kind: is missing; files: is missing"),
    "column without type": (
        instead("decimal(8,2)", "{required: true}"),
        "columns.size.type: is missing",
    ),
    "column with nothing": (
        instead(" decimal(8,2)", ""),
        "columns.size.type: must be a type like text or decimal(12,4), not nothing",
    ),
    "rule without its name": (with_rule("{column: size}"), "rules.1: does not say which `rule`"),
    "rule without its column": (with_rule("{rule: required}"), "rules.1.column: is missing"),
    "rule that is a text": (
        with_rule("required"),
        "rules.1: must be a mapping of keys to values, not 'required'",
    ),
    "rule whose name is a list": (with_rule("{rule: [width]}"), "rules.1.rule: must be one of"),
    "expression without message": (
        with_rule("{rule: expression, name: small, sql: size < 9}"),
        "rules.1.message: is missing",
    ),
    "rules that are no list": (
        FEED + "rules: {rule: width}",
        "rules: must be a list, not a mapping",
    ),
    "columns that are a text": (
        FEED.split("columns:")[0] + "columns: parcel_id",
        "columns: must be a mapping of column names to types, not 'parcel_id'",
    ),
    "columns that are a list of texts": (
        FEED.split("columns:")[0] + "columns: [parcel_id]",
        "columns.0: must be a mapping of keys to values, not 'parcel_id'",
    ),
    "no columns": (
        FEED.split("columns:")[0] + "columns: {}",
        "columns: must be at least 1 long, not empty",
    ),
    "column with another name": (
        instead("decimal(8,2)", "{type: text, name: weight}"),
        "columns: size is the name already; leave `name` out",
    ),
    "key that is a list": (
        instead("key: parcel_id", "key: [parcel_id]"),
        "key: must be a text, not a list",
    ),
    "files that are a number": (
        instead("parcels/*.csv", "5"),
        "files: must be a path, a list of paths, or a mapping, not 5",
    ),
    "a path that is a number": (
        instead("parcels/*.csv", "[a.csv, 5]"),
        "files.1: must be a text, not 5; put it in quotes if it is text",
    ),
    "values that are not text": (
        with_rule("{rule: allowed, column: parcel_id, values: [ok, true]}"),
        "rules.1.values.1: must be a text, not true; put it in quotes if it is text",
    ),
    "a bound that is a list": (
        with_rule("{rule: range, column: size, min: [1]}"),
        "rules.1.min: must be a text or a number, not a list",
    ),
    "a switch that is a word": (
        FEED + "header: {present: maybe}",
        "header.present: must be true or false, not 'maybe'",
    ),
    "a number that is a word": (
        FEED + "file: {max_bytes: many}",
        "file.max_bytes: must be a whole number, not 'many'",
    ),
    # Values that cannot be meant
    "share above one": (
        FEED + "delivery: {max_rejected_share: 10}",
        "delivery.max_rejected_share: must be at most 1",
    ),
    "share without end": (
        SNAPSHOT + "delivery: {min_share_of_previous: inf}",
        "delivery.min_share_of_previous: must be a number, not 'inf'",
    ),
    "length below zero": (
        with_rule("{rule: length, column: size, min: -1}"),
        "rules.1.min: must be at least 0",
    ),
    "bounds upside down": (
        with_rule("{rule: range, column: size, min: 5, max: 1}"),
        "rules.1 (range): min 5 is above max 1",
    ),
    "bound of another type": (
        with_rule("{rule: range, column: sent, min: 2025-02-30}"),
        "'2025-02-30' is no date",
    ),
    "time of day where a number is due": (
        with_rule("{rule: range, column: size, min: 12:30:00}"),
        "'12:30:00' is no decimal(8,2)",
    ),
    "decimal that fits nothing": (
        instead("decimal(8,2)", "decimal(99,2)"),
        "columns.size.type: a decimal is written decimal(p,s) with p from 1 to 38",
    ),
    "delimiter of two": (FEED + 'delimiter: "||"', "delimiter: must be one character"),
    "no regular expression": (
        with_rule('{rule: pattern, column: size, matches: "[0-9"}'),
        "rules.1.matches: no regular expression: unterminated character set",
    ),
    "endless repetition": (
        with_rule('{rule: pattern, column: size, matches: "a{99999999999999}"}'),
        "rules.1.matches: no regular expression: the repetition number is too large",
    ),
    "regular expression too deep": (
        f"{FEED}file: {{name: '{'(' * 4000}{')' * 4000}'}}",
        "file.name: no regular expression: maximum recursion depth exceeded",
    ),
    "values that the pattern forbids": (
        f"{with_rule('{rule: pattern, column: size, matches: x}')}"
        "  - {rule: allowed, column: size, values: [y]}",
        "rules: size may be 'y' by `allowed`, which its `pattern` forbids",
    ),
    # Hostile names, paths and pieces of SQL
    "name with a way out": (
        instead("feed: parcels", "feed: ../../etc"),
        "feed: must be a name of small letters, digits and _ that begins with a letter,"
        " not '../../etc'",
    ),
    "name that is very long": (
        instead("feed: parcels", f"feed: {'p' * 5000}"),
        "feed: must be at most 100 characters long",
    ),
    "kind that is very long": (
        instead("kind: events", f"kind: {'x y ' * 5000}"),
        "not 'x y x y x y",
    ),
    "table with a way out": (FEED + "silver: ../gold/x", "silver: must be a name of small"),
    "column with a piece of SQL": (
        instead("size:", '"size; DROP TABLE x":'),
        "must be a name of small letters, digits and _ that begins with a letter, not 'size; DROP",
    ),
    "key that is very long": (FEED + f"{'x' * 500}: 1", f"{'x' * 60}...: no such key"),
    "key that a terminal would obey": (FEED + '"\\e[2J": 1', "?[2J: no such key"),
    "path out of the folder": (
        instead("parcels/*.csv", "../../secrets/*.csv"),
        "files: '../../secrets/*.csv' must be a path inside the data folder",
    ),
    "absolute path": (instead("parcels/*", "/etc/*"), "must be a path inside the data folder"),
    "path with a zero byte": (
        instead("parcels/*.csv", '"parcels/\\0.csv"'),
        "holds a backslash or a control character",
    ),
    "path with another place": (
        instead("*.csv", "{year}.csv"),
        "only {month}, {date} and {day} may stand in braces",
    ),
    "JSON path with a script": (
        instead("size: decimal(8,2)", "size: {type: text, path: \"a']['b\"}") + "format: json",
        "is no path like contact.email",
    ),
    "query for an expression": (
        with_rule("{rule: expression, name: x, message: m, sql: (select 1) = 1}"),
        "rules.1.sql: one expression over the row's columns: no query",
    ),
    "second statement": (
        with_rule('{rule: expression, name: x, message: m, sql: "1 = 1; DROP TABLE y"}'),
        "rules.1.sql: one expression over the row's columns: no query, `;` or comment",
    ),
    # What is no YAML of ours
    "empty file": ("", "the file is empty"),
    "comments alone": ("# to be written\n", "the file is empty"),
    "a list": ("- feed: parcels", "the file: must be a mapping of keys to values, not a list"),
    "a text": ("parcels", "the file: must be a mapping of keys to values, not 'parcels'"),
    "two documents": (f"{FEED}---\n{FEED}", "not readable as YAML: line 10: "),
    "bad indentation": (FEED + " x: y", "not readable as YAML: line 10: "),
    "tab for indentation": ("feed:\n\tparcels: 1", "not readable as YAML: line 2: "),
    "key that stands twice": (FEED + "feed: other", "line 10: feed: the key stands twice"),
    "key that is a number": (instead("size:", "5:"), "line 7: the key 5 is no text"),
    "key that is true": (instead("size:", "true:"), "line 7: the key True is no text"),
    "key that is nothing": (instead("size:", "null:"), "line 7: the key None is no text"),
    "key of a mapping that is a list": (FEED + "? [a, b]\n: 1", "the key ['a', 'b'] is no text"),
    "aliases that grow": (BOMB + FEED, "line 2: *a: aliases are not read"),
    "alias of itself": ("feed: &x [*x]", "line 1: *x: aliases are not read"),
    "merged mapping": (FEED + "<<: {kind: log}", "<<: no such key"),
    "Python object": (
        "feed: !!python/object/apply:os.system [id]",
        "python/object/apply:os.system: tags are not read",
    ),
    "tag for another type": (
        instead("feed: parcels", "feed: !!binary cGFyY2Vscw=="),
        "line 1: tag:yaml.org,2002:binary: tags are not read",
    ),
    "tag that does not fit": (FEED + "x: !!int abc", "tags are not read"),
    "nested without end": (f"feed: {MANY_DEEP}", "YAML: line 1: nested too deep"),
    "nested deeper than the reader": (
        f"feed: {'[' * 400_000}{']' * 400_000}",
        "YAML: line 1: nested too deep",
    ),
    "more than a megabyte": (FEED + f"# {'x' * 1_000_000}", "is larger than 1 MB"),
    "other encoding": (FEED.encode("utf-16"), "not readable as YAML: 'utf-8' codec"),
    "zero bytes": (b"feed: par\x00cels", "not readable as YAML: "),
    "a number of many digits": (
        FEED + f"file: {{max_bytes: {'9' * 5000}}}",
        "file.max_bytes: must be a whole number, not '999",
    ),
}


@pytest.mark.parametrize(("told", "sentence"), REFUSED.values(), ids=REFUSED)
def test_a_broken_feed_is_refused_in_a_sentence(
    tmp_path: Path, told: str | bytes, sentence: str
) -> None:
    complaint = refusal(tmp_path, told)
    assert complaint.startswith("parcels.yml: ")
    assert sentence in complaint


@pytest.mark.parametrize("told", [FEED, SNAPSHOT], ids=["events", "snapshot"])
def test_the_feed_that_was_broken_above_is_fine_itself(tmp_path: Path, told: str) -> None:
    assert load_config(folder(tmp_path, parcels=told)).feed("parcels").key == "parcel_id"


def test_plain_values_are_read_as_editors_read_them(tmp_path: Path) -> None:
    told = f"""{FEED}  no: time
rules:
  - {{rule: allowed, column: parcel_id, values: [no, off, 1:30, 2025-01-31, 0x1F]}}
  - {{rule: range, column: no, min: 12:30:00}}
  - {{rule: range, column: size, min: 010, max: 1.5e3}}
"""
    feed = load_config(folder(tmp_path, parcels=told)).feed("parcels")
    assert feed.column("no").type.name == "time"
    assert feed.rules[0].model_dump()["values"] == ("no", "off", "1:30", "2025-01-31", "0x1F")
    assert feed.rules[1].model_dump()["min"] == "12:30:00"
    assert feed.rules[2].model_dump()["max"] == 1500


def test_a_file_of_another_ending_is_not_overlooked(tmp_path: Path) -> None:
    root = folder(tmp_path, parcels=FEED)
    (root / "conf" / "feeds" / "letters.yaml").write_text(FEED, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"letters\.yaml: not read: .* ends in \.yml"):
        load_config(root)


def test_a_folder_with_a_files_name_is_told(tmp_path: Path) -> None:
    root = folder(tmp_path)
    (root / "conf" / "feeds" / "parcels.yml").mkdir()
    with pytest.raises(ConfigError, match=r"parcels\.yml: is no file"):
        load_config(root)


def test_two_feeds_of_one_table_are_refused(tmp_path: Path) -> None:
    letters = instead("feed: parcels", "feed: letters\nsilver: parcels")
    root = folder(tmp_path, parcels=FEED, letters=letters)
    with pytest.raises(ConfigError, match=r"letters\.yml: silver: two feeds write silver/parcels"):
        load_config(root)


def test_the_first_mistakes_are_told_with_the_number_of_the_others(tmp_path: Path) -> None:
    root = folder(tmp_path, a="feed: a", b="", c=FEED + "x: 1")
    with pytest.raises(ConfigError) as error:
        load_config(root)
    assert str(error.value).endswith(
        "a.yml: kind: is missing; files: is missing; columns: is missing."
        " And 2 more: `support-lakehouse config check` tells all."
    )


def test_a_reference_to_a_broken_feed_is_not_a_second_mistake(tmp_path: Path) -> None:
    letters = instead("feed: parcels", "feed: letters").replace(
        "sent: date", "sent: {type: text, references: parcels}"
    )
    config, mistakes = read_config(folder(tmp_path, parcels=FEED + "x: 1", letters=letters))
    assert config is None
    assert [mistake.what for mistake in mistakes] == ["x: no such key"]


def test_config_check_tells_every_mistake_on_a_line_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    root = folder(tmp_path, a="feed: a\nkind: z", b="", c=FEED + "x: 1\ny: 2")
    (root / "conf" / "pipeline.yml").write_text("format: xml", encoding="utf-8")
    monkeypatch.setenv("SUPPORT_LAKEHOUSE_HOME", str(root))
    assert _exit_code(["config", "check"]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert [line.removeprefix(f"{root}/conf/").split(": ")[:2] for line in err.splitlines()] == [
        ["pipeline.yml", "format"],
        ["feeds/a.yml", "kind"],
        ["feeds/a.yml", "files"],
        ["feeds/a.yml", "columns"],
        ["feeds/b.yml", "the file is empty"],
        ["feeds/c.yml", "x"],
        ["feeds/c.yml", "y"],
    ]


def test_config_check_tells_a_line_for_each_feed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SUPPORT_LAKEHOUSE_HOME", str(folder(tmp_path, parcels=FEED)))
    assert _exit_code(["config", "check"]) == 0
    lines = [line.split() for line in capfd.readouterr().out.splitlines()]
    assert ["parcels", "events", "csv", "4", "0"] in lines
