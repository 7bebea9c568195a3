"""Owns the report on Arrow tables: what gold tells by Spark, for the versions of any month.

A second way to the same figures, for reports as of a month, which no gold table holds; the tests
hold the two against each other.
"""

from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc

from support_lakehouse.transforms import named

KEYS = [*named.SUPPORT_REPORT.keys]
MEASURES = ["total_interactions", "total_calls", "total_call_duration"]
CUBE = ["month", "contact_center_id", "category_id"]
_MINUTES = pa.decimal128(28, 4)
INTERACTIONS = """
SELECT interaction_start, contact_center_id, category_id, channel, call_duration_minutes FROM t
"""


def cube_of(batches: Iterable[pa.RecordBatch], zone: str) -> pa.Table:
    """Counts and minutes by month and keys as delivered, from rows of INTERACTIONS."""
    parts = [_part(pa.Table.from_batches([batch]), zone) for batch in batches if batch.num_rows]
    return (
        named.summed(pa.concat_tables(parts), CUBE, MEASURES)
        if parts
        else _part(_no_interactions(), zone)
    )


def support_report(cube: pa.Table, centers: pa.Table, categories: pa.Table) -> pa.Table:
    """The cube with names, sorted by its keys as the published report is."""
    return sorted_report(named.mart_of(cube, named.SUPPORT_REPORT, (centers, categories)))


def sorted_report(report: pa.Table) -> pa.Table:
    """The report's columns in their order, rows in the order of their keys' UTF-8 bytes."""
    rows = report.select([*KEYS, *MEASURES])
    return rows.take(pc.sort_indices(rows, [(key, "ascending") for key in KEYS]))


def month_of(moments: pa.ChunkedArray, zone: str) -> pa.ChunkedArray:
    """The business month of UTC moments: YYYY-MM (law L9)."""
    return pc.utf8_slice_codeunits(clock_in(moments, zone), 0, 7)


def clock_in(moments: pa.ChunkedArray, zone: str) -> pa.ChunkedArray:
    """What a clock in the zone shows at UTC moments, as text that begins with YYYY-MM-DD HH:MM."""
    return pc.cast(pc.local_timestamp(pc.cast(moments, pa.timestamp("us", tz=zone))), pa.string())


def contributions(rows: pa.Table, zone: str) -> pa.Table:
    """Interactions with their month and what each adds to the measures, which they stand beside."""
    calls = pc.equal(pc.utf8_lower(rows["channel"]), "phone").fill_null(False)
    added = {
        "month": month_of(rows["interaction_start"], zone),
        "total_interactions": pa.repeat(pa.scalar(1, pa.int64()), rows.num_rows),
        "total_calls": pc.cast(calls, pa.int64()),
        "total_call_duration": pc.cast(rows["call_duration_minutes"].fill_null(0), _MINUTES),
    }
    return pa.table({name: rows[name] for name in rows.column_names} | added)


def _part(rows: pa.Table, zone: str) -> pa.Table:
    return named.summed(contributions(rows, zone), CUBE, MEASURES)


def _no_interactions() -> pa.Table:
    return pa.schema(
        [("interaction_start", pa.timestamp("us", tz="UTC")), ("contact_center_id", pa.string())]
        + [("category_id", pa.string()), ("channel", pa.string())]
        + [("call_duration_minutes", pa.decimal128(12, 4))]
    ).empty_table()
