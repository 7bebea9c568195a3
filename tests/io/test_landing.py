"""The data folder: which files are there, and what one pass over a file tells."""

import os
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from support_lakehouse.errors import UsageError
from support_lakehouse.io.landing import FileRefused, Listing, list_files, scan, sha256_of
from support_lakehouse.model.feed import Feed
from support_lakehouse.model.landing import FoundFile, ScannedFile

INITIAL, FEBRUARY = "initial/things.csv", "delta/things_202502.csv"


def feed(name: str = "things", **changes: Any) -> Feed:
    declared = {
        "feed": name,
        "kind": "changes",
        "files": {"initial": f"initial/{name}.csv", "changes": f"delta/{name}_{{month}}.csv"},
        "key": "id",
        "action": "action",
        "columns": {"id": "text", "name": "text"},
    }
    return Feed.model_validate(declared | changes)


def put(data: Path, path: str, content: str | bytes = "id,name\n") -> Path:
    place = data / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content if isinstance(content, bytes) else content.encode())
    return place


def found(listing: Listing) -> list[tuple[str, str, str]]:
    return [(file.feed, file.path, file.period) for file in listing.found]


def test_files_of_feeds_are_found_in_order_of_period_then_path(tmp_path: Path) -> None:
    for path in ("delta/things_202503.csv", FEBRUARY, INITIAL, "delta/calls_202502.csv"):
        put(tmp_path, path)
    assert found(list_files(tmp_path, [feed(), feed("calls")])) == [
        ("things", INITIAL, "initial"),
        ("calls", "delta/calls_202502.csv", "202502"),
        ("things", FEBRUARY, "202502"),
        ("things", "delta/things_202503.csv", "202503"),
    ]


def test_a_found_file_tells_its_size_time_and_inode(tmp_path: Path) -> None:
    place = put(tmp_path, INITIAL, "id,name\n1,a\n")
    [file] = list_files(tmp_path, [feed()]).found
    told = place.stat()
    assert (file.location, file.size) == (place, 12)
    assert (file.mtime_ns, file.inode) == (told.st_mtime_ns, told.st_ino)


@pytest.mark.parametrize(
    "path",
    [
        "delta/things_202513.csv",
        "delta/things_2025-02.csv",
        "delta/Things_202502.csv",
        "delta/things_202502.csv.bak",
        "delta/things_202502.CSV",
        "delta/things_202502\n.csv",
        "initial/things.csv ",
        "initial/.things.csv",
    ],
)
def test_a_name_that_is_nearly_right_matches_no_feed(tmp_path: Path, path: str) -> None:
    put(tmp_path, path)
    listing = list_files(tmp_path, [feed()])
    assert (listing.found, listing.unmatched, listing.refused) == ((), (path,), ())


def test_other_folders_are_not_looked_into(tmp_path: Path) -> None:
    put(tmp_path, "notes/things.csv")
    put(tmp_path, "delta/older/things_202502.csv")
    assert list_files(tmp_path, [feed()]) == Listing((), (), ())


def test_a_link_is_refused_even_to_a_file_of_the_data_folder(tmp_path: Path) -> None:
    place = put(tmp_path, FEBRUARY)
    (tmp_path / "delta/things_202503.csv").symlink_to(place)
    listing = list_files(tmp_path, [feed()])
    assert found(listing) == [("things", FEBRUARY, "202502")]
    [refusal] = listing.refused
    assert (refusal.feed, refusal.file) == ("things", "delta/things_202503.csv")
    assert refusal.why == "delta/things_202503.csv is a link; put the file itself there."


def test_a_link_to_nothing_is_refused_too(tmp_path: Path) -> None:
    (tmp_path / "initial").mkdir()
    (tmp_path / INITIAL).symlink_to(tmp_path / "gone.csv")
    [refusal] = list_files(tmp_path, [feed()]).refused
    assert refusal.why == "initial/things.csv is a link; put the file itself there."


def test_what_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "initial").mkdir()
    os.mkfifo(tmp_path / INITIAL)
    [refusal] = list_files(tmp_path, [feed()]).refused
    assert refusal.why == "initial/things.csv is no regular file; put the file itself there."


def test_files_behind_a_linked_folder_are_not_read(tmp_path: Path) -> None:
    put(tmp_path, "elsewhere/things_202502.csv")
    (tmp_path / "delta").symlink_to(tmp_path / "elsewhere")
    assert list_files(tmp_path, [feed()]).found == ()


def test_a_linked_folder_is_not_passed_over_in_silence(tmp_path: Path) -> None:
    put(tmp_path, "elsewhere/things_202502.csv")
    (tmp_path / "delta").symlink_to(tmp_path / "elsewhere")
    listing = list_files(tmp_path, [feed()])
    assert listing.refused or listing.unmatched


def test_folders_that_are_not_there_hold_nothing(tmp_path: Path) -> None:
    assert list_files(tmp_path, [feed()]) == Listing((), (), ())


def test_no_data_folder_is_wrong_use(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nowhere: the data folder is not there") as error:
        list_files(tmp_path / "nowhere", [feed()])
    assert error.value.exit_code == 2


def scanned(
    tmp_path: Path,
    content: str | bytes,
    *,
    of: Feed | None = None,
    period: str = "202502",
    block_bytes: int = 16,
) -> ScannedFile:
    place = put(tmp_path, FEBRUARY, content)
    told = FoundFile("things", FEBRUARY, period, place, place.stat().st_size, 0, 0)
    return scan(told, of or feed(), block_bytes)


def refused(tmp_path: Path, content: str | bytes, **options: Any) -> str:
    """The sentence that refuses the content."""
    with pytest.raises(FileRefused) as error:
        scanned(tmp_path, content, **options)
    return str(error.value)


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


def test_an_optional_column_may_be_missing(tmp_path: Path) -> None:
    columns = {"id": "text", "name": {"type": "text", "optional": True}}
    header = scanned(tmp_path, "id,action\n", of=feed(columns=columns)).header
    assert (header.names, header.drift) == (("id", "action"), ())


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
