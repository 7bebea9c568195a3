"""Owns the hash of rows in memory, the very one that `fingerprint.row_hash` has Spark work out.

XXH64 (github.com/Cyan4973/xxHash, its specification), where the hash of one value is the seed of
the next, 42 before the first, and nulls are stepped over: so does Spark's `xxhash64`.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Words = NDArray[np.uint64]
Bytes = NDArray[np.uint8]
Places = NDArray[np.intp]
ROW_HASH = "_row_hash"
"""The column of it."""
_SEED = 42
_ROWS_AT_ONCE = 32_768
"""So many that what is in hand of them stays near the processor."""
_P1, _P2, _P3, _P4, _P5 = (
    np.array([prime], np.uint64)
    for prime in (
        0x9E3779B185EBCA87,
        0xC2B2AE3D27D4EB4F,
        0x165667B19E3779F9,
        0x85EBCA77C2B2AE63,
        0x27D4EB2F165667C5,
    )
)
_STRIPE = 32
_WORD = 8
_LONG_DIGITS = 18
"""Decimals of no more digits are hashed as the whole numbers that they are kept as."""


class _Values(NamedTuple):
    """Values of some rows as bytes: where each begins in `text`, and how many bytes it has.

    Where all rows have the same value it is told once.
    `text` has so many bytes behind the last value that a whole stripe can be read from any.
    """

    text: Bytes
    begins: Places
    lengths: Places


def row_hashes(rows: pa.Table) -> pa.Array:
    """BIGINT: the hash of each row over the names of the columns and their values.

    Raises TypeError for a type that no column of ours has.
    """
    names = np.frombuffer(",".join(rows.column_names).encode(), np.uint8)
    parts = [_hashes(part, names) for part in rows.to_batches(max_chunksize=_ROWS_AT_ONCE)]
    return pa.array(np.concatenate([np.empty(0, np.uint64), *parts]).view(np.int64))


def _hashes(rows: pa.RecordBatch, names: Bytes) -> Words:
    begun = _xxh64(_of_one_length(names[np.newaxis]), np.array([_SEED], np.uint64))
    hashes = _with_nulls(rows, begun)
    for column in rows.columns:
        for part in _parts(column):
            at = None if part.null_count == 0 else np.flatnonzero(_known(part))
            if at is None:
                hashes = _xxh64(_values(part), hashes)
            elif len(at):
                hashes[at] = _xxh64(_values(part.take(pa.array(at))), hashes[at])
    return hashes


def _with_nulls(rows: pa.RecordBatch, begun: Words) -> Words:
    """The hashes so far, and which columns are null in each row: a text of a digit each."""
    there = np.stack([_known(column) for column in rows.columns], axis=1) + np.uint8(ord("0"))
    if rows.num_rows and (there == there[:1]).all():
        return _xxh64(_of_one_length(there[:1]), begun).repeat(rows.num_rows)
    return _xxh64(_of_one_length(there), begun.repeat(rows.num_rows))


def _known(column: pa.Array) -> Bytes:
    known: Bytes = column.is_valid().to_numpy(zero_copy_only=False).astype(np.uint8)
    return known


def _parts(column: pa.Array) -> Iterator[pa.Array]:
    """What is hashed one after another: the column, or what lies within lists and structs."""
    if pa.types.is_list(column.type):
        lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy()
        begins = np.cumsum(lengths) - lengths
        within = column.flatten()
        for place in range(lengths.max(initial=0)):
            missing = lengths <= place
            at = pa.array(np.where(missing, 0, begins + place), mask=missing)
            yield from _parts(within.take(at))
    elif pa.types.is_struct(column.type):
        for part in column.flatten():
            yield from _parts(part)
    else:
        yield column


def _values(column: pa.Array) -> _Values:
    """The bytes that are hashed of each value, none of them null."""
    if pa.types.is_dictionary(column.type):
        different = _values(column.dictionary)
        if len(column.dictionary) == 1:
            return different
        at = column.indices.to_numpy()
        return _Values(different.text, different.begins[at], different.lengths[at])
    kind, own = column.type, slice(column.offset, column.offset + len(column))
    if pa.types.is_string(kind):
        ends = np.frombuffer(column.buffers()[1], np.int32)[own.start : own.stop + 1]
        text = np.frombuffer(column.buffers()[2] or b"", np.uint8)[ends[0] : ends[-1]]
        begins = ends[:-1].astype(np.intp) - ends[0]
        return _Values(_with_room(text), begins, np.diff(ends).astype(np.intp))
    if pa.types.is_decimal128(kind):
        low_first = np.frombuffer(column.buffers()[1], np.uint8).reshape(-1, 16)[own]
        if kind.precision <= _LONG_DIGITS:
            return _of_one_length(low_first[:, :_WORD])
        digits = low_first[:, ::-1]
        needed = _needed(digits)
        begins = np.arange(len(column)) * 16 + 16 - needed
        return _Values(_with_room(digits.reshape(-1)), begins, needed)
    if pa.types.is_floating(kind):
        # Java has one zero here, and one value that is no number.
        numbers = column.to_numpy().astype("<f8") + 0.0
        return _of_one_length(numbers.view(np.uint8).reshape(-1, _WORD))
    if pa.types.is_boolean(kind) or pa.types.is_date32(kind):
        column = column.cast(pa.int32())
    elif pa.types.is_timestamp(kind) and kind.unit == "us":
        column = column.cast(pa.int64())
    elif not pa.types.is_signed_integer(kind):
        raise TypeError(f"rows with values of {kind} are not hashed in memory")
    width = _WORD if column.type == pa.int64() else 4
    whole = column.to_numpy(zero_copy_only=False).astype(f"<i{width}")
    return _of_one_length(whole.view(np.uint8).reshape(-1, width))


def _of_one_length(values: Bytes) -> _Values:
    """Values of the same length, a row of bytes each."""
    rows, length = values.shape
    begins = np.arange(rows, dtype=np.intp) * length
    return _Values(_with_room(values.reshape(-1)), begins, np.full(rows, length, np.intp))


def _with_room(text: Bytes) -> Bytes:
    return np.concatenate([text, np.zeros(_STRIPE, np.uint8)])


def _needed(digits: Bytes) -> Places:
    """So many of 16 bytes tell a signed number, the highest first: those that Java keeps."""
    sign = (digits[:, 0] >> 7) * np.uint8(255)
    idle = np.logical_and.accumulate(digits == sign[:, np.newaxis], axis=1).sum(axis=1)
    first = digits[np.arange(len(digits)), np.minimum(idle, 15)]
    other_sign = (first >> 7) != (sign >> 7)
    needed: Places = np.maximum(16 - idle + other_sign, 1).astype(np.intp)
    return needed


def _xxh64(values: _Values, seeds: Words) -> Words:
    """XXH64 of each value, by a seed each."""
    lengths = values.lengths
    if len(lengths) and lengths.min() == lengths.max():
        return _of_length(values, int(lengths[0]), seeds)
    # The longest first, and those of one length together: what is left to do at some byte is then
    # left to do for the first rows, and all of one length end alike.
    order = np.argsort(-lengths, kind="stable")
    lengths, begins, seeds = lengths[order], values.begins[order], seeds[order]
    ended = seeds + _P5
    striped = int(np.count_nonzero(lengths >= _STRIPE))
    if striped:
        left = [
            int(np.count_nonzero(lengths >= n)) for n in range(_STRIPE, lengths[0] + 1, _STRIPE)
        ]
        ended[:striped] = _stripes(values.text, begins, left, seeds[:striped])
    changes = [0, *(np.flatnonzero(np.diff(lengths)) + 1).tolist(), len(lengths)]
    for own in (slice(*ends) for ends in pairwise(changes) if ends[0] < ends[1]):
        ended[own] = _ended(values.text, begins[own], int(lengths[own.start]), ended[own])
    hashes = np.empty_like(seeds)
    hashes[order] = ended
    return hashes


def _of_length(values: _Values, length: int, seeds: Words) -> Words:
    """The same of values of one length, or of one value by all the seeds."""
    hashes = seeds + _P5
    if length >= _STRIPE:
        left = [len(seeds)] * (length // _STRIPE)
        hashes = _stripes(values.text, values.begins, left, seeds)
    return _ended(values.text, values.begins, length, hashes)


def _ended(text: Bytes, begins: Places, length: int, hashes: Words) -> Words:
    """The hashes of values of one length, given what their whole stripes come to."""
    at, rest = begins + length // _STRIPE * _STRIPE, length % _STRIPE
    hashes, spare = hashes + np.uint64(length), np.empty_like(hashes)
    there = np.lib.stride_tricks.sliding_window_view(text, _STRIPE)[at] if rest else text
    done = 0
    while rest - done >= _WORD:
        hashes ^= _round(np.zeros_like(hashes), _word(there, done, _WORD), spare)
        _turn(hashes, 27, spare)
        hashes *= _P1
        hashes += _P4
        done += _WORD
    if rest - done >= 4:
        hashes ^= _word(there, done, 4) * _P1
        _turn(hashes, 23, spare)
        hashes *= _P2
        hashes += _P3
        done += 4
    for place in range(done, rest):
        hashes ^= there[:, place].astype(np.uint64) * _P5
        _turn(hashes, 11, spare)
        hashes *= _P1
    for by, prime in ((33, _P2), (29, _P3)):
        hashes ^= np.right_shift(hashes, np.uint64(by), out=spare)
        hashes *= prime
    hashes ^= np.right_shift(hashes, np.uint64(32), out=spare)
    return hashes


def _stripes(text: Bytes, begins: Places, left: Sequence[int], seeds: Words) -> Words:
    """What the whole stripes of values come to; so many of the first are `left` at each stripe."""
    windows = np.lib.stride_tricks.sliding_window_view(text, _STRIPE)
    lanes = [seeds + _P1 + _P2, seeds + _P2, seeds.copy(), seeds - _P1]
    spare = np.empty_like(seeds)
    for number, rows in enumerate(left):
        words = windows[begins[:rows] + number * _STRIPE].view("<u8")
        for place, lane in enumerate(lanes):
            _round(lane[:rows], words[:, place], spare[:rows])
    hashes = np.zeros_like(seeds)
    for lane, by in zip(lanes, (1, 7, 12, 18), strict=True):
        hashes += _turn(lane.copy(), by, spare)
    for lane in lanes:
        hashes ^= _round(np.zeros_like(lane), lane, spare)
        hashes *= _P1
        hashes += _P4
    return hashes


def _word(values: Bytes, at: int, width: int) -> Words:
    """Some bytes of each value as a number; a stripe of bytes each."""
    words: Words = values.view(f"<u{width}")[:, at // width].astype(np.uint64)
    return words


def _round(lane: Words, word: Words, spare: Words) -> Words:
    """Take a word of each value into a lane, which is changed."""
    lane += word * _P2
    _turn(lane, 31, spare)
    lane *= _P1
    return lane


def _turn(words: Words, by: int, spare: Words) -> Words:
    """Turn the bits of each word round, in place."""
    np.left_shift(words, np.uint64(by), out=spare)
    words >>= np.uint64(64 - by)
    words |= spare
    return words
