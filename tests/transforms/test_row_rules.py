"""What each row rule says of a cell, at both levels (docs/feeds.md; contracts.md, Reading)."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from pyspark.errors import AnalysisException, ParseException
from pyspark.sql import Row, SparkSession

from support_lakehouse.io.session import session_for
from support_lakehouse.model.feed import Feed
from support_lakehouse.model.landing import Shape, header_text
from support_lakehouse.transforms.judge import judged
from tests.transforms.both_engines import assert_same_in_memory

RECORD = (
    "period string, file string, line bigint, sha256 string, admission string, header string,"
    " raw string"
)
Broken = Callable[..., list[str]]


@pytest.fixture(scope="module")
def own(spark: SparkSession) -> SparkSession:
    """A session as a feed's own is in a run."""
    return session_for(spark, 0, lenient=True)


def events(columns: dict[str, Any], *rules: dict[str, Any], **more: Any) -> Feed:
    declared = {"feed": "things", "kind": "events", "files": "things/*.csv", "key": "id"}
    return Feed.model_validate(declared | {"columns": columns, "rules": rules} | more)


def changes(columns: dict[str, Any], *rules: dict[str, Any]) -> Feed:
    files = {"initial": "initial/things.csv", "changes": "delta/things_{month}.csv"}
    return events(columns, *rules, kind="changes", files=files, action="action")


def verdicts(spark: SparkSession, feed: Feed, raws: Sequence[str]) -> list[Row]:
    """The judged records, line by line; the header tells the columns, then the action."""
    header = (*feed.column_names, *([feed.action] if feed.action else []))
    place = ("202502", "things/1.csv")
    told = ("5ha", "r1-0", header_text(header))
    records = [(*place, line, *told, raw) for line, raw in enumerate(raws, start=2)]
    frame = spark.createDataFrame(records, RECORD)
    rows = judged(frame, feed, Shape((header,)), run="r1")
    assert_same_in_memory(rows, feed, raws, header)
    return rows.orderBy("line").collect()


def reasons_of(row: Row) -> list[str]:
    named = [(reason["rule"], reason["column"]) for reason in row["reasons"] or []]
    return [":".join(part for part in one if part) for one in named]


def messages(spark: SparkSession, feed: Feed, raw: str) -> list[str]:
    [row] = verdicts(spark, feed, [raw])
    return [reason["message"] for reason in row["reasons"]]


@pytest.fixture(params=["error", "warn"])
def broken(own: SparkSession, request: pytest.FixtureRequest) -> Broken:
    """Which texts of a column `x` break a rule, told as reasons or as warnings, never as both."""

    def texts_that_break(rule: dict[str, Any], type_: str, *texts: str) -> list[str]:
        told = {"column": "x", "level": request.param} | rule
        feed = events({"id": "text", "x": type_}, told, unreadable="warn")
        rows = verdicts(own, feed, [f'1,"{text}"' for text in texts])
        reasons = [reasons_of(row) for row in rows]
        warnings = [[w for w in row["warnings"] or [] if w != "unreadable:x"] for row in rows]
        wanted, other = (reasons, warnings) if request.param == "error" else (warnings, reasons)
        assert other == [[]] * len(rows)
        assert {name for names in wanted for name in names} <= {f"{rule['rule']}:x"}
        return [text for text, names in zip(texts, wanted, strict=True) if names]

    return texts_that_break


def test_a_required_cell_holds_more_than_blanks(broken: Broken) -> None:
    texts = ["a", "", " \t\u00a0", ".", "null"]
    assert broken({"rule": "required"}, "text", *texts) == ["", " \t\u00a0"]


def test_a_cell_that_is_unreadable_is_not_missing_where_its_column_is_required(
    own: SparkSession,
) -> None:
    feed = events({"id": "text", "x": {"type": "integer", "required": True}})
    rows = verdicts(own, feed, ["1,x", "1,", "1,4"])
    assert [reasons_of(row) for row in rows] == [["unreadable:x"], ["required:x"], []]


def test_length_counts_the_characters_of_the_trimmed_text(broken: Broken) -> None:
    rule = {"rule": "length", "min": 2, "max": 3}
    texts = ["a", "ab", "abc", "abcd", " ab ", "  a  ", "é", "日本", "日本語文", ""]
    assert broken(rule, "text", *texts) == ["a", "abcd", "  a  ", "é", "日本語文"]


