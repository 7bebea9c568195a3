"""The call-centre log: calls with their duration, and rows rejected as they came (sources: D)."""

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import time, timedelta
from pathlib import Path

from .records import BYTE_ORDER_MARK, Record, RefusedError, read_records
from .values import BLANKS
from .verdicts import WRONG_WIDTH, Counts, Reason, Rejected, Row

FILE = re.compile(r"call_center_.*\.csv", re.DOTALL)
COLUMNS = (
    *("call_id", "caller_id", "agent_id"),
    *("call_start_time", "call_end_time", "call_status"),
)
REQUIRED = ("call_id", "call_start_time", "call_end_time", "call_status")
IDS = ("call_id", "caller_id", "agent_id")
TIMES = ("call_start_time", "call_end_time")
STATUSES = ("COMPLETED", "DROPPED", "FAILED")
DIGITS = re.compile(r"[0-9]+")
TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9])")
DAY_SECONDS = 24 * 60 * 60


@dataclass
class CallLogResult:
    """All that the files of group D say, in order of path as UTF-8 bytes, then of line.

    `rows` hold the six columns as text and call_duration_seconds. `rejected_rows` stand beside
    `rejected`: the six columns as far as cells go, file, line, raw. `repeated` counts by file the
    accepted rows whose call_id an earlier accepted row has.
    """

    rows: list[Row] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    rejected_rows: list[Row] = field(default_factory=list)
    repeated: dict[str, int] = field(default_factory=dict)
    counts: dict[str, Counts] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)

    @property
    def rejected_by_reason(self) -> Counter[Reason]:
        return Counter(reason for row in self.rejected for reason in row.reasons)


def calculate_call_log(data: Path) -> CallLogResult:
    """Every `call_center/call_center_*.csv`; other files there are no files of the feed."""
    result = CallLogResult()
    found = (path.name for path in (data / "call_center").glob("*") if path.is_file())
    for name in sorted(filter(FILE.fullmatch, found), key=str.encode):
        try:
            _add_file(data, f"call_center/{name}", result)
        except RefusedError as refusal:
            result.refused[refusal.file] = refusal.why
    return result


def _add_file(data: Path, file: str, result: CallLogResult) -> None:
    header, records = read_records(data, file)
    if header != COLUMNS:
        raise RefusedError(file, f"header {', '.join(header)}")
    seen = {row["call_id"] for row in result.rows}
    raws = _raw_records(data, file, records)
    rejected_before, rows_before = len(result.rejected), len(result.rows)
    result.repeated[file] = 0
    for record, raw in zip(records, raws, strict=True):
        row: Row = dict.fromkeys(COLUMNS)
        row |= {name: cell or None for name, cell in zip(COLUMNS, record.cells, strict=False)}
        reasons = judge(record.cells)
        if reasons:
            result.rejected.append(Rejected(file, record.line, reasons))
            result.rejected_rows.append({**row, "file": file, "line": record.line, "raw": raw})
        else:
            result.repeated[file] += row["call_id"] in seen
            seen.add(row["call_id"])
            result.rows.append({**row, "call_duration_seconds": _seconds(row)})
    accepted = len(result.rows) - rows_before
    result.counts[file] = Counts(accepted, len(result.rejected) - rejected_before)


def judge(cells: tuple[str, ...]) -> frozenset[Reason]:
    """All reasons against a row of trimmed cells; a wrong width is the only one."""
    if len(cells) != len(COLUMNS):
        return WRONG_WIDTH
    row = {name: cell for name, cell in zip(COLUMNS, cells, strict=True) if cell}
    reasons: set[Reason] = {("required", name) for name in REQUIRED if name not in row}
    reasons |= {("pattern", n) for n in IDS if n in row and not DIGITS.fullmatch(row[n])}
    reasons |= {("type", n) for n in TIMES if n in row and not TIME.fullmatch(row[n])}
    if row.get("call_status", STATUSES[0]) not in STATUSES:
        reasons.add(("allowed", "call_status"))
    return frozenset(reasons)


def _seconds(row: Row) -> int:
    """From start to end; an end before the start is of the next day."""
    start, end = (_since_midnight(str(row[name])) for name in TIMES)
    return (end - start) % DAY_SECONDS


def _since_midnight(text: str) -> int:
    moment = time.fromisoformat(text)
    length = timedelta(hours=moment.hour, minutes=moment.minute, seconds=moment.second)
    return int(length.total_seconds())


def _raw_records(data: Path, file: str, records: list[Record]) -> list[str]:
    """Each record as it came, from its first line to the last before the next, without its end."""
    text = (data / file).read_bytes().decode("utf-8").removeprefix(BYTE_ORDER_MARK)
    lines = text.split("\n")
    ends = [record.line - 1 for record in records[1:]] + [len(lines)]
    return [
        _without_blank_end(lines[record.line - 1 : end])
        for record, end in zip(records, ends, strict=True)
    ]


def _without_blank_end(lines: list[str]) -> str:
    """Blank lines behind a record are no part of it."""
    while len(lines) > 1 and not lines[-1].removesuffix("\r").strip(BLANKS):
        lines = lines[:-1]
    return "\n".join(lines).removesuffix("\r")
