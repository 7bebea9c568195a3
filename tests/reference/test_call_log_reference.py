"""The call-centre log, against rows and bytes written by hand (sources: D)."""

from pathlib import Path

import pytest

from .call_log import COLUMNS, CallLogResult, calculate_call_log, judge
from .render_call_log import call_log_csv, rejected_csv
from .verdicts import Counts, Reason

HEADER = ",".join(COLUMNS) + "\n"
GOOD = ("1", "2", "3", "08:00:00", "08:01:00", "COMPLETED")
FILE = "call_center/call_center_1.csv"


def calculated(tmp_path: Path, *texts: str, name: str = "call_center_{}.csv") -> CallLogResult:
    """The result of files call_center_1.csv and so on."""
    for number, text in enumerate(texts, start=1):
        path = tmp_path / "call_center" / name.format(number)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text.encode())
    return calculate_call_log(tmp_path)


@pytest.mark.parametrize(
    ("change", "reasons"),
    [
        ({}, set()),
        ({1: "", 2: ""}, set()),
        ({0: ""}, {("required", "call_id")}),
        ({0: "4.0", 1: "+4", 2: "-4"}, {("pattern", name) for name in COLUMNS[:3]}),
        ({0: "\uff11"}, {("pattern", "call_id")}),
        ({3: "24:00:00", 4: "9:05:00"}, {("type", "call_start_time"), ("type", "call_end_time")}),
        ({3: "12:60:00", 4: "12:00:60"}, {("type", "call_start_time"), ("type", "call_end_time")}),
        ({3: "12:00", 4: "12:00:00.0"}, {("type", "call_start_time"), ("type", "call_end_time")}),
        ({3: "", 5: "completed"}, {("required", "call_start_time"), ("allowed", "call_status")}),
        ({4: "", 5: ""}, {("required", "call_end_time"), ("required", "call_status")}),
        ({3: "00:00:00", 4: "23:59:59", 5: "FAILED"}, set()),
    ],
)
def test_a_row_has_all_its_reasons(change: dict[int, str], reasons: set[Reason]) -> None:
    assert judge(tuple(change.get(place, cell) for place, cell in enumerate(GOOD))) == reasons


@pytest.mark.parametrize("cells", [GOOD[:5], (*GOOD, ""), ("x", "y"), ("",)])
def test_a_wrong_width_is_the_only_reason(cells: tuple[str, ...]) -> None:
    assert judge(cells) == {("width", None)}


@pytest.mark.parametrize(
    ("start", "end", "seconds"),
    [
        ("08:00:00", "08:01:05", 65),
        ("08:00:00", "08:00:00", 0),
        ("23:59:00", "00:01:00", 120),
        ("00:00:00", "23:59:59", 86399),
        ("00:00:01", "00:00:00", 86399),
    ],
)
def test_an_end_before_the_start_is_past_midnight(
    tmp_path: Path, start: str, end: str, seconds: int
) -> None:
    result = calculated(tmp_path, f"{HEADER}1,2,3,{start},{end},DROPPED\n")
    assert [row["call_duration_seconds"] for row in result.rows] == [seconds]


def test_the_published_bytes(tmp_path: Path) -> None:
    first = (
        f"\ufeff{HEADER.upper()}"
        ' 7 ,"2",,"08:00:00",08:01:00 ,FAILED\r\n'
        "\r\n"
        "007,=1+1,3,08:00:00,08:01:00,FAILED\r\n"
        "\t\r\n"
        '8,,,08:00:00,08:01:00,"DROP\r\nPED"\r\n'
        "=9,x\r\n"
        "1,2,3,4,5,6,7"
    )
    result = calculated(tmp_path, first, f"{HEADER}7,,,00:00:00,00:00:01,COMPLETED\n")
    assert call_log_csv(result).decode() == (
        "call_id,caller_id,agent_id,call_start_time,call_end_time,call_status,"
        "call_duration_seconds\n"
        "7,2,,08:00:00,08:01:00,FAILED,60\n"
        "7,,,00:00:00,00:00:01,COMPLETED,1\n"
    )
    assert result.rows[0]["agent_id"] is None
    messages = {(FILE, line): f"why {line}" for line in (4, 6, 8, 9)}
    assert rejected_csv(result, messages).decode() == (
        "call_id,caller_id,agent_id,call_start_time,call_end_time,call_status,"
        "reject_reasons,file,line,raw\n"
        f"007,'=1+1,3,08:00:00,08:01:00,FAILED,why 4,{FILE},4,"
        '"007,=1+1,3,08:00:00,08:01:00,FAILED"\n'
        f'8,,,08:00:00,08:01:00,"DROP\r\nPED",why 6,{FILE},6,'
        '"8,,,08:00:00,08:01:00,""DROP\r\nPED"""\n'
        f"'=9,x,,,,,why 8,{FILE},8,\"'=9,x\"\n"
        f'1,2,3,4,5,6,why 9,{FILE},9,"1,2,3,4,5,6,7"\n'
    )
    assert result.repeated == {FILE: 0, "call_center/call_center_2.csv": 1}
    assert result.counts[FILE] == Counts(accepted=1, rejected=4)
    assert result.rejected_by_reason[("width", None)] == 2


@pytest.mark.parametrize(
    "text",
    [
        "",
        "call_id,caller_id\n",
        HEADER.replace("caller_id,agent_id", "agent_id,caller_id"),
        HEADER.replace("\n", ",note\n"),
        HEADER.replace("caller_id", "call_id"),
    ],
    ids=["empty", "few", "order", "many", "twice"],
)
def test_a_broken_header_refuses_the_file(tmp_path: Path, text: str) -> None:
    result = calculated(tmp_path, text, HEADER + ",".join(GOOD))
    assert list(result.refused) == [FILE]
    assert len(result.rows) == 1


def test_files_go_in_order_of_bytes_and_others_are_none_of_the_feed(tmp_path: Path) -> None:
    for name in ("call_center_10.csv", "call_center_9.csv", "call_center_B.csv", "calls.csv"):
        row = f"1,{len(name)},,08:00:00,08:00:00,FAILED\n"
        calculated(tmp_path, HEADER + row, name=name)
    result = calculate_call_log(tmp_path)
    assert [name[-6:-4] for name in result.counts] == ["10", "_9", "_B"]
    assert sum(result.repeated.values()) == 2
