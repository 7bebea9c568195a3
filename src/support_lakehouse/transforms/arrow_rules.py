"""Owns what it means that a record breaks a rule, for records in memory: one function a kind.

Each takes the rule and the records, and tells of each record whether it breaks it; `rules` has the
same for Spark.
"""

import re
from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from support_lakehouse.model.bounds import bound
from support_lakehouse.model.column import ColumnType
from support_lakehouse.transforms.arrow_records import Records, Truth, truth_of
from support_lakehouse.transforms.arrow_types import each_once

_MOST_DIGITS = 38


def _missing(rule: Any, at: Records) -> Truth:
    return truth_of(at.texts[rule.column].is_null())


def _unreadable(rule: Any, at: Records) -> Truth:
    if at.type_of(rule.column).name == "text":
        return np.zeros(len(at.raws), np.bool_)
    text, value = at.texts[rule.column], at.values[rule.column]
    if text.null_count == value.null_count:
        return np.zeros(len(at.raws), np.bool_)
    return truth_of(pc.and_(text.is_valid(), value.is_null()))


def _length(rule: Any, at: Records) -> Truth:
    size = pc.utf8_length(at.texts[rule.column])
    outside = pc.less(size, rule.min)
    if rule.max is not None:
        outside = pc.or_(outside, pc.greater(size, rule.max))
    return truth_of(outside)


def _pattern(rule: Any, at: Records) -> Truth:
    shape = re.compile(rule.matches, re.ASCII)
    text = at.texts[rule.column]
    return truth_of(each_once(text, lambda one: not shape.fullmatch(one), pa.bool_()))


def _allowed(rule: Any, at: Records) -> Truth:
    text, values = at.texts[rule.column], set(rule.values)
    odd = pc.and_(text.is_valid(), pc.invert(pc.is_in(text, value_set=pa.array(rule.values))))
    if rule.case == "exact" or not pc.any(odd).as_py():
        return truth_of(odd)
    values = {value.lower() for value in rule.values}
    broken = each_once(text.filter(odd), lambda one: one.lower() not in values, pa.bool_())
    return truth_of(pc.replace_with_mask(odd, odd, broken))


def _within(rule: Any, at: Records) -> Truth:
    type_, value = at.type_of(rule.column), at.values[rule.column]
    outside: Truth = np.zeros(len(value), np.bool_)
    if rule.min is not None:
        outside |= truth_of(pc.less(value, _end(rule.min, type_, ROUND_CEILING)))
    if rule.max is not None:
        outside |= truth_of(pc.greater(value, _end(rule.max, type_, ROUND_FLOOR)))
    return outside


def _not_before(rule: Any, at: Records) -> Truth:
    compared = pc.less if rule.equal else pc.less_equal
    return truth_of(compared(at.values[rule.column], at.values[rule.other]))


BROKEN: dict[str, Callable[[Any, Records], Truth]] = {
    "missing": _missing,
    "unreadable": _unreadable,
    "required": _missing,
    "length": _length,
    "pattern": _pattern,
    "allowed": _allowed,
    "range": _within,
    "not_before": _not_before,
}
"""Each kind of check that looks at cells of sound records, but for expressions, which are SQL."""


def _end(told: str | int | float, type_: ColumnType, rounding: str) -> pa.Scalar:
    """The bound of a range, rounded to the next value that the type has within it."""
    value = bound(told, type_)
    if not isinstance(value, Decimal) or type_.name == "double":
        return pa.scalar(float(value) if isinstance(value, Decimal) else value)
    scale = type_.scale if type_.name == "decimal" else 0
    digits = value.as_tuple()
    if digits.exponent < -scale:  # type: ignore[operator]
        value = value.scaleb(scale).to_integral_value(rounding).scaleb(-scale)
    return pa.scalar(value, pa.decimal256(2 * _MOST_DIGITS, scale))
