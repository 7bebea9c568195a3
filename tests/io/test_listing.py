"""The data folder: which files are there, whose they are, and which may not be read."""

import errno
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from support_lakehouse.errors import UsageError
from support_lakehouse.io.landing import Listing, list_files
from tests.io.support import FEBRUARY, INITIAL, deliveries, feed, found, put


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
    ],
)
def test_a_name_that_is_nearly_right_matches_no_feed(tmp_path: Path, path: str) -> None:
    put(tmp_path, path)
    listing = list_files(tmp_path, [feed()])
    assert (listing.found, listing.unmatched, listing.refused) == ((), (path,), ())


def test_files_below_the_folders_of_patterns_are_told_and_others_are_not(tmp_path: Path) -> None:
    put(tmp_path, "notes/things.csv")
    put(tmp_path, "things.csv")
    put(tmp_path, "delta/older/still/things_202502.csv")
    told = ("delta/older/still/things_202502.csv",)
    assert list_files(tmp_path, [feed()]) == Listing((), told, ())


def test_hidden_files_and_readmes_are_not_told(tmp_path: Path) -> None:
    for path in ("initial/.things.csv", "delta/.git/config", "delta/README.md"):
        put(tmp_path, path)
    put(tmp_path, "delta/readme.txt")
    assert list_files(tmp_path, [feed()]).unmatched == ("delta/readme.txt",)


def test_where_files_lie_in_the_data_folder_itself_only_its_own_files_are_told(
    tmp_path: Path,
) -> None:
    for path in ("a.csv", "b.txt", "notes/c.txt"):
        put(tmp_path, path)
    listing = list_files(tmp_path, [deliveries("*.csv")])
    assert found(listing) == [("things", "a.csv", "")]
    assert listing.unmatched == ("b.txt",)


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


def days(*files: str) -> object:
    paths = files or ("roster/sync-{day}/agents/*.json",)
    return deliveries(*paths, kind="snapshot", format="json")


def test_folders_may_hold_wildcards_and_the_period(tmp_path: Path) -> None:
    for day in ("2026-01-03", "2026-01-02"):
        for page in ("b", "a"):
            put(tmp_path, f"roster/sync-{day}/agents/{page}.json")
        put(tmp_path, f"roster/sync-{day}/other/a.json")
    put(tmp_path, "roster/2026-01-02/agents/a.json")
    listing = list_files(tmp_path, [days()])
    assert found(listing) == [
        ("things", f"roster/sync-{day}/agents/{page}.json", day)
        for day in ("2026-01-02", "2026-01-03")
        for page in ("a", "b")
    ]
    assert listing.unmatched == (
        "roster/2026-01-02/agents/a.json",
        "roster/sync-2026-01-02/other/a.json",
        "roster/sync-2026-01-03/other/a.json",
    )


def test_a_label_that_is_no_date_is_kept_until_a_person_says_its_day(tmp_path: Path) -> None:
    for label in ("day1", "2026-01-02", "2026-02-30"):
        put(tmp_path, f"roster/sync-{label}/agents/a.json")
    files = list_files(tmp_path, [days()]).found
    told = {(file.label, file.period) for file in files}
    assert told == {("day1", ""), ("2026-01-02", "2026-01-02"), ("2026-02-30", "")}
    [labelled] = [file for file in files if file.label == "day1"]
    assert replace(labelled, period="2026-01-01").order < files[-1].order


def test_a_wildcard_in_a_folder_reaches_one_level(tmp_path: Path) -> None:
    for path in ("in/a/x.csv", "in/b/x.csv", "in/x.csv", "in/a/c/x.csv"):
        put(tmp_path, path)
    listing = list_files(tmp_path, [deliveries("in/*/x.csv")])
    assert [path for _, path, _ in found(listing)] == ["in/a/x.csv", "in/b/x.csv"]
    assert listing.unmatched == ("in/a/c/x.csv", "in/x.csv")


def test_a_file_is_found_once_whichever_patterns_reach_it(tmp_path: Path) -> None:
    put(tmp_path, "in/calls.json")
    listing = list_files(tmp_path, [deliveries("in/*.json", "in/calls*")])
    assert found(listing) == [("things", "in/calls.json", "")]


def test_two_feeds_may_own_a_file(tmp_path: Path) -> None:
    put(tmp_path, "in/calls.json")
    owners = [deliveries("in/*", feed="one"), deliveries("in/calls.json", feed="other")]
    assert [name for name, _, _ in found(list_files(tmp_path, owners))] == ["one", "other"]


