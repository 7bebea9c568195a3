"""Owns the verdict on CSV records in memory, the very one that `judge` has Spark reach."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from support_lakehouse.model.checks import (
    ACTIONS,
    NO_ACTION,
    OTHER_ACTION,
    WIDTH,
    Check,
    checks,
    width_level,
)
from support_lakehouse.model.feed import Feed
from support_lakehouse.model.landing import ScannedFile
from support_lakehouse.model.rules import Level, NotBefore, Pattern, Width
from support_lakehouse.transforms.arrow_records import Records, Truth, is_record, truth_of
from support_lakehouse.transforms.arrow_rules import BROKEN
from support_lakehouse.transforms.fold import ACTION, PLACE
from support_lakehouse.transforms.hashing import ROW_HASH, row_hashes
from support_lakehouse.transforms.judge import BRONZE_COLUMNS, HASHED

REASON = pa.struct([("rule", pa.string()), ("column", pa.string()), ("message", pa.string())])
_ORDERED_KEYS = ("text", "integer")


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
    there = is_record(raws)
    if not there.all():
        lines, raws = lines.filter(pa.array(there)), raws.filter(pa.array(there))
        text = b""
    records = Records(raws, text, file, feed)
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
    columns |= {"reasons": _reasons(records), "warnings": _warnings(records)}
    bronze = pa.table({name: columns[name] for name in BRONZE_COLUMNS})
    hashes = row_hashes(bronze.select(HASHED))
    accepted = columns["reasons"].is_null()
    values = {c.name: records.values[c.name] for c in feed.columns}
    changes = pa.table(values | {name: columns[name[1:]] for name in (*PLACE, ACTION)})
    if columns["reasons"].null_count < len(raws):
        changes = changes.filter(accepted)
    own = row_hashes(changes.select(feed.column_names))
    return Judged(bronze.append_column(ROW_HASH, hashes), changes.append_column(ROW_HASH, own))


def _reasons(of: Records) -> pa.Array:
    """Every reason to reject a record; null for one that is accepted."""
    told: list[tuple[Truth, Any]] = [
        (
            ~of.sound & (of.widths == width),
            ("width", None, WIDTH % (width, len(of.file.header.names))),
        )
        for width in np.unique(of.widths[~of.sound]).tolist()
    ]
    if of.feed.action:
        empty = truth_of(of.asked.is_null()) & of.sound
        known = truth_of(pc.is_in(of.asked, value_set=pa.array(ACTIONS)))
        told.append((empty, ("action", of.feed.action, NO_ACTION)))
        told.append((~known & ~empty & of.sound, ("action", of.feed.action, OTHER_ACTION)))
    told += [
        (broken, (check.rule, check.column, check.message))
        for broken, check in _broken(of, "error")
    ]
    return _lists(told, REASON, len(of.raws))


def _warnings(of: Records) -> pa.Array:
    """What is odd about a record that may stay."""
    told = [(broken, check.warning) for broken, check in _broken(of, "warn")]
    return _lists(told, pa.string(), len(of.raws))


def _broken(of: Records, level: Level) -> list[tuple[Truth, Check]]:
    upserts = ~truth_of(pc.equal(of.asked, "delete"))
    return [
        (
            BROKEN[check.kind](check.about, of)
            & (of.sound if check.of_deletes else of.sound & upserts),
            check,
        )
        for check in checks(of.feed, level)
    ]


def _of_all(text: str, rows: int) -> pa.DictionaryArray:
    """A text that is the same for all rows, kept once."""
    return pa.DictionaryArray.from_arrays(np.zeros(rows, np.int32), pa.array([text]))


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
