"""Owns what is checked of the rows of a feed, in which order, and what people are told of it.

How a check is carried out is each engine's own: `transforms.rules` has it for Spark,
`transforms.arrow_rules` for rows in memory.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from support_lakehouse.model.feed import Feed
from support_lakehouse.model.rules import Expression, Level, Required, Width

ACTIONS = ("add", "update", "delete")
NO_ACTION = "the action is empty"
OTHER_ACTION = f"the action is none of {', '.join(ACTIONS)}"
WIDTH = "the row has %d cells where the header has %d"
SHAPES = {
    "text": "text",
    "integer": "a whole number",
    "decimal": "a decimal number that fits {type}",
    "date": "a date (YYYY-MM-DD)",
    "double": "a number",
    "boolean": "true or false",
    "timestamp": "a timestamp (YYYY-MM-DDTHH:MM:SSZ)",
    "timestamp_ntz": "a date and time without a zone (YYYY-MM-DDTHH:MM:SS)",
    "time": "a time of day (HH:MM:SS)",
}
"""How each type is called in a sentence for people."""


@dataclass(frozen=True)
class Check:
    """Something that may be wrong with the cells of a row.

    `kind` is how it is found out: `missing` (nothing is there), `unreadable`, or the kind of the
    rule `about`, which names its columns. `rule`, `column` and `message` are what a reason tells.
    `of_deletes`: whether it concerns rows that delete.
    """

    kind: str
    about: Any
    rule: str
    column: str | None
    message: str
    of_deletes: bool

    @property
    def warning(self) -> str:
        """How it is told of a row that stays."""
        return ":".join(filter(None, (self.rule, self.column)))


@dataclass(frozen=True)
class OfColumn:
    """What a column says of itself, in the shape of a rule."""

    column: str


def checks(feed: Feed, level: Level) -> list[Check]:
    """The checks of a level: of the columns' own settings, then of the rules.

    A delete is judged by its key alone.
    """
    found = []
    for column in feed.columns:
        name, is_key = column.name, column.name == feed.key
        if level == "error" and feed.required_column(name):
            told = (OfColumn(name), "required", name, f"{name} is empty", is_key)
            found.append(Check("missing", *told))
        rejects = "error" if feed.rejects_unreadable(column) else "warn"
        if level == rejects and (column.type.name != "text" or feed.is_json):
            shape = SHAPES[column.type.name].format(type=column.type)
            message = f"{name} is not {shape}"
            found.append(Check("unreadable", OfColumn(name), "unreadable", name, message, is_key))
    for rule in feed.rules:
        told_already = isinstance(rule, Required) and feed.required_column(rule.column)
        if rule.level == level and not isinstance(rule, Width) and not told_already:
            named = rule.name if isinstance(rule, Expression) else next(iter(rule.columns), None)
            message = rule.message or _SENTENCES[rule.rule](rule)
            of_key = rule.columns == (feed.key,)
            found.append(Check(rule.rule, rule, rule.rule, named, message, of_key))
    return found


def width_level(feed: Feed) -> Level:
    """What a row with too few or too many cells is: rejected, or kept with a warning."""
    return next((rule.level for rule in feed.rules if isinstance(rule, Width)), "error")


def _length(rule: Any) -> str:
    return f"{rule.column} does not have {_span(rule.min or None, rule.max, 'characters')}"


def _not_before(rule: Any) -> str:
    if rule.equal:
        return f"{rule.column} is before {rule.other}"
    return f"{rule.column} is not after {rule.other}"


_SENTENCES: Mapping[str, Callable[[Any], str]] = {
    "required": lambda rule: f"{rule.column} is empty",
    "length": _length,
    "pattern": lambda rule: f"{rule.column} is not of the form {rule.matches}",
    "allowed": lambda rule: f"{rule.column} is none of {', '.join(rule.values)}",
    "range": lambda rule: f"{rule.column} is not {_span(rule.min, rule.max)}",
    "not_before": _not_before,
    "expression": lambda rule: f"{rule.name} does not hold",
}


def _span(low: object, high: object, unit: str = "") -> str:
    words = f" {unit}" if unit else ""
    if low is None:
        return f"at most {high}{words}"
    if high is None:
        return f"at least {low}{words}"
    return f"from {low} to {high}{words}"
