"""The draft of a feed: what is guessed of a sample, and how it is written down."""

from typing import Any

import pytest
import yaml

from support_lakehouse.errors import UsageError
from support_lakehouse.model.draft import draft, name_of, path_of
from support_lakehouse.model.feed import Feed
from support_lakehouse.model.guess import Sample, guess_key, guess_type, odd_cells
from support_lakehouse.model.patterns import PathPattern


def sample(*rows: dict[str, str | None], **changes: Any) -> Sample:
    known: dict[str, Any] = {"file": "calls_1.csv", "format": "csv", "columns": tuple(rows[0])}
    return Sample(**known | {"rows": rows} | changes)


def drafted(one: Sample) -> Feed:
    return Feed.model_validate(yaml.safe_load(draft(one)))


@pytest.mark.parametrize(
    ("cells", "type_"),
    [
        (["1", "-20", "+3"], "integer"),
        (["4.0", "5"], "integer"),
        (["0", "10"], "integer"),
        (["1", "2.5"], "decimal(12,1)"),
        (["-0.25", "1234567890.5"], "decimal(14,2)"),
        (["0.5", "0"], "decimal(12,1)"),
        (["9" * 38 + ".5"], "text"),
        (["9" * 19], "text"),
        (["1e5", "2"], "text"),
        (["007", "8"], "text"),
        (["+15550101", "5"], "text"),
        (["true", "FALSE"], "boolean"),
        (["yes", "no"], "text"),
        (["2025-01-31", "2024-02-29"], "date"),
        (["2025-02-30"], "text"),
        (["2025-1-31"], "text"),
        (["2025-01-31T10:00", "2025-01-31 10:00:00.5Z", "2025-01-31T10:00:00-0500"], "timestamp"),
        (["2025-01-31T25:00"], "text"),
        (["2025-01-31", "2025-01-31T10:00"], "text"),
        (["00:30:00", "23:59:59"], "time"),
        (["24:00:00"], "text"),
        (["\u0661\u0662"], "text"),
        ([], "text"),
    ],
    ids=str,
)
def test_a_type_is_guessed_that_reads_every_cell(cells: list[str], type_: str) -> None:
    assert guess_type(cells) == type_


def test_a_type_that_a_few_cells_spoil_is_told() -> None:
    assert odd_cells(["1", "2", "x"]) == ("integer", 1)
    assert odd_cells(["1", "x", "y"]) is None
    assert odd_cells(["x", "y"]) is None
    assert odd_cells([]) is None


def test_a_key_is_all_different_and_never_empty_and_called_id_if_any_is() -> None:
    rows = [{"n": "1", "who": "a", "call_id": "x"}, {"n": "2", "who": "b", "call_id": "y"}]
    types = {"n": "integer", "who": "text", "call_id": "text"}
    assert guess_key(sample(*rows), types) == "call_id"
    rows[1]["call_id"] = "x"
    assert guess_key(sample(*rows), types) == "n"
    rows[1]["n"] = None  # type: ignore[assignment]
    assert guess_key(sample(*rows), types) == "who"
    rows[1]["who"] = "a"
    assert guess_key(sample(*rows), types) is None


def test_one_row_proves_no_key_but_for_its_name() -> None:
    assert guess_key(sample({"name": "a"}), {"name": "text"}) is None
    assert guess_key(sample({"id": "a"}), {"id": "text"}) == "id"
    assert guess_key(sample({"id": "a"}, rows=()), {"id": "text"}) is None


def test_what_is_drafted_of_a_table_with_a_key() -> None:
    one = sample({"Call_ID": "x1", "size": "1.5", "at": "2025-01-31"}, {"Call_ID": "x2"})
    assert draft(one, "calls").splitlines() == [
        "# yaml-language-server: $schema=feed.schema.json",
        '# A draft, made of "calls_1.csv", rows: 2. A sample shows',
        "# what was, not what may come: read every line, and mark columns with `personal: true`.",
        "feed: calls",
        "kind: events  # a later row of a key replaces it; or: changes, log, snapshot, lookup",
        'files: "calls/calls_*.csv"  # under the data folder; {date} or {month} for a period in'
        " names",
        "format: csv",
        "key: call_id  # no two rows of the sample share it",
        "columns:",
        "  call_id: {type: text, required: true}",
        "  size: decimal(12,1)  # empty in 1 of 2 rows",
        "  at: date  # empty in 1 of 2 rows",
    ]


