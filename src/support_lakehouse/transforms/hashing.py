"""Owns the hash of rows in memory, the very one that `fingerprint.row_hash` has Spark work out.

XXH64 (github.com/Cyan4973/xxHash, its specification), where the hash of one value is the seed of
the next, 42 before the first, and nulls are stepped over: so does Spark's `xxhash64`.
"""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Words = NDArray[np.uint64]
Bytes = NDArray[np.uint8]
Places = NDArray[np.intp]
_SEED = 42
_ROWS_AT_ONCE = 65_536
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
_LONG_DIGITS = 18
"""Decimals of no more digits are hashed as the whole numbers that they are kept as."""


def row_hashes(rows: pa.Table) -> pa.Array:
    """BIGINT: the hash of each row over the names of the columns and their values.

    Of columns that are texts, whole numbers, booleans or decimals. Raises TypeError for others.
    """
    names = np.frombuffer(",".join(rows.column_names).encode(), np.uint8)
    parts = [_hashes(part, names) for part in rows.to_batches(max_chunksize=_ROWS_AT_ONCE)]
    return pa.array(np.concatenate([np.empty(0, np.uint64), *parts]).view(np.int64))


def _hashes(rows: pa.RecordBatch, names: Bytes) -> Words:
    hashes = _xxh64(names[np.newaxis], np.array([_SEED], np.uint64)).repeat(rows.num_rows)
    there = [column.is_valid().to_numpy(zero_copy_only=False) for column in rows.columns]
    hashes = _xxh64(np.stack(there, axis=1).astype(np.uint8) + ord("0"), hashes)
    for column, known in zip(rows.columns, there, strict=True):
        lengths, bytes_of = _bytes(column)
        for length in np.unique(lengths[known]):
            at = np.flatnonzero(known & (lengths == length))
            hashes[at] = _xxh64(bytes_of(at, int(length)), hashes[at])
    return hashes


def _bytes(column: pa.Array) -> tuple[Places, Callable[[Places, int], Bytes]]:
    """How many bytes of each value are hashed, and those of values that have as many."""
    kind, own = column.type, slice(column.offset, column.offset + len(column))
    if pa.types.is_string(kind):
        ends = np.frombuffer(column.buffers()[1], np.int32)[own.start : own.stop + 1]
        text = np.frombuffer(column.buffers()[2] or b"", np.uint8)
        begins = ends[:-1].astype(np.intp)
        return np.diff(ends), lambda at, n: text[begins[at, np.newaxis] + np.arange(n)]
    if pa.types.is_decimal128(kind):
        low_first = np.frombuffer(column.buffers()[1], np.uint8).reshape(-1, 16)[own]
        if kind.precision <= _LONG_DIGITS:
            return np.full(len(column), 8), lambda at, n: low_first[at, :n]
        digits = low_first[:, ::-1]
        return _needed(digits), lambda at, n: digits[at, 16 - n :]
    if not pa.types.is_boolean(kind) and not pa.types.is_signed_integer(kind):
        raise TypeError(f"rows with values of {kind} are not hashed in memory")
    width = 8 if kind == pa.int64() else 4
    numbers = column.cast(pa.int64()).fill_null(0).to_numpy().astype(f"<i{width}")
    return np.full(len(column), width), lambda at, n: numbers[at].view(np.uint8).reshape(-1, n)


def _needed(digits: Bytes) -> Places:
    """So many of 16 bytes tell a signed number, the highest first: those that Java keeps."""
    sign = (digits[:, 0] >> 7) * np.uint8(255)
    idle = np.logical_and.accumulate(digits == sign[:, np.newaxis], axis=1).sum(axis=1)
    first = digits[np.arange(len(digits)), np.minimum(idle, 15)]
    other_sign = (first >> 7) != (sign >> 7)
    needed: Places = np.maximum(16 - idle + other_sign, 1).astype(np.intp)
    return needed


def _xxh64(values: Bytes, seeds: Words) -> Words:
    """XXH64 of values of one length, a row of bytes each, by a seed each."""
    length, at = values.shape[1], 0
    hashes = seeds + _P5
    if length >= _STRIPE:
        lanes = [seeds + _P1 + _P2, seeds + _P2, seeds.copy(), seeds - _P1]
        for at in range(0, length - _STRIPE + 1, _STRIPE):
            lanes = [_round(v, _word(values, at + 8 * n)) for n, v in enumerate(lanes)]
        at += _STRIPE
        turns = zip(lanes, (1, 7, 12, 18), strict=True)
        hashes = np.sum([_turned(lane, by) for lane, by in turns], axis=0, dtype=np.uint64)
        for lane in lanes:
            hashes = (hashes ^ _round(np.zeros_like(lane), lane)) * _P1 + _P4
    hashes = hashes + np.array([length], np.uint64)
    while at + 8 <= length:
        hashes ^= _round(np.zeros_like(hashes), _word(values, at))
        hashes, at = _turned(hashes, 27) * _P1 + _P4, at + 8
    if at + 4 <= length:
        hashes ^= _word(values, at, 4) * _P1
        hashes, at = _turned(hashes, 23) * _P2 + _P3, at + 4
    for place in range(at, length):
        hashes = _turned(hashes ^ (values[:, place].astype(np.uint64) * _P5), 11) * _P1
    for by, prime in ((33, _P2), (29, _P3)):
        hashes = (hashes ^ (hashes >> np.uint64(by))) * prime
    return hashes ^ (hashes >> np.uint64(32))


def _word(values: Bytes, at: int, width: int = 8) -> Words:
    there = np.ascontiguousarray(values[:, at : at + width])
    return there.view(f"<u{width}")[:, 0].astype(np.uint64)


def _round(lane: Words, word: Words) -> Words:
    return _turned(lane + word * _P2, 31) * _P1


def _turned(words: Words, by: int) -> Words:
    return (words << np.uint64(by)) | (words >> np.uint64(64 - by))
