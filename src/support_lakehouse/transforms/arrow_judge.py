"""Owns the verdict on CSV records in memory, the very one that `judge` has Spark reach.

Columns are taken whole, in Arrow. What few rows have, as an odd spelling or a quoted cell, is
looked at one by one.
"""

import re
from codecs import BOM_UTF8
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import csv

from support_lakehouse.model.bounds import bound
from support_lakehouse.model.checks import (
    ACTIONS,
    NO_ACTION,
    OTHER_ACTION,
    WIDTH,
    Check,
    checks,
    width_level,
)
from support_lakehouse.model.column import ColumnType
from support_lakehouse.model.feed import Feed
from support_lakehouse.model.landing import BLANKS, ScannedFile
from support_lakehouse.model.rules import Level, NotBefore, Pattern, Width
from support_lakehouse.transforms.arrow_types import each_once, read_as
from support_lakehouse.transforms.by_hand import cells_of
from support_lakehouse.transforms.fold import ACTION, PLACE
from support_lakehouse.transforms.hashing import ROW_HASH, row_hashes
from support_lakehouse.transforms.judge import BRONZE_COLUMNS, HASHED

Truth = NDArray[np.bool_]
REASON = pa.struct([("rule", pa.string()), ("column", pa.string()), ("message", pa.string())])
_ORDERED_KEYS = ("text", "integer")
_MOST_DIGITS = 38


class Judged(NamedTuple):
    """Records with their verdict: what bronze keeps of each, and the changes that are accepted.

    `bronze` has BRONZE_COLUMNS, `changes` the feed's columns, `fold.PLACE` and the action; both
    have the hash of each row. Texts that are the same for all rows are kept in a dictionary.
    """

    bronze: pa.Table
    changes: pa.Table


def can_judge(feed: Feed, files: Sequence[ScannedFile]) -> bool:
    """Whether the records of the files can be judged here: all but what only Spark reads alike."""
    if feed.is_json or width_level(feed) == "warn":
        return False
    if feed.key and feed.column(feed.key).type.name not in _ORDERED_KEYS:
        return False
    for rule in feed.rules:
        if rule.rule not in BROKEN and not isinstance(rule, Width):
            return False
        if isinstance(rule, Pattern) and not all(file.is_ascii for file in files):
            return False  # Java and Python differ in letters, and in what ends a line
        if isinstance(rule, NotBefore) and len({feed.column(n).type for n in rule.columns}) > 1:
            return False
    return True


def judged(
    lines: pa.Array,
    raws: pa.Array,
    text: bytes = b"",
    *,
    file: ScannedFile,
    feed: Feed,
    run: str,
) -> Judged:
    """The records of a file with their verdict.

    In: where each record starts, and the record as it came, neither of them null; perhaps the text
    in which each of them is a line, which is taken apart faster. Out: the same records, those of
    nothing but blanks left out.
    """
    there = _is_record(raws)
    if not there.all():
        lines, raws = lines.filter(pa.array(there)), raws.filter(pa.array(there))
        text = b""
    records = _Records(raws, text, file, feed)
    labels = {
        "period": file.found.period,
        "file": file.found.path,
        "sha256": file.sha256,
        "run": run,
        "admission": file.admission,
        "header": file.header.text,
    }
    columns = {name: _of_all(text, len(raws)) for name, text in labels.items()}
    key = records.key(lines)
    columns |= {"line": lines, "key": key, "action": records.asked, "raw": raws}
    columns |= {"reasons": records.reasons(), "warnings": records.warnings()}
    bronze = pa.table({name: columns[name] for name in BRONZE_COLUMNS})
    hashes = row_hashes(bronze.select(HASHED))
    accepted = columns["reasons"].is_null()
    values = {c.name: records.values[c.name] for c in feed.columns}
    changes = pa.table(values | {name: columns[name[1:]] for name in (*PLACE, ACTION)})
    if columns["reasons"].null_count < len(raws):
        changes = changes.filter(accepted)
    own = row_hashes(changes.select(feed.column_names))
    return Judged(bronze.append_column(ROW_HASH, hashes), changes.append_column(ROW_HASH, own))


