"""Owns the rules for a whole file: each broken one is a sentence (layers 1 and 2 of the rules)."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from support_lakehouse.model.feed import Feed
from support_lakehouse.model.landing import FoundFile
from support_lakehouse.model.patterns import GZIP
from support_lakehouse.model.period import INITIAL

_LONGEST = 60
"""Characters of a column's name that are shown."""


def broken_file_rules(found: FoundFile, feed: Feed) -> Iterator[str]:
    """What the feed's `file` rules say against a file, before it is opened."""
    name, rules = found.location.name, feed.file
    endings = tuple(e + packed for e in rules.extensions for packed in ("", GZIP))
    if endings and not name.endswith(endings):
        yield f"{found.shown}: the name does not end in {' or '.join(rules.extensions)}."
    if rules.name is not None and not re.fullmatch(rules.name, name):
        yield f"{found.shown}: the name does not match the pattern {rules.name}."
    if rules.max_name_length is not None and len(name) > rules.max_name_length:
        yield (
            f"{found.shown}: the name has {len(name)} characters. Expected at most"
            f" {rules.max_name_length}."
        )
    if is_too_big(found, feed):
        yield f"{found.shown}: the file has {found.size} bytes. Expected at most {rules.max_bytes}."


def is_too_big(found: FoundFile, feed: Feed) -> bool:
    return feed.file.max_bytes is not None and found.size > feed.file.max_bytes


def expected_names(found: FoundFile, feed: Feed) -> tuple[str, ...]:
    """The columns that a CSV file of the feed has at most; an extract has no action."""
    if feed.action is None or found.period == INITIAL:
        return feed.column_names
    return (*feed.column_names, feed.action)


def csv_drift(names: Sequence[str], found: FoundFile, feed: Feed) -> tuple[str, ...]:
    """Columns that nobody declared, as they are spelled, then `-name` for optional ones missing."""
    return tuple(_undeclared(names, found, feed)) + tuple(f"-{n}" for n in _absent(names, feed))


def broken_header_rules(names: Sequence[str], found: FoundFile, feed: Feed) -> Iterator[str]:
    """What speaks against a CSV header; declared columns stand in it under their declared name."""
    where, has = f"{found.shown}, header", ", ".join(map(_shown, names))
    twice = [n for n, count in Counter(name.casefold() for name in names).items() if count > 1]
    if twice:
        yield (
            f"{where}: {', '.join(map(repr, twice))} stands twice. Expected each name"
            " once; rename or remove one of the columns."
        )
    missing = [c.name for c in feed.columns if not c.optional and c.name not in names]
    if missing:
        yield (
            f"{where}: no column {', '.join(missing)}. Expected"
            f" {', '.join(feed.column_names)}; found {has}."
        )
    if feed.action in expected_names(found, feed) and feed.action not in names:
        yield (
            f"{where}: no column {feed.action}. Expected a change file to say add,"
            f" update or delete in {feed.action}; found {has}."
        )
    if feed.header.order == "exact":
        yield from _not_exact(names, found, feed)
    if feed.header.drift == "refuse":
        yield from _drifted(names, found, feed)


def _shown(name: str) -> str:
    """A column's name as people are told it, which is long where the file holds no text."""
    return repr(name) if len(name) <= _LONGEST else f"{name[:_LONGEST]!r} and so on"


def _not_exact(names: Sequence[str], found: FoundFile, feed: Feed) -> Iterator[str]:
    """An optional column may be missing here too; the action may stand anywhere."""
    where = f"{found.shown}, header"
    wanted = [n for n in feed.column_names if n not in _absent(names, feed)]
    has_action = feed.action in expected_names(found, feed)
    if len(names) != len(wanted) + has_action:
        columns = "1 column" if len(names) == 1 else f"{len(names)} columns"
        yield f"{where}: {columns}. Expected {len(wanted) + has_action}."
    unknown = list(_undeclared(names, found, feed))
    if unknown and feed.header.drift != "refuse":
        yield _not_declared(where, unknown, feed)
    there = [n for n in dict.fromkeys(names) if n in wanted]
    in_order = [n for n in wanted if n in there]
    if there != in_order:
        yield (
            f"{where}: the columns stand in the order {', '.join(there)}. Expected"
            f" {', '.join(in_order)}."
        )


def _drifted(names: Sequence[str], found: FoundFile, feed: Feed) -> Iterator[str]:
    where = f"{found.shown}, header"
    unknown = list(_undeclared(names, found, feed))
    if unknown:
        yield _not_declared(where, unknown, feed)
    absent = _absent(names, feed)
    if absent:
        yield (
            f"{where}: no column {', '.join(absent)}. Expected optional columns as well: the feed"
            " refuses drift."
        )


def _not_declared(where: str, unknown: Sequence[str], feed: Feed) -> str:
    told = ", ".join(map(repr, unknown))
    return (
        f"{where}: nobody declared {told}. Expected {', '.join(feed.column_names)} and no other"
        " column."
    )


def _undeclared(names: Sequence[str], found: FoundFile, feed: Feed) -> Iterator[str]:
    expected = expected_names(found, feed)
    return (name for name in names if name not in expected)


def _absent(names: Sequence[str], feed: Feed) -> list[str]:
    return [c.name for c in feed.columns if c.optional and c.name not in names]
