"""How rejected rows become cells in a sheet, and corrected cells become records again."""

import json
from typing import Any

import pytest

from support_lakehouse.model.feed import Feed
from support_lakehouse.transforms.by_hand import (
    MASK,
    cells_by_name,
    cells_of,
    corrected_raw,
    sheet_columns,
    sheet_row,
)

HEADER = ("no", "name", "extra", "phone", "action")


def csv_feed(**more: Any) -> Feed:
    files = {"initial": "a.csv", "changes": "a_{month}.csv"}
    columns = {"no": "text", "name": "text", "phone": {"type": "text", "personal": True}}
    declared = {"feed": "people", "kind": "changes", "files": files, "key": "no"}
    return Feed.model_validate(declared | {"action": "action", "columns": columns} | more)


JSON = Feed.model_validate(
    {
        "feed": "things",
        "kind": "events",
        "files": "things/*.json",
        "format": "json",
        "key": "no",
        "columns": {
            "no": "text",
            "mail": {"type": "text", "path": ["contact.email", "email"]},
            "size": "decimal(38,10)",
            "on": "boolean",
        },
    }
)
CSV = csv_feed()
PUBLIC = csv_feed(columns={"no": "text", "name": "text", "phone": "text"})


def entry(raw: str, header: tuple[str, ...] = HEADER) -> dict[str, Any]:
    reasons = [{"message": "name is empty"}, {"message": "id is empty"}]
    place = {"id": "0123", "file": "a.csv", "line": 7, "reasons": reasons}
    return place | {"raw": raw, "header": json.dumps(header)}


def corrected(raw: str, feed: Feed = CSV, *, personal: bool = True, **cells: str) -> str:
    """What comes of a record if a person changes cells of its row in the sheet."""
    sheet = sheet_row(entry(raw), feed, personal=personal)
    return corrected_raw(entry(raw), {**sheet, **cells}, feed)


def test_a_row_of_the_sheet_tells_what_it_is_its_cells_and_its_record() -> None:
    columns = ("id", "reasons", "file", "line", "no", "name", "phone", "action", "raw")
    told = sheet_row(entry(' 1 ,"An""n",x,\u00a0555 ,add'), PUBLIC, personal=False)
    assert sheet_columns(PUBLIC) == columns
    assert {name: told[name] for name in columns} == {
        "id": "0123",
        "reasons": "name is empty; id is empty",
        "file": "a.csv",
        "line": "7",
        "no": "1",
        "name": 'An"n',
        "phone": "555",
        "action": "add",
        "raw": ' 1 ,"An""n",x,\u00a0555 ,add',
    }


def test_an_entry_without_reasons_is_told_as_well() -> None:
    told = sheet_row({**entry("1,Ann,x,555,add"), "reasons": None}, PUBLIC, personal=False)
    assert told["reasons"] == ""


def test_personal_cells_and_the_record_are_masked_unless_asked_for() -> None:
    masked = sheet_row(entry("1,Ann,x,555,add"), CSV, personal=False)
    assert (masked["name"], masked["phone"], masked["raw"]) == ("Ann", MASK, MASK)
    shown = sheet_row(entry("1,Ann,x,555,add"), CSV, personal=True)
    assert (shown["phone"], shown["raw"]) == ("555", "1,Ann,x,555,add")


def test_an_empty_personal_cell_is_shown_as_empty() -> None:
    assert sheet_row(entry("1,Ann,x,,add"), CSV, personal=False)["phone"] == ""


RAWS = [
    "1,Ann,x,555,add",
    ' 1 ,"Ann",x,\u00a0555 ,ADD ',
    '"1","a,b","c\nd","e""f",add',
    "1,Ann",
    "1,Ann,x,555,add,more",
    "",
    ",,,,",
    '1,"Ann,x',
    "1,An\rn,x,555,add",
]


@pytest.mark.parametrize("raw", RAWS)
@pytest.mark.parametrize("personal", [True, False])
def test_an_unchanged_sheet_gives_the_record_as_it_came(raw: str, personal: bool) -> None:
    assert corrected(raw, personal=personal) == raw


def test_a_changed_cell_changes_that_cell_alone() -> None:
    assert corrected("1,Ann,x,555,add", name="Bob") == "1,Bob,x,555,add"
    assert corrected("1,Ann,x,555,add", name="") == "1,,x,555,add"
    assert corrected("1,Ann,x,555,add", name="", phone="1", action="delete") == "1,,x,1,delete"


