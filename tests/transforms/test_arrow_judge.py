"""The verdict in memory is Spark's, whatever stands in the records."""

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from support_lakehouse.io.session import session_for
from support_lakehouse.model.feed import Feed
from support_lakehouse.model.landing import Shape, header_text
from support_lakehouse.transforms import arrow_judge
from support_lakehouse.transforms.arrow_types import each_once
from support_lakehouse.transforms.judge import judged
from tests.transforms.both_engines import assert_same_in_memory

RECORD = (
    "period string, file string, line bigint, sha256 string, admission string, header string,"
    " raw string"
)
COLUMNS = {
    "id": "text",
    "name": {"type": "text", "required": True},
    "size": {"type": "integer", "unreadable": "warn"},
    "price": "decimal(6,2)",
    "share": "decimal(3,3)",
    "ratio": "double",
    "open": "boolean",
    "day": "date",
    "other_day": {"type": "date", "unreadable": "warn"},
    "seen": "timestamp",
    "clock": {"type": "timestamp_ntz", "unreadable": "warn"},
    "hour": "time",
}
RULES = (
    {"rule": "length", "column": "name", "min": 2, "max": 5},
    {"rule": "length", "column": "id", "max": 3, "level": "warn"},
    {"rule": "allowed", "column": "name", "values": ["Ann", "İda", "STRASSE"], "case": "any"},
    {"rule": "allowed", "column": "id", "values": ["1", "2", "x"], "level": "warn"},
    {"rule": "range", "column": "size", "min": -0.5, "max": "7.25", "level": "warn"},
    {"rule": "range", "column": "price", "min": "0.005", "max": 99.999},
    {"rule": "range", "column": "share", "max": "0" + "9" * 37},
    {"rule": "range", "column": "ratio", "min": 0.1, "level": "warn"},
    {"rule": "range", "column": "day", "min": "2025-01-05"},
    {"rule": "range", "column": "seen", "min": "2025-01-05T10:00:00+02:00", "level": "warn"},
    {"rule": "range", "column": "clock", "max": "2025-01-05"},
    {"rule": "range", "column": "hour", "min": "09:00:00", "level": "warn"},
    {"rule": "not_before", "column": "other_day", "other": "day", "level": "warn"},
    {"rule": "not_before", "column": "day", "other": "other_day", "equal": False},
    {"rule": "required", "column": "ratio", "level": "warn"},
)
TEXTS = {
    "id": ["1", "2", "x", "0042", ""],
    "name": ["Ann", "ann", "İDA", "i̇da", "straße", "Zoë", "A", "Annabel", ""],
    "size": ["4", "-1", "+8", "4.0", "4.5", "9" * 20, "x"],
    "price": ["12.50", "0.00", "-3", "99.99", "100", "9999.99", "10000", "1.005", "+1.10"],
    "share": ["0.5", "-0.125", "1", "0.1234", ".5"],
    "ratio": ["0.1", "0.09", "-0", "1e5", "12345678901234567890", "+4"],
    "open": ["true", "FALSE", "yes"],
    "day": ["2025-01-05", "2025-01-04", "2024-02-29", "2025-02-29", "now"],
    "other_day": ["2025-01-05", "2025-01-06", "0000-01-01", "9999-12-31"],
    "seen": ["2025-01-05T08:00:00Z", "2025-01-05T07:59:59Z", "2025-01-05 09:00", "2025-01-05"],
    "clock": ["2025-01-05T00:00:00", "2025-01-05 00:00:01", "2025-01-05T10:00:00Z"],
    "hour": ["09:00:00", "08:59:59", "24:00:00"],
}
ODD = ["", " ", "\u00a0", " 1 ", "\tAnn ", "null", "-", '"quoted"', '"a,b"', '"say ""x"""', 'a"b']
NAMES = (*COLUMNS, "action")
# Each try is a job of Spark's, and a smaller example would take hundreds.
SOME = settings(
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=set(Phase) - {Phase.shrink},
)


def feed(**more: Any) -> Feed:
    files = {"initial": "initial/things.csv", "changes": "delta/things_{month}.csv"}
    declared = {"feed": "things", "kind": "changes", "key": "id", "action": "action"}
    told: dict[str, Any] = {"files": files, "columns": COLUMNS, "rules": RULES}
    return Feed.model_validate(declared | told | more)