def test_length_may_have_one_bound(broken: Broken) -> None:
    texts = ["", "a", "abc", "abcd"]
    assert broken({"rule": "length", "max": 3}, "text", *texts) == ["abcd"]
    assert broken({"rule": "length", "min": 3}, "text", *texts) == ["a"]


def test_a_pattern_matches_the_whole_text(broken: Broken) -> None:
    rule = {"rule": "pattern", "matches": "[0-9]+|none"}
    texts = ["17", "none", "17a", "a17", "1 7", "nonexx", "17\n", "17\nx", ""]
    assert broken(rule, "text", *texts) == ["17a", "a17", "1 7", "nonexx", "17\n", "17\nx"]


def test_a_pattern_may_say_that_case_is_no_matter(broken: Broken) -> None:
    rule = {"rule": "pattern", "matches": "(?i)ab"}
    assert broken(rule, "text", "ab", "AB", "abc") == ["abc"]


def test_allowed_values_stand_exactly_or_in_any_case(broken: Broken) -> None:
    texts = ["phone", "PHONE", " phone ", "phones", "élan", "ÉLAN", ""]
    exact = {"rule": "allowed", "values": ["phone", "Élan"]}
    assert broken(exact, "text", *texts) == ["PHONE", "phones", "élan", "ÉLAN"]
    assert broken(exact | {"case": "any"}, "text", *texts) == ["phones"]


def test_a_rule_on_text_judges_the_text_of_a_number_as_it_came(broken: Broken) -> None:
    assert broken({"rule": "length", "max": 1}, "integer", "4", "4.0", "04") == ["4.0", "04"]
    assert broken({"rule": "allowed", "values": ["4"]}, "integer", "4", "4.0") == ["4.0"]


RANGES: dict[str, tuple[str | int | float, str | int | float]] = {
    "integer": (-2, "2"),
    "decimal(6,2)": ("0.5", 2.25),
    "double": (0.1, 0.3),
    "date": ("2025-01-05", "2025-01-07"),
    "timestamp": ("2025-01-05T12:00:00Z", "2025-01-05T14:00:00+01:00"),
    "timestamp_ntz": ("2025-01-05T12:00", "2025-01-05T13:00:00.5"),
    "time": ("08:00:00", "17:30:00"),
}
BELOW = "-3,0.49,0.09999999999999999,2025-01-04"
BELOW += ",2025-01-05T11:59:59.999999Z,2025-01-05T11:59:59,07:59:59"
LOWEST = "-2,0.5,0.1,2025-01-05,2025-01-05T13:00+01:00,2025-01-05T12:00,08:00:00"
HIGHEST = "2.0,2.25,0.3,2025-01-07,2025-01-05T13:00Z,2025-01-05T13:00:00.500,17:30:00"
ABOVE = "3,2.26,0.30000000000000004,2025-01-08"
ABOVE += ",2025-01-05T13:00:00.000001Z,2025-01-05T13:00:00.500001,17:30:01"
UNREADABLE = "4.5,1e1,NaN,2025-02-30,now,2025-01-05T00:00Z,24:00:00"


@pytest.mark.parametrize("level", ["error", "warn"])
def test_a_range_includes_both_bounds_whatever_the_type(own: SparkSession, level: str) -> None:
    columns = {"id": "text"} | {f"x{n}": type_ for n, type_ in enumerate(RANGES)}
    rules = [
        {"rule": "range", "column": f"x{n}", "min": low, "max": high, "level": level}
        for n, (low, high) in enumerate(RANGES.values())
    ]
    cells = (BELOW, LOWEST, HIGHEST, ABOVE, ",,,,,,", UNREADABLE)
    feed = events(columns, *rules, unreadable="warn")
    rows = verdicts(own, feed, [f"1,{text}" for text in cells])
    all_seven, nothing = [f"range:x{n}" for n in range(7)], []  # type: ignore[var-annotated]
    unreadable = [f"unreadable:x{n}" for n in range(7)]
    outside = [all_seven, nothing, nothing, all_seven, nothing, nothing]
    other = [nothing] * 5 + [unreadable]
    reasons = [reasons_of(row) for row in rows]
    warnings = [row["warnings"] or [] for row in rows]
    if level == "error":
        assert (reasons, warnings) == (outside, other)
    else:
        assert reasons == [nothing] * 6
        assert warnings == [one or two for one, two in zip(outside, other, strict=True)]


