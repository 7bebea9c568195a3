"""The agent roster: latest state, history by day, errors and refusals (sources: C)."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

from .json_records import Element, read_elements
from .json_values import Column, Kind, Reading, read_columns
from .records import RefusedError
from .roster_days import Day, find_days
from .verdicts import BROKEN_JSON, Counts, Reason, Rejected, Row, Value, Warnings, in_file_order


def _contact(name: str, *, required: bool = False) -> Column:
    return Column(Kind.TEXT, (f"contact.{name}", name), required)


DETAILS = {
    "agent_id": Column(Kind.BIGINT, ("id",), required=True),
    "email": _contact("email", required=True),
    "name": _contact("name", required=True),
    "job_title": _contact("job_title"),
    "language": _contact("language"),
    "mobile": _contact("mobile"),
    "phone": _contact("phone"),
    "time_zone": _contact("time_zone"),
    "available": Column(Kind.BOOLEAN, ("available",)),
    "focus_mode": Column(Kind.BOOLEAN, ("focus_mode",)),
    "agent_operational_status": Column(Kind.TEXT, ("agent_operational_status",)),
    "last_active_at": Column(Kind.TIMESTAMP, ("last_active_at",)),
    "created_at": Column(Kind.TIMESTAMP, ("created_at",)),
    "updated_at": Column(Kind.TIMESTAMP, ("updated_at",)),
}
"""The agent's own created_at and updated_at: those of the contact are another thing's."""
ACTIVE = {"agent_id": Column(Kind.BIGINT, ("id",), required=True)}
ROSTER_AGENTS = (
    *("agent_id", "email", "name", "job_title", "language", "mobile", "phone", "time_zone"),
    *("available", "deactivated", "status", "focus_mode", "agent_operational_status"),
    *("last_active_at", "created_at", "updated_at", "sync_day", "source"),
)
EARLIEST = datetime.min.replace(tzinfo=UTC)


@dataclass
class RosterResult:
    """All that the deliveries of group C say, also those that a run would refuse.

    `agents` (silver/roster_agents) is sorted by agent_id, `history` by agent_id and day.
    `errors` are the rows of agent_pipeline_errors by file and line, without message, record
    and time. `active_unknown` are the ids active on a day and not known on it. `refused` is by
    file, or by the day's folder. sync_day and sync_date are dates.
    """

    agents: list[Row] = field(default_factory=list)
    history: list[Row] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    errors: list[Row] = field(default_factory=list)
    warnings: Warnings = field(default_factory=dict)
    active_unknown: dict[date, frozenset[int]] = field(default_factory=dict)
    counts: dict[str, Counts] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)


def calculate_roster(data: Path, labels: Mapping[str, str] | None = None) -> RosterResult:
    """Every day that has any roster file; `labels` gives a labelled day its date."""
    result = RosterResult()
    days, result.refused = find_days(data, labels or {})
    known: dict[int, Row] = {}
    active: set[int] = set()
    status: dict[tuple[int, date], bool] = {}
    for day in days:
        before = active
        known |= _latest(data, day, result)
        active = _active(data, day, result)
        result.refused |= _guard(day, active, before)
        result.active_unknown[day.date] = frozenset(active - known.keys())
        status |= {(agent, day.date): agent in active for agent in known}
    result.agents = [_agent_row(known[agent], agent in active) for agent in sorted(known)]
    result.history = [
        {"agent_id": agent, "sync_date": sync_date, "is_active": status[agent, sync_date]}
        for agent, sync_date in sorted(status)
    ]
    result.rejected = in_file_order(result.rejected)
    result.errors.sort(key=lambda row: (str(row["file"]).encode(), row["line"]))
    return result


def _latest(data: Path, day: Day, result: RosterResult) -> dict[int, Row]:
    """Of each agent the record with the latest updated_at, null first, then the last read."""
    latest: dict[int, Row] = {}
    for file in day.details:
        for row in _accepted(data, file, DETAILS, result):
            agent = row["agent_id"]
            assert isinstance(agent, int)
            if agent not in latest or _age(row) >= _age(latest[agent]):
                latest[agent] = {**row, "sync_day": day.date}
    return latest


def _age(row: Row) -> tuple[bool, Value]:
    updated = row["updated_at"]
    return updated is not None, updated or EARLIEST


def _active(data: Path, day: Day, result: RosterResult) -> set[int]:
    rows = [row for file in day.active for row in _accepted(data, file, ACTIVE, result)]
    return {agent for row in rows if isinstance(agent := row["agent_id"], int)}


def _accepted(
    data: Path, file: str, columns: Mapping[str, Column], result: RosterResult
) -> list[Row]:
    """The accepted rows of one file; the others are noted, all of them counted."""
    try:
        elements = read_elements(data, file, may_span_lines=True)
    except RefusedError as refusal:
        result.refused[file] = refusal.why
        return []
    readings = [_read(element, columns) for element in elements]
    warnings: Counter[Reason] = Counter()
    rows: list[Row] = []
    for element, reading in zip(elements, readings, strict=True):
        if reading.reasons:
            result.rejected.append(Rejected(file, element.line, reading.reasons))
            result.errors.append(_error(reading, file, element.line))
        else:
            rows.append(reading.row)
            warnings.update(reading.warnings)
    result.counts[file] = Counts(len(rows), len(elements) - len(rows))
    result.warnings[file] = dict(warnings)
    return rows


def _read(element: Element, columns: Mapping[str, Column]) -> Reading:
    if element.fields is None:
        return Reading({"agent_id": None}, BROKEN_JSON, ())
    return read_columns(element.fields, columns)


def _error(reading: Reading, file: str, line: int) -> Row:
    agent = reading.row["agent_id"]
    return {"agent_id": agent, "error_type": "VALIDATION_ERROR", "file": file, "line": line}


def _guard(day: Day, active: set[int], before: set[int]) -> dict[str, str]:
    """Why the day may not be taken: distinct active agents against those of the day before."""
    if not day.active:
        return dict.fromkeys(day.folders, "no agents file")
    if not active:
        return dict.fromkeys(day.folders, "nobody is active")
    if len(active) * 2 < len(before):
        return dict.fromkeys(day.folders, f"{len(active)} active after {len(before)}")
    return {}


def _agent_row(row: Row, is_active: bool) -> Row:
    """The latest record; the source's own `deactivated` counts for nothing."""
    status = "active" if is_active else "inactive"
    whole = {**row, "deactivated": not is_active, "status": status, "source": "api"}
    return {name: whole[name] for name in ROSTER_AGENTS}
