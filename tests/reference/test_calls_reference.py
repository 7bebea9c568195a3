"""Support calls, against rows written by hand (sources: B)."""

import gzip
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from .calls import CLEANED_CALLS, CallsResult, calculate_calls, minutes
from .verdicts import Counts, Reason

AGENTS = "agent_id,agent_name,region\n"
BROKEN = {("json", None)}


def call(key: object = "C1", **fields: object) -> str:
    """One good line of a call; None as a keyword is null."""
    good = {"call_id": key, "start_time": "2026-01-05T09:00Z", "end_time": "2026-01-05T09:10Z"}
    return json.dumps({**good, **fields}) + "\n"


def calculated(tmp_path: Path, **files: str | bytes) -> CallsResult:
    """The result of files under calls/; `_0` in a name stands for its dot."""
    (tmp_path / "calls").mkdir(exist_ok=True)
    for name, content in files.items():
        data = content if isinstance(content, bytes) else content.encode()
        (tmp_path / "calls" / name.replace("_0", ".")).write_bytes(data)
    return calculate_calls(tmp_path)


def verdicts(result: CallsResult) -> dict[int, set[Reason]]:
    return {row.line: set(row.reasons) for row in result.rejected}


def test_a_call_as_cleaned(tmp_path: Path) -> None:
    line = call(
        agent_id="A1",
        customer_id=17,
        start_time="2026-01-05T22:00:00-05:00",
        end_time="2026-01-05T22:10:10-05:00",
        issue_type=" login\u00a0",
        resolution=True,
        rating="4.50",
    )
    result = calculated(tmp_path, calls_0jsonl=line, agents_0csv=AGENTS + "A1, Agent 1,North\n")
    assert list(result.rows[0]) == list(CLEANED_CALLS)
    assert list(result.rows[0].values()) == [
        *("C1", "A1", "Agent 1", "North", "17"),
        datetime(2026, 1, 6, 3, 0, tzinfo=UTC),
        datetime(2026, 1, 6, 3, 10, 10, tzinfo=UTC),
        *(10.17, "login", "true", 4.5),
        *(date(2026, 1, 6), 3),
    ]


def test_all_reasons_of_a_row(tmp_path: Path) -> None:
    lines = [
        call(None),
        call("  ", start_time="yesterday", end_time=None),
        call(["C1"], end_time="2026-01-05T09:00:00Z"),
        call(start_time=20260105, end_time=True),
        call(end_time="2026-01-05T08:59:59Z"),
    ]
    assert verdicts(calculated(tmp_path, calls_0jsonl="".join(lines))) == {
        1: {("required", "call_id")},
        2: {("required", "call_id"), ("type", "start_time"), ("required", "end_time")},
        3: {("type", "call_id"), ("expression", None)},
        4: {("type", "start_time"), ("type", "end_time")},
        5: {("expression", None)},
    }


@pytest.mark.parametrize(
    "line",
    [
        '{"call_id": "C1"',
        "{'call_id': 1}",
        '{"rating": NaN}',
        "7",
        "null",
        '"x"',
        '{"a": "\\ud800"}',
    ],
)
def test_a_line_that_is_no_object_has_one_reason_and_its_physical_line(
    tmp_path: Path, line: str
) -> None:
    result = calculated(tmp_path, calls_0jsonl=f"{call()}\r\n \u00a0\n{line}\r\n{call('C2')}")
    assert verdicts(result) == {4: BROKEN}
    assert result.counts == {"calls/calls.jsonl": Counts(accepted=2, rejected=1)}


def test_an_array_counts_its_elements(tmp_path: Path) -> None:
    text = f"\n[\n{call()},\n\n[1],{call(None)}, 5]\n"
    result = calculated(tmp_path, calls_0json=text)
    assert verdicts(result) == {2: BROKEN, 3: {("required", "call_id")}, 4: BROKEN}


def test_numbers_are_the_text_that_they_are(tmp_path: Path) -> None:
    line = (
        call(customer_id=0).replace('"C1"', "1.50").replace('"customer_id": 0', '"customer_id": -0')
    )
    row = calculated(tmp_path, calls_0jsonl=line).rows[0]
    assert (row["call_id"], row["customer_id"]) == ("1.50", "-0")


