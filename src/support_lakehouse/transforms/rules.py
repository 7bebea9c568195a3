"""Owns what it means that a row breaks a rule: one Column for each kind of rule.

Each function takes the rule and its feed and returns a condition that is never null, and the
sentence for people. What a rule says of a null stands in `model.rules`.
"""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from pyspark.sql import Column
from pyspark.sql import functions as F

from support_lakehouse.model.bounds import bound
from support_lakehouse.model.column import ColumnType
from support_lakehouse.model.feed import Feed
from support_lakehouse.transforms.fields import text_of, value_of

Broken = tuple[Column, str]


def expression_of(name: str) -> str:
    """The column that holds what an expression came to."""
    return f"_expression_{name}"


def required(rule: Any, feed: Feed) -> Broken:
    return F.col(text_of(rule.column)).isNull(), f"{rule.column} is empty"


def length(rule: Any, feed: Feed) -> Broken:
    size = F.length(F.col(text_of(rule.column)))
    outside = size < rule.min
    if rule.max is not None:
        outside = outside | (size > rule.max)
    span = _span(rule.min or None, rule.max, "characters")
    return _known(outside), f"{rule.column} does not have {span}"


def pattern(rule: Any, feed: Feed) -> Broken:
    matches = F.col(text_of(rule.column)).rlike(rf"^(?:{rule.matches})\z")
    return _known(~matches), f"{rule.column} is not of the form {rule.matches}"


def allowed(rule: Any, feed: Feed) -> Broken:
    text, values = F.col(text_of(rule.column)), list(rule.values)
    if rule.case == "any":
        text, values = F.lower(text), [value.lower() for value in values]
    return _known(~text.isin(values)), f"{rule.column} is none of {', '.join(rule.values)}"


def within(rule: Any, feed: Feed) -> Broken:
    type_, value = feed.column(rule.column).type, F.col(value_of(rule.column))
    outside = F.lit(False)
    if rule.min is not None:
        outside = outside | (value < _literal(rule.min, type_))
    if rule.max is not None:
        outside = outside | (value > _literal(rule.max, type_))
    return _known(outside), f"{rule.column} is not {_span(rule.min, rule.max)}"


def not_before(rule: Any, feed: Feed) -> Broken:
    value, other = F.col(value_of(rule.column)), F.col(value_of(rule.other))
    if rule.equal:
        return _known(value < other), f"{rule.column} is before {rule.other}"
    return _known(value <= other), f"{rule.column} is not after {rule.other}"


def expression(rule: Any, feed: Feed) -> Broken:
    return _known(~F.col(expression_of(rule.name))), f"{rule.name} does not hold"


BROKEN: dict[str, Callable[[Any, Feed], Broken]] = {
    "required": required,
    "length": length,
    "pattern": pattern,
    "allowed": allowed,
    "range": within,
    "not_before": not_before,
    "expression": expression,
}
"""Each kind of row rule that looks at cells; `width` looks at the whole record (judge)."""


def _known(broken: Column) -> Column:
    return F.coalesce(broken, F.lit(False))


def _span(low: object, high: object, unit: str = "") -> str:
    words = f" {unit}" if unit else ""
    if low is None:
        return f"at most {high}{words}"
    if high is None:
        return f"at least {low}{words}"
    return f"from {low} to {high}{words}"


def _literal(told: str | int | float, type_: ColumnType) -> Column:
    """The bound as a literal that compares exactly with values of the type."""
    value = bound(told, type_)
    if isinstance(value, Decimal):
        return F.lit(float(value)) if type_.name == "double" else F.lit(value)
    if isinstance(value, datetime):
        kind = "timestamp" if value.tzinfo else "timestamp_ntz"
        return F.lit(value.isoformat()).cast(kind)
    return F.lit(value.isoformat()).cast("date") if isinstance(value, date) else F.lit(value)