def test_a_range_may_have_one_bound(broken: Broken) -> None:
    texts = ["-1", "0", "1", ""]
    assert broken({"rule": "range", "min": 0}, "integer", *texts) == ["-1"]
    assert broken({"rule": "range", "max": 0}, "integer", *texts) == ["1"]
    assert broken({"rule": "range", "min": 0.5}, "integer", *texts) == ["-1", "0"]
    assert broken({"rule": "range", "max": 1e20}, "integer", *texts) == []


def test_a_bound_beyond_all_values_is_refused(broken: Broken) -> None:
    with pytest.raises(ValueError, match="is no integer"):
        broken({"rule": "range", "max": "1" + "0" * 50}, "integer", "5")


PAIRS = {"d": "date", "t": "timestamp", "n": "timestamp_ntz", "c": "time", "i": "integer"}


@pytest.mark.parametrize("level", ["error", "warn"])
@pytest.mark.parametrize("equal", [True, False])
def test_one_column_is_not_before_another(own: SparkSession, level: str, equal: bool) -> None:
    columns = {"id": "text"} | {f"{n}{side}": type_ for n, type_ in PAIRS.items() for side in "12"}
    columns["i2"] = "decimal(6,2)"
    rules = [
        {"rule": "not_before", "column": f"{n}1", "other": f"{n}2"}
        | {"equal": equal, "level": level}
        for n in PAIRS
    ]
    same = "2025-01-05,2025-01-05,2025-01-05T10:00Z,2025-01-05T11:00+01:00"
    same += ",2025-01-05T10:00,2025-01-05 10:00:00,09:00:00,09:00:00,2,2.00"
    later = "2025-01-06,2025-01-05,2025-01-05T10:01Z,2025-01-05T11:00+01:00"
    later += ",2025-01-05T10:01,2025-01-05 10:00:00,10:00:00,09:59:59,2,1.99"
    earlier = "2025-01-05,2025-01-06,2025-01-05T09:59Z,2025-01-05T11:00+01:00"
    earlier += ",2025-01-05T09:00,2025-01-05 10:00:00,09:59:59,10:00:00,2,2.01"
    no_other = "2025-01-05,,2025-01-05T10:00Z,,2025-01-05T10:00,,09:00:00,,2,"
    alone = ",2025-01-05,,2025-01-05T10:00Z,,2025-01-05T10:00,,09:00:00,,2"
    feed = events(columns, *rules)
    raws = [f"1,{cells}" for cells in (same, later, earlier, no_other, alone)]
    rows = verdicts(own, feed, raws)
    told = [reasons_of(row) if level == "error" else row["warnings"] or [] for row in rows]
    all_five = [f"not_before:{n}1" for n in PAIRS]
    assert told == [[] if equal else all_five, [], all_five, [], []]
    assert all((row["warnings"] if level == "error" else row["reasons"]) is None for row in rows)


def test_an_expression_must_not_be_false(own: SparkSession) -> None:
    rules = [
        {"rule": "expression", "name": "twice", "sql": "b = a * 2", "message": "b is not twice a"},
        {"rule": "expression", "name": "both", "sql": "isnull(a) = isnull(b)", "message": "one"}
        | {"level": "warn"},
    ]
    feed = events({"id": "text", "a": "integer", "b": "decimal(6,2)"}, *rules, unreadable="warn")
    rows = verdicts(own, feed, ["1,2,4", "1,2,4.01", "1,,4", "1,x,4", "1,,"])
    assert [reasons_of(row) for row in rows] == [[], ["expression:twice"], [], [], []]
    assert [row["warnings"] for row in rows] == [
        None,
        None,
        ["expression:both"],
        ["unreadable:a", "expression:both"],
        None,
    ]


def test_an_expression_that_fails_for_a_row_says_nothing_of_it(own: SparkSession) -> None:
    rules = [
        {"rule": "expression", "name": "ratio", "sql": "b / a > 1", "message": "b is not above a"},
        {"rule": "expression", "name": "below", "sql": "id < a", "message": "id is not below a"},
    ]
    feed = events({"id": "text", "a": "integer", "b": "integer"}, *rules)
    rows = verdicts(own, feed, ["1,0,5", "1,5,5", "x,2,4", "7,2,4"])
    assert [reasons_of(row) for row in rows] == [
        ["expression:below"],
        ["expression:ratio"],
        [],
        ["expression:below"],
    ]


