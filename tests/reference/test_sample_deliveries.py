"""The sample data of groups B, C and D in data/, against figures counted by hand."""

from datetime import date
from pathlib import Path

import pytest

from .call_log import calculate_call_log
from .calls import CallsResult, calculate_calls
from .roster import RosterResult, calculate_roster
from .verdicts import Counts, Reason, Rejected

DATA = Path(__file__).resolve().parents[2] / "data"
ID_BASE = 11100000000


def verdicts(rejected: list[Rejected], ending: str) -> dict[int, set[Reason]]:
    return {row.line: set(row.reasons) for row in rejected if row.file.endswith(ending)}


@pytest.fixture(scope="module")
def calls() -> CallsResult:
    return calculate_calls(DATA)


@pytest.fixture(scope="module")
def roster() -> RosterResult:
    return calculate_roster(DATA)


def test_calls_accepted(calls: CallsResult) -> None:
    assert calls.refused == {}
    assert calls.counts == {
        "calls/agents_2026-01-05.csv": Counts(10, 0),
        "calls/agents_2026-01-06.csv": Counts(9, 2),
        "calls/calls_2026-01-05.jsonl": Counts(8, 6),
        "calls/calls_2026-01-06.json": Counts(6, 4),
    }
    names = ("call_id", "agent_name", "call_duration_minutes", "rating", "call_date", "hour_of_day")
    fifth, sixth = date(2026, 1, 5), date(2026, 1, 6)
    assert [tuple(row[name] for name in names) for row in calls.rows] == [
        ("1009", None, 20.33, None, fifth, 16),
        ("C-1001", "Agent 1", 12.5, 5, fifth, 9),
        ("C-1002", "Agent 7", 6.75, 4, sixth, 3),
        ("C-1003", "Agent 3", 7.17, None, fifth, 10),
        ("C-1004", None, 5, 4, fifth, 11),
        ("C-1005", "Agent 1", 10, 5, fifth, 12),
        ("C-1010", "Agent 4, nights", 0.51, 4, fifth, 17),
        ("C-1011", "Agent 4, nights", 1.67, 3, fifth, 18),
        ("C-2001", "Agent 1", 10, 5, sixth, 23),
        ("C-2002", None, 0.02, None, sixth, 8),
        ("C-2005", None, 3, 3.5, sixth, 11),
        ("C-2007", None, 10, 5, sixth, 7),
    ]
    assert calls.agents_not_found == {"A-05": 1, "A-06": 1, "A-99": 2}
    warnings = {("type", "rating"): 1, ("type", "resolution"): 1}
    assert calls.warnings["calls/calls_2026-01-05.jsonl"] == warnings


def test_calls_rejected(calls: CallsResult) -> None:
    assert verdicts(calls.rejected, "calls_2026-01-05.jsonl") == {
        6: {("expression", None)},
        7: {("required", "end_time")},
        8: {("type", "start_time"), ("type", "end_time")},
        9: {("json", None)},
        10: {("required", "call_id"), ("expression", None)},
        13: {("json", None)},
    }
    assert verdicts(calls.rejected, "calls_2026-01-06.json") == {
        4: {("json", None)},
        5: {("required", "call_id")},
        6: {("type", "start_time")},
        8: {("type", "call_id"), ("required", "start_time")},
    }
    assert verdicts(calls.rejected, "agents_2026-01-06.csv") == {
        7: {("width", None)},
        8: {("required", "agent_id")},
    }


def test_roster_agents(roster: RosterResult) -> None:
    assert roster.refused == {}
    second, third, fourth = (date(2026, 1, day) for day in (2, 3, 4))
    names = ("agent_id", "name", "status", "available", "agent_operational_status", "sync_day")
    rows = [tuple(row[name] for name in names) for row in roster.agents]
    assert [(int(str(key)) - ID_BASE, *rest) for key, *rest in rows] == [
        (1, "Agent 1", "active", True, "online", fourth),
        (2, "Agent 2", "inactive", None, "online", third),
        (3, "Agent 3", "inactive", True, "online", third),
        (4, "12345", "inactive", True, "online", second),
        (5, "Ägent 5, =1+1", "active", True, "online", second),
        (6, "Agent 6", "inactive", True, "online", second),
        (7, "Agent 7", "inactive", True, "online", third),
        (8, "Agent 8", "active", True, None, third),
        (10, "Agent 10", "active", True, "online", fourth),
    ]
    assert [str(row["updated_at"])[:13] for row in roster.agents] == [
        *("2026-01-02 08", "2026-01-01 08", "2026-01-01 08", "2026-01-01 08", "2026-01-01 08"),
        *("2026-01-01 08", "2026-01-01 08", "None", "2026-01-04 07"),
    ]


