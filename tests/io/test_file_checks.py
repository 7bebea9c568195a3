"""Rules for a whole file: every broken one is told, and none that is not."""

import csv
from pathlib import Path
from typing import Any

import pytest

from support_lakehouse.io.landing import FileRefused, scan
from tests.io.support import FEBRUARY, deliveries, feed, refused, scanned

CSV = "things/x.csv"
NOT_ENDING = "the name does not end in"


def a_file(
    tmp_path: Path, content: str | bytes = "id,name\n", path: str = CSV, **rules: Any
) -> Any:
    return scanned(tmp_path, content, path=path, of=deliveries(**rules))


def why(tmp_path: Path, content: str | bytes = "id,name\n", path: str = CSV, **rules: Any) -> str:
    return refused(tmp_path, content, path=path, of=deliveries(**rules))


def sentences(told: str, path: str = CSV) -> list[str]:
    """A refusal's sentences; each begins with the file's name."""
    return [path + part.strip() for part in told.split(path)[1:]]


@pytest.mark.parametrize("name", ["x.csv", "x.csv.gz", "x.txt", "x.txt.gz"])
def test_a_listed_ending_is_taken_and_gz_behind_it(tmp_path: Path, name: str) -> None:
    a_file(tmp_path, path=f"things/{name}", file={"extensions": [".csv", ".txt"]})


@pytest.mark.parametrize("name", ["x.CSV", "x.csv.bak", "xcsv", "x.gz", "x.csv.gz.gz", "x.csv "])
def test_another_ending_is_refused(tmp_path: Path, name: str) -> None:
    told = why(tmp_path, path=f"things/{name}", file={"extensions": [".csv", ".txt"]})
    assert told == f"things/{name}: the name does not end in .csv or .txt."


def test_the_whole_name_must_match_the_pattern(tmp_path: Path) -> None:
    rules = {"name": "call_[0-9]{4}[.]csv"}
    a_file(tmp_path, path="things/call_2026.csv", file=rules)
    for name in ("call_2026.csv\n", "a_call_2026.csv", "call_20261.csv"):
        told = why(tmp_path, path=f"things/{name}", file=rules)
        assert "the name does not match the pattern call_[0-9]{4}[.]csv." in told


def test_the_length_of_a_name_is_in_characters(tmp_path: Path) -> None:
    a_file(tmp_path, path="things/éé.csv", file={"max_name_length": 6})
    assert why(tmp_path, path="things/ééé.csv", file={"max_name_length": 6}) == (
        "things/ééé.csv: the name has 7 characters. Expected at most 6."
    )


def test_a_file_above_the_limit_is_not_opened(tmp_path: Path) -> None:
    a_file(tmp_path, "id,name\n", file={"max_bytes": 8})
    assert why(tmp_path, b"id,name\n\xff", file={"max_bytes": 8}) == (
        "things/x.csv: the file has 9 bytes. Expected at most 8."
    )


def test_all_broken_rules_of_a_file_and_its_header_are_told_together(tmp_path: Path) -> None:
    rules = {"extensions": [".txt"], "name": "[a-z]+", "max_name_length": 4}
    told = sentences(why(tmp_path, "id,ID,more\n", file=rules, header={"drift": "refuse"}))
    assert told == [
        "things/x.csv: the name does not end in .txt.",
        "things/x.csv: the name does not match the pattern [a-z]+.",
        "things/x.csv: the name has 5 characters. Expected at most 4.",
        "things/x.csv, header: 'id' stands twice. Expected each name once; rename or remove one"
        " of the columns.",
        "things/x.csv, header: no column name. Expected id, name; found 'id', 'id', 'more'.",
        "things/x.csv, header: nobody declared 'more'. Expected id, name and no other column.",
    ]


def test_what_is_wrong_with_the_content_is_told_beside_the_name(tmp_path: Path) -> None:
    told = sentences(why(tmp_path, b"id,name\n\xff", file={"extensions": [".txt"]}))
    assert [NOT_ENDING in told[0], "not UTF-8" in told[1]] == [True, True]


def test_a_file_that_is_gone_is_refused(tmp_path: Path) -> None:
    found = scanned(tmp_path, "id,name\n", path=CSV, of=deliveries()).found
    found.location.unlink()
    with pytest.raises(FileRefused, match=r"things/x.csv cannot be read: No such file"):
        scan(found, deliveries())


def test_an_empty_file_may_be_declared_to_be_fine(tmp_path: Path) -> None:
    for content in ("", "\n \t\r\n", "\ufeff"):
        header = a_file(tmp_path, content, file={"may_be_empty": True}).header
        assert (header.names, header.line, header.drift) == (("id", "name"), 0, ())


def test_an_empty_change_file_has_the_action_too(tmp_path: Path) -> None:
    file = {"may_be_empty": True}
    assert scanned(tmp_path, "", of=feed(file=file)).header.names == ("id", "name", "action")
    extract = scanned(tmp_path, "", of=feed(file=file), period="initial")
    assert extract.header.names == ("id", "name")