def test_ratings(tmp_path: Path) -> None:
    tokens = [
        "5",
        "4.25",
        "1e0",
        '"+3.0"',
        '" 2 "',
        '""',
        "null",
        '"1e0"',
        '"good"',
        "true",
        "[4]",
        "1e999",
    ]
    lines = [call(f"C{n:02}", rating=0).replace(": 0}", f": {t}}}") for n, t in enumerate(tokens)]
    result = calculated(tmp_path, calls_0jsonl="".join(lines))
    assert [row["rating"] for row in result.rows] == [5, 4.25, 1, 3, 2, *[None] * 7]
    assert result.warnings == {"calls/calls.jsonl": {("type", "rating"): 5}}


def test_nested_text_is_null_with_a_warning(tmp_path: Path) -> None:
    result = calculated(tmp_path, calls_0jsonl=call(agent_id=["A1"], resolution={"code": 1}))
    assert result.rows[0]["agent_id"] is None
    expected = {("type", "agent_id"): 1, ("type", "resolution"): 1}
    assert result.warnings == {"calls/calls.jsonl": expected}
    assert result.agents_not_found == {}


def test_the_last_line_of_the_last_file_wins_and_a_rejected_one_does_not(tmp_path: Path) -> None:
    result = calculated(
        tmp_path,
        calls10_0jsonl=call(rating=1) + call(rating=2) + call("C2", rating=1),
        calls2_0jsonl_0gz=gzip.compress((call(rating=3) + call("C2", start_time=None)).encode()),
        other_0jsonl=call(rating=9),
    )
    assert {row["call_id"]: row["rating"] for row in result.rows} == {"C1": 3, "C2": 1}


def test_calls_are_sorted_as_bytes(tmp_path: Path) -> None:
    keys = ["c1", "\U0001f600", "\uff5e", "C10", "C2"]
    result = calculated(tmp_path, calls_0jsonl="".join(map(call, keys)))
    assert [row["call_id"] for row in result.rows] == ["C10", "C2", "c1", "\uff5e", "\U0001f600"]


def test_the_last_delivery_of_agents_is_the_table(tmp_path: Path) -> None:
    result = calculated(
        tmp_path,
        calls_0jsonl="".join(call(f"C{n}", agent_id=f"A{n}") for n in range(1, 4)),
        agents1_0csv=f"{AGENTS}A1,Old,North\nA2,Gone,North\n,nobody,North\n",
        agents2_0csv=" Region,AGENT_ID,agent_name\n"
        "West,A1,First\nEast,A1,Last\n\nSouth,A3\nNorth,A4, \n",
    )
    assert [(r["agent_name"], r["region"]) for r in result.rows] == [
        ("Last", "East"),
        *[(None, None)] * 2,
    ]
    assert result.agents_not_found == {"A2": 1, "A3": 1}
    nameless = {"agent_id": "A4", "agent_name": None, "region": "North"}
    assert result.agents[1:] == [nameless]
    assert [(r.file[-11:], r.line, set(r.reasons)) for r in result.rejected] == [
        ("agents1.csv", 4, {("required", "agent_id")}),
        ("agents2.csv", 5, {("width", None)}),
    ]


def test_files_that_cannot_be_taken_are_named(tmp_path: Path) -> None:
    result = calculated(
        tmp_path,
        calls1_0json="[{}",
        calls2_0jsonl=b'{"call_id": "\xff"}',
        calls3_0jsonl_0gz=b"no gzip",
        calls4_0jsonl=" \n",
        agents_0csv="agent_id,region\n",
    )
    assert {name.removeprefix("calls/"): why for name, why in result.refused.items()} == {
        "calls1.json": "a broken JSON array",
        "calls2.jsonl": "not UTF-8",
        "calls3.jsonl.gz": "damaged gzip",
        "calls4.jsonl": "empty",
        "agents.csv": "columns not there: agent_name",
    }


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.000001, 0.0),
        (0.299999, 0.0),
        (0.3, 0.01),
        (0.9, 0.02),
        (1, 0.02),
        (100, 1.67),
        (864000, 14400),
    ],
)
def test_minutes_are_rounded_half_up(seconds: float, expected: float) -> None:
    assert minutes(timedelta(seconds=seconds)) == expected
