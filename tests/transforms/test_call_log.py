"""The call-centre log as it is published (contracts.md, Group D)."""

from typing import Any

import pyarrow as pa
import pytest

from support_lakehouse.model.feed import Feed
from support_lakehouse.transforms.call_log import COLUMNS, NO_ENTRIES, accepted, rejected

FEED = Feed.model_validate(
    {
        "feed": "call_center_log",
        "kind": "log",
        "files": "call_center/*.csv",
        "columns": dict.fromkeys(COLUMNS, "text"),
    }
)
OUT = (*COLUMNS, "reject_reasons", "file", "line", "raw")


def log(*rows: tuple[str, str, str, str, int]) -> pa.Table:
    """Rows of silver: id, start, end, file, line."""
    told = [
        {"call_id": id_, "caller_id": "7", "agent_id": "8", "call_start_time": start}
        | {"call_end_time": end, "call_status": "COMPLETED", "_file": file, "_line": line}
        for id_, start, end, file, line in rows
    ]
    names = [(name, pa.string()) for name in (*COLUMNS, "_file")]
    return pa.Table.from_pylist(told, pa.schema([*names, ("_line", pa.int64())]))


def test_accepted_rows_have_six_columns_and_their_seconds() -> None:
    found = accepted(log(("1", "09:00:00", "09:01:05", "a.csv", 2)))
    assert found.to_pylist() == [
        {
            "call_id": "1",
            "caller_id": "7",
            "agent_id": "8",
            "call_start_time": "09:00:00",
            "call_end_time": "09:01:05",
            "call_status": "COMPLETED",
            "call_duration_seconds": 65,
        }
    ]


@pytest.mark.parametrize(
    ("start", "end", "seconds"),
    [
        ("00:00:00", "23:59:59", 86_399),
        ("09:00:00", "09:00:00", 0),
        ("23:59:59", "00:00:00", 1),
        ("23:00:00", "01:30:15", 9_015),
        ("09:00:01", "09:00:00", 86_399),
    ],
)
def test_a_call_that_ends_before_it_starts_ends_on_the_next_day(
    start: str, end: str, seconds: int
) -> None:
    found = accepted(log(("1", start, end, "a.csv", 2)))
    assert found["call_duration_seconds"].to_pylist() == [seconds]


def test_accepted_rows_stand_by_file_as_bytes_and_line() -> None:
    noon = ("12:00:00", "12:00:00")
    places = [("a", "é.csv", 2), ("b", "z.csv", 10), ("c", "z.csv", 9), ("d", "Z.csv", 99)]
    found = accepted(log(*((id_, *noon, file, line) for id_, file, line in places)))
    assert found["call_id"].to_pylist() == ["d", "c", "b", "a"]


def test_an_id_that_stands_twice_is_two_rows_and_none_is_no_row() -> None:
    noon = ("12:00:00", "12:00:00")
    assert accepted(log(("1", *noon, "a.csv", 2), ("1", *noon, "a.csv", 3))).num_rows == 2
    nothing = accepted(log())
    assert (nothing.num_rows, nothing.column_names[-1]) == (0, "call_duration_seconds")


def entries(*told: dict[str, Any]) -> pa.Table:
    usual = {"feed": "call_center_log", "file": "a.csv", "line": 2, "state": "open"}
    usual |= {"raw": "1,7,8,9,10,11", "reasons": [{"message": "no time"}]}
    return pa.Table.from_pylist([usual | one for one in told], NO_ENTRIES.schema)


def rejects(*told: dict[str, Any]) -> list[tuple[Any, ...]]:
    table = rejected(entries(*told), FEED)
    assert tuple(table.column_names) == OUT
    return [tuple(row.values()) for row in table.to_pylist()]


def test_a_rejected_row_has_its_cells_its_reasons_and_its_place() -> None:
    reasons = [{"message": "agent_id is not a whole number"}, {"message": "call_status is empty"}]
    raw = ' 1 ,"7","x ""y""",09:00:00,\u00a0,'
    assert rejects({"raw": raw, "reasons": reasons, "line": 17}) == [
        (
            *("1", "7", 'x "y"', "09:00:00", None, None),
            "agent_id is not a whole number; call_status is empty",
            *("a.csv", 17, raw),
        )
    ]


def test_cells_stand_by_position_as_far_as_they_go() -> None:
    short, long, quoted = "1,7", "1,2,3,4,5,6,7,8", '1,"a,\nb",3,4,5,6'
    found = [row[:6] for row in rejects(*({"raw": raw} for raw in (short, long, quoted, "")))]
    assert found == [
        ("1", "7", None, None, None, None),
        ("1", "2", "3", "4", "5", "6"),
        ("1", "a,\nb", "3", "4", "5", "6"),
        (None, None, None, None, None, None),
    ]


def test_rows_that_wait_or_were_discarded_are_rejected_and_others_are_not() -> None:
    states = ("open", "released", "discarded", "superseded", "refused")
    found = rejects(*({"state": state, "line": n} for n, state in enumerate(states)))
    assert [row[8] for row in found] == [0, 2]


def test_rows_of_other_feeds_are_left_out() -> None:
    assert rejects({"feed": "calls"}) == []


def test_rejected_rows_stand_by_file_as_bytes_and_line() -> None:
    places = [("é.csv", 1), ("z.csv", 10), ("z.csv", 9), ("Z.csv", 99)]
    found = rejects(*({"file": file, "line": line} for file, line in places))
    assert [row[7:9] for row in found] == [("Z.csv", 99), ("z.csv", 9), ("z.csv", 10), ("é.csv", 1)]


def test_before_anything_was_rejected_the_file_has_its_columns() -> None:
    table = rejected(NO_ENTRIES, FEED)
    assert (tuple(table.column_names), table.num_rows) == (OUT, 0)


def test_a_cell_may_be_of_any_length() -> None:
    [row] = rejects({"raw": f"1,{'x' * 200_000}"})
    assert len(row[1]) == 200_000
