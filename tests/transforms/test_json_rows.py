"""How a JSON record becomes typed values, and which records are none (contracts.md, Reading)."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import Row, SparkSession

from support_lakehouse.io.session import session_for
from support_lakehouse.model.feed import Feed
from support_lakehouse.model.landing import Shape
from support_lakehouse.transforms.judge import judged

RECORD = (
    "period string, file string, line bigint, sha256 string, admission string, header string,"
    " raw string"
)
COLUMNS: dict[str, Any] = {
    "id": "text",
    "mail": {"type": "text", "path": ["contact.email", "email"]},
    "name": {"type": "text", "required": True},
    "size": "integer",
    "price": "decimal(6,2)",
    "rate": "double",
    "on": "boolean",
    "day": "date",
}


@pytest.fixture(scope="module")
def own(spark: SparkSession) -> SparkSession:
    """A session as a feed's own is in a run."""
    return session_for(spark, 0, lenient=True)


def feed(**changes: Any) -> Feed:
    declared = {"feed": "things", "kind": "events", "files": "things/*.jsonl", "key": "id"}
    declared |= {"format": "json_lines", "unreadable": "warn"}
    return Feed.model_validate(declared | {"columns": COLUMNS} | changes)


def rows_of(
    spark: SparkSession, feed: Feed, raws: Sequence[str], period: str = "202502"
) -> list[Row]:
    records = [
        (period, "things/1.jsonl", line, "5ha", "r1-0", "[]", raw)
        for line, raw in enumerate(raws, start=1)
    ]
    frame = spark.createDataFrame(records, RECORD)
    return judged(frame, feed, Shape(((),)), run="r1").orderBy("line").collect()


def assert_read(spark: SparkSession, expected: dict[str, tuple[Any, bool]]) -> None:
    """What is read of each `column: JSON`: the value, and whether it is unreadable."""
    raws, found = [], {}
    for one in expected:
        name, value = one.split(": ", 1)
        raws.append(f'{{"id": "1", "name": "Ann", "{name}": {value}}}')
    for one, row in zip(expected, rows_of(spark, feed(), raws), strict=True):
        name = one.split(": ")[0]
        assert row["reasons"] is None
        assert row["warnings"] in (None, [f"unreadable:{name}"])
        found[one] = (row[f"_value_{name}"], row["warnings"] is not None)
    assert found == expected


def reasons_of(row: Row) -> list[str]:
    named = [(reason["rule"], reason["column"]) for reason in row["reasons"] or []]
    return [":".join(part for part in one if part) for one in named]


def read(value: Any) -> tuple[Any, bool]:
    return value, False


UNREADABLE = (None, True)
NULL = (None, False)


def test_text_is_trimmed_and_nothing_left_is_null(own: SparkSession) -> None:
    raws = [
        '{"id": " 1\\u00a0", "name": "\\t Ann ", "email": ""}',
        '{"id": "2", "name": "Zo\\u00eb \\"x\\"\\nline", "email": " \\t\\u00a0"}',
    ]
    rows = rows_of(own, feed(), raws)
    assert [(r["key"], r["_value_name"], r["_value_mail"]) for r in rows] == [
        ("1", "Ann", None),
        ("2", 'Zoë "x"\nline', None),
    ]


def test_numbers_and_booleans_are_their_text_where_text_is_declared(own: SparkSession) -> None:
    raws = [
        f'{{"id": {value}, "name": {value}}}' for value in ("17", "true", "false", "-4", "12.5")
    ]
    rows = rows_of(own, feed(), raws)
    assert [row["_value_name"] for row in rows] == ["17", "true", "false", "-4", "12.5"]
    assert [row["key"] for row in rows] == ["17", "true", "false", "-4", "12.5"]


def test_the_text_of_a_number_is_as_it_stands_in_the_file(own: SparkSession) -> None:
    numbers = ["4.0", "1.50", "1e2", "1E-7", "-0", "1e400", "1" + "0" * 50]
    rows = rows_of(own, feed(), [f'{{"id": "1", "name": {number}}}' for number in numbers])
    assert [row["_value_name"] for row in rows] == numbers


