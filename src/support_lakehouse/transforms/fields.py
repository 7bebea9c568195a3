"""Owns the way from raw records to the columns that a feed declares: cells, texts, values."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from support_lakehouse.model.feed import Feed
from support_lakehouse.model.landing import Shape, header_text
from support_lakehouse.transforms import cells as C
from support_lakehouse.transforms.types import read_as

CELLS, RIGHT_WIDTH, ASKED = "_cells", "_right_width", "_asked"
_RARE = "_rare_blanks"


def text_of(name: str) -> str:
    """The column that holds the trimmed text of a declared column."""
    return f"_text_{name}"


def value_of(name: str) -> str:
    """The column that holds the typed value of a declared column; null if it is unreadable."""
    return f"_value_{name}"


def with_fields(records: DataFrame, feed: Feed, shape: Shape) -> DataFrame:
    """Records with their cells, the text and the typed value of every declared column.

    In: one row per record with `raw` and `header`; `shape` tells of the files they come from.
    Out: the same rows; `_asked` is the action in lower case (`add` for a row of an extract), and
    `_right_width` says whether the row has as many cells as its header.
    """
    header, found, headers = F.col("header"), F.col(CELLS), shape.headers

    def text(name: str) -> Column:
        one = C.cell(found, header, headers, name)
        return C.trimmed(C.unquoted(one) if shape.quotes else one, F.col(_RARE))

    with_action = [header_text(h) for h in headers if feed.action in h]
    asked = F.when(header.isin(with_action), F.lower(text(feed.action))).otherwise(F.lit("add"))
    values = {
        value_of(column.name): read_as(F.col(text_of(column.name)), column.type)
        for column in feed.columns
    }
    raw = F.col("raw")
    cells = C.cells(raw, feed.delimiter, quotes=shape.quotes)
    return (
        records.withColumns({CELLS: cells, _RARE: C.has_rare_blanks(raw)})
        .withColumns(
            {RIGHT_WIDTH: F.size(found) == C.width(header, headers), ASKED: asked}
            | {text_of(name): text(name) for name in feed.column_names}
        )
        .withColumns(values)
    )