def test_without_a_key_it_is_a_log() -> None:
    feed = drafted(sample({"who": "a"}, {"who": "a"}, delimiter=";", header=False))
    assert (feed.kind, feed.key, feed.delimiter, feed.header.present) == ("log", None, ";", False)


def test_few_values_in_many_rows_become_a_warning() -> None:
    rows = [
        {"id": str(i), "state": f"s{i % 8}", "more": f"m{i % 9}", "n": str(i % 2)}
        for i in range(20)
    ]
    (rule,) = drafted(sample(*rows)).rules
    assert rule.model_dump(include={"rule", "column", "values", "level"}) == {
        "rule": "allowed",
        "column": "state",
        "values": tuple(f"s{i}" for i in range(8)),
        "level": "warn",
    }
    assert drafted(sample(*rows[:19])).rules == ()


def test_a_nested_value_gets_a_flat_name_and_its_path() -> None:
    one = sample(
        {"id": "1", "contact.eMail": "x", "contact_e_mail": "y", "2nd": "z", "-": "w"},
        format="json_lines",
        left_out={"tags": "a list"},
    )
    feed = drafted(one)
    assert {column.name: column.paths for column in feed.columns} == {
        "id": (("id",),),
        "contact_e_mail": (("contact", "eMail"),),
        "contact_e_mail_2": (("contact_e_mail",),),
        "c_2nd": (("2nd",),),
        "value": (("-",),),
    }
    assert '  # left out: "tags": a list' in draft(one)


def test_a_header_that_cannot_be_a_name_is_left_out() -> None:
    one = sample({"id": "1", "Full Name": "x", "_x\ny: z": "w"})
    assert drafted(one).column_names == ("id",)
    assert '  # left out: "Full Name": no name' in draft(one)
    with pytest.raises(UsageError, match="no column can be made of it"):
        draft(sample({"Full Name": "x"}))


@pytest.mark.parametrize(
    "value", ["a\nb: c", "\x85\u2028\ufeff", '"}], x: [', "é 😀 \x7f", "#", ""]
)
def test_no_value_breaks_out_of_its_quotes(value: str) -> None:
    rows = [{"no": str(i), "state": value or None} for i in range(20)]
    feed = drafted(sample(*rows, file=f"{value}.csv"))
    assert feed.key == "no"
    assert [rule.model_dump()["values"] for rule in feed.rules] == ([(value,)] if value else [])


@pytest.mark.parametrize(
    ("file", "name", "path"),
    [
        ("calls_2026-01-05.csv", "calls", "calls/calls_*.csv"),
        ("calls_2026-01-05.jsonl.gz", "calls", "calls/calls_*.jsonl"),
        ("call_center_2026_01_02.csv", "call_center", "call_center/call_center_*.csv"),
        ("page-1.json", "page", "page/page-*.json"),
        ("ReturnsOf20250131T101500.csv", "returns_of_t", "returns_of_t/ReturnsOf*.csv"),
        ("s3 2fa v2.csv", "s_fa_v", "s_fa_v/s3 2fa v2.csv"),
        ("2025.csv", "new_feed", "new_feed/*.csv"),
        ("{x}\\y.csv", "x_y", "x_y/*x*y.csv"),
        ("Ünïts.csv", "units", "units/Ünïts.csv"),
        (".csv", "new_feed", "new_feed/.csv"),
    ],
)
def test_name_and_path_come_from_the_samples_name(file: str, name: str, path: str) -> None:
    assert name_of(file) == name
    assert path_of(name, file) == path
    assert PathPattern(path).label_of(f"{name}/{file}") is not None


def test_the_feed_may_be_called_as_a_word_of_yaml() -> None:
    one = sample({"no": "1"}, {"no": "2"}, file="null.csv")
    assert (drafted(one).name, drafted(one).key) == ("null", "no")
