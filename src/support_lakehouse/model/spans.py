"""Owns the layout of a table by key: its ranges, and those that some changes can meet."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Any

Key = str | int
Range = tuple[Key, Key]
"""The lowest and the highest of some keys, which are all texts or all numbers."""
_MOST = 32
"""So many ranges are looked at for each row and file of a table; more would cost more than help."""
_OF_A_PART = 100
"""So many keys of each part of a file tell where its ranges shall begin."""
_NEARLY_IN_ORDER = 2
"""Parts of a file among which a key may be, on average, where they are nearly in order."""


def touched(files: Sequence[Range], keys: Sequence[Any]) -> list[Range] | None:
    """Ranges that hold all the keys which a file may hold, and as few other files as can be.

    `files` are the ranges of a table's files, which may overlap; `keys` are sorted. None where
    every file may hold one.
    """
    found: list[Range] = []
    for low, high in sorted(files):
        first, after = bisect_left(keys, low), bisect_right(keys, high)
        if first < after:
            found.append((keys[first], keys[after - 1]))
    if len(found) == len(files):
        return None
    while len(found) > _MOST:
        pairs = [found[at : at + 2] for at in range(0, len(found), 2)]
        found = [(pair[0][0], max(high for _, high in pair)) for pair in pairs]
    return found


def begins_of(samples: Sequence[Sequence[Any]]) -> list[Key]:
    """The keys that ranges of about as many rows begin with, but for the first of these ranges.

    `samples` are some keys of each part of a file. There is one range where these parts are in
    order of their keys, or nearly so: then the file is laid out already.
    """
    parts = [sorted(keys) for keys in samples if keys]
    some = sorted(key for keys in parts for key in keys[:: -(-len(keys) // _OF_A_PART)])
    meeting = sum(keys[0] <= key <= keys[-1] for keys in parts for key in some)
    if meeting <= len(some) * _NEARLY_IN_ORDER:
        return []
    ranges = min(len(parts), _MOST)
    places = (len(some) * number // ranges for number in range(1, ranges))
    return list(dict.fromkeys(some[place] for place in places))
