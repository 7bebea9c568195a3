"""What silver becomes in `<feed>_final` (contracts.md, Writing)."""

from typing import Any

import pyarrow as pa
import pytest

from support_lakehouse.model.feed import Feed
from support_lakehouse.transforms.finals import final_of, with_unknown_member


def feed(final: dict[str, bool], columns: dict[str, Any]) -> Feed:
    return Feed.model_validate(
        {
            "feed": "things",
            "kind": "changes",
            "files": {"initial": "initial/things.csv", "changes": "delta/things_{month}.csv"},
            "key": "id",
            "action": "action",
            "columns": columns,
            "final": final,
        }
    )


DIMENSION = feed(
    {"unknown_member": True},
    {"id": "text", "name": "text", "center": {"type": "text", "references": "centers"}}
    | {"hired": "date", "size": "integer"},
)
FACT = feed(
    {"repair_references": True},
    {"id": "text", "center": {"type": "text", "references": "centers"}}
    | {"agent": {"type": "text", "references": "agents"}, "note": "text"},
)
SCHEMA = pa.schema(
    [("id", pa.string()), ("name", pa.string()), ("center", pa.string())]
    + [("hired", pa.date32()), ("size", pa.int64())]
)


def dimension(*rows: tuple[Any, ...]) -> pa.Table:
    names = SCHEMA.names
    return pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in rows], SCHEMA)


def facts(*rows: tuple[str | None, ...]) -> pa.Table:
    names = ("id", "center", "agent", "note")
    schema = pa.schema([(name, pa.string()) for name in names])
    return pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in rows], schema)


def keys(*values: str) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values, pa.string())])


def rows(*parts: pa.Table) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for part in parts for row in part.to_pylist()]


def final_rows(*args: Any) -> list[tuple[Any, ...]]:
    """What becomes of parts of a silver table, a feed and the keys that it may refer to."""
    return rows(*final_of(*args))


UNKNOWN = ("UNKNOWN", "Unknown", "UNKNOWN", None, None)


def test_a_dimension_has_an_unknown_member_and_all_else_null() -> None:
    parts = list(final_of([dimension(("A1", "Ann", "C1", None, 3))], DIMENSION, {}))
    assert rows(*parts) == [("A1", "Ann", "C1", None, 3), UNKNOWN]
    assert {part.schema for part in parts} == {SCHEMA}


def test_a_dimension_without_rows_has_its_unknown_member() -> None:
    assert final_rows([dimension()], DIMENSION, {}) == [UNKNOWN]


def test_a_delivered_row_of_the_key_unknown_is_that_member() -> None:
    delivered = dimension(("A1", "Ann", "C1", None, None), ("UNKNOWN", "Nobody", "C1", None, 3))
    assert rows(*with_unknown_member([delivered], DIMENSION)) == [
        ("A1", "Ann", "C1", None, None),
        UNKNOWN,
    ]


@pytest.mark.parametrize(
    "parts",
    [
        (("A1", "T1"), ("UNKNOWNS", "Z1")),
        (("A1",), ("T1", "UNKNOWNS"), ("Z1",)),
        (("A1",), ("T1", "UNKNOWN", "UNKNOWNS"), ("Z1",)),
        (("A1", "T1"), ("UNKNOWN",), ("UNKNOWNS", "Z1"), ()),
        (("A1", "T1", "UNKNOWN"), ("UNKNOWNS", "Z1")),
    ],
)
def test_the_unknown_member_has_its_place_among_the_parts_once(
    parts: tuple[tuple[str, ...], ...],
) -> None:
    delivered = [dimension(*((key, "Ann", "C1", None, 3) for key in part)) for part in parts]
    final = final_rows(delivered, DIMENSION, {})
    assert [row[0] for row in final] == ["A1", "T1", "UNKNOWN", "UNKNOWNS", "Z1"]
    assert UNKNOWN in final


def test_references_of_a_dimension_stay_as_delivered() -> None:
    delivered = dimension(("A1", "Ann", "nowhere", None, 3), ("A2", None, None, None, None))
    assert final_rows([delivered], DIMENSION, {})[:2] == [
        ("A1", "Ann", "nowhere", None, 3),
        ("A2", None, None, None, None),
    ]


def test_a_reference_of_a_fact_that_resolves_to_nothing_is_unknown() -> None:
    parts = [
        facts(("1", "C1", "A1", "nowhere"), ("2", "nowhere", "A1", None)),
        facts(("3", None, "a1", "")),
    ]
    assert final_rows(parts, FACT, {"centers": keys("C1"), "agents": keys("A1", "A2")}) == [
        ("1", "C1", "A1", "nowhere"),
        ("2", "UNKNOWN", "A1", None),
        ("3", "UNKNOWN", "UNKNOWN", ""),
    ]


def test_where_a_dimension_is_empty_every_reference_is_unknown() -> None:
    nothing = pa.chunked_array([], pa.string())
    known = {"centers": nothing, "agents": nothing}
    assert final_rows([facts(("1", "C1", None, None))], FACT, known) == [
        ("1", "UNKNOWN", "UNKNOWN", None)
    ]


def test_a_fact_without_rows_stays_so() -> None:
    (final,) = final_of([facts()], FACT, {"centers": keys("C1"), "agents": keys()})
    assert (final.num_rows, final.column_names) == (0, ["id", "center", "agent", "note"])
