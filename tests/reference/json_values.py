"""The fields of one JSON object as the values of declared columns (contracts: Reading)."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from .json_records import Fields, Number
from .tables import Type
from .values import BLANKS, DECIMAL, INTEGER, UnreadableError, read
from .verdicts import Reason, Row, Value

BIGINT_BITS = 64


class Kind(Enum):
    """What a field is declared to be."""

    TEXT = "text"
    BIGINT = "bigint"
    DOUBLE = "double"
    BOOLEAN = "boolean"
    TIMESTAMP = "timestamp"


@dataclass(frozen=True)
class Column:
    """One column: its kind and its dotted paths, of which the first that holds a value counts."""

    kind: Kind
    paths: tuple[str, ...]
    required: bool = False


@dataclass(frozen=True)
class Reading:
    """The row as far as it can be read, why it is rejected, and what became null in it."""

    row: Row
    reasons: frozenset[Reason]
    warnings: tuple[Reason, ...]


def read_columns(fields: Fields, columns: Mapping[str, Column]) -> Reading:
    """A null breaks only `required`; an unreadable value rejects in required columns alone."""
    row: Row = {}
    reasons: set[Reason] = set()
    warnings: list[Reason] = []
    for name, column in columns.items():
        row[name] = None
        try:
            row[name] = read_json(_found(fields, column.paths), column.kind)
        except UnreadableError:
            if column.required:
                reasons.add(("type", name))
            else:
                warnings.append(("type", name))
        else:
            if column.required and row[name] is None:
                reasons.add(("required", name))
    return Reading(row, frozenset(reasons), tuple(warnings))


def _found(fields: Fields, paths: tuple[str, ...]) -> object:
    """What the first path leads to that is there and not null; a blank text is there."""
    for path in paths:
        value: object = fields
        for name in path.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        if value is not None:
            return value
    return None


def read_json(value: object, kind: Kind) -> Value:
    """The value of a field; blank text is null; raises UnreadableError."""
    match value:
        case None:
            return None
        case bool():
            text = "true" if value else "false"
        case str():
            text = value.strip(BLANKS)
        case _:
            raise UnreadableError(str(value))
    if not text:
        return None
    match kind:
        case Kind.TEXT:
            return text
        case Kind.BIGINT:
            return _bigint(text)
        case Kind.DOUBLE:
            return _double(text, is_number=isinstance(value, Number))
        case Kind.BOOLEAN:
            return _boolean(text)
        case Kind.TIMESTAMP:
            return _timestamp(text)


def _timestamp(text: str) -> datetime:
    value = read(text, Type.TIMESTAMP)
    assert isinstance(value, datetime)
    return value


def _bigint(text: str) -> int:
    """Digits with or without sign, or with a fraction of zeros, that fit 64 bits."""
    match = INTEGER.fullmatch(text)
    if match is None or len(match[1].lstrip("+-0")) > 19:
        raise UnreadableError(text)
    number = int(match[1])
    limit = 2 ** (BIGINT_BITS - 1)
    if not -limit <= number < limit:
        raise UnreadableError(text)
    return number


def _double(text: str, *, is_number: bool) -> float:
    """A JSON number as JSON writes it, a text without exponent; finite."""
    if not is_number and not DECIMAL.fullmatch(text):
        raise UnreadableError(text)
    number = float(text)
    if not math.isfinite(number):
        raise UnreadableError(text)
    return number


def _boolean(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise UnreadableError(text)
    return text.lower() == "true"