def test_a_masked_cell_that_comes_back_masked_is_unchanged() -> None:
    assert corrected("1,Ann,x,555,add", personal=False, name="Bob") == "1,Bob,x,555,add"
    assert corrected("1,Ann,x,555,add", personal=False, phone="7") == "1,Ann,x,7,add"


@pytest.mark.parametrize("name", ["id", "file", "line", "reasons", "raw"])
def test_a_column_may_be_called_like_one_of_the_sheets_own(name: str) -> None:
    feed = csv_feed(key=name, columns={name: "text", "name": "text"})
    told = entry(",Ann,add", (name, "name", "action"))
    sheet = sheet_row(told, feed, personal=True)
    assert len(set(sheet_columns(feed))) == len(sheet_columns(feed)) == len(sheet)
    [own] = [
        n for n in sheet if n not in ("id", "reasons", "file", "line", "name", "action", "raw")
    ]
    assert corrected_raw(told, sheet | {own: "1"}, feed) == "1,Ann,add"


def test_blanks_around_a_cell_are_no_change() -> None:
    assert corrected("1,Ann,x,555,add", name=" Ann\u00a0") == "1,Ann,x,555,add"


def test_cells_are_quoted_where_they_must_be() -> None:
    raw = '1,Ann,"x,y",555,add'
    assert corrected(raw, name='B "b", c') == '1,"B ""b"", c","x,y",555,add'


def test_a_sheet_may_lack_columns() -> None:
    assert corrected_raw(entry("1,Ann,x,555,add"), {"id": "0123"}, CSV) == "1,Ann,x,555,add"
    given = {"id": "0123", "name": "Bob"}
    assert corrected_raw(entry("1,Ann,x,555,add"), given, CSV) == "1,Bob,x,555,add"


def test_a_row_of_another_width_gets_the_width_of_its_header() -> None:
    assert corrected("1,Ann", action="add") == "1,Ann,,,add"
    assert corrected("1,Ann,x,555,add,more", name="Bob") == "1,Bob,x,555,add"


def test_a_record_edited_as_a_whole_counts_before_its_cells() -> None:
    sheet = {"id": "0123", "name": "Bob", "raw": "2,Cy,x,555,add"}
    assert corrected_raw(entry("1,Ann"), sheet, CSV) == "2,Cy,x,555,add"
    emptied = sheet | {"raw": ""}
    assert corrected_raw(entry("1,Ann,x,555,add"), emptied, CSV) == "1,Bob,x,555,add"


def test_one_quote_that_keeps_a_sheet_from_running_a_cell_is_taken_away() -> None:
    told = {"'=1+1": "=1+1", "'+5 a": "+5 a", "'-x": "-x", "'@a": "@a", "''=1": "''=1", "'a": "'a"}
    for cell, text in told.items():
        assert corrected("1,Ann,x,555,add", name=cell) == f"1,{text},x,555,add"
    assert corrected("1,=A1,x,555,add", name="'=A1") == "1,=A1,x,555,add"
    raw = "=1,Ann,x,555,add"
    assert corrected_raw(entry(raw), {"name": "Ann", "raw": f"'{raw}"}, CSV) == raw


def test_a_cell_that_came_with_such_a_quote_keeps_it_where_nothing_was_changed() -> None:
    assert corrected("1,'=A1,x,555,add") == "1,'=A1,x,555,add"
    assert corrected("'=1,Ann,x,555,add") == "'=1,Ann,x,555,add"


def test_a_cell_of_any_length_goes_through_the_sheet() -> None:
    raw = f"1,{'x' * 200_000},x,555,add"
    assert corrected(raw, action="delete") == f"1,{'x' * 200_000},x,555,delete"


def test_a_line_end_in_a_corrected_cell_stays_in_its_cell() -> None:
    raw = corrected("1,Ann,x,555,add", name="A\nB")
    assert cells_by_name(raw, json.dumps(HEADER), CSV)["name"] == "A\nB"
    assert cells_of(raw, ",", quoting=True) == ["1", "A\nB", "x", "555", "add"]


