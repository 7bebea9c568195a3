"""The reading of samples: any CSV or JSON becomes rows of texts, and all else is told."""

import gzip
from pathlib import Path

import pytest

from support_lakehouse.errors import UsageError
from support_lakehouse.io.sample import read_sample
from support_lakehouse.model.guess import Sample


def read(tmp_path: Path, text: str | bytes, name: str = "sample.csv") -> Sample:
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_sample(path)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_the_one_by_which_rows_agree(tmp_path: Path, delimiter: str) -> None:
    one = read(tmp_path, f'a{delimiter}b\n1{delimiter}"x, y; z|"\n2{delimiter}"p,q"\n')
    assert one.delimiter == delimiter
    assert list(one.rows) == [{"a": "1", "b": "x, y; z|"}, {"a": "2", "b": "p,q"}]


def test_cells_are_trimmed_and_empty_ones_are_none(tmp_path: Path) -> None:
    one = read(tmp_path, "\ufeff a ,B\r\n\r\n \u00a01\t, \r\n".encode())
    assert (one.columns, list(one.rows)) == (("a", "B"), [{"a": "1", "B": None}])


def test_a_first_line_of_data_is_no_header(tmp_path: Path) -> None:
    one = read(tmp_path, "a,2025-01-31\nb,2025-02-01\n")
    assert (one.header, one.columns, len(one.rows)) == (False, ("column_1", "column_2"), 2)


def test_a_header_alone_is_a_sample(tmp_path: Path) -> None:
    one = read(tmp_path, "a,b\n")
    assert (one.columns, list(one.rows)) == (("a", "b"), [])


def test_rows_of_another_width_are_counted_and_left_out(tmp_path: Path) -> None:
    one = read(tmp_path, "a,b\n1,2\n3\n4,5,6\n")
    assert list(one.rows) == [{"a": "1", "b": "2"}]
    assert one.remarks == ("Rows with too few or too many cells, not looked at: 2.",)


@pytest.mark.parametrize(
    ("name", "text", "format_"),
    [
        ("x.jsonl", '{"a": 1}\n\n{"a": 2}\n', "json_lines"),
        ("x.json", '{"a": 1}\n{"a": 2}', "json_lines"),
        ("x", '{"a": 1}\n{"a": 2}', "json_lines"),
        ("x.jsonl", '{"a": 1}', "json_lines"),
        ("x.json", ' [\n{"a": 1},\n{"a": 2}]', "json_array"),
        ("x.json", '{\n"a": 1\n}', "json_object"),
    ],
)
def test_json_is_told_by_what_it_holds(tmp_path: Path, name: str, text: str, format_: str) -> None:
    one = read(tmp_path, text, name)
    assert (one.format, one.columns, one.rows[0]) == (format_, ("a",), {"a": "1"})


def test_nested_json_is_told_by_dotted_paths(tmp_path: Path) -> None:
    one = read(
        tmp_path,
        '[{"id": 12345678901234567890, "ok": true, "in": {"a": {"b": " x "}}, "l": [1], "e": {}},'
        ' {"id": 1.50, "in": null, "l": null, "a.b": 1, "n": null, "e": null, "t": "\\ud800"}]',
        "x.json",
    )
    assert one.columns == ("id", "ok", "in.a.b", "n", "e", "t")
    assert one.cells("id") == ["12345678901234567890", "1.50"]
    assert (one.cells("ok"), one.cells("in.a.b"), one.cells("t")) == (["true"], ["x"], ["?"])
    assert one.left_out == {"l": "a list", "a.b": "its key cannot stand in a path"}


def test_records_that_are_no_objects_are_counted_and_left_out(tmp_path: Path) -> None:
    one = read(tmp_path, '{"a": 1}\n{"a": \n[2]\n', "x.jsonl")
    assert list(one.rows) == [{"a": "1"}]
    assert one.remarks == ("Records that are no JSON objects, not looked at: 2.",)


def test_gzip_is_unpacked_whatever_its_name(tmp_path: Path) -> None:
    packed = gzip.compress(b"a,b\n1,2\n")
    for name in ("x.csv.gz", "x.csv"):
        assert list(read(tmp_path, packed, name).rows) == [{"a": "1", "b": "2"}]


def test_of_a_long_file_the_first_lines_are_read(tmp_path: Path) -> None:
    line = f"1,{'x' * 996}\n"
    one = read(tmp_path, gzip.compress(("a,b\n" + line * 20_000).encode()), "x.csv.gz")
    assert 16_000 < len(one.rows) < 17_000
    assert not one.remarks


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("x.csv", b"", "it is empty"),
        ("x.csv", b" \n\n", "it is empty"),
        ("x.csv", b'""\n', "it holds no record"),
        ("x.csv", b"a,\xff\n", "'utf-8' codec can't decode"),
        ("x.csv", "a,b".encode("utf-16-le"), "it holds zero bytes"),
        ("x.csv", b"a,B,b\n", "its header has b twice"),
        ("x.csv", ",".join(f"c{i}" for i in range(1001)).encode(), "more than 1000 columns"),
        ("x.csv", b"a,b\n" + b"1" * 200_000 + b",2", "field larger than field limit"),
        ("x.csv.gz", gzip.compress(b"a,b\n1,2\n")[:-9], "ended before the end-of-stream"),
        ("x.csv.gz", b"\x1f\x8b\x08rubbish", "invalid|decompress|distance|end-of-stream|block"),
        ("x.csv", gzip.compress(b"x" * 20_000_000), "a line of more than 16 MB"),
        ("x.json", gzip.compress(b"[" + b"1,\n" * 6_000_000), "an array of more than 16 MB"),
        ("x.json", b'{"a": 1', "Expecting"),
        ("x.json", b"[1, 2]", "it holds no JSON object"),
        ("x.jsonl", b"[1]\n[2]", "it holds no JSON object"),
        ("x.json", b"null", "it holds no JSON object"),
        ("x.json", b"[" * 100_000, "nested too deep"),
        ("x.json", b'{"a":' * 50_000 + b"1" + b"}" * 50_000, "nested too deep"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_read_is_told(tmp_path: Path, name: str, content: bytes, why: str) -> None:
    with pytest.raises(UsageError, match=why) as error:
        read(tmp_path, content, name)
    assert str(error.value).startswith(f"{tmp_path / name}: cannot be read: ")
    assert error.value.exit_code == 2


def test_a_folder_and_nothing_are_no_sample(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="it is no file"):
        read_sample(tmp_path)
    with pytest.raises(UsageError, match="it is not there"):
        read_sample(tmp_path / "x.csv")
