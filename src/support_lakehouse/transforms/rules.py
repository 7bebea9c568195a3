"""Owns what it means that a row breaks a rule: one Column for each kind of rule.

Each function takes the rule and its feed and returns a condition that is never null. What a rule
says of a null stands in `model.rules`, the sentence for people in `model.checks`.
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
from support_lakehouse.transforms.fields import is_unreadable, text_of, value_of


def expression_of(name: str) -> str:
    """The column that holds what an expression came to."""
    return f"_expression_{name}"


def missing(rule: Any, feed: Feed) -> Column:
    # What is there but cannot be read is told as that, not as empty.
    return required(rule, feed) & ~unreadable(rule, feed)


def unreadable(rule: Any, feed: Feed) -> Column:
    return is_unreadable(feed.column(rule.column), feed)


def required(rule: Any, feed: Feed) -> Column:
    return F.col(text_of(rule.column)).isNull()


def length(rule: Any, feed: Feed) -> Column:
    size = F.length(F.col(text_of(rule.column)))
    outside = size < rule.min
    if rule.max is not None:
        outside = outside | (size > rule.max)
    return _known(outside)


def pattern(rule: Any, feed: Feed) -> Column:
    return _known(~F.col(text_of(rule.column)).rlike(rf"^(?:{rule.matches})\z"))


def allowed(rule: Any, feed: Feed) -> Column:
    text, values = F.col(text_of(rule.column)), list(rule.values)
    if rule.case == "any":
        text, values = F.lower(text), [value.lower() for value in values]
    return _known(~text.isin(values))


def within(rule: Any, feed: Feed) -> Column:
    type_, value = feed.column(rule.column).type, F.col(value_of(rule.column))
    outside = F.lit(False)
    if rule.min is not None:
        outside = outside | (value < _literal(rule.min, type_))
    if rule.max is not None:
        outside = outside | (value > _literal(rule.max, type_))
    return _known(outside)


def not_before(rule: Any, feed: Feed) -> Column:
    value, other = F.col(value_of(rule.column)), F.col(value_of(rule.other))
    return _known(value < other if rule.equal else value <= other)


def expression(rule: Any, feed: Feed) -> Column:
    return _known(~F.col(expression_of(rule.name)))


BROKEN: dict[str, Callable[[Any, Feed], Column]] = {
    "missing": missing,
    "unreadable": unreadable,
    "required": required,
    "length": length,
    "pattern": pattern,
    "allowed": allowed,
    "range": within,
    "not_before": not_before,
    "expression": expression,
}
"""Each kind of check that looks at cells; `width` looks at the whole record (judge)."""


def _known(broken: Column) -> Column:
    return F.coalesce(broken, F.lit(False))


def _literal(told: str | int | float, type_: ColumnType) -> Column:
    """The bound as a literal that compares exactly with values of the type."""
    value = bound(told, type_)
    if isinstance(value, Decimal):
        return F.lit(float(value)) if type_.name == "double" else F.lit(value)
    if isinstance(value, datetime):
        kind = "timestamp" if value.tzinfo else "timestamp_ntz"
        return F.lit(value.isoformat()).cast(kind)
    return F.lit(value.isoformat()).cast("date") if isinstance(value, date) else F.lit(value)
