"""Owns how the text of a value is taken out of a raw JSON record (contracts.md, Reading)."""

from collections.abc import Sequence
from functools import reduce
from operator import or_

from pyspark.sql import Column
from pyspark.sql import functions as F

Path = Sequence[str]


def parsed(raw: Column) -> Column:
    """The record as a VARIANT array of itself and 0; null where it is no JSON.

    The parser ignores what follows a value, as in `{"a": 1} x`; then the 0 is not reached.
    """
    return F.try_parse_json(F.concat(F.lit("["), raw, F.lit(",0]")))


def parsed_literally(raw: Column, variant: Column) -> Column:
    """The record with its numbers as they are written: a VARIANT makes 1.5 of 1.50.

    Numbers are put in quotes before parsing. Each match goes on where the last one ended, over
    whole texts, so that a number within a text is none.
    """
    skipped, number = r'((?:[^"0-9-]|"(?:[^"\\]|\\.)*+")*+)', r"(-?[0-9]+(?:[.eE+-]+[0-9]+)*)"
    quoted = F.regexp_replace(raw, rf"\G{skipped}{number}", '$1"$2"')
    return F.when(raw.rlike("[0-9][.eE]|-0|[0-9]{19}"), parsed(quoted)).otherwise(variant)


def is_object(raw: Column, variant: Column) -> Column:
    """Whether the record is exactly one JSON object."""
    begins = F.startswith(F.trim(raw, F.lit(" \t\r\n\ufeff")), F.lit("{"))
    ends = F.try_variant_get(variant, "$[1]", "string") == "0"
    more = F.try_variant_get(variant, "$[2]", "variant")
    return F.coalesce(begins & ends & more.isNull(), F.lit(False))


def text_at(variant: Column, path: Path) -> Column:
    """A value as its text; null where there is none, where it is null, an object or a list."""
    text = F.try_variant_get(variant, _place(path), "string")
    return F.when(~_is_nested(variant, path, text), text)


def number_at(variant: Column, paths: Sequence[Path]) -> Column:
    """A JSON number with an exponent as DOUBLE, the first of several; null for anything else."""
    return F.coalesce(*(_number(variant, path) for path in paths))


def _number(variant: Column, path: Path) -> Column:
    found = F.try_variant_get(variant, _place(path), "variant")
    value = F.try_variant_get(variant, _place(path), "double")
    has_exponent = F.try_variant_get(variant, _place(path), "string").rlike("[eE]")
    is_number = ~F.schema_of_variant(found).isin("STRING", "BOOLEAN", "VOID")
    finite = value.between(-1.7976931348623157e308, 1.7976931348623157e308)
    return F.when(has_exponent & finite, F.when(is_number, value))


def is_nested_at(variant: Column, paths: Sequence[Path]) -> Column:
    """Whether an object or a list stands where one value is declared."""
    texts = (F.try_variant_get(variant, _place(path), "string") for path in paths)
    found = [_is_nested(variant, path, text) for path, text in zip(paths, texts, strict=True)]
    return reduce(or_, found)


def _is_nested(variant: Column, path: Path, text: Column) -> Column:
    """The text of an object begins as one; only then is it worth asking what it is."""
    kind = F.schema_of_variant(F.try_variant_get(variant, _place(path), "variant"))
    looks = F.coalesce(F.left(text, F.lit(1)).isin("{", "["), F.lit(False))
    return F.when(looks, kind.rlike("^(OBJECT|ARRAY)")).otherwise(F.lit(False))


def _place(path: Path) -> str:
    """The way to a value as JSONPath; the model lets no quote or bracket into a key."""
    return "$[0]" + "".join(f"['{key}']" for key in path)