def test_only_change_files_are_asked_for_an_action(tmp_path: Path) -> None:
    header = a_file(tmp_path, "action,id,name\n").header
    assert (header.names, header.drift) == (("action", "id", "name"), ("action",))


EXACT = {"order": "exact"}


def test_exact_takes_the_declared_columns_in_their_order(tmp_path: Path) -> None:
    assert a_file(tmp_path, " ID ,Name\n", header=EXACT).header.names == ("id", "name")


@pytest.mark.parametrize("names", ["id,name,action", "action,id,name", "id,action,name"])
def test_exact_takes_the_action_at_any_place(tmp_path: Path, names: str) -> None:
    header = scanned(tmp_path, f"{names}\n", of=feed(header=EXACT)).header
    assert (",".join(header.names), header.drift) == (names, ())


def test_exact_tells_the_wrong_number(tmp_path: Path) -> None:
    assert sentences(why(tmp_path, "id\n", header=EXACT)) == [
        "things/x.csv, header: no column name. Expected id, name; found 'id'.",
        "things/x.csv, header: 1 column. Expected 2.",
    ]


def test_exact_tells_wrong_names(tmp_path: Path) -> None:
    assert sentences(why(tmp_path, "id,nom\n", header=EXACT)) == [
        "things/x.csv, header: no column name. Expected id, name; found 'id', 'nom'.",
        "things/x.csv, header: nobody declared 'nom'. Expected id, name and no other column.",
    ]


def test_exact_tells_wrong_places(tmp_path: Path) -> None:
    assert why(tmp_path, "name,id\n", header=EXACT) == (
        "things/x.csv, header: the columns stand in the order name, id. Expected id, name."
    )


def test_exact_tells_number_names_and_places_at_once(tmp_path: Path) -> None:
    told = sentences(why(tmp_path, "name,id,x,y\n", header=EXACT | {"drift": "refuse"}))
    assert told == [
        "things/x.csv, header: 4 columns. Expected 2.",
        "things/x.csv, header: the columns stand in the order name, id. Expected id, name.",
        "things/x.csv, header: nobody declared 'x', 'y'. Expected id, name and no other column.",
    ]


OPTIONAL = {"id": "text", "note": {"type": "text", "optional": True}, "name": "text"}


def test_exact_lets_an_optional_column_be_missing(tmp_path: Path) -> None:
    header = a_file(tmp_path, "id,name\n", header=EXACT, columns=OPTIONAL).header
    assert (header.names, header.drift) == (("id", "name"), ("-note",))
    assert "in the order id, name, note" in why(
        tmp_path, "id,name,note\n", header=EXACT, columns=OPTIONAL
    )


def test_drift_is_told_or_refused_as_the_feed_says(tmp_path: Path) -> None:
    content = "id,Colour,name\n"
    assert a_file(tmp_path, content, columns=OPTIONAL).header.drift == ("Colour", "-note")
    told = sentences(why(tmp_path, content, columns=OPTIONAL, header={"drift": "refuse"}))
    assert told == [
        "things/x.csv, header: nobody declared 'Colour'. Expected id, note, name and no other"
        " column.",
        "things/x.csv, header: no column note. Expected optional columns as well: the feed"
        " refuses drift.",
    ]


def test_an_action_in_an_extract_is_drift_to_refuse(tmp_path: Path) -> None:
    of = feed(header={"drift": "refuse"})
    scanned(tmp_path, "id,name,action\n", of=of)
    assert refused(tmp_path, "id,name,action\n", of=of, period="initial") == (
        f"{FEBRUARY}, header: nobody declared 'action'. Expected id, name and no other column."
    )


NO_HEADER = {"present": False}


def test_without_a_header_cells_stand_as_declared(tmp_path: Path) -> None:
    header = a_file(tmp_path, "\n1,a\n", header=NO_HEADER).header
    assert (header.names, header.line, header.drift) == (("id", "name"), 0, ())
    header = scanned(tmp_path, "1,a,add\n", of=feed(header=NO_HEADER)).header
    assert header.names == ("id", "name", "action")
    extract = scanned(tmp_path, "1,a\n", of=feed(header=NO_HEADER), period="initial")
    assert extract.header.names == ("id", "name")


def test_without_a_header_an_empty_file_lacks_a_row(tmp_path: Path) -> None:
    assert why(tmp_path, "\n", header=NO_HEADER) == (
        "things/x.csv is empty. Expected at least one row with id, name."
    )


QUOTED = {"id": "text", "name": {"type": "text", "optional": True}}


def test_without_quoting_quotes_are_text(tmp_path: Path) -> None:
    file = a_file(tmp_path, 'id,"name"\n1,"a\nb"\n', quoting=False, columns=QUOTED)
    assert (file.has_quotes, file.one_line_records, file.header.names) == (
        False,
        True,
        ("id", '"name"'),
    )


def test_a_name_in_a_header_may_be_long(tmp_path: Path) -> None:
    long = "x" * 200_000
    csv.field_size_limit(131_072)  # as the module has it by itself
    assert a_file(tmp_path, f"id,name,{long}\n").header.drift == (long,)
