"""How a table becomes bytes (contracts.md, Writing)."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from support_lakehouse.io import export
from support_lakehouse.io.export import text_of, write
from support_lakehouse.model.settings import Format

UTC_MICROS = pa.timestamp("us", tz="UTC")
MOMENTS = [
    datetime(2025, 1, 5, 14, 30, tzinfo=UTC),
    datetime(2025, 7, 5, 3, 0, 0, 500000, tzinfo=UTC),
    None,
]


def column(values: list[Any], kind: pa.DataType | None = None) -> pa.Table:
    return pa.table({"x": pa.array(values, kind or pa.string())})


def csv_cells(values: list[Any], kind: pa.DataType | None = None, zone: str = "UTC") -> list[str]:
    """The cells of a column as CSV has them, below the header."""
    beside = column(values, kind).append_column("y", pa.array([1] * len(values)))
    return [line.removesuffix(",1") for line in csv_text(beside, zone).splitlines()[1:]]


def csv_text(table: pa.Table, zone: str = "UTC") -> str:
    return "".join(text_of(table, "csv", zone))


def json_text(table: pa.Table, zone: str = "UTC") -> str:
    return "".join(text_of(table, "json", zone))


TABLE = pa.table(
    {
        "month": pa.array(["2025-01", "2025-02"]),
        "name": pa.array(['Zoë, "Inc"', None]),
        "calls": pa.array([12, None], pa.int64()),
        "minutes": pa.array([Decimal("140"), Decimal("12.5")], pa.decimal128(28, 4)),
    }
)


def test_csv_is_utf8_without_mark_with_lf_header_and_few_quotes(tmp_path: Path) -> None:
    write(TABLE, tmp_path / "report.csv", "csv")
    expected = 'month,name,calls,minutes\n2025-01,"Zoë, ""Inc""",12,140\n2025-02,,,12.5\n'
    assert (tmp_path / "report.csv").read_bytes() == expected.encode()


def test_json_is_one_array_of_records_with_numbers_as_numbers(tmp_path: Path) -> None:
    write(TABLE, tmp_path / "report.json", "json")
    expected = (
        '[\n{"month": "2025-01", "name": "Zoë, \\"Inc\\"", "calls": 12, "minutes": 140},\n'
        '{"month": "2025-02", "name": null, "calls": null, "minutes": 12.5}\n]\n'
    )
    assert (tmp_path / "report.json").read_bytes() == expected.encode()


def test_parquet_is_one_typed_file_with_zstd(tmp_path: Path) -> None:
    table = TABLE.append_column("at", pa.array(MOMENTS[:2], UTC_MICROS))
    write(table, tmp_path / "report.parquet", "parquet", "-05:00")
    assert pq.read_table(tmp_path / "report.parquet").equals(table)
    told = pq.ParquetFile(tmp_path / "report.parquet").metadata.row_group(0).column(0)
    assert told.compression == "ZSTD"


def test_a_table_without_rows_is_a_header_or_an_empty_array() -> None:
    nothing = TABLE.slice(0, 0)
    assert csv_text(nothing) == "month,name,calls,minutes\n"
    assert json_text(nothing) == "[]\n"


def test_a_file_is_replaced_in_one_step_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "new" / "report.csv"
    write(column(["old"]), path, "csv")
    write(column(["new"]), path, "csv")
    assert path.read_text() == "x\nnew\n"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("fmt", ["csv", "json", "parquet"])
def test_the_same_table_gives_the_same_bytes(tmp_path: Path, fmt: Format) -> None:
    for name in ("one", "two"):
        write(TABLE, tmp_path / name, fmt)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_text_does_not_tell_how_a_table_lay_in_memory() -> None:
    in_two_chunks = pa.concat_tables([TABLE.slice(0, 1), TABLE.slice(1)])
    assert csv_text(in_two_chunks) == csv_text(TABLE)
    assert json_text(in_two_chunks) == json_text(TABLE)


def test_rows_beyond_one_piece_are_written_in_order() -> None:
    numbers = column(list(range(120_000)), pa.int64())
    assert csv_text(numbers) == "x\n" + "".join(f"{n}\n" for n in range(120_000))
    expected = ",\n".join(f'{{"x": {n}}}' for n in range(120_000))
    assert json_text(numbers) == f"[\n{expected}\n]\n"


@pytest.mark.parametrize("fmt", ["csv", "json", "parquet"])
@pytest.mark.parametrize("size", [1, 3, 7, 20])
def test_a_file_does_not_tell_in_what_parts_its_rows_came(
    tmp_path: Path, fmt: Format, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "_ROWS_OF_A_GROUP", 5)
    rows = pa.table(
        {"n": list(range(17)), "odd": ["=1", None, "a,b", "x", "y", "z", ""] * 2 + ["w"] * 3}
    )
    parts = [rows.slice(start, size) for start in range(0, 17, size)]
    assert write(rows, tmp_path / "whole", fmt) == 17
    assert write(iter([rows.slice(0, 0), *parts]), tmp_path / "parts", fmt) == 17
    assert (tmp_path / "parts").read_bytes() == (tmp_path / "whole").read_bytes()
    if fmt == "parquet":
        told = pq.ParquetFile(tmp_path / "parts").metadata
        assert [told.row_group(n).num_rows for n in range(told.num_row_groups)] == [5, 5, 5, 2]
        assert pq.read_table(tmp_path / "parts").equals(rows)