def test_other_delimiters_and_no_quoting_are_kept() -> None:
    semicolons = csv_feed(delimiter=";")
    assert corrected("1;Ann;x,y;555;add", semicolons, name="a;b") == '1;"a;b";x,y;555;add'
    plain = csv_feed(delimiter="|", quoting=False)
    assert corrected('1|"Ann|x|555|add', plain, phone='"7') == '1|"Ann|x|"7|add'


@pytest.mark.parametrize(
    ("raw", "cells"),
    [
        ("a,b,", ["a", "b", ""]),
        ('"a,b","c ""d""", e ', ["a,b", 'c "d"', " e "]),
        ('"a\nb","c\r\nd"', ["a\nb", "c\r\nd"]),
        ("a\rb,c", ["a\rb", "c"]),
        ('a"b,"c"d', ['a"b', "cd"]),
        ('a,"b,c', ["a", "b,c"]),
        ("", []),
        ("a\x00b,c", ["a\x00b", "c"]),
    ],
)
def test_a_record_is_cut_as_it_was_judged(raw: str, cells: list[str]) -> None:
    assert cells_of(raw, ",", quoting=True) == cells


def test_the_cells_of_a_json_record_are_texts_by_path() -> None:
    raw = '{"no": 7, "contact": {"email": " a@b "}, "email": "x", "size": 1.5, "on": true}'
    assert cells_by_name(raw, "[]", JSON) == {"no": "7", "mail": "a@b", "size": "1.5", "on": "true"}
    raw = '{"no": null, "contact": {"email": ""}, "email": "x", "size": [1], "on": {"a": "é"}}'
    nested = {"no": "", "mail": "x", "size": "[1]", "on": '{"a": "é"}'}
    assert cells_by_name(raw, "[]", JSON) == nested


@pytest.mark.parametrize("raw", ['{"no": ', "[1]", "17", "null", "x,y"])
def test_what_is_no_record_has_no_cells_and_stays_as_it_came(raw: str) -> None:
    assert set(cells_by_name(raw, "[]", JSON).values()) == {""}
    assert corrected(raw, JSON) == raw


@pytest.mark.parametrize(
    ("raw", "cells", "expected"),
    [
        ('{"no":"1","email":"x"}', {}, None),
        ('{"no":"1","email":"x"}', {"mail": "y"}, {"no": "1", "email": "y"}),
        (
            '{"no":"1","contact":{"email":"x","tel":5},"email":"z"}',
            {"mail": "y"},
            {"no": "1", "contact": {"email": "y", "tel": 5}, "email": "z"},
        ),
        ('{"no":"1"}', {"mail": "y"}, {"no": "1", "contact": {"email": "y"}}),
        ('{"no":"1","contact":null}', {"mail": "y"}, {"no": "1", "contact": {"email": "y"}}),
        ('{"no":"1","contact":"?"}', {"mail": "y"}, {"no": "1", "contact": {"email": "y"}}),
        ('{"no":"1","email":"x"}', {"mail": ""}, {"no": "1", "email": None}),
        ('{"no":"1","size":"x"}', {"size": "4.5"}, {"no": "1", "size": "4.5"}),
        ('{"no":"1","on":{"a":1}}', {"on": "true"}, {"no": "1", "on": "true"}),
        ('{"no":"é","more":[{"x":null}]}', {"no": "ü"}, {"no": "ü", "more": [{"x": None}]}),
        ('{"no": ', {"mail": "y", "size": "1"}, {"contact": {"email": "y"}, "size": "1"}),
    ],
)
def test_a_corrected_cell_goes_where_its_value_stood(
    raw: str, cells: dict[str, str], expected: dict[str, Any] | None
) -> None:
    found = corrected_raw(entry(raw), sheet_row(entry(raw), JSON, personal=True) | cells, JSON)
    assert found == raw if expected is None else json.loads(found) == expected
    assert "\\u" not in found


@pytest.mark.parametrize("number", ["12345678901234567890.12345", "1.50", "1e400", "1E2"])
def test_the_numbers_of_other_cells_stay_as_they_stood(number: str) -> None:
    raw = f'{{"email": "x", "size": {number}}}'
    assert f": {number}}}" in corrected(raw, JSON, mail="y")


def test_a_record_of_any_depth_can_be_looked_at() -> None:
    raw = "[" * 100_000
    assert sheet_row(entry(raw), JSON, personal=True)["raw"] == raw
