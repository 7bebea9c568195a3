"""What one pass over a CSV file tells: its hash, how its lines lie, its header."""

from hashlib import sha256
from pathlib import Path

import pytest

from support_lakehouse.io.landing import sha256_of
from tests.io.support import feed, refused, scanned


def test_the_hash_is_that_of_the_bytes(tmp_path: Path) -> None:
    content = b"\xef\xbb\xbfid,name,action\r\n1,a,add\r\n"
    file = scanned(tmp_path, content)
    assert file.sha256 == sha256(content).hexdigest()
    assert sha256_of(file.found.location) == file.sha256


def test_line_ends_are_counted_before_each_block(tmp_path: Path) -> None:
    content = "id,name,action\n1,a,add\n\n\n2,b,add"  # ends at bytes 15, 23, 24, 25 of 32
    assert scanned(tmp_path, content, block_bytes=8).lines_before == (0, 0, 1, 3, 4)
    assert scanned(tmp_path, content, block_bytes=15).lines_before == (0, 1, 4, 4)
    assert scanned(tmp_path, content, block_bytes=100).lines_before == (0, 4)


@pytest.mark.parametrize("block_bytes", [1, 2, 3, 16, 17, 1000])
def test_carriage_returns_before_line_ends_leave_lines_records(
    tmp_path: Path, block_bytes: int
) -> None:
    content = "id,name,action\r\n1,a,add\r\n"
    file = scanned(tmp_path, content, block_bytes=block_bytes)
    assert (file.one_line_records, file.has_carriage_returns) == (True, True)


def test_a_lone_carriage_return_makes_lines_no_records(tmp_path: Path) -> None:
    for content in ("id,name,action\n1,a\rb,add\n", "id,name,action\n1,a,add\r\r\n"):
        assert not scanned(tmp_path, content).one_line_records


def test_a_line_break_in_quotes_makes_lines_no_records(tmp_path: Path) -> None:
    file = scanned(tmp_path, 'id,name,action\n1,"a\nb",add\n')
    assert (file.one_line_records, file.has_quotes) == (False, True)


def test_quotes_within_a_line_leave_lines_records(tmp_path: Path) -> None:
    file = scanned(tmp_path, '"id",name,action\r\n1,"a, ""b""",add\r\n')
    assert (file.one_line_records, file.has_quotes) == (True, True)


def test_a_file_without_quotes_or_returns_says_so(tmp_path: Path) -> None:
    file = scanned(tmp_path, "id,name,action\n1,a,add\n")
    assert (file.has_quotes, file.has_carriage_returns, file.one_line_records) == (
        False,
        False,
        True,
    )


@pytest.mark.parametrize("block_bytes", [1, 5, 24, 1000])
def test_bytes_that_are_not_utf8_are_refused_by_line_and_place(
    tmp_path: Path, block_bytes: int
) -> None:
    content = b"id,name,action\n1,\xc3\xa9,add\n\n2,\xe9t\xe9,add\n"
    assert refused(tmp_path, content, block_bytes=block_bytes) == (
        "delta/things_202502.csv, line 4: the bytes are not UTF-8 (at byte 28). Expected"
        " UTF-8 throughout; save the file as UTF-8 and deliver it again."
    )


@pytest.mark.parametrize("block_bytes", [1, 7, 1000])
def test_a_character_cut_off_by_the_files_end_is_not_utf8(tmp_path: Path, block_bytes: int) -> None:
    told = refused(tmp_path, b"id,name,action\n1,\xe2\x82", block_bytes=block_bytes)
    assert "line 2: the bytes are not UTF-8 (at byte 18)" in told


def test_a_character_across_two_blocks_is_utf8(tmp_path: Path) -> None:
    file = scanned(tmp_path, "id,name,action\n1,€,add\n", block_bytes=18)
    assert file.header.names == ("id", "name", "action")


@pytest.mark.parametrize("content", [b"", b"\n \t\r\n", b"\xef\xbb\xbf"])
def test_a_file_without_a_header_is_refused(tmp_path: Path, content: bytes) -> None:
    assert refused(tmp_path, content) == (
        "delta/things_202502.csv is empty. Expected a header with id, name;"
        " a header alone would do for a month without rows."
    )


def test_a_header_alone_is_a_file(tmp_path: Path) -> None:
    header = scanned(tmp_path, "\n\nid,name,action").header
    assert (header.names, header.line, header.drift) == (("id", "name", "action"), 3, ())


def test_names_match_without_case_blanks_quotes_or_mark(tmp_path: Path) -> None:
    header = scanned(tmp_path, '\ufeffID ,"\u00a0Name\t", aCTION\r\n').header
    assert header.names == ("id", "name", "action")
    assert scanned(tmp_path, '" NAME","id",Action\n').header.names == ("name", "id", "action")


def test_a_name_that_stands_twice_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path, "id,name,ID,action\n") == (
        "delta/things_202502.csv, header: 'id' stands twice. Expected each name"
        " once; rename or remove one of the columns."
    )
    assert "'more' stands twice" in refused(tmp_path, "id,name,more,action,More\n")


def test_a_missing_column_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path, "id,nom,action\n") == (
        "delta/things_202502.csv, header: no column name. Expected"
        " id, name; found 'id', 'nom', 'action'."
    )


def test_a_change_file_without_an_action_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path, "id,name\n") == (
        "delta/things_202502.csv, header: no column action. Expected a change file to say add,"
        " update or delete in action; found 'id', 'name'."
    )


def test_an_optional_column_may_be_missing_which_is_drift(tmp_path: Path) -> None:
    columns = {"id": "text", "name": {"type": "text", "optional": True}}
    header = scanned(tmp_path, "id,action\n", of=feed(columns=columns)).header
    assert (header.names, header.drift) == (("id", "action"), ("-name",))


def test_a_column_that_nobody_declared_is_drift(tmp_path: Path) -> None:
    header = scanned(tmp_path, "id,Colour ,name,action,\n").header
    assert header.names == ("id", "Colour", "name", "action", "")
    assert header.drift == ("Colour", "")


def test_an_extract_needs_no_action_and_one_that_is_there_is_drift(tmp_path: Path) -> None:
    assert scanned(tmp_path, "id,name\n", period="initial").header.drift == ()
    header = scanned(tmp_path, "id,name,Action\n", period="initial").header
    assert (header.names, header.drift) == (("id", "name", "(action)"), ("action",))


def test_the_feeds_own_delimiter_parts_the_header(tmp_path: Path) -> None:
    header = scanned(tmp_path, 'id|"a|b"|name|action\n', of=feed(delimiter="|")).header
    assert header.names == ("id", "a|b", "name", "action")


def test_a_quoted_name_may_hold_a_line_break(tmp_path: Path) -> None:
    header = scanned(tmp_path, '\nid,"more\nof it",name,action\n1,2,3,add\n').header
    assert (header.names, header.line) == (("id", "more\nof it", "name", "action"), 2)
