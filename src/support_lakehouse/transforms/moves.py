"""Owns how figures of the report move: what each cause takes out of one and puts into another.

First whole cells move where a dimension's names changed, centres before departments; then each
changed interaction leaves its old cell and enters its new one, both called by the new names. The
steps follow one upon the other, so they add up to the difference, to the last digit.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

from support_lakehouse.transforms.finals import UNKNOWN_KEY, UNKNOWN_TEXT
from support_lakehouse.transforms.report import CUBE, KEYS, MEASURES, contributions

Place = tuple[str, str, str]
Number = int | Decimal
Names = Mapping[str, str]
_CENTER, _CATEGORY = CUBE[1:]

CHANGED = """
SELECT coalesce(a.{key}, b.{key}) AS key,
       {sides}
FROM (SELECT * FROM a WHERE {a}) a FULL OUTER JOIN (SELECT * FROM b WHERE {b}) b
  ON a.{key} = b.{key}
WHERE a._row_hash IS DISTINCT FROM b._row_hash
"""
SIDE = (
    *("interaction_start", "contact_center_id", "category_id", "channel"),
    *("call_duration_minutes", "_period", "_file", "_line"),
)
"""What is read of an interaction, as it was and as it is."""
DELETES = """
SELECT key, period, file, line, admission FROM bronze
WHERE action = 'delete' AND reasons IS NULL AND key IS NOT NULL
"""


def changed_sql(key: str, there: Mapping[str, bool]) -> str:
    """The rows of two versions of a table that differ, side by side; a side may count as empty."""
    sides = ", ".join(f"{side}.{name} AS {side}_{name}" for side in "ab" for name in SIDE)
    counts = {side: str(is_there).lower() for side, is_there in there.items()}
    return CHANGED.format(key=key, sides=sides, **counts)


def names_of(dimension: pa.Table, key: str, column: str) -> Names:
    """What each key of a dimension is called; the built-in member has no name of its own."""
    told = dict(zip(dimension[key].to_pylist(), dimension[column].to_pylist(), strict=True))
    told.pop(UNKNOWN_KEY, None)
    return {k: name for k, name in told.items() if name}


def name_in(names: Names, key: str | None) -> str:
    return names.get(key or "", UNKNOWN_TEXT)


def side_of(changed: pa.Table, side: str, zone: str) -> pa.Table:
    """One side of the changed rows with what each adds to the measures; rows that it has only."""
    columns = {name: changed[f"{side}_{name}"] for name in SIDE}
    rows = pa.table({"key": changed["key"], "cause": changed["cause"], **columns})
    there = rows.filter(pc.is_valid(rows["_file"]))
    return contributions(there, zone).select(["key", "cause", *CUBE, *MEASURES])


def by_key(before: pa.Table, after: pa.Table, centers: Names, categories: Names) -> pa.Table:
    """What each key adds to each figure: key, cause, KEYS, MEASURES; nothing that comes to zero."""
    minus = before.select(["key", "cause", *CUBE])
    for measure in MEASURES:
        minus = minus.append_column(measure, _negated(before[measure]))
    rows = pa.concat_tables([minus, after.select(minus.column_names).cast(minus.schema)])
    named = pa.table(
        {
            "key": rows["key"],
            "cause": rows["cause"],
            "month": rows["month"],
            "contact_center_name": _renamed(rows[_CENTER], centers),
            "department": _renamed(rows[_CATEGORY], categories),
            **{m: rows[m] for m in MEASURES},
        }
    )
    keys = ["key", "cause", *KEYS]
    told = named.group_by(keys).aggregate([(m, "sum") for m in MEASURES])
    told = told.rename_columns([*keys, *MEASURES])
    moves = [pc.not_equal(pc.cast(told[m], pa.decimal128(38, 4)), Decimal(0)) for m in MEASURES]
    return told.filter(pc.or_(pc.or_(moves[0], moves[1]), moves[2])).sort_by("key")


def cell_moves(
    cube: pa.Table, before: tuple[Names, Names], after: tuple[Names, Names]
) -> Iterable[tuple[int, str, Place, Place, Sequence[Number]]]:
    """Whole cells that go by other names: which dimension (0 centres, 1 categories), its key.

    Then from where to where, and the measures.
    """
    columns = (cube[name].to_pylist() for name in (*CUBE, *MEASURES))
    for month, center, category, *measures in zip(*columns, strict=True):
        told = [
            (month, name_in(c, center), name_in(d, category))
            for c, d in (before, (after[0], before[1]), after)
        ]
        for step, key in enumerate((center, category)):
            if told[step] != told[step + 1]:
                yield step, key, told[step], told[step + 1], measures


def _negated(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.cast(pc.negate(column), column.type)


def _renamed(keys: pa.ChunkedArray, names: Names) -> pa.Array:
    encoded = keys.combine_chunks().dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    called = pa.array([name_in(names, k) for k in encoded.dictionary.to_pylist()], pa.string())
    if not len(called):
        return pa.array([UNKNOWN_TEXT] * len(encoded), pa.string())
    return pc.fill_null(called.take(encoded.indices), UNKNOWN_TEXT)
