"""JSON files: how their records lie, what is refused, which keys drift (contracts: Reading)."""

from pathlib import Path
from typing import Any

import pytest

from support_lakehouse.io.records import read_records
from support_lakehouse.model.landing import ScannedFile
from tests.io.support import deliveries, refused, scanned

PATH = "things/x.json"


def looked_at(
    tmp_path: Path, content: str | bytes, fmt: str = "json", **changes: Any
) -> ScannedFile:
    return scanned(tmp_path, content, path=PATH, of=deliveries(format=fmt, **changes))


def why(tmp_path: Path, content: str | bytes, fmt: str = "json", **changes: Any) -> str:
    return refused(tmp_path, content, path=PATH, of=deliveries(format=fmt, **changes))


def records(file: ScannedFile) -> list[tuple[int, str]]:
    found = read_records(file.found.location, file.layout, gzipped=file.gzipped)
    return [tuple(record) for record in found]


def told(tmp_path: Path, content: str, fmt: str = "json") -> tuple[str, list[tuple[int, str]]]:
    """The layout of a file and its records."""
    file = looked_at(tmp_path, content, fmt)
    return file.layout, records(file)


@pytest.mark.parametrize("before", ["", "\n", " \t\r\n", "\u00a0\n", "\ufeff", "\ufeff\n"])
def test_an_array_is_known_by_its_first_character(tmp_path: Path, before: str) -> None:
    found = told(tmp_path, before + '[{"id":1},\n {"id":2} ]\n')
    assert found == ("array", [(1, '{"id":1}'), (2, '{"id":2}')])


def test_an_elements_text_is_exactly_as_it_came(tmp_path: Path) -> None:
    elements = ['{ "id" : 1.0E+2,"é":"\\u00e9]" }', '{"a":\r\n[1, {"b":"},{"}]}', "{}"]
    layout, found = told(tmp_path, "[\r\n " + "\t\r\n,\r\n".join(elements) + "\r\n]\r\n")
    assert (layout, found) == ("array", list(enumerate(elements, start=1)))


def test_elements_that_are_no_objects_are_records_all_the_same(tmp_path: Path) -> None:
    elements = ["5", '"x"', "null", "[1, 2]", "true", "-0.5e3"]
    assert told(tmp_path, f"[{', '.join(elements)}]")[1] == list(enumerate(elements, start=1))


@pytest.mark.parametrize("fmt", ["json", "json_array"])
def test_an_empty_array_is_a_file_without_records(tmp_path: Path, fmt: str) -> None:
    assert told(tmp_path, " [ \n] ", fmt) == ("array", [])


@pytest.mark.parametrize(
    ("content", "place", "what"),
    [
        ('[{"id":1}', "line 1, column 10", "the text ends too early"),
        ('[{"id":1},\n', "line 2, column 1", "the text ends too early"),
        ('[{"id":1},\n {"id":', "line 2, column 8", "the text ends too early"),
        ('\ufeff[{"id":1}] x', "line 1, column 12", "more text after the array"),
        ('[{"id":1}]\n[{"id":2}]', "line 2, column 1", "more text after the array"),
        ('[{"id":1} {"id":2}]', "line 1, column 11", "no comma between two elements"),
        ('[{"id":1},]', "line 1, column 11", "expecting value"),
        ('[\n{"id":NaN}]', "line 2, column 1", "NaN is no JSON"),
        ("[1, -Infinity]", "line 1, column 5", "-Infinity is no JSON"),
        ('[{"a":"\\ud83d"}]', "line 1, column 2", "half of a surrogate pair is no character"),
        ("[" * 100_000, "line 1, column 2", "nested too deeply"),
        ('["a\tb"]', "line 1, column 4", "invalid control character at"),
    ],
)
def test_a_broken_array_is_refused_by_line_and_column(
    tmp_path: Path, content: str, place: str, what: str
) -> None:
    assert why(tmp_path, content) == (
        f"things/x.json, {place}: the JSON array is broken ({what}). Expected one whole array of"
        " objects; deliver it again."
    )


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ('{"id":1}', "an object"),
        ('\n"x"', "a text"),
        ("id,name\n", "something that begins with 'i'"),
    ],
)
def test_an_array_feed_refuses_what_is_no_array(tmp_path: Path, content: str, what: str) -> None:
    assert why(tmp_path, content, "json_array") == (
        f"things/x.json holds {what}. Expected one JSON array of objects, as the feed says."
    )


def test_objects_one_a_line_are_lines(tmp_path: Path) -> None:
    content = '\ufeff\n{"id":1}\r\n \t\n\u00a0\n {"id":2} \n\r\r\n{"id":3}'
    expected = [(2, '{"id":1}'), (5, ' {"id":2} '), (7, '{"id":3}')]
    for fmt in ("json", "json_lines"):
        assert told(tmp_path, content, fmt) == ("lines", expected)


def test_a_broken_line_is_a_record_to_be_judged(tmp_path: Path) -> None:
    lines = ['{"id":1}', '{"id":', "x", '{"id":NaN}', "[]", '{"id":2} {"id":3}', "[" * 10_000]
    expected = list(enumerate(lines, start=1))
    assert told(tmp_path, "\n".join(lines)) == ("lines", expected)
    assert told(tmp_path, "\n".join(lines[1:])) == ("lines", list(enumerate(lines[1:], start=1)))


