"""Support calls with their agents: cleaned_calls and what was rejected (sources: B)."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

from .json_records import read_elements
from .json_values import Column, Kind, read_columns
from .records import RefusedError, read_records
from .verdicts import (
    BROKEN_JSON,
    WRONG_WIDTH,
    Counts,
    Reason,
    Rejected,
    Row,
    Warnings,
    in_file_order,
)

CALL_FILE = re.compile(r".*calls.*\.jsonl?(?:\.gz)?", re.DOTALL)
AGENTS_FILE = re.compile(r"agents.*\.csv", re.DOTALL)
CALL = {
    "call_id": Column(Kind.TEXT, ("call_id",), required=True),
    "agent_id": Column(Kind.TEXT, ("agent_id",)),
    "customer_id": Column(Kind.TEXT, ("customer_id",)),
    "start_time": Column(Kind.TIMESTAMP, ("start_time",), required=True),
    "end_time": Column(Kind.TIMESTAMP, ("end_time",), required=True),
    "issue_type": Column(Kind.TEXT, ("issue_type",)),
    "resolution": Column(Kind.TEXT, ("resolution",)),
    "rating": Column(Kind.DOUBLE, ("rating",)),
}
AGENT = ("agent_id", "agent_name", "region")
CLEANED_CALLS = (
    *("call_id", "agent_id", "agent_name", "region", "customer_id", "start_time", "end_time"),
    *("call_duration_minutes", "issue_type", "resolution", "rating", "call_date", "hour_of_day"),
)


@dataclass
class CallsResult:
    """All that the deliveries of group B say.

    `rows` is cleaned_calls by call_id as UTF-8 bytes, `agents` the last delivery by agent_id;
    `agents_not_found` counts the rows of cleaned_calls by an agent_id that is not among them.
    """

    rows: list[Row] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    warnings: Warnings = field(default_factory=dict)
    counts: dict[str, Counts] = field(default_factory=dict)
    agents: list[Row] = field(default_factory=list)
    agents_not_found: dict[str, int] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)


def calculate_calls(data: Path) -> CallsResult:
    """Every delivery by file name; the last accepted line of a call_id wins."""
    result = CallsResult()
    calls: dict[str, Row] = {}
    agents: dict[str, Row] = {}
    for file in _files(data, CALL_FILE):
        try:
            calls |= {str(row["call_id"]): row for row in _judge_calls(data, file, result)}
        except RefusedError as refusal:
            result.refused[file] = refusal.why
    for file in _files(data, AGENTS_FILE):
        try:
            agents = {str(row["agent_id"]): row for row in _judge_agents(data, file, result)}
        except RefusedError as refusal:
            result.refused[file] = refusal.why
    lost = Counter(str(call["agent_id"]) for call in calls.values() if call["agent_id"])
    result.agents_not_found = {key: lost[key] for key in sorted(lost) if key not in agents}
    result.agents = [agents[key] for key in sorted(agents, key=str.encode)]
    result.rows = [_cleaned(calls[key], agents) for key in sorted(calls, key=str.encode)]
    result.rejected = in_file_order(result.rejected)
    return result


def _files(data: Path, name: re.Pattern[str]) -> list[str]:
    found = (data / "calls").glob("*")
    names = (path.name for path in found if path.is_file() and name.fullmatch(path.name))
    return [f"calls/{name}" for name in sorted(names, key=str.encode)]


def _judge_calls(data: Path, file: str, result: CallsResult) -> list[Row]:
    """The accepted calls of one file in their order."""
    accepted: list[Row] = []
    rejected: list[Rejected] = []
    warnings: Counter[Reason] = Counter()
    for element in read_elements(data, file):
        if element.fields is None:
            rejected.append(Rejected(file, element.line, BROKEN_JSON))
            continue
        reading = read_columns(element.fields, CALL)
        reasons = reading.reasons | _duration_reasons(reading.row)
        if reasons:
            rejected.append(Rejected(file, element.line, reasons))
        else:
            accepted.append(reading.row)
            warnings.update(reading.warnings)
    _note(result, file, accepted, rejected)
    result.warnings[file] = dict(warnings)
    return accepted


def _duration_reasons(row: Row) -> frozenset[Reason]:
    start, end = row["start_time"], row["end_time"]
    is_wrong = isinstance(start, datetime) and isinstance(end, datetime) and end <= start
    return frozenset({("expression", None)}) if is_wrong else frozenset()


def _judge_agents(data: Path, file: str, result: CallsResult) -> list[Row]:
    """The accepted agents of one delivery; of an id that stands twice the last line counts."""
    header, records = read_records(data, file)
    missing = [name for name in AGENT if name not in header]
    if missing:
        raise RefusedError(file, f"columns not there: {', '.join(missing)}")
    accepted: list[Row] = []
    rejected: list[Rejected] = []
    for record in records:
        if len(record.cells) != len(header):
            rejected.append(Rejected(file, record.line, WRONG_WIDTH))
            continue
        cells = dict(zip(header, record.cells, strict=True))
        if cells["agent_id"]:
            accepted.append({name: cells[name] or None for name in AGENT})
        else:
            reasons: frozenset[Reason] = frozenset({("required", "agent_id")})
            rejected.append(Rejected(file, record.line, reasons))
    _note(result, file, accepted, rejected)
    return accepted


def _note(
    result: CallsResult, file: str, accepted: list[Row], rejected: Iterable[Rejected]
) -> None:
    before = len(result.rejected)
    result.rejected += rejected
    result.counts[file] = Counts(len(accepted), len(result.rejected) - before)


def _cleaned(call: Row, agents: dict[str, Row]) -> Row:
    start, end = call["start_time"], call["end_time"]
    assert isinstance(start, datetime)
    assert isinstance(end, datetime)
    agent = agents.get(str(call["agent_id"]), {}) if call["agent_id"] else {}
    row: Row = {
        **call,
        "agent_name": agent.get("agent_name"),
        "region": agent.get("region"),
        "call_duration_minutes": minutes(end - start),
        "call_date": start.astimezone(UTC).date(),
        "hour_of_day": start.astimezone(UTC).hour,
    }
    return {name: row[name] for name in CLEANED_CALLS}


def minutes(duration: timedelta) -> float:
    """Two decimals, half up on the exact value.

    The sources do not say how to round. Half up and half even differ only where fractions of
    a second make an exact half (0.3 s); less than that is 0.0 and still a call.
    """
    exact = Decimal(duration // timedelta(microseconds=1)) / Decimal(60_000_000)
    return float(exact.quantize(Decimal("0.01"), ROUND_HALF_UP))
