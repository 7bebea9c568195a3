"""Owns the way from raw records to the columns that a feed declares: texts, then values."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from support_lakehouse.model.column import Column as Declared
from support_lakehouse.model.feed import Feed
from support_lakehouse.model.landing import BLANKS, Shape
from support_lakehouse.model.period import INITIAL
from support_lakehouse.transforms import cells as C
from support_lakehouse.transforms import json_values as J
from support_lakehouse.transforms.types import read_as

CELLS, SOUND, ASKED = "_cells", "_sound", "_asked"
_RARE, _LITERAL, _HEADER = "_rare_blanks", "_literal", "_header"


def text_of(name: str) -> str:
    """The column that holds the trimmed text of a declared column."""
    return f"_text_{name}"


def value_of(name: str) -> str:
    """The column that holds the typed value of a declared column; null if it is unreadable."""
    return f"_value_{name}"


def is_unreadable(column: Declared, feed: Feed) -> Column:
    """Whether the column's cell holds something that is not of its type."""
    lost = F.col(text_of(column.name)).isNotNull() & F.col(value_of(column.name)).isNull()
    if not feed.is_json:
        return lost if column.type.name != "text" else F.lit(False)
    absent = F.col(text_of(column.name)).isNull()
    return lost | (absent & J.is_nested_at(F.col(CELLS), column.paths))


def with_fields(records: DataFrame, feed: Feed, shape: Shape) -> DataFrame:
    """Records with the text and the typed value of every declared column.

    In: one row per record with `raw`, `header` and `period`; `shape` tells of the files they come
    from. Out: the same rows; `_asked` is the action in lower case (`add` where a file has none),
    and `_sound` says whether the record can be taken apart: as many cells as its header, or one
    JSON object.
    """
    with_texts = _from_json(records, feed) if feed.is_json else _from_csv(records, feed, shape)
    return with_texts.withColumns({value_of(c.name): _value(c, feed) for c in feed.columns})


def _value(column: Declared, feed: Feed) -> Column:
    value = read_as(F.col(text_of(column.name)), column.type)
    if feed.is_json and column.type.name == "double":
        return F.coalesce(value, J.number_at(F.col(CELLS), column.paths))
    return value


def _from_csv(records: DataFrame, feed: Feed, shape: Shape) -> DataFrame:
    header, found, headers, raw = F.col(_HEADER), F.col(CELLS), shape.headers, F.col("raw")

    def text(name: str) -> Column:
        one = C.cell(found, header, headers, name)
        return C.trimmed(C.unquoted(one) if shape.quotes else one, F.col(_RARE))

    asked = F.lit("add")
    if feed.action:
        with_action = [place for place, h in enumerate(headers) if feed.action in h]
        asked = F.when(header.isin(with_action), F.lower(text(feed.action))).otherwise(asked)
    taken_apart = {
        CELLS: C.cells(raw, feed.delimiter, quotes=shape.quotes),
        _RARE: C.has_rare_blanks(raw) if shape.rare_blanks else F.lit(False),
        _HEADER: C.place_of_header(F.col("header"), headers),
    }
    return records.withColumns(taken_apart).withColumns(
        {SOUND: F.size(found) == C.width(header, headers), ASKED: asked}
        | {text_of(name): text(name) for name in feed.column_names}
    )


def _from_json(records: DataFrame, feed: Feed) -> DataFrame:
    raw, variant = F.col("raw"), F.col(CELLS)

    def text(paths: tuple[tuple[str, ...], ...], variant: Column) -> Column:
        found = (F.trim(J.text_at(variant, path), F.lit(BLANKS)) for path in paths)
        return F.coalesce(*(F.nullif(one, F.lit("")) for one in found))

    asked = F.lit("add")
    if feed.action:
        given = F.lower(text(((feed.action,),), F.col(_LITERAL)))
        asked = F.when(F.col("period") == INITIAL, asked).otherwise(given)
    sources = {"double": variant}
    return (
        records.withColumn(CELLS, J.parsed(raw))
        .withColumn(_LITERAL, J.parsed_literally(raw, variant))
        .withColumns(
            {SOUND: J.is_object(raw, variant), ASKED: asked}
            | {
                text_of(c.name): text(c.paths, sources.get(c.type.name, F.col(_LITERAL)))
                for c in feed.columns
            }
        )
    )