def test_text_is_read_by_the_rules_of_the_type(own: SparkSession) -> None:
    assert_read(
        own,
        {
            "size: 4": read(4),
            "size: 4.0": read(4),
            'size: " +4.0 "': read(4),
            'size: "x"': UNREADABLE,
            'size: "4e0"': UNREADABLE,
            "size: 4.5": UNREADABLE,
            "size: true": UNREADABLE,
            "size: null": NULL,
            'size: ""': NULL,
            "price: 12.5": read(Decimal("12.50")),
            "price: 140": read(Decimal("140.00")),
            'price: "12.50"': read(Decimal("12.50")),
            "price: 0.001": UNREADABLE,
            "price: 12345": UNREADABLE,
            'price: "12,5"': UNREADABLE,
            "rate: 4": read(4.0),
            "rate: 4.5": read(4.5),
            'rate: "4.5"': read(4.5),
            "rate: -0.1": read(-0.1),
            'rate: "NaN"': UNREADABLE,
            'rate: "1e2"': UNREADABLE,
            'day: "2025-01-05"': read(date(2025, 1, 5)),
            'day: "2025-02-30"': UNREADABLE,
            "day: 20250105": UNREADABLE,
            "day: 2025": UNREADABLE,
            "on: true": read(True),
            "on: false": read(False),
            'on: "TRUE"': read(True),
            'on: " False "': read(False),
            "on: 1": UNREADABLE,
            "on: 0": UNREADABLE,
            'on: "yes"': UNREADABLE,
        },
    )


def test_a_number_with_an_exponent_is_a_double_whatever_its_size_and_nothing_else(
    own: SparkSession,
) -> None:
    assert_read(
        own,
        {
            "rate: 1e2": read(100.0),
            "rate: 1E+20": read(1e20),
            "rate: 1e-7": read(1e-7),
            "rate: 1e400": UNREADABLE,
            "size: 1e2": UNREADABLE,
            "price: 1e2": UNREADABLE,
        },
    )


def test_the_first_path_that_holds_a_value_counts(own: SparkSession) -> None:
    told = {
        '"contact": {"email": "in"}, "email": "out"': "in",
        '"contact": {"email": null}, "email": "out"': "out",
        '"contact": {"email": " "}, "email": "out"': "out",
        '"contact": {}, "email": "out"': "out",
        '"contact": null, "email": "out"': "out",
        '"contact": "nobody", "email": "out"': "out",
        '"contact": [{"email": "in"}], "email": "out"': "out",
        '"contact": {"email": {"work": "in"}}, "email": "out"': "out",
        '"contact": {"email": "in"}': "in",
        '"contact.email": "flat"': None,
        '"Contact": {"Email": "in"}': None,
        '"email": null': None,
    }
    rows = rows_of(own, feed(), [f'{{"id": "1", "name": "Ann", {one}}}' for one in told])
    assert [row["_value_mail"] for row in rows] == list(told.values())
    assert [row["warnings"] for row in rows] == [None] * len(told)


def test_an_object_or_a_list_is_unreadable_where_one_value_is_declared(own: SparkSession) -> None:
    nested = ("{}", "[]", '{"a": 1}', "[1]", '["x"]', '[{"email": "x"}]')
    others = [f"{name}: {value}" for name in ("size", "on") for value in nested]
    assert_read(own, dict.fromkeys(others, UNREADABLE))
    raws = [f'{{"id": "1", "name": "Ann", "contact": {{"email": {value}}}}}' for value in nested]
    rows = rows_of(own, feed(), raws)
    assert [row["warnings"] for row in rows] == [["unreadable:mail"]] * len(nested)


def test_text_that_looks_like_an_object_is_text(own: SparkSession) -> None:
    texts = ['"{x}"', '"[1]"', '"{\\"a\\": 1}"', '"["']
    rows = rows_of(own, feed(), [f'{{"id": "1", "name": {text}}}' for text in texts])
    assert [row["_value_name"] for row in rows] == ["{x}", "[1]", '{"a": 1}', "["]


