"""Owns CSV records in memory, taken apart column by column: their cells, texts and values.

What few of them have, as a quoted cell, is looked at one by one.
"""

from codecs import BOM_UTF8
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import csv

from support_lakehouse.model.column import ColumnType
from support_lakehouse.model.feed import Feed
from support_lakehouse.model.landing import BLANKS, ScannedFile
from support_lakehouse.transforms.arrow_types import each_once, read_as
from support_lakehouse.transforms.by_hand import cells_of

Truth = NDArray[np.bool_]


@dataclass(frozen=True)
class Records:
    """Records of one file, taken apart column by column; null where a record is not sound."""

    raws: pa.Array
    text: bytes
    file: ScannedFile
    feed: Feed

    @cached_property
    def _columns(self) -> list[pa.Array] | None:
        """The cells column by column, null where empty; None where a text is not that regular."""
        if not self.text or self._may_be_quoted or self.text.startswith(BOM_UTF8):
            return None
        try:
            rows = csv.read_csv(
                pa.BufferReader(self.text),
                csv.ReadOptions(column_names=self._places, use_threads=False),
                csv.ParseOptions(
                    delimiter=self.feed.delimiter, quote_char=False, ignore_empty_lines=False
                ),
                csv.ConvertOptions(
                    column_types=dict.fromkeys(self._places, pa.string()),
                    strings_can_be_null=True,
                    null_values=[""],
                    check_utf8=False,
                ),
            )
        except pa.ArrowInvalid:  # a record with too few or too many cells
            return None
        assert rows.num_rows == len(self.raws)
        return [column.combine_chunks() for column in rows.columns]

    @property
    def _places(self) -> list[str]:
        return [str(place) for place in range(len(self.file.header.names))]

    @property
    def _may_be_quoted(self) -> bool:
        return self.file.has_quotes and self.feed.quoting

    @cached_property
    def _cells(self) -> pa.Array:
        """The cells of each record as they stand, their quotes taken away: list<string>."""
        plain = pc.split_pattern(self.raws, self.feed.delimiter)
        if not self._may_be_quoted:
            return plain
        quoted = pc.match_substring(self.raws, '"')
        if not pc.any(quoted).as_py():
            return plain
        told = [
            cells_of(raw, self.feed.delimiter, quoting=True)
            for raw in self.raws.filter(quoted).to_pylist()
        ]
        by_hand = pa.array(told, plain.type)
        places = np.arange(len(plain))
        at = np.flatnonzero(truth_of(quoted))
        places[at] = len(plain) + np.arange(len(at))
        return pa.concat_arrays([plain, by_hand]).take(pa.array(places))

    @cached_property
    def widths(self) -> NDArray[np.int32]:
        """How many cells each record has."""
        if self._columns is not None:
            return np.full(len(self.raws), len(self._columns), np.int32)
        widths: NDArray[np.int32] = pc.list_value_length(self._cells).to_numpy()
        return widths

    @cached_property
    def sound(self) -> Truth:
        """Which records have as many cells as their header."""
        sound: Truth = self.widths == len(self.file.header.names)
        return sound

    @cached_property
    def all_sound(self) -> bool:
        return bool(self.sound.all())

    @cached_property
    def _may_be_blank(self) -> bool:
        """Whether there may be blanks at the ends of cells."""
        if self.file.has_rare_blanks or self.file.has_quotes:
            return True
        text = np.frombuffer(self.raws.buffers()[2] or b"", np.uint8)
        return bool((text == ord(" ")).any())

    @cached_property
    def texts(self) -> Mapping[str, pa.Array]:
        """The trimmed text of each declared column, and of the action if the file has one."""
        names = [*self.feed.column_names, *filter(None, [self.feed.action])]
        return {name: self._text(name) for name in names}

    @cached_property
    def _sound_cells(self) -> pa.Array:
        return self._cells if self.all_sound else self._cells.filter(pa.array(self.sound))

    def _text(self, name: str) -> pa.Array:
        if name not in self.file.header.names:
            return pa.nulls(len(self.raws), pa.string())
        place = self.file.header.names.index(name)
        if self._columns is not None:
            found = self._columns[place]
        else:
            found = pc.list_element(self._sound_cells, place)
        text = _null_if_empty(pc.utf8_trim(found, BLANKS) if self._may_be_blank else found)
        if self.all_sound:
            return text
        places = pa.array(np.cumsum(self.sound) - 1, mask=~self.sound)
        return text.take(places)

    @cached_property
    def values(self) -> Mapping[str, pa.Array]:
        """The typed value of each declared column; null where it is unreadable."""
        return {c.name: read_as(self.texts[c.name], c.type) for c in self.feed.columns}

    @cached_property
    def asked(self) -> pa.Array:
        """The action in small letters; `add` where the file has none."""
        action = self.feed.action
        if action is None or action not in self.file.header.names:
            added = pa.repeat(pa.scalar("add"), len(self.raws))
            return added if self.all_sound else pc.if_else(pa.array(self.sound), added, None)
        return each_once(self.texts[action], str.lower, pa.string())

    def key(self, lines: pa.Array) -> pa.Array:
        """The key of each record as text; the place of one that has no other."""
        if self.feed.key is not None:
            return self.values[self.feed.key].cast(pa.string())
        own = pc.binary_join_element_wise(self.file.found.path, lines.cast(pa.string()), ":")
        return own if self.all_sound else pc.if_else(pa.array(self.sound), own, None)

    def type_of(self, name: str) -> ColumnType:
        return self.feed.column(name).type


def is_record(raws: pa.Array) -> Truth:
    """Which lines hold more than blanks."""
    empty = _lengths(raws) == 0
    for blank in BLANKS:
        begins = truth_of(pc.starts_with(raws, blank))
        if begins.any():
            empty |= _lengths(pc.utf8_trim(raws, BLANKS)) == 0
    there: Truth = ~empty
    return there


def truth_of(told: pa.Array) -> Truth:
    """Whether something is true of each row; what is not known of it is not."""
    known = pc.fill_null(told, False)
    truth: Truth = known.to_numpy(zero_copy_only=False)
    return truth


def _lengths(texts: pa.Array) -> NDArray[np.int32]:
    lengths: NDArray[np.int32] = pc.binary_length(texts).to_numpy(zero_copy_only=False)
    return lengths


def _null_if_empty(texts: pa.Array) -> pa.Array:
    empty = pc.equal(pc.binary_length(texts), 0)
    return pc.if_else(empty, None, texts) if pc.any(empty).as_py() else texts
