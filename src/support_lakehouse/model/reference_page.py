"""Owns the part of `docs/feeds.md` that is made from the models: every key, and every rule."""

import inspect
import json
from collections.abc import Iterator
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from support_lakehouse.model import rules
from support_lakehouse.model.column import NAME, Column, ColumnType
from support_lakehouse.model.feed import Feed, Final
from support_lakehouse.model.feed_words import words
from support_lakehouse.model.patterns import FilePatterns

MARK = "<!-- Made by `support-lakehouse config docs`; changes below this line are lost. -->\n"
_PARTS: dict[str, type[BaseModel]] = {
    "files": FilePatterns,
    "file": rules.FileRules,
    "header": rules.HeaderRules,
    "delivery": rules.DeliveryRules,
    "final": Final,
}
_TYPES: dict[object, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    ColumnType: "type",
}
_TYPES_OF_KEYS = {
    "files": "path, list of paths, or mapping",
    "columns": "mapping of name to type, or to a mapping",
    "deliveries": "path or list of paths",
    "path": "text or list of texts",
}
_LIMITS = {
    "ge": "at least {0}",
    "le": "at most {0}",
    "min_length": "at least {0} {1}",
    "max_length": "at most {0} {1}",
}
_COMMON = ("rule", "level", "message")


def renewed(page: str) -> str:
    """The page with all that stands below its mark made again; ValueError without a mark."""
    before, mark, _ = page.partition(MARK)
    if not mark:
        raise ValueError("the mark is missing above which people write")
    return before + mark + "\n" + reference()


def reference() -> str:
    """Every key of a feed file and every rule, in Markdown."""
    return "\n".join([*_keys(), *_rules()]).rstrip() + "\n"


def _keys() -> Iterator[str]:
    yield from ("## Every key", "", *_table(Feed))
    yield from ("### columns", "", "Name to type, or name to a mapping with these keys.")
    yield from ("Names have small letters, digits and `_`, and begin with a letter.", "")
    yield from _table(Column, without=("name",))
    for name, model in _PARTS.items():
        yield from (f"### {name}", "", *_paragraphs(model), *_table(model))


def _rules() -> Iterator[str]:
    models = get_args(get_args(rules.RowRule)[0])
    yield from ("## Every rule of a row", "")
    yield "`rules` is a list; each entry says which `rule` it is, and may have:"
    yield from ("", *_table(rules.Width, without=("rule",)))
    yield "A cell that is not of its column's type is judged by `unreadable`, without any rule."
    yield "A row carries all its reasons."
    yield ""
    for model in models:
        (name,) = get_args(model.model_fields["rule"].annotation)
        common = [key for key in _COMMON if not model.model_fields[key].is_required()]
        yield from (f"### {name}", "", *_paragraphs(model))
        yield from _table(model, without=("rule", *common))


def _paragraphs(model: type[BaseModel]) -> Iterator[str]:
    yield from (*(inspect.getdoc(model) or "").splitlines(), "")


def _table(model: type[BaseModel], without: tuple[str, ...] = ()) -> Iterator[str]:
    fields = {name: f for name, f in model.model_fields.items() if name not in without}
    if not fields:
        return
    yield from ("| key | value | default | meaning |", "|---|---|---|---|")
    for name, field in fields.items():
        key = field.alias or name
        told = [f"`{key}`", _value(key, field), _default(field), words(model, name, field)]
        yield "| " + " | ".join(cell.replace("|", r"\|") for cell in told) + " |"
    yield ""


def _value(key: str, field: FieldInfo) -> str:
    if key in _PARTS and key != "files":
        return f"mapping, see [{key}](#{key})"
    told = _TYPES_OF_KEYS.get(key) or _type_words(field.annotation)
    return ", ".join([told, *_bounds(field, "characters" if told == "text" else "entries")])


def _type_words(annotation: Any) -> str:
    if annotation in _TYPES:
        return _TYPES[annotation]
    inner = [one for one in get_args(annotation) if one not in (NoneType, Ellipsis)]
    if get_origin(annotation) is Literal:
        return " or ".join(f"`{word}`" for word in inner)
    if get_origin(annotation) is tuple:
        return "list of texts" if inner == [str] else "list of mappings"
    if float in inner and int in inner:
        inner.remove(int)  # a whole number is a number
    return " or ".join(_type_words(one) for one in inner)


def _bounds(field: FieldInfo, unit: str) -> Iterator[str]:
    for limit in field.metadata:
        if getattr(limit, "pattern", None) == NAME:
            yield "as names are"
        for name, told in _LIMITS.items():
            at = getattr(limit, name, None)
            if at is not None:
                yield "not empty" if (name, at) == ("min_length", 1) else told.format(at, unit)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "must be given"
    default = field.default
    if default in (None, ()) or default is PydanticUndefined or isinstance(default, BaseModel):
        return ""
    return f"`{json.dumps(default)}`" if not isinstance(default, str) else f"`{default}`"
