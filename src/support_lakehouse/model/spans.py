"""Owns which parts of a table laid out by key some changes can meet."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Any

Key = str | int
Range = tuple[Key, Key]
"""The lowest and the highest of some keys, which are all texts or all numbers."""
_MOST = 32
"""So many ranges are looked at for each row and file of a table; more would cost more than help."""


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