def test_roster_history(roster: RosterResult) -> None:
    active = {
        day: [int(str(r["agent_id"])) - ID_BASE for r in rows if r["is_active"]]
        for day in (2, 3, 4)
        if (rows := [r for r in roster.history if r["sync_date"] == date(2026, 1, day)])
    }
    assert active == {2: [1, 2, 3, 5, 6], 3: [1, 2, 3, 7, 8], 4: [1, 5, 8, 10]}
    assert len(roster.history) == 6 + 8 + 9
    unknown = {
        day.day: {key - ID_BASE for key in keys} for day, keys in roster.active_unknown.items()
    }
    assert unknown == {2: {7}, 3: {99}, 4: set()}


def test_roster_rejected(roster: RosterResult) -> None:
    assert verdicts(roster.rejected, "2026-01-02/agent_details/page-1.json") == {
        5: {("required", "email")},
        6: {("type", "agent_id"), ("required", "email"), ("required", "name")},
        7: {("json", None)},
    }
    assert verdicts(roster.rejected, "2026-01-02/agents/page-1.json") == {
        8: {("required", "agent_id")},
        9: {("required", "agent_id")},
        10: {("type", "agent_id")},
    }
    assert verdicts(roster.rejected, "2026-01-03/agent_details/page-1.json") == {
        3: {("required", "email"), ("required", "name")},
        5: {("required", "name")},
    }
    assert verdicts(roster.rejected, "2026-01-03/agents/page-2.json") == {5: {("type", "agent_id")}}
    assert verdicts(roster.rejected, "2026-01-04/agents/page-1.json") == {5: {("type", "agent_id")}}
    assert len(roster.rejected) == 10
    read = [
        sum(c.read for n, c in roster.counts.items() if f"/{f}/" in n)
        for f in ("agent_details", "agents")
    ]
    assert read == [10 + 8 + 4, 10 + 8 + 5]
    agents = [row["agent_id"] for row in roster.errors]
    assert [str(key)[-1] for key in agents if key is not None] == ["7", "4", "9"]
    counts = {reason: n for rules in roster.warnings.values() for reason, n in rules.items()}
    names = ("created_at", "available", "agent_operational_status", "updated_at")
    assert counts == {("type", name): 1 for name in names}


def test_call_log() -> None:
    result = calculate_call_log(DATA)
    first, second = (f"call_center/call_center_2026_01_0{day}.csv" for day in (2, 3))
    assert result.refused == {}
    assert result.counts == {first: Counts(6, 7), second: Counts(5, 5)}
    assert result.repeated == {first: 1, second: 1}
    assert [(row["call_id"], row["call_duration_seconds"]) for row in result.rows] == [
        *[("5001", 270), ("5002", 0), ("5003", 75), ("5004", 270), ("5001", 600), ("5010", 59)],
        *[("6001", 86399), ("0006002", 86399), ("5003", 60), ("6007", 600), ("6008", 1)],
    ]
    times = {("type", "call_start_time"), ("type", "call_end_time")}
    ids = {("pattern", "caller_id"), ("pattern", "agent_id")}
    status: Reason = ("allowed", "call_status")
    assert verdicts(result.rejected, first) == {
        6: {("type", "call_start_time")},
        7: {("type", "call_start_time"), status},
        8: {("required", "call_id"), status} | ids | times,
        9: {("width", None)},
        10: {("width", None)},
        14: {("pattern", "caller_id")},
        15: {("required", "call_end_time")},
    }
    required = ("call_id", "call_start_time", "call_end_time", "call_status")
    assert verdicts(result.rejected, second) == {
        5: {("pattern", "call_id"), ("pattern", "agent_id")},
        6: {("required", name) for name in required},
        7: {status},
        9: {("required", "call_status")},
        10: {("type", "call_start_time")},
    }
