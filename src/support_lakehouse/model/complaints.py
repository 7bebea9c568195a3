"""Owns how a mistake in a declared value is told: its place in the file, and a plain sentence."""

import difflib
import re
from collections.abc import Iterable, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from support_lakehouse.model.column import NAME, Column, ColumnType

_DUE = {
    "string": "a text",
    "int": "a whole number",
    "float": "a number",
    "finite": "a number",
    "bool": "true or false",
    "tuple": "a list",
    "model": "a mapping of keys to values",
}
_DUE_AT = {
    "columns": "a mapping of column names to types",
    "files": "a path, a list of paths, or a mapping",
    "type": "a type like text or decimal(12,4)",
}
_PATTERNS = {
    NAME: "a name of small letters, digits and _ that begins with a letter",
    r'^[^"\r\n\\\x00A-Za-z0-9]$': "one character: no letter, digit, quote, backslash or line end",
}
_BOUNDS = {
    "greater_than_equal": "at least {ge}",
    "less_than_equal": "at most {le}",
    "string_too_long": "at most {max_length} characters long",
    "string_too_short": "at least {min_length} characters long",
    "too_short": "at least {min_length} long, not empty",
}
_SHORT = 60


def complaints(error: ValidationError, model: type[BaseModel], told: Any) -> list[str]:
    """A sentence for each mistake of a value `told` that should be a `model`, in its order."""
    by_place: dict[str, list[tuple[ErrorDetails, type[BaseModel]]]] = {}
    for detail in error.errors(include_url=False):
        place, owner = _place(detail["loc"], model, told)
        if detail["type"] == "union_tag_invalid":
            place += ".rule"
        by_place.setdefault(place, []).append((detail, owner))
    return [
        printable(f"{place}: {what}" if place else what)
        for place, found in by_place.items()
        for what in _at_one_place(place, found)
    ]


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """`; did you mean ..?` if a known name is like it, otherwise nothing."""
    near = difflib.get_close_matches(str(name)[:200].lower(), list(known), n=1)
    return f"; did you mean {near[0]}?" if near else ""


def printable(text: str) -> str:
    """The text on one line, no word longer than a line, without what a terminal would obey."""
    one_line = re.sub(r"(\S{80})\S{20,}", r"\1...", " ".join(text.split()))
    return "".join(c if c.isprintable() else "?" for c in one_line)


def _at_one_place(
    place: str, found: Sequence[tuple[ErrorDetails, type[BaseModel]]]
) -> Iterable[str]:
    """Sentences without their place; a value that fits no member of a union is told once."""
    due = dict.fromkeys(filter(None, (_due(place, detail) for detail, _ in found)))
    if due:
        if "a number" in due:
            due.pop("a whole number", None)
        value = found[0][0]["input"]
        quotes = isinstance(value, bool | int | float) and "a text" in due
        hint = "; put it in quotes if it is text" if quotes else ""
        yield f"must be {' or '.join(due)}, not {_shown(value)}{hint}"
    for detail, owner in found:
        if not _due(place, detail):
            yield _sentence(detail, owner)


def _due(place: str, detail: ErrorDetails) -> str | None:
    """What should stand there, if the mistake is that something of another type does."""
    kind, _, rest = detail["type"].partition("_")
    if not re.fullmatch(r"type|parsing|from_float|attributes_type|parsing_size|number", rest):
        return None
    return _DUE_AT.get(place.rpartition(".")[2]) or _DUE.get(kind)


def _sentence(detail: ErrorDetails, owner: type[BaseModel]) -> str:
    kind, value, facts = detail["type"], detail["input"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        known = [field.alias or name for name, field in owner.model_fields.items()]
        return f"no such key{did_you_mean(detail['loc'][-1], known)}"
    if kind == "missing":
        return "is missing"
    if kind == "literal_error":
        return _none_of(value, facts["expected"])
    if kind == "union_tag_invalid":
        return _none_of(value.get("rule"), facts["expected_tags"])
    if kind == "union_tag_not_found":
        return "does not say which `rule` it is"
    if kind == "string_pattern_mismatch":
        due = _PATTERNS.get(facts["pattern"], f"like {facts['pattern']}")
        return f"must be {due}, not {_shown(value)}"
    if kind in _BOUNDS:
        return f"must be {_BOUNDS[kind].format(**facts)}"
    return detail["msg"].removeprefix("Value error, ")


def _none_of(value: object, expected: str) -> str:
    words = re.findall(r"'([^']*)'", expected)
    meant = did_you_mean(value, words) if isinstance(value, str) else ""
    listed = ", ".join("decimal(p,s)" if word == "decimal" else word for word in words)
    return f"must be one of {listed}, not {_shown(value)}{meant}"


def _shown(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "a mapping"
    return _short(repr(value))


def _short(text: str) -> str:
    return text if len(text) <= _SHORT else f"{text[:_SHORT]}..."


def _place(
    loc: tuple[int | str, ...], model: type[BaseModel], told: Any
) -> tuple[str, type[BaseModel]]:
    """Where a mistake stands, in the words of the file, and the model whose keys belong there."""
    parts: list[str] = []
    owners: Sequence[type[BaseModel]] = (model,)
    for part in loc:
        if isinstance(part, int):
            part = list(told)[part] if isinstance(told, dict) else part  # columns by name
            if not isinstance(told, dict | list):
                continue  # one text that was read as a list of it
            told = told[part]
        elif len(owners) > 1:  # the tag of a rule, which chooses its model
            owners = [
                one for one in owners if part in get_args(one.model_fields["rule"].annotation)
            ]
            continue
        elif _unwritten(part, owners[0], told):
            continue
        else:
            owners = _models(owners[0], part) or owners
            told = told.get(part) if isinstance(told, dict) else told
        parts.append(_short(str(part)))
    if not parts and not isinstance(told, dict):
        return "the file", owners[0]
    return ".".join(parts), owners[0]


def _unwritten(part: str, owner: type[BaseModel], told: Any) -> bool:
    """Whether a part of pydantic's path is nothing that stands, or should stand, in the file."""
    if part == "name" and owner in (Column, ColumnType):
        return True  # a column is named by its key, a type by its text
    fields = {name for key, field in owner.model_fields.items() for name in (key, field.alias)}
    if part == "deliveries":
        return not isinstance(told, dict)
    return part not in fields and not (isinstance(told, dict) and part in told)


def _models(owner: type[BaseModel], name: str) -> list[type[BaseModel]]:
    """The models that a key of a model holds: itself, as items, or one of several."""
    for key, field in owner.model_fields.items():
        if name in (key, field.alias):
            return list(_within(field.annotation))
    return []


def _within(annotation: Any) -> Iterable[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _within(inner)
