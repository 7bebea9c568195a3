"""How a raw record becomes cells (contracts.md, Reading)."""

import csv
from collections.abc import Sequence
from io import StringIO
from random import Random

from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F

from support_lakehouse.model.landing import header_text
from support_lakehouse.transforms import cells as C


def told(spark: SparkSession, texts: Sequence[str], value: Column) -> list[object]:
    """What a column over `raw` says of each text, in their order."""
    frame = spark.createDataFrame(list(enumerate(texts)), "place int, raw string")
    return [row["value"] for row in frame.select(value.alias("value"), "place").collect()]


def cut(spark: SparkSession, delimiter: str, *texts: str) -> list[object]:
    """The cells of each text without their quotes."""
    found = C.cells(F.col("raw"), delimiter, quotes=True)
    return told(spark, texts, F.transform(found, C.unquoted))


def test_cells_stand_between_delimiters_empty_ones_too(spark: SparkSession) -> None:
    texts = ["a,b", "a,,", ",", "", " a , b "]
    expected = [["a", "b"], ["a", "", ""], ["", ""], [""], [" a ", " b "]]
    assert told(spark, texts, C.cells(F.col("raw"), ",", quotes=False)) == expected
    assert told(spark, texts, C.cells(F.col("raw"), ",", quotes=True)) == expected


def test_where_no_quotes_are_a_quote_is_text(spark: SparkSession) -> None:
    assert told(spark, ['"a,b"'], C.cells(F.col("raw"), ",", quotes=False)) == [['"a', 'b"']]


def test_a_quoted_cell_may_hold_delimiters_and_line_ends(spark: SparkSession) -> None:
    assert cut(spark, ",", '"a,b",c', 'c,"a,\nb"', '"",x', 'x,""') == [
        ["a,b", "c"],
        ["c", "a,\nb"],
        ["", "x"],
        ["x", ""],
    ]


def test_a_doubled_quote_inside_quotes_is_a_quote(spark: SparkSession) -> None:
    assert cut(spark, ",", '"a ""b"" c",d', '"""",x', '"a"",b",c', '""""""') == [
        ['a "b" c', "d"],
        ['"', "x"],
        ['a",b', "c"],
        ['""'],
    ]


def test_a_quote_inside_an_unquoted_cell_is_text(spark: SparkSession) -> None:
    assert cut(spark, ",", 'a"b,c', ' "a",b', 'a",b"') == [
        ['a"b', "c"],
        [' "a"', "b"],
        ['a"', 'b"'],
    ]


def test_text_after_a_closing_quote_is_appended(spark: SparkSession) -> None:
    assert cut(spark, ",", '"a"b,c', '"a" ,c', '"a"b"c,d') == [
        ["ab", "c"],
        ["a ", "c"],
        ['ab"c', "d"],
    ]


def test_an_unclosed_quote_runs_to_the_end_of_the_record(spark: SparkSession) -> None:
    assert cut(spark, ",", 'x,"abc', 'x,"a,b', 'x,"a""', 'x,"') == [
        ["x", "abc"],
        ["x", "a,b"],
        ["x", 'a"'],
        ["x", ""],
    ]


def test_a_delimiter_stands_for_itself_whatever_it_means_elsewhere(spark: SparkSession) -> None:
    for delimiter in (";", "|", "\t", ".", "^", "]", "-", "¦", "→"):
        texts = [f"a{delimiter}b{delimiter}", f'"a{delimiter}b"{delimiter}c,d']
        assert cut(spark, delimiter, *texts) == [["a", "b", ""], [f"a{delimiter}b", "c,d"]]


def test_a_cell_may_be_of_any_length(spark: SparkSession) -> None:
    plain, quotes = "x" * 300_000, '""' * 100_000
    assert cut(spark, ",", f'"{plain}",{plain}', f'"{quotes}",b') == [
        [plain, plain],
        ['"' * 100_000, "b"],
    ]


def test_what_a_csv_writer_wrote_is_read_again(spark: SparkSession) -> None:
    rng = Random(20250105)
    rows = [
        ["".join(rng.choices('ab, "\té', k=rng.randrange(6))) for _ in range(rng.randrange(1, 6))]
        for _ in range(400)
    ]
    written = []
    for row in rows:
        text = StringIO()
        quoting = rng.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
        csv.writer(text, quoting=quoting, lineterminator="").writerow(row)
        written.append(text.getvalue())
    assert cut(spark, ",", *written) == rows


def test_a_line_of_blanks_is_no_record_and_commas_are_one(spark: SparkSession) -> None:
    texts = ["", " ", "\t", "\u00a0", " \t\u00a0 ", ",,,", "x", " x", "\u2003", '""']
    blank = [False] * 5
    assert told(spark, texts, C.is_record(F.col("raw"))) == blank + [True] * 5


def test_blanks_are_trimmed_at_both_ends_and_nothing_left_is_null(spark: SparkSession) -> None:
    texts = ["a", "  a b  ", "\t a\u00a0", "\u00a0\t ", "", "\u2003a", "a\n"]
    trimmed = C.trimmed(F.col("raw"), C.has_rare_blanks(F.col("raw")))
    assert told(spark, texts, trimmed) == ["a", "a b", "a", None, None, "\u2003a", "a\n"]


def test_tabs_and_no_break_spaces_are_the_rare_blanks(spark: SparkSession) -> None:
    texts = ["a b", "a\tb", "a\u00a0b", ""]
    assert told(spark, texts, C.has_rare_blanks(F.col("raw"))) == [False, True, True, False]


def test_a_cell_is_found_where_the_records_own_header_puts_it(spark: SparkSession) -> None:
    headers = [("id", "name"), ("name", "x", "id"), ("name",)]
    rows = [
        (header_text(headers[0]), ["1", "Ann"]),
        (header_text(headers[1]), ["Bob", "?", "2"]),
        (header_text(headers[2]), ["Cy"]),
    ]
    frame = spark.createDataFrame(rows, "header string, cells array<string>")
    header = C.place_of_header(F.col("header"), headers)
    one = C.cell(F.col("cells"), header, headers, "id")
    found = frame.select(one.alias("id"), C.width(header, headers).alias("width")).collect()
    assert [tuple(row) for row in found] == [("1", 2), ("2", 3), (None, 1)]


def test_a_cell_beyond_the_end_of_a_short_record_is_null(spark: SparkSession) -> None:
    headers = [("id", "name")]
    frame = spark.createDataFrame(
        [(header_text(headers[0]), ["1"])], "h string, cells array<string>"
    )
    name = C.cell(F.col("cells"), C.place_of_header(F.col("h"), headers), headers, "name")
    assert frame.select(name.alias("name")).collect()[0]["name"] is None
