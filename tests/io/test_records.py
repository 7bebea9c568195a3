"""How bytes become records, each with the line it starts on (contracts.md, Reading)."""

from pathlib import Path

import pytest

from support_lakehouse.io.records import read_records, whole_record


def records(tmp_path: Path, content: bytes, *, lines: bool = False) -> list[tuple[int, str]]:
    path = tmp_path / "file.csv"
    path.write_bytes(content)
    quoted_by = None if lines else ","
    return [tuple(record) for record in read_records(path, "csv", quoted_by=quoted_by)]


def both_ways(tmp_path: Path, content: bytes) -> list[tuple[int, str]]:
    """The records, which are the same whether or not quotes are looked at."""
    told = records(tmp_path, content)
    assert records(tmp_path, content, lines=True) == told
    return told


def test_a_line_ends_with_lf_or_crlf_and_the_last_may_have_no_end(tmp_path: Path) -> None:
    assert both_ways(tmp_path, b"a,b\r\n1,2\n3,4") == [(1, "a,b"), (2, "1,2"), (3, "3,4")]


def test_lines_of_blanks_are_no_records_but_are_counted(tmp_path: Path) -> None:
    content = "\n \t\u00a0\na,b\n\r\n1,2\n\n".encode()
    assert both_ways(tmp_path, content) == [(3, "a,b"), (5, "1,2")]


def test_a_line_of_commas_is_a_record(tmp_path: Path) -> None:
    assert both_ways(tmp_path, b"a,b\n,\n,,,\n") == [(1, "a,b"), (2, ","), (3, ",,,")]


def test_a_byte_order_mark_is_left_out_once(tmp_path: Path) -> None:
    assert both_ways(tmp_path, b"\xef\xbb\xbfa\n\xef\xbb\xbfb\n") == [(1, "a"), (2, "\ufeffb")]


def test_a_mark_before_a_blank_line_makes_no_record(tmp_path: Path) -> None:
    assert both_ways(tmp_path, b"\xef\xbb\xbf\na\n") == [(2, "a")]


def test_an_empty_file_has_no_records(tmp_path: Path) -> None:
    assert both_ways(tmp_path, b"") == []
    assert both_ways(tmp_path, b"\xef\xbb\xbf") == []


def test_no_other_character_ends_a_line(tmp_path: Path) -> None:
    content = "a\u2028b,c\x85d\x0b\x0c\n1,2\n".encode()
    assert both_ways(tmp_path, content) == [(1, "a\u2028b,c\x85d\x0b\x0c"), (2, "1,2")]


def test_a_lone_carriage_return_is_text(tmp_path: Path) -> None:
    assert records(tmp_path, b"a\rb,c\r\n1\r,2\n") == [(1, "a\rb,c"), (2, "1\r,2")]


def test_a_carriage_return_at_the_very_end_ends_no_line(tmp_path: Path) -> None:
    assert records(tmp_path, b"a,b\n1,2\r") == [(1, "a,b"), (2, "1,2\r")]


def test_a_record_stands_on_the_line_where_it_starts(tmp_path: Path) -> None:
    content = b'a,b\r\n"x\r\n\r\ny",1\r\n"p ""q""\n, r",2\n3,4'
    assert records(tmp_path, content) == [
        (1, "a,b"),
        (2, '"x\r\n\r\ny",1'),
        (5, '"p ""q""\n, r",2'),
        (7, "3,4"),
    ]


def test_a_blank_line_inside_quotes_is_part_of_the_record(tmp_path: Path) -> None:
    assert records(tmp_path, b'a\n"\n \n"\n\nb\n') == [(1, "a"), (2, '"\n \n"'), (6, "b")]


def test_a_lone_carriage_return_inside_quotes_is_kept(tmp_path: Path) -> None:
    assert records(tmp_path, b'a\n"x\ry"\n"x\r\ny"\n') == [
        (1, "a"),
        (2, '"x\ry"'),
        (3, '"x\r\ny"'),
    ]


def test_an_unclosed_quote_takes_all_that_follows(tmp_path: Path) -> None:
    assert records(tmp_path, b'a\n1,"x\n2,y\n') == [(1, "a"), (2, '1,"x\n2,y')]


def test_where_records_are_lines_quotes_are_not_looked_at(tmp_path: Path) -> None:
    told = records(tmp_path, b'a\n"x\ny"\n', lines=True)
    assert told == [(1, "a"), (2, '"x'), (3, 'y"')]


def test_a_record_may_be_longer_than_the_csv_module_takes_by_itself(tmp_path: Path) -> None:
    long = "x" * 200_000
    assert records(tmp_path, f'"{long}",1\n'.encode()) == [(1, f'"{long}",1')]


@pytest.mark.parametrize(
    "line", ["", "a,b", ",,", '"a,b",c', '"a ""b""",c', 'a"b,c', ' "a,b', '"",""', '"a"b"c,d']
)
def test_a_line_is_whole_where_every_quote_that_opens_is_closed(line: str) -> None:
    assert whole_record(",").fullmatch(line.encode())


@pytest.mark.parametrize("line", ['"', '"a', 'a,"b', '"a""', '"a"",b', 'a,"b,""c"",d'])
def test_a_line_is_not_whole_where_a_quote_stays_open(line: str) -> None:
    assert not whole_record(",").fullmatch(line.encode())


def test_a_whole_line_is_one_by_the_feeds_own_delimiter() -> None:
    line = b'a|"b'
    assert whole_record(",").fullmatch(line)
    assert not whole_record("|").fullmatch(line)


def test_a_long_line_is_looked_at_in_time() -> None:
    assert whole_record(",").fullmatch(b'"' + b'""' * 100_000 + b'"' + b",x" * 100_000)
    assert not whole_record(",").fullmatch(b'"x",' * 100_000 + b'"')