def cell(name: str) -> st.SearchStrategy[str]:
    usual = TEXTS.get(name, ["add", "ADD", "Update", "delete", "DELETE ", "remove", ""])
    return st.sampled_from(usual) | st.sampled_from(usual) | st.sampled_from(ODD)


whole = st.tuples(*(cell(name) for name in NAMES)).map(",".join)
torn = st.lists(st.sampled_from(["1", "Ann", ""]), min_size=2, max_size=16).map(",".join)
blank = st.sampled_from(["", "  ", "\t", "\u00a0 ", ",,,", " ,"])
records = st.lists(whole | whole | whole | torn | blank, min_size=1, max_size=30)


@pytest.fixture(scope="module")
def own(spark: SparkSession) -> SparkSession:
    """A session as a feed's own is in a run."""
    return session_for(spark, 0, lenient=True)


def assert_same(own: SparkSession, feed: Feed, raws: list[str], header: tuple[str, ...]) -> None:
    raws = [*raws, ",,,"]  # a record in any case
    place = ("202502", "delta/things_202502.csv")
    told = ("5ha", "r1-0", header_text(header))
    rows = [(*place, line, *told, raw) for line, raw in enumerate(raws, start=2)]
    frame = own.createDataFrame(rows, RECORD)
    by_spark = judged(frame, feed, Shape((header,), quotes=feed.quoting), run="r1")
    assert_same_in_memory(by_spark, feed, raws, header)


@settings(SOME, max_examples=25)
@given(raws=records)
def test_any_records_have_one_verdict(own: SparkSession, raws: list[str]) -> None:
    assert_same(own, feed(), raws, NAMES)


@settings(SOME, max_examples=6)
@given(raws=records, order=st.permutations(NAMES))
def test_cells_stand_where_the_header_says(
    own: SparkSession, raws: list[str], order: list[str]
) -> None:
    header = ("extra", *order[2:])
    assert_same(own, feed(), raws, header)
    assert_same(own, feed(), raws, tuple(name for name in header if name != "action"))


@settings(SOME, max_examples=6)
@given(raws=records)
def test_other_feeds_have_other_keys_and_no_quotes(own: SparkSession, raws: list[str]) -> None:
    log = {"kind": "log", "files": "log/*.csv", "action": None, "quoting": False}
    assert_same(own, feed(**log, key=None), raws, (*COLUMNS, "extra"))
    assert_same(own, feed(key="size"), raws, NAMES)


def test_each_column_has_read_what_most_records_hold(own: SparkSession) -> None:
    sound = [",".join(TEXTS.get(name, ["add"])[0] for name in NAMES)] * 3
    assert_same(own, feed(), sound, NAMES)


def test_a_pattern_is_judged_here_of_ascii_alone(own: SparkSession) -> None:
    patterned = feed(rules=[{"rule": "pattern", "column": "name", "matches": r"[A-Z]\w+.?"}])
    for texts in (["Ann", "ann", "A-", "Ann\x1c", "Ann."], ["Zoë", "Ann\u2028", "Ann"]):
        assert_same(own, patterned, [f"1,{name}{',' * 10},add" for name in texts], NAMES)


def test_what_spark_alone_can_tell_is_left_to_it() -> None:
    expression = {"rule": "expression", "name": "x", "sql": "size > 1", "message": "no"}
    width = {"rule": "width", "level": "warn"}
    unlike = {"rule": "not_before", "column": "price", "other": "size"}
    assert arrow_judge.can_judge(feed(), [])
    assert not arrow_judge.can_judge(feed(rules=[expression]), [])
    assert not arrow_judge.can_judge(feed(rules=[width]), [])
    assert not arrow_judge.can_judge(feed(rules=[unlike]), [])
    assert not arrow_judge.can_judge(feed(key="day"), [])


def test_each_different_text_is_asked_about_once() -> None:
    asked: list[str] = []
    texts = pa.array(["a", None, "b", "a", "b"])
    told = each_once(texts, lambda text: asked.append(text) or text.upper(), pa.string())
    assert told.to_pylist() == ["A", None, "B", "A", "B"]
    assert asked == ["a", "b"]