TECHNICAL = ("line", "raw", "file", "period", "key", "header", "run", "action", "reasons")


def test_columns_may_be_called_like_technical_ones(own: SparkSession) -> None:
    columns: dict[str, Any] = {"id": "text"} | dict.fromkeys(TECHNICAL, "text")
    columns |= {"line": "integer", "admission": "text", "warnings": "text", "sha256": "text"}
    rules = [
        {"rule": "expression", "name": "line", "sql": "line > 10", "message": "line is small"},
        {"rule": "expression", "name": "raw", "sql": "raw = 'x' AND file = 'f'", "message": "no"},
        {"rule": "length", "column": "reasons", "max": 2},
        {"rule": "required", "column": "file"},
    ]
    feed = events(columns, *rules)
    rows = verdicts(
        own,
        feed,
        ["1,20,x,f,p,k,h,r,a,rs,a,w,s", "2,5,y,g,p,k,h,r,a,long,a,w,s", "3,,,,,,,,,,,,"],
    )
    assert [reasons_of(row) for row in rows] == [
        [],
        ["expression:line", "expression:raw", "length:reasons"],
        ["required:file"],
    ]
    first = rows[0]
    assert (first["line"], first["file"], first["key"]) == (2, "things/1.csv", "1")
    assert first["raw"] == "1,20,x,f,p,k,h,r,a,rs,a,w,s"
    assert (first["_value_line"], first["_value_raw"], first["_value_key"]) == (20, "x", "k")


@pytest.mark.parametrize("sql", ["nothing > 1", "line > 2", "_text_a = '1'", "a >", "count(*) > 1"])
def test_an_expression_over_anything_else_cannot_be_worked_out(own: SparkSession, sql: str) -> None:
    rule = {"rule": "expression", "name": "one", "sql": sql, "message": "one"}
    with pytest.raises((AnalysisException, ParseException)):
        verdicts(own, events({"id": "text", "a": "integer"}, rule), ["1,2"])


def test_an_expression_does_not_look_at_other_rows(own: SparkSession) -> None:
    sql = "sum(a) OVER (PARTITION BY id) > 2"
    rule = {"rule": "expression", "name": "one", "sql": sql, "message": "one"}
    with pytest.raises((AnalysisException, ParseException, ValueError)):
        verdicts(own, events({"id": "text", "a": "integer"}, rule), ["1,2"])


def test_two_expressions_of_one_name_are_refused_or_both_judged(own: SparkSession) -> None:
    rules = [
        {
            "rule": "expression",
            "name": "one",
            "sql": f"a > {least}",
            "message": f"not above {least}",
        }
        for least in (5, 1)
    ]
    try:
        feed = events({"id": "text", "a": "integer"}, *rules)
    except ValueError:
        return
    [row] = verdicts(own, feed, ["1,2"])
    assert [reason["message"] for reason in row["reasons"] or []] == ["not above 5"]


def test_a_row_has_every_reason_the_columns_own_before_the_rules_in_their_order(
    own: SparkSession,
) -> None:
    columns = {
        "id": "text",
        "a": {"type": "text", "required": True},
        "n": "integer",
        "m": "integer",
    }
    rules = [
        {"rule": "allowed", "column": "m", "values": ["1", "2"]},
        {"rule": "pattern", "column": "id", "matches": "[a-z]+"},
        {"rule": "range", "column": "m", "min": 0, "level": "warn"},
        {"rule": "length", "column": "id", "max": 2, "level": "warn"},
        {"rule": "not_before", "column": "m", "other": "m2"},
    ]
    feed = events(columns | {"m2": "integer"}, *rules)
    [row] = verdicts(own, feed, ["123,,x,-5,7"])
    assert reasons_of(row) == [
        *("required:a", "unreadable:n", "allowed:m", "pattern:id", "not_before:m"),
    ]
    assert row["warnings"] == ["range:m", "length:id"]


