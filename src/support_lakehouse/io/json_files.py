"""Owns what one look through a JSON file tells: how its records lie, and which keys drift."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from support_lakehouse.io.json_records import (
    AROUND,
    BrokenJson,
    elements,
    is_json,
    is_object,
    line_and_column,
    parse,
)
from support_lakehouse.io.opened import FileRefused, open_text
from support_lakehouse.model.feed import Feed
from support_lakehouse.model.landing import FoundFile, Layout

MOST_DRIFT = 100
"""So many undeclared keys are told: some write data as keys, and there is no end of those."""
_ENOUGH = 10 * MOST_DRIFT
_BEGINS = {"{": "an object", '"': "a text", "[": "an array"}
_Tree = dict[str, Any]


class Survey(NamedTuple):
    """What a JSON file is; `layout` is None for a file of nothing but blanks."""

    layout: Layout | None
    drift: tuple[str, ...]


def survey(found: FoundFile, feed: Feed, *, gzipped: bool) -> Survey:
    """Look through a UTF-8 file. Raises FileRefused for an array that is broken or not there.

    What is broken in a line, or in a file of one object, is a record of its own, not a refusal.
    """
    layout = _layout(found, feed, gzipped=gzipped)
    if layout is None:
        return Survey(None, ())
    if layout == "lines":
        with open_text(found.location, gzipped=gzipped) as lines:
            return Survey(layout, _drift(_parsed(lines), feed))
    text = read_text(found, gzipped=gzipped)
    values = _array_values(found, text) if layout == "array" else _parsed([text])
    return Survey(layout, _drift(values, feed))


def read_text(found: FoundFile, *, gzipped: bool) -> str:
    with open_text(found.location, gzipped=gzipped) as file:
        return file.read()


def _layout(found: FoundFile, feed: Feed, *, gzipped: bool) -> Layout | None:
    with open_text(found.location, gzipped=gzipped) as lines:
        full = (line for line in lines if line.strip(AROUND))
        first, second = next(full, None), next(full, None)
    if first is None:
        return None
    begins = first.lstrip(AROUND)[0]
    if feed.format == "json_array" and begins != "[":
        what = _BEGINS.get(begins, f"something that begins with {begins!r}")
        raise FileRefused(
            f"{found.shown} holds {what}. Expected one JSON array of objects, as the feed says."
        )
    if feed.format == "json_lines":
        return "lines"
    if feed.format == "json_object":
        return "object"
    if begins == "[":
        return "array"
    if second is None:
        return "object" if is_object(first) else "lines"
    if is_json(first):
        return "lines"
    return _layout_of_many_lines(read_text(found, gzipped=gzipped), second)


def _layout_of_many_lines(text: str, second: str) -> Layout:
    """One object over several lines, or lines of which the first is broken.

    A torn object is one record as well: its next line goes on with a key or ends it, and none of
    its lines is an object.
    """
    if is_object(text):
        return "object"
    goes_on = text.lstrip(AROUND).startswith("{") and second.lstrip(AROUND).startswith(('"', "}"))
    return "object" if goes_on and not any(map(is_object, text.split("\n"))) else "lines"


def _parsed(texts: Iterable[str]) -> Iterator[Any]:
    """The values of those texts that are JSON; of the others quarantine tells."""
    for text in texts:
        try:
            yield parse(text)
        except BrokenJson:
            continue


def _array_values(found: FoundFile, text: str) -> Iterator[Any]:
    try:
        for element in elements(text):
            yield element.value
    except BrokenJson as broken:
        line, column = line_and_column(text, broken.at)
        raise FileRefused(
            f"{found.shown}, line {line}, column {column}: the JSON array is broken"
            f" ({broken.what}). Expected one whole array of objects; deliver it again."
        ) from broken


def _drift(values: Iterable[Any], feed: Feed) -> tuple[str, ...]:
    """The dotted keys that no declared path goes by, sorted; the first MOST_DRIFT of them."""
    declared = _tree(feed)
    keys: set[str] = set()
    for value in values:
        if isinstance(value, dict):
            keys.update(_undeclared(value, declared))
        if len(keys) > _ENOUGH:
            keys = set(sorted(keys)[:MOST_DRIFT])
    return tuple(sorted(keys)[:MOST_DRIFT])


def _tree(feed: Feed) -> _Tree:
    """The declared paths as keys within keys."""
    tree: _Tree = {}
    for column in feed.columns:
        for path in column.paths:
            place = tree
            for key in path:
                place = place.setdefault(key, {})
    if feed.action:
        tree.setdefault(feed.action, {})
    return tree


def _undeclared(value: dict[str, Any], declared: _Tree, before: str = "") -> Iterator[str]:
    for key, inner in value.items():
        below = declared.get(key)
        if below is None:
            yield before + key
        elif below and isinstance(inner, dict):
            yield from _undeclared(inner, below, f"{before}{key}.")
