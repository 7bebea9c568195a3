"""What is told of feeds, the page and the schema, is what the models say today."""

import json
import re
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from support_lakehouse.config import load_config
from support_lakehouse.model import rules
from support_lakehouse.model.feed import Feed, Kind
from support_lakehouse.model.feed_schema import feed_schema, schema_text
from support_lakehouse.model.reference_page import renewed

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "feeds.md"
FEEDS = sorted((ROOT / "conf" / "feeds").glob("*.yml"))
STORED = ROOT / "conf" / "feeds" / "feed.schema.json"
FIRST_LINE = "# yaml-language-server: $schema=feed.schema.json"
SCHEMA = feed_schema()
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def fault(value: Any, schema: Any, place: str = "") -> str | None:
    """Where a value breaks a schema, by the keywords that ours uses; None if nowhere."""
    if "$ref" in schema:
        return fault(value, SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]], place)
    for name in ("anyOf", "oneOf"):
        if name in schema and all(fault(value, one, place) for one in schema[name]):
            return f"{place}: none of {name}"
    kinds = {
        "object": dict,
        "array": list,
        "string": str,
        "boolean": bool,
        "integer": int,
        "number": (int, float),
        "null": type(None),
    }
    if "type" in schema and not isinstance(value, kinds[schema["type"]]):
        return f"{place}: no {schema['type']}"
    if value not in schema.get("enum", [value]) or value != schema.get("const", value):
        return f"{place}: not allowed"
    if isinstance(value, str) and not re.search(schema.get("pattern", ""), value):
        return f"{place}: does not match"
    if isinstance(value, list):
        inner = [(str(i), item, schema.get("items", {})) for i, item in enumerate(value)]
    elif isinstance(value, dict):
        missing = [key for key in schema.get("required", []) if key not in value]
        names = schema.get("propertyNames", {})
        if missing or any(fault(key, names, place) for key in value):
            return f"{place}: {missing or 'names'}"
        known, others = schema.get("properties", {}), schema.get("additionalProperties", {})
        if others is False and value.keys() - known.keys():
            return f"{place}: {value.keys() - known.keys()}"
        inner = [(key, item, known.get(key, others)) for key, item in value.items()]
    else:
        return None
    found = (fault(item, one, f"{place}.{key}") for key, item, one in inner)
    return next(filter(None, found), None)


def test_the_stored_schema_is_made_of_todays_models() -> None:
    assert STORED.read_text(encoding="utf-8") == schema_text(), (
        "make it again: support-lakehouse config schema --output conf/feeds/feed.schema.json"
    )


def test_the_page_is_made_of_todays_models() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert renewed(page) == page, "make it again: support-lakehouse config docs docs/feeds.md"


@pytest.mark.parametrize("path", FEEDS, ids=lambda path: path.stem)
def test_editors_find_the_schema_and_a_good_feed_keeps_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.splitlines()[0] == FIRST_LINE
    assert fault(yaml.safe_load(text), SCHEMA) is None


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ("kind: events", "kind: event", ".kind"),
        ("files: orders/{date}/*.jsonl", "files: 5", ".files"),
        ("decimal(12,2)", "decimal(12)", ".columns.amount"),
        ("type: timestamp,", "type: timestam,", ".columns.changed_at"),
        ("personal: true", "personl: true", ".columns.email"),
        ("rule: range", "rule: rnge", ".rules.0"),
        ("column: amount, ", "", ".rules.0"),
        ("key: order_id", "kye: order_id", "'kye'"),
        ("feed: orders\n", "", "'feed'"),
        ("max_rejected_share: 0.1", "max_rejected_share: many", ".delivery.max_rejected_share"),
    ],
)
def test_editors_see_where_a_feed_breaks_the_schema(old: str, new: str, where: str) -> None:
    (orders,) = (text for text in EXAMPLES if "feed: orders" in text)
    assert old in orders
    assert where in str(fault(yaml.safe_load(orders.replace(old, new)), SCHEMA))


def test_the_page_has_a_feed_of_each_kind_that_is_read_as_it_stands(tmp_path: Path) -> None:
    (tmp_path / "conf" / "feeds").mkdir(parents=True)
    (tmp_path / "conf" / "pipeline.yml").write_text("", encoding="utf-8")
    for number, text in enumerate(EXAMPLES):
        (tmp_path / "conf" / "feeds" / f"{number}.yml").write_text(text, encoding="utf-8")
        assert fault(yaml.safe_load(text), SCHEMA) is None
    kinds = [feed.kind for feed in load_config(tmp_path).feeds]
    assert sorted(kinds) == sorted(get_args(Kind))


def test_the_page_says_something_of_every_key() -> None:
    page = PAGE.read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \|.*\| ?(.*?) \|$", page, re.MULTILINE)
    assert {key for key, _ in rows} >= {f.alias or n for n, f in Feed.model_fields.items()}
    assert [key for key, meaning in rows if not meaning] == []


def test_the_page_says_of_every_rule_what_becomes_of_a_null() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for model in get_args(get_args(rules.RowRule)[0]):
        (name,) = get_args(model.model_fields["rule"].annotation)
        told = page.split(f"\n### {name}\n")[1].split("\n### ")[0]
        assert name == "width" or "null" in told.lower(), name


def test_every_key_has_a_description_for_editors() -> None:
    schema = json.loads(schema_text())
    parts = [schema, *(part for part in schema["$defs"].values() if "properties" in part)]
    bare = [
        key
        for part in parts
        for key, told in part["properties"].items()
        if "description" not in told and "const" not in told and "$ref" not in told
    ]
    assert bare == []