@dataclass(frozen=True)
class _Records:
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
        at = np.flatnonzero(_truth(quoted))
        places[at] = len(plain) + np.arange(len(at))
        return pa.concat_arrays([plain, by_hand]).take(pa.array(places))

    @cached_property
    def _widths(self) -> NDArray[np.int32]:
        if self._columns is not None:
            return np.full(len(self.raws), len(self._columns), np.int32)
        widths: NDArray[np.int32] = pc.list_value_length(self._cells).to_numpy()
        return widths

    @cached_property
    def _sound(self) -> Truth:
        """Which records have as many cells as their header."""
        sound: Truth = self._widths == len(self.file.header.names)
        return sound

    @cached_property
    def _all_sound(self) -> bool:
        return bool(self._sound.all())

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
        return self._cells if self._all_sound else self._cells.filter(pa.array(self._sound))

    def _text(self, name: str) -> pa.Array:
        if name not in self.file.header.names:
            return pa.nulls(len(self.raws), pa.string())
        place = self.file.header.names.index(name)
        if self._columns is not None:
            found = self._columns[place]
        else:
            found = pc.list_element(self._sound_cells, place)
        text = _null_if_empty(pc.utf8_trim(found, BLANKS) if self._may_be_blank else found)
        if self._all_sound:
            return text
        places = pa.array(np.cumsum(self._sound) - 1, mask=~self._sound)
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
            return added if self._all_sound else pc.if_else(pa.array(self._sound), added, None)
        return each_once(self.texts[action], str.lower, pa.string())

    def key(self, lines: pa.Array) -> pa.Array:
        """The key of each record as text; the place of one that has no other."""
        if self.feed.key is not None:
            return self.values[self.feed.key].cast(pa.string())
        own = pc.binary_join_element_wise(self.file.found.path, lines.cast(pa.string()), ":")
        return own if self._all_sound else pc.if_else(pa.array(self._sound), own, None)

    def reasons(self) -> pa.Array:
        """Every reason to reject a record; null for one that is accepted."""
        told: list[tuple[Truth, Any]] = [
            (~self._sound & (self._widths == width), ("width", None, self._wrong_width(width)))
            for width in np.unique(self._widths[~self._sound]).tolist()
        ]
        if self.feed.action:
            empty = _truth(self.asked.is_null()) & self._sound
            known = _truth(pc.is_in(self.asked, value_set=pa.array(ACTIONS)))
            told.append((empty, ("action", self.feed.action, NO_ACTION)))
            told.append((~known & ~empty & self._sound, ("action", self.feed.action, OTHER_ACTION)))
        told += [
            (broken, (check.rule, check.column, check.message))
            for broken, check in self._broken("error")
        ]
        return _lists(told, REASON, len(self.raws))

    def warnings(self) -> pa.Array:
        """What is odd about a record that may stay."""
        told = [(broken, check.warning) for broken, check in self._broken("warn")]
        return _lists(told, pa.string(), len(self.raws))

    def _wrong_width(self, width: int) -> str:
        return WIDTH % (width, len(self.file.header.names))

    def _broken(self, level: Level) -> list[tuple[Truth, Check]]:
        upserts = ~_truth(pc.equal(self.asked, "delete"))
        return [
            (
                BROKEN[check.kind](check.about, self)
                & (self._sound if check.of_deletes else self._sound & upserts),
                check,
            )
            for check in checks(self.feed, level)
        ]

    def type_of(self, name: str) -> ColumnType:
        return self.feed.column(name).type


def _missing(rule: Any, at: _Records) -> Truth:
    return _truth(at.texts[rule.column].is_null())


def _unreadable(rule: Any, at: _Records) -> Truth:
    if at.type_of(rule.column).name == "text":
        return np.zeros(len(at.raws), np.bool_)
    text, value = at.texts[rule.column], at.values[rule.column]
    if text.null_count == value.null_count:
        return np.zeros(len(at.raws), np.bool_)
    return _truth(pc.and_(text.is_valid(), value.is_null()))


