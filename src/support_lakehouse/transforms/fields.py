"""Owns the way from raw records to the columns that a feed declares: cells, texts, values."""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from support_lakehouse.model.feed import Feed
from support_lakehouse.model.landing import header_text
from support_lakehouse.transforms import cells as C
from support_lakehouse.transforms.types import read_as

Headers = Sequence[tuple[str, ...]]
CELLS, RIGHT_WIDTH, ASKED = "_cells", "_right_width", "_asked"


def text_of(name: str) -> str:
    """The column that holds the trimmed text of a declared column."""
    return f"_text_{name}"


def value_of(name: str) -> str:
    """The column that holds the typed value of a declared column; null if it is unreadable."""
    return f"_value_{name}"


def with_fields(records: DataFrame, feed: Feed, headers: Headers) -> DataFrame:
    """Records with their cells, the text and the typed value of every declared column.

    In: one row per record with `raw` and `header`; `headers` are all headers that occur. Out: the
    same rows; `_asked` is the action in lower case (`add` for a row of an extract), and
    `_right_width` says whether the row has as many cells as its header.
    """
    header, found = F.col("header"), F.col(CELLS)

    def text(name: str) -> Column:
        return C.cell(found, header, headers, name)

    with_action = [header_text(h) for h in headers if feed.action in h]
    asked = F.when(header.isin(with_action), F.lower(text(feed.action))).otherwise(F.lit("add"))
    values = {
        value_of(column.name): read_as(F.col(text_of(column.name)), column.type)
        for column in feed.columns
    }
    return (
        records.withColumn(CELLS, C.cells(F.col("raw"), feed.delimiter))
        .withColumns(
            {RIGHT_WIDTH: F.size(found) == C.width(header, headers), ASKED: asked}
            | {text_of(name): text(name) for name in feed.column_names}
        )
        .withColumns(values)
    )
