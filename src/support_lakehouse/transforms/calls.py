"""Owns cleaned_calls: calls with the names of their agents, on Arrow tables (sources.md, B)."""

import pyarrow as pa
import pyarrow.compute as pc

_MICROS_OF_A_HUNDREDTH = 600_000


def cleaned_calls(calls: pa.Table, agents: pa.Table | None) -> pa.Table:
    """One row per call, sorted by call_id.

    An agent that is not among the agents leaves agent_name and region empty. Minutes are rounded
    half up to two decimals, from end minus start.
    """
    rows = calls.take(pc.sort_indices(calls["call_id"]))
    start, end = rows["start_time"], rows["end_time"]
    utc = pa.timestamp("us", tz="UTC")
    return pa.table(
        {
            "call_id": rows["call_id"],
            "agent_id": rows["agent_id"],
            "agent_name": _of_agent(rows["agent_id"], agents, "agent_name"),
            "region": _of_agent(rows["agent_id"], agents, "region"),
            "customer_id": rows["customer_id"],
            "start_time": pc.cast(start, utc),
            "end_time": pc.cast(end, utc),
            "call_duration_minutes": _minutes(start, end),
            "issue_type": rows["issue_type"],
            "resolution": rows["resolution"],
            "rating": rows["rating"],
            "call_date": pc.cast(pc.local_timestamp(pc.cast(start, utc)), pa.date32()),
            "hour_of_day": pc.hour(pc.cast(start, utc)),
        }
    )


def _of_agent(ids: pa.ChunkedArray, agents: pa.Table | None, name: str) -> pa.ChunkedArray:
    if agents is None:
        return pa.chunked_array([pa.nulls(len(ids), pa.string())])
    place = pc.index_in(ids, value_set=agents["agent_id"].combine_chunks(), skip_nulls=True)
    return pc.take(agents[name], place)


def _minutes(start: pa.ChunkedArray, end: pa.ChunkedArray) -> pa.ChunkedArray:
    """Whole hundredths of a minute, so that rounding is exact; calls last longer than nothing."""
    micros = pc.subtract(pc.cast(end, pa.int64()), pc.cast(start, pa.int64()))
    hundredths = pc.divide(pc.add(micros, _MICROS_OF_A_HUNDREDTH // 2), _MICROS_OF_A_HUNDREDTH)
    return pc.divide(pc.cast(hundredths, pa.float64()), 100.0)
