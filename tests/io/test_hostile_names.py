"""Hostile names: each is taken exactly as it is, or refused with its reason; none does harm."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from support_lakehouse.io.landing import FileRefused, Listing, list_files, scan
from support_lakehouse.io.staging import landed_records
from support_lakehouse.model.feed import Feed
from tests.io.support import deliveries, found

CONTENT = b"id,name\n1,a\n"

TAKEN = [
    "new\nline.csv",
    "carriage\rreturn.csv",
    "tab\t.csv",
    "escape\x1b[31m.csv",
    "bell\x07.csv",
    "delete\x7f.csv",
    "'.csv",
    '".csv',
    "`.csv",
    "'; DROP TABLE agents; --.csv",
    "' OR 1=1 --.csv",
    "{}.csv",
    "{month}.csv",
    "{0}.csv",
    "%s%n%d.csv",
    "[a-z].csv",
    "[.csv",
    "].csv",
    "*.csv",
    "?.csv",
    "**.csv",
    "!.csv",
    "-rf.csv",
    "--help.csv",
    "~.csv",
    "$HOME.csv",
    "$(id).csv",
    "`id`.csv",
    "a&b|c;d.csv",
    "<b>.csv",
    "back\\slash.csv",
    "..\\..\\x.csv",
    "C:\\x.csv",
    "file:x.csv",
    "x:y.csv",
    "a,b.csv",
    "day=1.csv",
    "100%20.csv",
    "%2e%2e%2f.csv",
    "#.csv",
    "+ .csv",
    " blank before.csv",
    "...csv",
    "...x.csv",
    "_hidden to Spark.csv",
    ".csv",
    "x.csv.csv",
    "x.gz.csv",
    "é.csv",
    "e\u0301.csv",
    "😀👩\u200d👩.csv",
    "ש\u202egnp.csv",
    "\u2028.csv",
    "\u00a0.csv",
    "\ufeff.csv",
    "\U0010ffff.csv",
    "\uff23\uff2f\uff2e.csv",
    "CON.csv",
    "nul.csv",
    "null.csv",
    "a" * 251 + ".csv",
    "é" * 125 + ".csv",
]
NOBODYS = [
    "x.csv\n",
    "x.csv ",
    "x.CSV",
    "x.csv.",
    "x.csv\u200b",
    "x\uff0ecsv",
    "x.csv~",
    "csv",
    "x.csv.gz.bak",
]
NOT_UTF8 = [b"\xff.csv", b"caf\xe9.csv", b"\xed\xa0\x80.csv", b"\xc0\xaf.csv", b"a\nb\x80.csv"]


def events() -> Feed:
    return deliveries("in/*.csv")


def listed(data: Path, name: str | bytes, content: bytes = CONTENT) -> Listing:
    folder = os.fsencode(data / "in")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, os.fsencode(name)), "wb") as file:
        file.write(content)
    return list_files(data, [events()])


def test_there_are_more_than_forty() -> None:
    assert len({*TAKEN, *NOBODYS, *map(os.fsdecode, NOT_UTF8)}) > 70


@pytest.mark.parametrize("name", TAKEN)
def test_a_name_is_taken_exactly(tmp_path: Path, name: str) -> None:
    listing = listed(tmp_path, name)
    assert found(listing) == [("things", f"in/{name}", "")]
    assert (listing.unmatched, listing.refused) == ((), ())
    [file] = listing.found
    assert file.location.read_bytes() == CONTENT
    assert scan(file, events()).header.names == ("id", "name")


@pytest.mark.parametrize("name", TAKEN)
def test_what_is_said_of_a_file_is_one_line_that_disturbs_no_screen(
    tmp_path: Path, name: str
) -> None:
    [file] = listed(tmp_path, name, b"").found
    with pytest.raises(FileRefused) as error:
        scan(file, events())
    said = str(error.value)
    assert "is empty" in said
    assert not set(said) & {*map(chr, range(32)), "\x7f", "\u202e", "\u2028"}
    assert said.encode()


@pytest.mark.parametrize("name", NOBODYS)
def test_a_name_that_is_nearly_right_is_nobodys(tmp_path: Path, name: str) -> None:
    listing = listed(tmp_path, name)
    assert (listing.found, listing.unmatched, listing.refused) == ((), (f"in/{name}",), ())


@pytest.mark.parametrize(
    ("name", "shown"),
    zip(
        NOT_UTF8,
        [r"\xff.csv", r"caf\xe9.csv", r"\xed\xa0\x80.csv", r"\xc0\xaf.csv", r"a\nb\x80.csv"],
        strict=True,
    ),
)
def test_a_name_that_is_not_utf8_is_refused_readably(
    tmp_path: Path, name: bytes, shown: str
) -> None:
    listing = listed(tmp_path, name)
    [refusal] = listing.refused
    assert (listing.found, listing.unmatched) == ((), ())
    assert (refusal.feed, refusal.file) == ("things", f"in/{shown}")
    assert refusal.why == f"in/{shown} has a name that is not UTF-8; rename it."


def test_a_name_of_nobody_that_is_not_utf8_can_be_written_down(tmp_path: Path) -> None:
    assert listed(tmp_path, b"\xff.txt").unmatched == (r"in/\xff.txt",)


def test_a_folder_whose_name_is_not_utf8_is_refused_with_its_files(tmp_path: Path) -> None:
    folder = os.path.join(os.fsencode(tmp_path), b"in", b"\xe9")
    os.makedirs(folder)
    with open(os.path.join(folder, b"x.csv"), "wb") as file:
        file.write(CONTENT)
    [refusal] = list_files(tmp_path, [deliveries("in/*/*.csv")]).refused
    assert refusal.why == r"in/\xe9/x.csv has a name that is not UTF-8; rename it."


@pytest.mark.parametrize("name", ["a\nb", "*", "{day}", "-x", "..x", "😀", "x y", "a;b", "[a]"])
def test_folders_and_labels_may_be_hostile_as_well(tmp_path: Path, name: str) -> None:
    place = tmp_path / "in" / f"sync-{name}" / "x.csv"
    place.parent.mkdir(parents=True)
    place.write_bytes(CONTENT)
    [file] = list_files(tmp_path, [deliveries("in/sync-{day}/*.csv", kind="snapshot")]).found
    assert (file.path, file.label, file.period) == (f"in/sync-{name}/x.csv", name, "")


MAKERS: dict[str, Callable[[Path], None]] = {
    "a link to a file outside": lambda place: place.symlink_to("/etc/hostname"),
    "a link upwards": lambda place: place.symlink_to("../../x.csv"),
    "a link to itself": lambda place: place.symlink_to(place.name),
    "a link to a device": lambda place: place.symlink_to("/dev/zero"),
    "a link to the data folder": lambda place: place.symlink_to(".."),
    "a pipe": lambda place: os.mkfifo(place),
    "a folder": lambda place: place.mkdir(),
}


@pytest.mark.parametrize("what", MAKERS)
def test_what_is_no_file_of_the_folder_is_refused_and_not_opened(tmp_path: Path, what: str) -> None:
    place = tmp_path / "in" / "x.csv"
    place.parent.mkdir()
    MAKERS[what](place)
    listing = list_files(tmp_path, [events()])
    kind = "a link" if "link" in what else "no regular file"
    [refusal] = listing.refused
    assert (listing.found, refusal.file) == ((), "in/x.csv")
    assert refusal.why == f"in/x.csv is {kind}; put the file itself there."


def test_big_files_of_all_these_names_reach_spark(spark: object, tmp_path: Path) -> None:
    for name in TAKEN:
        listed(tmp_path, name)
    files = [scan(file, events()) for file in list_files(tmp_path, [events()]).found]
    parts = landed_records(spark, files, events(), tmp_path / "s.parquet", staged_up_to=0)
    rows = [row for part in parts for row in part.records.collect()]
    assert {(row["file"], row["line"], row["raw"]) for row in rows} == {
        (f"in/{name}", 2, "1,a") for name in TAKEN
    }
