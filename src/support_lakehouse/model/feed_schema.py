"""Owns the JSON Schema of a feed file: what editors complete and check while people write."""

import json
from typing import Any, get_args

from pydantic import BaseModel

from support_lakehouse.model import rules
from support_lakehouse.model.column import NAME, Column, TypeName
from support_lakehouse.model.feed import Feed, Final
from support_lakehouse.model.feed_words import words
from support_lakehouse.model.patterns import FilePatterns

_PARTS: tuple[type[BaseModel], ...] = (
    Column,
    FilePatterns,
    rules.FileRules,
    rules.HeaderRules,
    rules.DeliveryRules,
    Final,
)
_TEXTS = {"type": "array", "items": {"type": "string"}}


def feed_schema() -> dict[str, Any]:
    """The schema of a feed as people write it, made from the models."""
    schema = Feed.model_json_schema(by_alias=True)
    defined: dict[str, Any] = schema["$defs"]
    for model in (*get_args(get_args(rules.RowRule)[0]), *_PARTS):
        _describe(defined[model.__name__], model)
    _describe(schema, Feed)
    defined.pop("ColumnType")
    defined["Type"] = _type()
    column = defined["Column"]
    column["properties"].pop("name")
    column["required"].remove("name")
    column["properties"]["type"] = {"$ref": "#/$defs/Type"}
    _allow_one_text(column, "path")
    _allow_one_text(defined["FilePatterns"], "deliveries")
    properties = schema["properties"]
    properties["columns"] |= _columns_by_name()
    properties["columns"].pop("items")
    properties["columns"].pop("minItems", None)
    files = properties["files"]
    files["anyOf"] = [{"type": "string"}, _TEXTS, {"$ref": files.pop("$ref")}]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **_untitled(schema)}


def schema_text() -> str:
    """The schema as it is printed and stored."""
    return json.dumps(feed_schema(), ensure_ascii=False, indent=2) + "\n"


def _describe(schema: dict[str, Any], model: type[BaseModel]) -> None:
    for name, field in model.model_fields.items():
        property_ = schema["properties"].get(field.alias or name)
        if property_ is not None and words(model, name, field):
            property_["description"] = words(model, name, field)


def _type() -> dict[str, Any]:
    plain = [name for name in get_args(TypeName) if name != "decimal"]
    decimal = r"^decimal\(\s*[0-9]+\s*,\s*[0-9]+\s*\)$"
    return {
        "description": Column.model_fields["type"].description,
        "anyOf": [{"enum": plain}, {"type": "string", "pattern": decimal}],
    }


def _columns_by_name() -> dict[str, Any]:
    one = {"anyOf": [{"$ref": "#/$defs/Type"}, {"$ref": "#/$defs/Column"}]}
    return {
        "type": "object",
        "propertyNames": {"pattern": NAME},
        "additionalProperties": one,
        "minProperties": 1,
    }


def _allow_one_text(schema: dict[str, Any], name: str) -> None:
    texts = schema["properties"][name]
    texts["anyOf"] = [{"type": "string"}, _TEXTS]
    texts.pop("type")
    texts.pop("items")


def _untitled(schema: Any) -> Any:
    """The schema without the titles that pydantic makes of names."""
    if isinstance(schema, list):
        return [_untitled(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _untitled(value)
        for key, value in schema.items()
        if not (key == "title" and isinstance(value, str))
    }
