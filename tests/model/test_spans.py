"""Where ranges of keys begin, and which of them a MERGE has to look at."""

import random
from itertools import pairwise

from support_lakehouse.model.spans import Range, begins_of, touched

FILES: list[Range] = [("a", "c"), ("d", "f"), ("g", "i"), ("j", "l")]


def test_only_files_that_may_hold_a_key_are_looked_at() -> None:
    assert touched(FILES, ["b", "h", "z"]) == [("b", "b"), ("h", "h")]


def test_the_range_of_a_file_runs_from_the_first_to_the_last_key_within_its_ends() -> None:
    assert touched(FILES, ["a", "b", "c", "cc", "z"]) == [("a", "c")]


def test_keys_that_no_file_may_hold_touch_nothing() -> None:
    assert touched(FILES, ["m", "z"]) == []


def test_where_every_file_may_hold_a_key_there_is_nothing_to_skip() -> None:
    assert touched(FILES, ["a", "e", "g", "l"]) is None


def test_files_may_overlap_and_keys_be_numbers() -> None:
    assert touched([(1, 10), (5, 20), (30, 40)], [7, 12]) == [(7, 7), (7, 12)]


def test_many_ranges_are_joined_and_hold_every_key_that_a_file_may_hold() -> None:
    rng = random.Random(7)
    files: list[Range] = [(at, at + 5) for at in range(0, 10_000, 10)]
    keys = sorted(rng.sample(range(10_000), 300))
    found = touched(files, keys)
    assert found is not None
    assert 0 < len(found) <= 32
    met = [key for key in keys if any(low <= key <= high for low, high in files)]
    assert all(any(low <= key <= high for low, high in found) for key in met)


def test_parts_in_order_are_one_range_also_where_some_overlap() -> None:
    assert begins_of([["a", "c"], ["d", "f"], ["g", "i"]]) == []
    assert begins_of([[1, 5], [4, 9], [8, 12], [13, 20]]) == []
    assert begins_of([["z", "a", "m"]]) == begins_of([[], ["a"], []]) == begins_of([]) == []


def test_parts_in_no_order_are_as_many_ranges_of_about_one_size() -> None:
    keys = random.Random(7).sample(range(10_000), 10_000)
    begins = begins_of([keys[at : at + 1_000] for at in range(0, 10_000, 1_000)])
    assert len(begins) == 9
    assert begins == sorted(begins)
    sizes = [high - low for low, high in pairwise([0, *begins, 10_000])]
    assert 700 < min(sizes) <= max(sizes) < 1_300


def test_ranges_are_never_more_than_can_be_written_at_once() -> None:
    keys = random.Random(7).sample(range(10_000), 10_000)
    assert len(begins_of([keys[at : at + 100] for at in range(0, 10_000, 100)])) == 31
    assert begins_of([[1, 2], [1, 2], [1, 2], [1, 2]]) == [1, 2]