@pytest.mark.parametrize("fmt", ["csv", "json", "parquet"])
def test_parts_without_a_row_make_what_a_table_without_rows_makes(
    tmp_path: Path, fmt: Format
) -> None:
    nothing = TABLE.slice(0, 0)
    assert write([nothing, nothing], tmp_path / "parts", fmt) == 0
    assert write(nothing, tmp_path / "whole", fmt) == 0
    assert (tmp_path / "parts").read_bytes() == (tmp_path / "whole").read_bytes()


@pytest.mark.parametrize("fmt", ["csv", "json", "parquet"])
def test_where_the_parts_end_early_the_file_stays_and_nothing_else_is_left(
    tmp_path: Path, fmt: Format
) -> None:
    def torn() -> Iterator[pa.Table]:
        yield TABLE
        raise ValueError("torn")

    path = tmp_path / "report"
    path.write_text("old")
    with pytest.raises(ValueError, match="torn"):
        write(torn(), path, fmt)
    assert (path.read_text(), list(tmp_path.iterdir())) == ("old", [path])


def test_quotes_stand_only_where_they_are_needed() -> None:
    texts = ["plain", "a b", "a,b", 'say "hi"', "a\nb", "a\rb", "a;b", ""]
    expected = 'x\nplain\na b\n"a,b"\n"say ""hi"""\n"a\nb"\n"a\rb"\na;b\n\n'
    assert csv_text(column(texts)) == expected


@pytest.mark.parametrize("text", ["=1+1", "+cmd", "-cmd", "@sum", "=", "-1+1", "+1 2", "--1", "-."])
def test_a_text_that_a_spreadsheet_would_run_gets_a_quote_in_front(text: str) -> None:
    assert csv_cells([text]) == [f"'{text}"]


def test_a_tab_or_a_carriage_return_in_front_is_guarded_too() -> None:
    assert csv_text(column(["\tx"])) == "x\n'\tx\n"
    assert csv_text(column(["\r=1"])) == 'x\n"\'\r=1"\n'
    assert csv_text(column(["-5\n=1"])) == 'x\n"\'-5\n=1"\n'


@pytest.mark.parametrize("text", ["-5", "+5", "-12.50", "+0.5", "5", "a=b", "'=1", " =1", "é", ""])
def test_plain_numbers_and_other_texts_are_left_alone(text: str) -> None:
    assert csv_cells([text]) == [text]


def test_json_needs_no_guard() -> None:
    assert json_text(column(["=1+1"])) == '[\n{"x": "=1+1"}\n]\n'


def test_numbers_below_zero_are_no_formulas() -> None:
    assert csv_cells([-5], pa.int64()) == ["-5"]
    assert csv_cells([Decimal("-5")], pa.decimal128(12, 4)) == ["-5"]


def test_decimals_have_no_zeros_and_no_point_at_their_end() -> None:
    numbers = ["140.0000", "12.5000", "0.0000", "100.0000", "-0.0500", "0.0001", "99999999.9999"]
    expected = ["140", "12.5", "0", "100", "-0.05", "0.0001", "99999999.9999"]
    decimals = [Decimal(number) for number in numbers]
    assert csv_cells([*decimals, None], pa.decimal128(12, 4)) == [*expected, ""]
    assert csv_cells([Decimal(100), None], pa.decimal128(12, 0)) == ["100", ""]


def test_small_decimals_are_written_without_an_exponent() -> None:
    numbers = [Decimal("0.00000001"), Decimal("0"), Decimal("0.00000120")]
    expected = ["0.00000001", "0", "0.0000012"]
    assert csv_cells(numbers, pa.decimal128(12, 8)) == expected


def test_timestamps_are_utc_with_a_fraction_only_where_there_is_one() -> None:
    expected = ["2025-01-05T14:30:00Z", "2025-07-05T03:00:00.5Z", ""]
    assert csv_cells(MOMENTS, UTC_MICROS) == expected
    assert csv_cells([*MOMENTS[:1], None], UTC_MICROS) == [expected[0], ""]
    assert csv_cells([None], UTC_MICROS) == [""]
    early = datetime(1, 1, 1, 0, 0, 10, tzinfo=UTC)
    assert csv_cells([early], UTC_MICROS) == ["0001-01-01T00:00:10Z"]


def test_timestamps_of_the_business_zone_tell_their_offset() -> None:
    fixed = ["2025-01-05T09:30:00-05:00", "2025-07-04T22:00:00.5-05:00", ""]
    assert csv_cells(MOMENTS, UTC_MICROS, "-05:00") == fixed
    named = ["2025-01-05T09:30:00-05:00", "2025-07-04T23:00:00.5-04:00", ""]
    assert csv_cells(MOMENTS, UTC_MICROS, "America/New_York") == named
    assert csv_cells(MOMENTS[:1], UTC_MICROS, "+05:30") == ["2025-01-05T20:00:00+05:30"]


def test_timestamps_and_dates_are_text_in_json() -> None:
    table = pa.table(
        {
            "at": pa.array(MOMENTS[:1], UTC_MICROS),
            "day": pa.array([date(2025, 1, 5)]),
            "yes": pa.array([True]),
        }
    )
    expected = '[\n{"at": "2025-01-05T14:30:00Z", "day": "2025-01-05", "yes": true}\n]\n'
    assert json_text(table) == expected
    assert csv_text(table) == "at,day,yes\n2025-01-05T14:30:00Z,2025-01-05,true\n"


def test_json_keeps_line_breaks_and_odd_characters_escaped() -> None:
    assert json_text(column(['a\n"\\\t\u00e9'])) == '[\n{"x": "a\\n\\"\\\\\\t\u00e9"}\n]\n'
