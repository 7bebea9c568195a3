"""Cells and records, against readings given by hand (contracts: Reading)."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from .records import read_records
from .spelling import UNREADABLE
from .tables import Type, Value
from .values import UnreadableError, read


def utc(
    year: int, month: int, day: int, hour: int, minute: int = 0, second: int = 0, micro: int = 0
) -> datetime:
    return datetime(year, month, day, hour, minute, second, micro, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (Type.TEXT, "", None),
        (Type.TEXT, "null", "null"),
        (Type.INTEGER, "", None),
        (Type.INTEGER, "4.0", 4),
        (Type.INTEGER, "+007", 7),
        (Type.INTEGER, "-1.000", -1),
        (Type.DECIMAL, "1.00000", Decimal(1)),
        (Type.DECIMAL, "0000000012345678.1", Decimal("12345678.1")),
        (Type.DECIMAL, "-0.5", Decimal("-0.5")),
        (Type.DECIMAL, "+99999999.9999", Decimal("99999999.9999")),
        (Type.DATE, "2024-02-29", date(2024, 2, 29)),
        (Type.TIMESTAMP, "2025-01-05T14:30:00Z", utc(2025, 1, 5, 14, 30)),
        (Type.TIMESTAMP, "2025-01-05 14:30", utc(2025, 1, 5, 14, 30)),
        (Type.TIMESTAMP, "2025-01-05T14:30+00:00", utc(2025, 1, 5, 14, 30)),
        (Type.TIMESTAMP, "2025-01-05T23:30:00-05:00", utc(2025, 1, 6, 4, 30)),
        (Type.TIMESTAMP, "2025-01-05T02:00:00.5+0530", utc(2025, 1, 4, 20, 30, 0, 500000)),
        (Type.TIMESTAMP, "2025-01-05T00:00:00.000007", utc(2025, 1, 5, 0, 0, 0, 7)),
        (Type.TIMESTAMP, "9999-12-31T23:59:59.999999Z", utc(9999, 12, 31, 23, 59, 59, 999999)),
        (Type.TIMESTAMP, "0001-01-01T00:00-05:00", utc(1, 1, 1, 5)),
    ],
)
def test_readable(kind: Type, text: str, value: Value) -> None:
    assert read(text, kind) == value


def test_minus_zero_is_zero() -> None:
    assert str(read("-0.000", Type.DECIMAL)).startswith("0")


@pytest.mark.parametrize(
    ("kind", "text"), [(kind, text) for kind, texts in UNREADABLE.items() for text in texts]
)
def test_unreadable(kind: Type, text: str) -> None:
    with pytest.raises(UnreadableError):
        read(text, kind)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Type.DECIMAL, "100000000"),
        (Type.DECIMAL, "0.00001"),
        (Type.INTEGER, "1.5"),
        (Type.DATE, "2023-02-29"),
        (Type.TIMESTAMP, "2025-02-29T00:00Z"),
        (Type.TIMESTAMP, "2025-01-05T14:30.5Z"),
        (Type.TIMESTAMP, "2025-01-05T14:30:00+24:00"),
        (Type.TIMESTAMP, "2025-01-05T14:30:00Z\n"),
    ],
)
def test_just_not_readable(kind: Type, text: str) -> None:
    with pytest.raises(UnreadableError):
        read(text, kind)


def records(tmp_path: Path, content: str | bytes) -> list[tuple[int, tuple[str, ...]]]:
    data = content if isinstance(content, bytes) else content.encode()
    (tmp_path / "file.csv").write_bytes(data)
    header, rows = read_records(tmp_path, "file.csv")
    return [(0, header), *((row.line, row.cells) for row in rows)]


def test_blanks_are_trimmed_at_both_ends_of_names_and_cells(tmp_path: Path) -> None:
    text = '\ufeff A\u00a0,"\tB "\r\n\u00a0 x y\t,"  z "\r\n'
    assert records(tmp_path, text) == [(0, ("a", "b")), (2, ("x y", "z"))]


def test_a_line_of_blanks_is_no_row_and_commas_are_one(tmp_path: Path) -> None:
    text = "\n \t\na,b\n\n,\n\u00a0\n1,2"
    assert records(tmp_path, text) == [(0, ("a", "b")), (5, ("", "")), (7, ("1", "2"))]


def test_a_line_of_quotes_alone_is_a_row(tmp_path: Path) -> None:
    assert records(tmp_path, 'a,b\n""\n')[1:] == [(2, ("",))]


def test_a_record_stands_on_the_line_where_it_starts(tmp_path: Path) -> None:
    text = 'a,b\r\n"x\r\n\r\ny",1\r\n"p ""q"", r",2\n3,4'
    assert records(tmp_path, text)[1:] == [
        (2, ("x\r\n\r\ny", "1")),
        (5, ('p "q", r', "2")),
        (6, ("3", "4")),
    ]


def test_a_lone_carriage_return_ends_no_line(tmp_path: Path) -> None:
    text = 'a,b\nx\ry,"p\rq"\r\n1,2\n'
    assert records(tmp_path, text)[1:] == [(2, ("x\ry", "p\rq")), (3, ("1", "2"))]


def test_other_line_separators_end_no_line(tmp_path: Path) -> None:
    text = "a,b\nx\u2028y,p\x85q\x0b\n1,2\n"
    assert records(tmp_path, text)[1:] == [(2, ("x\u2028y", "p\x85q\x0b")), (3, ("1", "2"))]


def test_only_one_mark_at_the_start_is_a_mark(tmp_path: Path) -> None:
    assert records(tmp_path, "\ufeff\ufeffa,b\n")[0] == (0, ("\ufeffa", "b"))
