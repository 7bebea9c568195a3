"""Where a table is cut into parts, by a few places of its order."""

import pyarrow as pa

from support_lakehouse.transforms.ordering import cuts_of


def test_small_batches_tell_no_more_places_than_large_ones() -> None:
    places = pa.table({"id": list(range(2_500))})
    for size in (1, 7, 2_500):
        batches = places.to_batches(max_chunksize=size)
        assert cuts_of(batches, 1_000) == (2_500, [(1_000,), (2_000,)])


def test_a_table_of_one_part_is_not_cut() -> None:
    places = pa.table({"id": ["b", "a", "c"]})
    assert cuts_of(places.to_batches(), 3) == (3, [])
    assert cuts_of(places.to_batches(), 2) == (3, [("c",)])
    assert cuts_of([], 2) == (0, [])
