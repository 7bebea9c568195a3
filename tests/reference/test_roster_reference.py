"""The agent roster, against rows written by hand (sources: C)."""

import gzip
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from .roster import ROSTER_AGENTS, RosterResult, calculate_roster
from .verdicts import Counts

SECOND, THIRD, FOURTH = (date(2026, 1, day) for day in (2, 3, 4))


def agent(key: object = 1, **fields: object) -> dict[str, object]:
    return {"id": key, "contact": {"email": f"{key}@example.com", "name": f"Agent {key}"}, **fields}


def ids(*keys: object) -> list[dict[str, object]]:
    return [{"id": key} for key in keys]


def calculated(tmp_path: Path, files: Mapping[str, object], **labels: str) -> RosterResult:
    """The result of files under roster/sync-; values are written as JSON, text as it is."""
    for name, content in files.items():
        path = tmp_path / f"roster/sync-{name}"
        path.parent.mkdir(parents=True, exist_ok=True)
        text = content if isinstance(content, str) else json.dumps(content)
        path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return calculate_roster(tmp_path, labels)


def verdicts(result: RosterResult) -> list[tuple[int, list[tuple[str, str | None]]]]:
    return [(row.line, sorted(row.reasons, key=str)) for row in result.rejected]


def active_days(result: RosterResult) -> dict[object, list[bool]]:
    days: dict[object, list[bool]] = {}
    for row in result.history:
        days.setdefault(row["agent_id"], []).append(row["is_active"] is True)
    return days


def test_an_agent_as_the_table_has_it(tmp_path: Path) -> None:
    record = agent(
        " 11100000002 ",
        contact={
            "email": "a@example.com",
            "name": 12345,
            "language": None,
            "updated_at": "2026-01-09",
        },
        language="en",
        available="FALSE",
        focus_mode=" True",
        deactivated=True,
        agent_operational_status="on shift",
        created_at="not-a-timestamp",
        updated_at="2026-01-02 10:00+0100",
        surprise=[1],
    )
    files = {
        "2026-01-02/agent_details/a.json": record,
        "2026-01-02/agents/1.json": ids(11100000002),
    }
    result = calculated(tmp_path, files)
    row = result.agents[0]
    assert list(row) == list(ROSTER_AGENTS)
    assert {name: value for name, value in row.items() if value is not None} == {
        "agent_id": 11100000002,
        "email": "a@example.com",
        "name": "12345",
        "language": "en",
        "available": False,
        "deactivated": False,
        "status": "active",
        "focus_mode": True,
        "agent_operational_status": "on shift",
        "updated_at": datetime(2026, 1, 2, 9, tzinfo=UTC),
        "sync_day": SECOND,
        "source": "api",
    }
    warnings = result.warnings["roster/sync-2026-01-02/agent_details/a.json"]
    assert warnings == {("type", "created_at"): 1}
    assert result.rejected == []


@pytest.mark.parametrize("contact", [None, "none", [], 5, {}, {"email": None}])
def test_the_top_level_stands_in_for_the_contact(tmp_path: Path, contact: object) -> None:
    record = agent(contact=contact, email="top@example.com", name="Top")
    result = calculated(tmp_path, {"2026-01-02/agent_details/a.json": record})
    assert [(row["email"], row["name"]) for row in result.agents] == [("top@example.com", "Top")]


def test_the_contact_counts_before_the_top_level(tmp_path: Path) -> None:
    record = agent(email="top@example.com", name=None)
    result = calculated(tmp_path, {"2026-01-02/agent_details/a.json": record})
    assert [(row["email"], row["name"]) for row in result.agents] == [("1@example.com", "Agent 1")]


def test_all_reasons_of_a_record(tmp_path: Path) -> None:
    records = [
        agent(None),
        agent("eight", contact=None),
        agent(True, contact={"email": " ", "name": ["x"]}),
        agent(2**63),
        agent(4.5),
        "text",
        agent("4.0"),
    ]
    files = {
        "2026-01-02/agent_details/a.json": records,
        "2026-01-02/agents/1.json": ids("x", {}) + [{}, 3],
    }
    result = calculated(tmp_path, files)
    assert verdicts(result) == [
        (1, [("required", "agent_id")]),
        (2, [("required", "email"), ("required", "name"), ("type", "agent_id")]),
        (3, [("required", "email"), ("type", "agent_id"), ("type", "name")]),
        (4, [("type", "agent_id")]),
        (5, [("type", "agent_id")]),
        (6, [("json", None)]),
        (1, [("type", "agent_id")]),
        (2, [("type", "agent_id")]),
        (3, [("required", "agent_id")]),
        (4, [("json", None)]),
    ]
    assert [row["agent_id"] for row in result.agents] == [4]


def test_errors_name_the_agent_where_its_id_is_readable(tmp_path: Path) -> None:
    records = [agent("7", contact=None), agent("seven"), 5]
    result = calculated(tmp_path, {"2026-01-02/agent_details/a.json": records})
    assert [row["agent_id"] for row in result.errors] == [7, None, None]
    assert {row["error_type"] for row in result.errors} == {"VALIDATION_ERROR"}