def test_gz_may_follow_what_a_pattern_says(tmp_path: Path) -> None:
    for path in (f"{INITIAL}.gz", f"{FEBRUARY}.gz", f"{FEBRUARY}.gz.gz"):
        put(tmp_path, path)
    listing = list_files(tmp_path, [feed()])
    assert found(listing) == [
        ("things", f"{INITIAL}.gz", "initial"),
        ("things", f"{FEBRUARY}.gz", "202502"),
    ]
    assert listing.unmatched == (f"{FEBRUARY}.gz.gz",)


def test_files_of_a_period_are_in_order_of_their_bytes(tmp_path: Path) -> None:
    names = ["Z", "a", "z", "é", "\uffff", "😀"]  # in UTF-16 the last two stand the other way round
    for name in reversed(names):
        put(tmp_path, f"in/{name}")
    listing = list_files(tmp_path, [deliveries("in/*")])
    assert [path for _, path, _ in found(listing)] == [f"in/{name}" for name in names]


def test_a_linked_folder_below_a_wildcard_is_refused_at_its_place(tmp_path: Path) -> None:
    put(tmp_path, "elsewhere/agents/a.json")
    put(tmp_path, "roster/sync-2026-01-02/other/a.json")
    (tmp_path / "roster/sync-2026-01-03").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "roster/sync-2026-01-02/agents").symlink_to(tmp_path / "elsewhere/agents")
    listing = list_files(tmp_path, [days()])
    assert listing.found == ()
    assert [refusal.why for refusal in listing.refused] == [
        "roster/sync-2026-01-02/agents is a link; put the folder itself there.",
        "roster/sync-2026-01-03 is a link; put the folder itself there.",
    ]


def test_a_link_that_no_pattern_reaches_is_nobodys_and_not_followed(tmp_path: Path) -> None:
    put(tmp_path, "elsewhere/a.json")
    put(tmp_path, "roster/sync-2026-01-02/agents/a.json")
    (tmp_path / "roster/backup").symlink_to(tmp_path / "elsewhere")
    listing = list_files(tmp_path, [days()])
    assert (len(listing.found), listing.unmatched, listing.refused) == (1, (), ())


@pytest.mark.parametrize("target", ["roster", "roster/sync-day2", "gone"])
def test_links_in_a_circle_or_to_nothing_end_the_walk(tmp_path: Path, target: str) -> None:
    put(tmp_path, "roster/notes.txt")
    (tmp_path / "roster/sync-day2").symlink_to(tmp_path / target)
    (tmp_path / "roster/circle").symlink_to(tmp_path / "roster")
    listing = list_files(tmp_path, [days(), days("roster/*/*/*/*/{day}.json")])
    assert listing.found == ()
    whys = {refusal.why for refusal in listing.refused}
    assert "roster/sync-day2 is a link; put the folder itself there." in whys


def test_a_folder_in_the_place_of_a_file_is_refused(tmp_path: Path) -> None:
    put(tmp_path, f"{FEBRUARY}/x.csv")
    [refusal] = list_files(tmp_path, [feed()]).refused
    assert refusal.why == f"{FEBRUARY} is no regular file; put the file itself there."


def test_a_file_in_the_place_of_a_folder_holds_nothing(tmp_path: Path) -> None:
    put(tmp_path, "delta")
    assert list_files(tmp_path, [feed()]) == Listing((), (), ())


def test_folders_may_be_deeper_than_python_calls_itself(tmp_path: Path) -> None:
    deepest = put(tmp_path, "in/x.csv").parent
    for _ in range(sys.getrecursionlimit()):
        deepest = deepest / "d"
        os.mkdir(deepest)
    listing = list_files(tmp_path, [deliveries("in/*.csv")])
    os.removedirs(deepest)  # pytest would call itself as deep
    assert found(listing) == [("things", "in/x.csv", "")]


def test_a_folder_that_may_not_be_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, FEBRUARY)
    put(tmp_path, INITIAL)
    bar(monkeypatch, tmp_path / "delta")
    listing = list_files(tmp_path, [feed()])
    assert found(listing) == [("things", INITIAL, "initial")]
    assert [refusal.why for refusal in listing.refused] == [
        "delta cannot be read: Permission denied."
    ]


def bar(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Let the folder be one that may not be read, which no folder is for root."""
    read = os.scandir

    def barred(path: Path) -> object:
        if Path(path) == folder:
            raise PermissionError(errno.EACCES, "Permission denied")
        return read(path)

    monkeypatch.setattr(os, "scandir", barred)


def test_a_data_folder_that_may_not_be_read_is_wrong_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bar(monkeypatch, tmp_path)
    with pytest.raises(UsageError, match="the data folder cannot be read: Permission denied"):
        list_files(tmp_path, [feed()])
