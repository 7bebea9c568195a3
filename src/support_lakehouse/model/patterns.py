"""Owns where a feed's files lie: patterns of paths, and the period that a path tells."""

import re
from functools import cached_property
from typing import Annotated

from pydantic import BeforeValidator, Field, model_validator

from support_lakehouse.model.declared import Declared, as_list
from support_lakehouse.model.period import INITIAL, NO_PERIOD, is_day, is_month

_PLACES = {"month": "[0-9]{6}", "date": "[0-9]{4}-[0-9]{2}-[0-9]{2}", "day": "[^/]+?"}
_TOKEN = re.compile(r"\{([a-z]*)\}|(\*)|([^{}*]+)|([{}])")
GZIP = ".gz"


class PathPattern:
    """A path relative to the data folder in which `*` stands for any characters but `/`.

    `{month}` stands for YYYYMM, `{date}` for YYYY-MM-DD, `{day}` for a date or a label. A name
    may have `.gz` after what the pattern says.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.segments = tuple(_compiled(segment) for segment in text.split("/"))
        self._whole = _compiled(text, ending=f"(?:{re.escape(GZIP)})?")
        named = re.findall(r"\{([a-z]+)\}", text)
        self.place: str | None = named[0] if named else None

    def label_of(self, path: str) -> str | None:
        """What stands in the path for the period, NO_PERIOD if none is asked for; None: no match.

        A month or date that the calendar does not know is no match.
        """
        found = self._whole.fullmatch(path)
        if not found:
            return None
        if self.place is None:
            return NO_PERIOD
        label = found[self.place]
        known = {"month": is_month, "date": is_day}.get(self.place)
        return label if known is None or known(label) else None

    @property
    def folder(self) -> str:
        """The folders at its beginning that hold no wildcard."""
        literal = []
        for segment in self.text.split("/")[:-1]:
            if re.search(r"[*{]", segment):
                break
            literal.append(segment)
        return "/".join(literal)


def _compiled(text: str, ending: str = "") -> re.Pattern[str]:
    parts = []
    for place, star, literal, _ in _TOKEN.findall(text):
        if place:
            parts.append(f"(?P<{place}>{_PLACES[place]})")
        elif star:
            parts.append("[^/]*")
        else:
            parts.append(re.escape(literal))
    return re.compile("".join(parts) + ending)


def _checked(text: str) -> str:
    if text.startswith("/") or not all(part not in ("", ".", "..") for part in text.split("/")):
        raise ValueError(f"{text!r} must be a path inside the data folder, without .. in it")
    if "\\" in text or re.search(r"[\x00-\x1f]", text):
        raise ValueError(f"{text!r} holds a backslash or a control character")
    braces = re.sub(r"\{(month|date|day)\}", "", text)
    if re.search(r"[{}]", braces):
        raise ValueError(f"{text!r}: only {{month}}, {{date}} and {{day}} may stand in braces")
    if len(re.findall(r"\{", text)) > 1:
        raise ValueError(f"{text!r}: one of {{month}}, {{date}} and {{day}}, once")
    return text


class FilePatterns(Declared):
    """Where a feed's files lie, relative to the data folder.

    A feed of kind `changes` has `initial` and `changes`; all others `deliveries`, which may be
    written as the text or list alone.
    """

    initial: Annotated[str | None, Field(description="The path of the extract.")] = None
    changes: Annotated[
        str | None, Field(description="The path of a month's changes; holds {month}.")
    ] = None
    deliveries: Annotated[
        tuple[str, ...],
        BeforeValidator(as_list),
        Field(
            description="Paths in which `*` stands for any characters but `/`, and one of {month},"
            " {date} (YYYY-MM-DD) and {day} (a date or a label) may stand for the period."
        ),
    ] = ()

    @model_validator(mode="after")
    def _patterns_are_paths(self) -> "FilePatterns":
        for text in (self.initial, self.changes, *self.deliveries):
            if text is not None:
                _checked(text)
        if self.initial and re.search(r"[*{]", self.initial):
            raise ValueError("`initial` is the path of one file, without * and {}")
        if self.changes and self.changes.count("{month}") != 1:
            raise ValueError(
                "`changes` must hold {month} once, as in delta/agents_delta_{month}.csv"
            )
        return self

    @property
    def texts(self) -> tuple[str, ...]:
        return tuple(t for t in (self.initial, self.changes, *self.deliveries) if t)

    @cached_property
    def patterns(self) -> tuple[PathPattern, ...]:
        return tuple(PathPattern(text) for text in self.texts)

    @property
    def place(self) -> str | None:
        """What periods are: `month`, `date`, `day`; None for a feed without periods."""
        return next((p.place for p in self.patterns if p.place), None)

    def label_of(self, path: str) -> str | None:
        """The period that a relative path with `/` tells; None if it is no file of this feed."""
        if self.initial and PathPattern(self.initial).label_of(path) is not None:
            return INITIAL
        found = (p.label_of(path) for p in self.patterns if p.text != self.initial)
        return next((label for label in found if label is not None), None)
