"""Owns how a raw CSV record becomes trimmed cells (contracts.md, Reading)."""

from collections.abc import Sequence

from pyspark.sql import Column
from pyspark.sql import functions as F

from support_lakehouse.model.landing import BLANKS, header_text

Headers = Sequence[tuple[str, ...]]
_NO_BREAK_SPACE, _TAB = BLANKS[2], BLANKS[1]


def is_record(raw: Column) -> Column:
    """Whether a line holds more than blanks; `,,,` does."""
    begins_with_text = (raw >= "!") & (raw < _NO_BREAK_SPACE)
    return begins_with_text | (F.trim(raw, F.lit(BLANKS)) != "")


def cells(raw: Column, delimiter: str, *, quotes: bool) -> Column:
    """The cells of one record, as they stand between delimiters: array<string>.

    RFC 4180 quoting, and beyond it as Python's csv module is lenient: a quote inside an unquoted
    cell is text, text after a closing quote is appended, an unclosed quote runs to the end.
    `quotes` says whether there may be quotes at all; looking for none is several times faster.
    """
    d = _literal(delimiter)
    plain = F.split(raw, _split_pattern(delimiter), -1)
    if not quotes:
        return plain
    # Possessive quantifiers: a cell of any length costs Java's matcher no recursion. Each match
    # begins with the delimiter before its cell, so none is empty and none can be found twice.
    closed = f'"[^"]*+(?:""[^"]*+)*+"[^{d}]*+'
    unclosed = r'"[^"]*+(?:""[^"]*+)*+\z'
    unquoted = f'(?:[^"{d}][^{d}]*+)?+'
    one = F.lit(rf"(?s)\G{d}({closed}|{unclosed}|{unquoted})")
    found = F.regexp_extract_all(F.concat(F.lit(delimiter), raw), one, 1)
    return F.when(F.contains(raw, F.lit('"')), found).otherwise(plain)


def unquoted(cell_: Column) -> Column:
    """What a cell says that stands between delimiters with its quotes."""
    pattern = '(?s)^"([^"]*+(?:""[^"]*+)*+)"?(.*)\\z'
    inside = F.replace(F.regexp_extract(cell_, pattern, 1), F.lit('""'), F.lit('"'))
    after = F.regexp_extract(cell_, pattern, 2)
    return F.when(F.startswith(cell_, F.lit('"')), F.concat(inside, after)).otherwise(cell_)


def has_rare_blanks(raw: Column) -> Column:
    """Whether a record holds a tab or a no-break space anywhere."""
    return F.contains(raw, F.lit(_TAB)) | F.contains(raw, F.lit(_NO_BREAK_SPACE))


def trimmed(text: Column, rare_blanks: Column) -> Column:
    """The text without blanks at both ends; null where nothing is left.

    Trimming spaces alone is several times faster, so the other blanks are looked for only where
    `rare_blanks` says that the record holds any.
    """
    short = F.when(rare_blanks, F.trim(text, F.lit(BLANKS))).otherwise(F.trim(text))
    return F.nullif(short, F.lit(""))


def _literal(delimiter: str) -> str:
    return f"\\x{ord(delimiter):02x}" if ord(delimiter) < 256 else delimiter


def _split_pattern(delimiter: str) -> str:
    """The delimiter as a pattern that Java splits by without a matcher, twice as fast."""
    return f"\\{delimiter}" if delimiter in r".$|()[{^?*+\\" else delimiter


def cell(cells_: Column, header: Column, headers: Headers, name: str) -> Column:
    """The cell of a column, wherever each record's own header puts it.

    `header` is the place of a record's header among `headers`, which are all that occur. Null
    where a header lacks the column.
    """
    return F.get(
        cells_, _by_header(header, [h.index(name) if name in h else None for h in headers])
    )


def width(header: Column, headers: Headers) -> Column:
    """How many cells the record's header has."""
    return _by_header(header, [len(h) for h in headers])


def place_of_header(text: Column, headers: Headers) -> Column:
    """The place among the headers of the one that `header_text` writes so."""
    place = F.lit(0)
    for number, header in enumerate(headers[1:], start=1):
        place = F.when(text == header_text(header), number).otherwise(place)
    return place


def _by_header(header: Column, values: Sequence[int | None]) -> Column:
    first, *others = dict.fromkeys(values) or (None,)
    chosen = F.lit(first).cast("int")
    for value in others:
        holders = [place for place, own in enumerate(values) if own == value]
        chosen = F.when(header.isin(holders), F.lit(value).cast("int")).otherwise(chosen)
    return chosen