def test_numbers_may_have_more_digits_than_python_reads(tmp_path: Path) -> None:
    number = "1" * 5000
    assert told(tmp_path, f"[{number}, {number}.5e{number}]")[1][0] == (1, number)
    assert looked_at(tmp_path, f'{{"more":{number}}}\n{{}}').header.drift == ("more",)


@pytest.mark.parametrize("fmt", ["json", "json_object"])
def test_an_object_over_several_lines_is_one_record(tmp_path: Path, fmt: str) -> None:
    text = '{\r\n  "id": 1,\n  "contact":\n{"a": {}}\n}'
    assert told(tmp_path, f"\ufeff\n \n{text} \n\n", fmt) == ("object", [(3, text)])


def test_one_object_on_one_line_is_one_record(tmp_path: Path) -> None:
    assert told(tmp_path, '\n{"id":1}\n') == ("object", [(2, '{"id":1}')])


@pytest.mark.parametrize("text", ['{\n "id": 1,\n "name": "x"\n', '{\n "id": NaN\n}', "{\n}\n}"])
def test_a_torn_object_is_one_record(tmp_path: Path, text: str) -> None:
    for fmt in ("json", "json_object"):
        assert told(tmp_path, text, fmt) == ("object", [(1, text.strip())])


def test_a_torn_first_line_does_not_make_lines_an_object(tmp_path: Path) -> None:
    assert told(tmp_path, '{"id":\n{"id":2}\n')[0] == "lines"
    assert told(tmp_path, '{"id":\n{"id":\n')[0] == "lines"
    assert told(tmp_path, '{"id":\n"id":\n{"id":3}\n')[0] == "lines"


def test_an_object_feed_takes_a_file_as_one_record_whatever_it_holds(tmp_path: Path) -> None:
    for content in ('{"id":1}\n{"id":2}', "[{}]", "x"):
        assert told(tmp_path, content, "json_object") == ("object", [(1, content)])


def test_a_lines_feed_takes_an_array_by_lines(tmp_path: Path) -> None:
    assert told(tmp_path, '[{"id":1},\n]', "json_lines") == ("lines", [(1, '[{"id":1},'), (2, "]")])


@pytest.mark.parametrize("fmt", ["json", "json_lines", "json_array", "json_object"])
@pytest.mark.parametrize("content", ["", "\ufeff", " \n\t\r\n\u00a0"])
def test_a_file_without_a_value_is_refused_unless_it_may_be_empty(
    tmp_path: Path, fmt: str, content: str
) -> None:
    assert why(tmp_path, content, fmt) == (
        "things/x.json is empty. Expected at least one JSON object; an array without elements is"
        " [] and would do."
    )
    file = looked_at(tmp_path, content, fmt, file={"may_be_empty": True})
    assert (file.header.names, file.header.drift, records(file)) == ((), (), [])


def test_json_has_no_header_and_its_quotes_do_not_count(tmp_path: Path) -> None:
    file = looked_at(tmp_path, '{"id":"1"}\n{"id":"2"}\n')
    assert (file.header.names, file.header.line, file.header.text) == ((), 0, "[]")
    assert (file.has_quotes, file.one_line_records) == (False, True)
    assert not looked_at(tmp_path, '{"id":"1"}\r{"id":"2"}\n').one_line_records


def test_json_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    assert "line 2: the bytes are not UTF-8 (at byte 11)" in why(tmp_path, b'{"id":1}\n"\xff"')


CONTACT = {
    "id": "text",
    "email": {"type": "text", "path": ["contact.email", "email"]},
    "zone": {"type": "text", "path": "contact.place.zone"},
}


@pytest.mark.parametrize(
    "content",
    [
        '[{"id":1,"x":{"y":1}},{"contact":{"email":"a","fax":2,"place":{"zone":3,"city":4}}},7]',
        '{"id":1,"contact":{"fax":2,"place":{"city":4}}}\n{"x":null}\n{"y":\n{"contact":"x"}',
        '{"email":5,\n"x":[{"z":1}],"contact":{"place":{"city":[]},"fax":0}}',
    ],
)
def test_keys_that_no_column_goes_by_are_drift(tmp_path: Path, content: str) -> None:
    file = looked_at(tmp_path, content, columns=CONTACT)
    assert file.header.drift == ("contact.fax", "contact.place.city", "x")


@pytest.mark.parametrize("step", [1, -1])
def test_a_hundred_keys_of_drift_are_told(tmp_path: Path, step: int) -> None:
    lines = "\n".join(f'{{"k{number:05}":1}}' for number in range(3000)[::step])
    drift = looked_at(tmp_path, lines).header.drift
    assert drift == tuple(f"k{number:05}" for number in range(100))


def test_what_lies_below_a_declared_value_is_no_drift(tmp_path: Path) -> None:
    assert looked_at(tmp_path, '{"id":{"a":1},"name":[{"b":2}]}').header.drift == ()


def test_keys_may_be_any_text(tmp_path: Path) -> None:
    content = '{"":1,"a.b":2,"\\n":3,"é😀":4,"\\ud83d\\ude00":5}'
    assert looked_at(tmp_path, content).header.drift == ("", "\n", "a.b", "é😀", "😀")


def test_drift_may_be_refused(tmp_path: Path) -> None:
    refuse = {"header": {"drift": "refuse"}}
    looked_at(tmp_path, '{"id":1}', **refuse)
    assert why(tmp_path, '{"id":1,"b":2,"a":3}', **refuse) == (
        "things/x.json, keys: nobody declared 'a', 'b'. Expected no key that no column goes by."
    )
