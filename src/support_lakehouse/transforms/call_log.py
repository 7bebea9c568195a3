"""Owns the call-centre log as it is published: accepted and rejected rows (sources.md, D)."""

import pyarrow as pa
import pyarrow.compute as pc

from support_lakehouse.model.feed import Feed
from support_lakehouse.model.landing import BLANKS
from support_lakehouse.transforms.by_hand import cells_of

COLUMNS = ("call_id", "caller_id", "agent_id", "call_start_time", "call_end_time", "call_status")
_DAY_SECONDS = 24 * 60 * 60
_REASON = pa.struct([("rule", pa.string()), ("column", pa.string()), ("message", pa.string())])
NO_ENTRIES = pa.schema(
    [(name, pa.string()) for name in ("id", "feed", "file", "period", "key", "header", "raw")]
    + [("line", pa.int64()), ("reasons", pa.list_(_REASON)), ("rules", pa.string())]
    + [("run", pa.string()), ("state", pa.string()), ("attempts", pa.int64())]
).empty_table()
"""Quarantine before anything was rejected."""


def accepted(log: pa.Table) -> pa.Table:
    """The six columns and call_duration_seconds, in order of file and line."""
    rows = log.take(pc.sort_indices(log, [("_file", "ascending"), ("_line", "ascending")]))
    start, end = (_seconds(rows[name]) for name in ("call_start_time", "call_end_time"))
    past_midnight = pc.less(end, start)
    lasted = pc.add(
        pc.subtract(end, start), pc.multiply(pc.cast(past_midnight, pa.int64()), _DAY_SECONDS)
    )
    return rows.select(list(COLUMNS)).append_column("call_duration_seconds", lasted)


def rejected(quarantine: pa.Table, feed: Feed) -> pa.Table:
    """Rows that wait in quarantine or were discarded there: six cells, reasons, place, raw.

    Cells stand by their position as far as there are any; reasons are told in one text.
    """
    own = pc.and_(
        pc.equal(quarantine["feed"], feed.name),
        pc.is_in(quarantine["state"], value_set=pa.array(["open", "discarded"])),
    )
    rows = quarantine.filter(own)
    rows = rows.take(pc.sort_indices(rows, [("file", "ascending"), ("line", "ascending")]))
    entries = rows.select(["file", "line", "header", "raw", "reasons"]).to_pylist()
    told: dict[str, list[object]] = {name: [] for name in (*COLUMNS, "reject_reasons")}
    for entry in entries:
        cells = cells_of(entry["raw"], feed.delimiter, quoting=feed.quoting)
        for place, name in enumerate(COLUMNS):
            told[name].append((cells[place].strip(BLANKS) or None) if place < len(cells) else None)
        told["reject_reasons"].append("; ".join(reason["message"] for reason in entry["reasons"]))
    columns = {name: pa.array(values, pa.string()) for name, values in told.items()}
    return pa.table(columns | {name: rows[name] for name in ("file", "line", "raw")})


def _seconds(times: pa.ChunkedArray) -> pa.ChunkedArray:
    """Seconds since midnight of HH:MM:SS."""
    hours, minutes, seconds = (
        pc.cast(pc.utf8_slice_codeunits(times, at, at + 2), pa.int64()) for at in (0, 3, 6)
    )
    return pc.add(pc.add(pc.multiply(hours, 3600), pc.multiply(minutes, 60)), seconds)
