"""Owns how a raw CSV record becomes trimmed cells (contracts.md, Reading)."""

from collections.abc import Sequence

from pyspark.sql import Column
from pyspark.sql import functions as F

from support_lakehouse.model.landing import BLANKS, header_text


def is_record(raw: Column) -> Column:
    """Whether a line holds more than blanks; `,,,` does."""
    return F.trim(raw, F.lit(BLANKS)) != ""


def cells(raw: Column, delimiter: str) -> Column:
    """The cells of one record, unquoted and trimmed, empty ones null: array<string>.

    RFC 4180 quoting, and beyond it as Python's csv module is lenient: a quote inside an unquoted
    cell is text, text after a closing quote is appended, an unclosed quote runs to the end.
    """
    plain = F.split(raw, _literal(delimiter), -1)
    found = F.when(F.instr(raw, '"') == 0, plain).otherwise(_quoted_cells(raw, delimiter))
    return F.transform(found, lambda cell_: F.nullif(F.trim(cell_, F.lit(BLANKS)), F.lit("")))


def _quoted_cells(raw: Column, delimiter: str) -> Column:
    d = _literal(delimiter)
    # Possessive quantifiers: a cell of any length costs Java's matcher no recursion.
    closed = f'"[^"]*+(?:""[^"]*+)*+"[^{d}]*+{d}'
    unclosed = '"[^"]*+(?:""[^"]*+)*+$'
    unquoted = f'[^"{d}][^{d}]*+{d}|{d}'
    one = F.lit(f"(?s)(?:{closed}|{unclosed}|{unquoted})")
    tokens = F.regexp_extract_all(F.concat(raw, F.lit(delimiter)), one, 0)
    return F.transform(tokens, lambda token: _unquoted(token, delimiter))


def _unquoted(token: Column, delimiter: str) -> Column:
    quoted = '(?s)^"([^"]*+(?:""[^"]*+)*+)"?(.*)$'
    body = F.regexp_replace(token, F.lit(f"{_literal(delimiter)}$"), F.lit(""))
    inside = F.replace(F.regexp_extract(body, quoted, 1), F.lit('""'), F.lit('"'))
    after = F.regexp_extract(body, quoted, 2)
    return F.when(F.startswith(body, F.lit('"')), F.concat(inside, after)).otherwise(body)


def _literal(delimiter: str) -> str:
    return f"\\x{ord(delimiter):02x}" if ord(delimiter) < 256 else delimiter


def cell(cells_: Column, header: Column, headers: Sequence[tuple[str, ...]], name: str) -> Column:
    """The cell of a column, wherever each record's own header puts it.

    `header` tells a record's header as `header_text` writes it, `headers` are all that occur.
    Null where a header lacks the column.
    """
    places = {h: h.index(name) if name in h else None for h in headers}
    return F.get(cells_, _by_header(header, places))


def width(header: Column, headers: Sequence[tuple[str, ...]]) -> Column:
    """How many cells the record's header has."""
    return _by_header(header, {h: len(h) for h in headers})


def _by_header(header: Column, values: dict[tuple[str, ...], int | None]) -> Column:
    first, *others = dict.fromkeys(values.values())
    chosen = F.lit(first).cast("int")
    for value in others:
        holders = [header_text(h) for h, v in values.items() if v == value]
        chosen = F.when(header.isin(holders), F.lit(value).cast("int")).otherwise(chosen)
    return chosen