def _length(rule: Any, at: _Records) -> Truth:
    size = pc.utf8_length(at.texts[rule.column])
    outside = pc.less(size, rule.min)
    if rule.max is not None:
        outside = pc.or_(outside, pc.greater(size, rule.max))
    return _truth(outside)


def _pattern(rule: Any, at: _Records) -> Truth:
    shape = re.compile(rule.matches, re.ASCII)
    text = at.texts[rule.column]
    return _truth(each_once(text, lambda one: not shape.fullmatch(one), pa.bool_()))


def _allowed(rule: Any, at: _Records) -> Truth:
    text, values = at.texts[rule.column], set(rule.values)
    odd = pc.and_(text.is_valid(), pc.invert(pc.is_in(text, value_set=pa.array(rule.values))))
    if rule.case == "exact" or not pc.any(odd).as_py():
        return _truth(odd)
    values = {value.lower() for value in rule.values}
    broken = each_once(text.filter(odd), lambda one: one.lower() not in values, pa.bool_())
    return _truth(pc.replace_with_mask(odd, odd, broken))


def _within(rule: Any, at: _Records) -> Truth:
    type_, value = at.type_of(rule.column), at.values[rule.column]
    outside: Truth = np.zeros(len(value), np.bool_)
    if rule.min is not None:
        outside |= _truth(pc.less(value, _end(rule.min, type_, ROUND_CEILING)))
    if rule.max is not None:
        outside |= _truth(pc.greater(value, _end(rule.max, type_, ROUND_FLOOR)))
    return outside


def _not_before(rule: Any, at: _Records) -> Truth:
    compared = pc.less if rule.equal else pc.less_equal
    return _truth(compared(at.values[rule.column], at.values[rule.other]))


BROKEN: dict[str, Callable[[Any, _Records], Truth]] = {
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


def _is_record(raws: pa.Array) -> Truth:
    """Which lines hold more than blanks."""
    empty = _lengths(raws) == 0
    for blank in BLANKS:
        begins = _truth(pc.starts_with(raws, blank))
        if begins.any():
            empty |= _lengths(pc.utf8_trim(raws, BLANKS)) == 0
    there: Truth = ~empty
    return there


def _of_all(text: str, rows: int) -> pa.DictionaryArray:
    """A text that is the same for all rows, kept once."""
    return pa.DictionaryArray.from_arrays(np.zeros(rows, np.int32), pa.array([text]))


def _lengths(texts: pa.Array) -> NDArray[np.int32]:
    lengths: NDArray[np.int32] = pc.binary_length(texts).to_numpy(zero_copy_only=False)
    return lengths


def _null_if_empty(texts: pa.Array) -> pa.Array:
    empty = pc.equal(pc.binary_length(texts), 0)
    return pc.if_else(empty, None, texts) if pc.any(empty).as_py() else texts


def _truth(told: pa.Array) -> Truth:
    """Whether something is true of each row; what is not known of it is not."""
    known = pc.fill_null(told, False)
    truth: Truth = known.to_numpy(zero_copy_only=False)
    return truth


def _lists(told: Sequence[tuple[Truth, Any]], kind: pa.DataType, rows: int) -> pa.Array:
    """For each row all that is true of it, in order; null where nothing is."""
    held = [(truth, what) for truth, what in told if truth.any()]
    if not held:
        return pa.nulls(rows, pa.list_(kind))
    truths = np.stack([truth for truth, _ in held], axis=1)
    if pa.types.is_struct(kind):
        names = [field.name for field in kind]
        values = pa.array([dict(zip(names, what, strict=True)) for _, what in held], kind)
    else:
        values = pa.array([what for _, what in held], kind)
    counts = truths.sum(axis=1)
    ends = np.concatenate([[0], np.cumsum(counts)])
    of_each = values.take(pa.array(np.nonzero(truths)[1]))
    offsets = pa.array(ends, pa.int32())
    return pa.ListArray.from_arrays(offsets, of_each, mask=pa.array(counts == 0))
