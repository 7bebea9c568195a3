"""Calls with the names of their agents (contracts.md, Group B)."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pyarrow as pa
import pytest

from support_lakehouse.transforms.calls import cleaned_calls

MOMENT = pa.timestamp("us", tz="UTC")
TEXTS = ("call_id", "agent_id", "customer_id", "issue_type", "resolution")
SCHEMA = pa.schema(
    [(name, pa.string()) for name in TEXTS]
    + [("start_time", MOMENT), ("end_time", MOMENT), ("rating", pa.float64())]
)
START = datetime(2025, 1, 5, 14, 30, tzinfo=UTC)
AGENTS = pa.table(
    {
        "agent_id": ["A1", "A2"],
        "agent_name": ["Ann", None],
        "region": ["North", "South"],
    }
)


def call(id_: str, **changes: Any) -> dict[str, Any]:
    told = {"call_id": id_, "agent_id": "A1", "customer_id": "C1", "issue_type": "billing"}
    times = {"start_time": START, "end_time": START + timedelta(minutes=5)}
    return told | times | {"resolution": "solved", "rating": 4.5} | changes


def cleaned(*calls: dict[str, Any], agents: pa.Table | None = AGENTS) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]]
    rows = cleaned_calls(pa.Table.from_pylist(list(calls), SCHEMA), agents).to_pylist()
    return rows


def test_a_call_is_told_with_its_agent_its_minutes_its_day_and_its_hour() -> None:
    assert cleaned(call("1")) == [
        {
            "call_id": "1",
            "agent_id": "A1",
            "agent_name": "Ann",
            "region": "North",
            "customer_id": "C1",
            "start_time": START,
            "end_time": START + timedelta(minutes=5),
            "call_duration_minutes": 5.0,
            "issue_type": "billing",
            "resolution": "solved",
            "rating": 4.5,
            "call_date": date(2025, 1, 5),
            "hour_of_day": 14,
        }
    ]


def test_columns_have_the_types_that_others_rely_on() -> None:
    table = cleaned_calls(pa.Table.from_pylist([call("1")], SCHEMA), AGENTS)
    told = {field.name: str(field.type) for field in table.schema if field.type != pa.string()}
    assert told == {
        "start_time": "timestamp[us, tz=UTC]",
        "end_time": "timestamp[us, tz=UTC]",
        "call_duration_minutes": "double",
        "rating": "double",
        "call_date": "date32[day]",
        "hour_of_day": "int64",
    }


def test_calls_are_sorted_by_their_id_as_bytes() -> None:
    rows = cleaned(*(call(id_) for id_ in ("b", "é", "10", "B", "9", "a")))
    assert [row["call_id"] for row in rows] == ["10", "9", "B", "a", "b", "é"]


def test_an_agent_that_nobody_told_of_leaves_name_and_region_empty() -> None:
    rows = cleaned(call("1", agent_id="A2"), call("2", agent_id="a1"), call("3", agent_id=None))
    told = [(row["agent_id"], row["agent_name"], row["region"]) for row in rows]
    assert told == [("A2", None, "South"), ("a1", None, None), (None, None, None)]


def test_without_agents_all_names_are_empty() -> None:
    for agents in (None, AGENTS.slice(0, 0)):
        [row] = cleaned(call("1"), agents=agents)
        assert (row["agent_id"], row["agent_name"], row["region"]) == ("A1", None, None)


@pytest.mark.parametrize(
    ("lasted", "minutes"),
    [
        (timedelta(seconds=1), 0.02),
        (timedelta(seconds=61), 1.02),
        (timedelta(milliseconds=299), 0.0),
        (timedelta(milliseconds=300), 0.01),
        (timedelta(milliseconds=900), 0.02),
        (timedelta(milliseconds=1_499, microseconds=999), 0.02),
        (timedelta(milliseconds=1_500), 0.03),
        (timedelta(hours=25), 1500.0),
        (timedelta(microseconds=1), 0.0),
        (timedelta(seconds=0.3 + 0.6 * 33), 0.34),
    ],
    ids=str,
)
def test_minutes_are_rounded_half_up_to_two_decimals(lasted: timedelta, minutes: float) -> None:
    [row] = cleaned(call("1", end_time=START + lasted))
    assert row["call_duration_minutes"] == minutes


def test_day_and_hour_are_those_of_the_start_in_utc() -> None:
    late = datetime(2025, 1, 5, 23, 30, tzinfo=timezone(timedelta(hours=-5)))
    [row] = cleaned(call("1", start_time=late, end_time=late + timedelta(hours=1)))
    assert (row["call_date"], row["hour_of_day"]) == (date(2025, 1, 6), 4)


def test_no_calls_are_a_table_without_rows() -> None:
    table = cleaned_calls(SCHEMA.empty_table(), AGENTS)
    assert (table.num_rows, table.num_columns) == (0, 13)
    assert cleaned(agents=None) == []