def test_within_a_day_the_latest_update_wins_then_the_last_in_file_order(tmp_path: Path) -> None:
    def version(key: int, updated: str | None, title: str) -> dict[str, object]:
        return {**agent(key), "updated_at": updated, "job_title": title}

    early, late = "2026-01-01T00:00:00Z", "2026-01-01T09:00:00Z"
    files = {
        "2026-01-02/agent_details/10.json": [version(1, late, "a"), version(1, early, "b")],
        "2026-01-02/agent_details/9.json": [version(1, None, "c"), version(2, None, "d")],
        "2026-01-02/agent_details/8.json": [version(2, None, "e"), version(3, early, "f")],
        "2026-01-02/agent_details/8b.json": [version(3, "2026-01-01T01:00:00+01:00", "g")],
        "2026-01-03/agent_details/1.json": [version(4, late, "h")],
        "2026-01-04/agent_details/1.json": [version(4, None, "i")],
    }
    for place in (5, 2, 8, 1, 7, 3, 6, 4):
        files[f"2026-01-03/agent_details/same{place}.json"] = [version(5, late, f"{place}")]
    titles = {row["agent_id"]: row["job_title"] for row in calculated(tmp_path, files).agents}
    assert titles == {1: "a", 2: "d", 3: "g", 4: "i", 5: "8"}


def test_known_agents_have_a_row_for_each_day_and_the_rest_is_counted(tmp_path: Path) -> None:
    files = {
        "2026-01-04/agents/1.json": ids(1, 3),
        "2026-01-02/agent_details/a.json": [agent(1), agent(2)],
        "2026-01-02/agents/1.json": ids(1),
        "2026-01-02/agents/2.json.gz": ids("2", 3),
        "2026-01-03/agent_details/a.json": agent(3),
        "2026-01-03/agents/1.json": ids(2, 2, 9),
    }
    result = calculated(tmp_path, files)
    assert active_days(result) == {1: [True, False, True], 2: [True, True, False], 3: [False, True]}
    unknown = {SECOND: {3}, THIRD: {9}, FOURTH: set()}
    assert result.active_unknown == unknown
    states = {r["agent_id"]: (r["status"], r["deactivated"], r["sync_day"]) for r in result.agents}
    assert states == {
        1: ("active", False, SECOND),
        2: ("inactive", True, SECOND),
        3: ("active", False, THIRD),
    }
    assert result.refused == {}


@pytest.mark.parametrize(
    ("page", "why"),
    [
        (None, "no agents file"),
        ([], "nobody is active"),
        ([{"id": None}], "nobody is active"),
        (ids(1, 1, 1), "1 active after 4"),
        (ids(1, 2), None),
    ],
)
def test_a_short_day_is_refused(tmp_path: Path, page: object, why: str | None) -> None:
    files: dict[str, object] = {
        "2026-01-02/agents/1.json": ids(1, 2, 3, 4),
        "2026-01-03/agent_details/a.json": agent(),
    }
    if page is not None:
        files["2026-01-03/agents/1.json"] = page
    expected = {"roster/sync-2026-01-03": why} if why else {}
    assert calculated(tmp_path, files).refused == expected


def test_a_label_needs_a_date_and_folders_of_one_date_are_one_day(tmp_path: Path) -> None:
    files: dict[str, object] = {
        "day1/agents/1.json": ids(1),
        "2026-01-03/agents/1.json": ids(2),
        "2026-01-03/agent_details/a.json": [agent(1), agent(2)],
        "day2/agents/1.json": ids(1, 2),
        "2026-02-30/agents/1.json": ids(1, 2),
        "empty/readme.txt": "no day",
    }
    result = calculated(tmp_path, files, day1="2026-01-03")
    assert active_days(result) == {1: [True], 2: [True]}
    assert result.refused == dict.fromkeys(
        ["roster/sync-day2", "roster/sync-2026-02-30"], "a label without a date"
    )


def test_a_file_is_an_object_an_array_or_has_an_object_a_line(tmp_path: Path) -> None:
    pretty = json.dumps(agent(1), indent=2)
    lines = f"\n{json.dumps(agent(2))}\n{{broken\n{json.dumps(agent(3))}"
    folder = "2026-01-02/agent_details"
    result = calculated(
        tmp_path,
        {
            f"{folder}/a.json": pretty,
            f"{folder}/b.json": lines,
            f"{folder}/c.json": f"\n{pretty[:-3]}",
            f"{folder}/d.json": json.dumps([agent(4)])[:-1],
            "2026-01-02/agents/1.json": ids(1),
        },
    )
    counts = {name[-6]: count for name, count in result.counts.items() if "details" in name}
    assert counts == {"a": Counts(1, 0), "b": Counts(2, 1), "c": Counts(0, 1)}
    assert verdicts(result) == [(3, [("json", None)]), (2, [("json", None)])]
    assert result.refused == {f"roster/sync-{folder}/d.json": "a broken JSON array"}