def test_a_required_value_that_is_nested_is_unreadable_and_not_missing(own: SparkSession) -> None:
    raws = ['{"id": "1", "name": {"first": "Ann"}}', '{"id": [1], "name": "Ann"}', '{"name": null}']
    rows = rows_of(own, feed(), raws)
    assert [reasons_of(row) for row in rows] == [
        ["unreadable:name"],
        ["unreadable:id"],
        ["required:id", "required:name"],
    ]
    assert rows[0]["reasons"][0]["message"] == "name is not text"


def test_names_are_matched_exactly_and_those_nobody_declared_are_left_alone(
    own: SparkSession,
) -> None:
    [row] = rows_of(own, feed(), ['{"ID": "1", "name": "Ann", "more": [1], "on": null}'])
    assert reasons_of(row) == ["required:id"]


def test_of_a_name_that_stands_twice_the_last_one_counts(own: SparkSession) -> None:
    raws = [
        '{"id": "1", "id": "2", "name": "Ann", "name": "Bob"}',
        '{"id": "1", "name": "Ann", "name": null}',
        '{"id": "1", "name": "Ann", "contact": {"email": "a", "email": "b"}}',
    ]
    rows = rows_of(own, feed(), raws)
    assert [(r["key"], r["_value_name"], r["_value_mail"]) for r in rows] == [
        ("2", "Bob", None),
        ("1", None, None),
        ("1", "Ann", "b"),
    ]


GOOD = '{"id": "1", "name": "Ann"}'
NO_RECORDS = [
    GOOD[:-1],
    GOOD + GOOD,
    f"{GOOD} {GOOD}",
    f"{GOOD},{GOOD}",
    f"{GOOD} x",
    f"{GOOD},",
    f"{GOOD}}}",
    f"[{GOOD}]",
    '"id"',
    "17",
    "null",
    "true",
    "{'id': '1'}",
    '{"id": "1",}',
    '{id: "1"}',
    '{"id": NaN}',
    '{"id": 01}',
    '{"id": "a\tb"}',
    f"// {GOOD}",
    "id,name",
]


def test_what_is_not_exactly_one_object_is_no_record_and_has_no_other_reason(
    own: SparkSession,
) -> None:
    rows = rows_of(own, feed(), NO_RECORDS)
    assert [reasons_of(row) for row in rows] == [["json"]] * len(NO_RECORDS)
    assert {(r["key"], r["action"], r["warnings"]) for r in rows} == {(None, None, None)}
    assert rows[0]["reasons"][0]["message"] == "the record is not one JSON object"


@pytest.mark.parametrize("more", ["]", "] x", '] {"id": "2"}'])
def test_a_bracket_after_the_object_makes_it_no_record(own: SparkSession, more: str) -> None:
    [row] = rows_of(own, feed(), [GOOD + more])
    assert reasons_of(row) == ["json"]


def test_blanks_around_an_object_are_nothing(own: SparkSession) -> None:
    rows = rows_of(own, feed(), [f"  {GOOD}\t", f"\n{GOOD}\r", " ", ""])
    assert [(row["line"], row["key"], row["reasons"]) for row in rows] == [
        (1, "1", None),
        (2, "1", None),
    ]


def test_a_change_has_its_action_in_the_record_and_an_extract_adds(own: SparkSession) -> None:
    files = {"initial": "initial/things.json", "changes": "delta/things_{month}.json"}
    changes = feed(kind="changes", files=files, action="action", columns={"id": "text"})
    raws = [
        '{"id": "1", "action": " Delete "}',
        '{"id": "1"}',
        '{"id": "1", "action": 5}',
        '{"id": "1", "action": {"x": 1}}',
    ]
    rows = rows_of(own, changes, raws)
    assert [(row["action"], reasons_of(row)) for row in rows] == [
        ("delete", []),
        (None, ["action:action"]),
        ("5", ["action:action"]),
        (None, ["action:action"]),
    ]
    assert {row["action"] for row in rows_of(own, changes, raws, period="initial")} == {"add"}