def test_a_wrong_width_leaves_nothing_to_the_other_rules(own: SparkSession) -> None:
    rules = [
        {"rule": "required", "column": "a"},
        {"rule": "length", "column": "id", "max": 1, "level": "warn"},
        {"rule": "expression", "name": "never", "sql": "false", "message": "never"},
    ]
    rows = verdicts(own, events({"id": "text", "a": "text"}, *rules), ["123", "123,,", "123,"])
    assert [(reasons_of(row), row["warnings"]) for row in rows] == [
        (["width"], None),
        (["width"], None),
        (["required:a", "expression:never"], ["length:id"]),
    ]


def test_a_delete_is_judged_by_the_rules_on_its_key_alone(own: SparkSession) -> None:
    columns = {
        "id": "text",
        "a": {"type": "text", "required": True},
        "n": "integer",
        "m": "integer",
    }
    rules = [
        {"rule": "pattern", "column": "id", "matches": "[0-9]+"},
        {"rule": "length", "column": "id", "max": 3, "level": "warn"},
        {"rule": "length", "column": "a", "min": 5},
        {"rule": "allowed", "column": "a", "values": ["never"]},
        {"rule": "required", "column": "n"},
        {"rule": "range", "column": "m", "min": 5, "level": "warn"},
        {"rule": "not_before", "column": "m", "other": "n"},
        {"rule": "expression", "name": "never", "sql": "id = 'never'", "message": "never"},
    ]
    rows = verdicts(
        own,
        changes(columns, *rules),
        ["12,x,9,1,delete", "abcd,,y,,DELETE", ",,,,delete", "12,x,9,1,update"],
    )
    assert [(reasons_of(row), row["warnings"]) for row in rows] == [
        ([], None),
        (["pattern:id"], ["length:id"]),
        (["required:id"], None),
        (["length:a", "allowed:a", "not_before:m", "expression:never"], ["range:m"]),
    ]


def test_every_rule_says_in_a_sentence_what_it_expects(own: SparkSession) -> None:
    columns = dict.fromkeys(("id", "a", "b", "c", "d", "e", "k"), "text")
    columns |= dict.fromkeys(("f", "g", "h", "i", "j"), "integer")
    rules = [
        {"rule": "required", "column": "a"},
        {"rule": "length", "column": "b", "min": 2},
        {"rule": "length", "column": "c", "max": 3},
        {"rule": "length", "column": "k", "min": 2, "max": 3},
        {"rule": "pattern", "column": "d", "matches": "[0-9]+"},
        {"rule": "allowed", "column": "e", "values": ["on", "off"]},
        {"rule": "range", "column": "f", "min": 1},
        {"rule": "range", "column": "g", "max": 5},
        {"rule": "range", "column": "h", "min": 1, "max": 5},
        {"rule": "not_before", "column": "i", "other": "j"},
        {"rule": "not_before", "column": "j", "other": "h", "equal": False},
    ]
    assert messages(own, events(columns, *rules), "1,,x,long,x,x,x,0,6,6,1,2") == [
        "a is empty",
        "b does not have at least 2 characters",
        "c does not have at most 3 characters",
        "k does not have from 2 to 3 characters",
        "d is not of the form [0-9]+",
        "e is none of on, off",
        "f is not at least 1",
        "g is not at most 5",
        "h is not from 1 to 5",
        "i is before j",
        "j is not after h",
    ]


def test_a_rule_may_say_it_in_its_own_words(own: SparkSession) -> None:
    rules = [
        {"rule": "pattern", "column": "a", "matches": "[0-9]+", "message": "a 'number', please"},
        {"rule": "expression", "name": "never", "sql": "false", "message": "says `so` 100%"},
        {"rule": "expression", "name": "wordless", "sql": "false", "message": None},
    ]
    assert messages(own, events({"id": "text", "a": "text"}, *rules), "1,x") == [
        "a 'number', please",
        "says `so` 100%",
        "wordless does not hold",
    ]


@pytest.mark.parametrize("matches", ["(?P<year>[0-9]+)", "[0-9]{,3}", "(?a)[0-9]+", "(?x)[0-9]+ #"])
def test_a_form_of_python_matches_or_is_refused(own: SparkSession, matches: str) -> None:
    try:
        feed = events(
            {"id": "text", "a": "text"}, {"rule": "pattern", "column": "a", "matches": matches}
        )
    except ValueError:
        return
    rows = verdicts(own, feed, ["1,12", "1,x"])
    assert [reasons_of(row) for row in rows] == [[], ["pattern:a"]]
