"""What silver becomes in `<feed>_final` (contracts.md, Writing)."""

from typing import Any

import pyarrow as pa

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


def rows(table: pa.Table) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in table.to_pylist()]


UNKNOWN = ("UNKNOWN", "Unknown", "UNKNOWN", None, None)


def test_a_dimension_has_an_unknown_member_and_all_else_null() -> None:
    final = final_of(dimension(("A1", "Ann", "C1", None, 3)), DIMENSION, {})
    assert rows(final) == [("A1", "Ann", "C1", None, 3), UNKNOWN]
    assert final.schema == SCHEMA


def test_a_dimension_without_rows_has_its_unknown_member() -> None:
    assert rows(final_of(dimension(), DIMENSION, {})) == [UNKNOWN]


def test_a_delivered_row_of_the_key_unknown_is_that_member() -> None:
    delivered = dimension(("UNKNOWN", "Nobody", "C1", None, 3), ("A1", "Ann", "C1", None, None))
    assert rows(with_unknown_member(delivered, DIMENSION)) == [
        ("A1", "Ann", "C1", None, None),
        UNKNOWN,
    ]


def test_references_of_a_dimension_stay_as_delivered() -> None:
    delivered = dimension(("A1", "Ann", "nowhere", None, 3), ("A2", None, None, None, None))
    assert rows(final_of(delivered, DIMENSION, {}))[:2] == [
        ("A1", "Ann", "nowhere", None, 3),
        ("A2", None, None, None, None),
    ]


def test_a_reference_of_a_fact_that_resolves_to_nothing_is_unknown() -> None:
    delivered = facts(
        ("1", "C1", "A1", "nowhere"), ("2", "nowhere", "A1", None), ("3", None, "a1", "")
    )
    final = final_of(delivered, FACT, {"centers": keys("C1"), "agents": keys("A1", "A2")})
    assert rows(final) == [
        ("1", "C1", "A1", "nowhere"),
        ("2", "UNKNOWN", "A1", None),
        ("3", "UNKNOWN", "UNKNOWN", ""),
    ]


def test_where_a_dimension_is_empty_every_reference_is_unknown() -> None:
    nothing = pa.chunked_array([], pa.string())
    final = final_of(facts(("1", "C1", None, None)), FACT, {"centers": nothing, "agents": nothing})
    assert rows(final) == [("1", "UNKNOWN", "UNKNOWN", None)]


def test_a_fact_without_rows_stays_so() -> None:
    final = final_of(facts(), FACT, {"centers": keys("C1"), "agents": keys()})
    assert (final.num_rows, final.column_names) == (0, ["id", "center", "agent", "note"])


def test_rows_are_sorted_by_key_as_bytes() -> None:
    delivered = facts(*((key, None, None, None) for key in ("é", "a", "Z", "10", "9", "zz")))
    final = final_of(delivered, FACT, {"centers": keys(), "agents": keys()})
    assert final["id"].to_pylist() == ["10", "9", "Z", "a", "zz", "é"]


def test_columns_stand_in_declared_order_and_technical_ones_are_left_out() -> None:
    delivered = facts(("1", "C1", "A1", "x")).select(["note", "agent", "id", "center"])
    with_place = delivered.append_column("_line", pa.array([7]))
    final = final_of(with_place, FACT, {"centers": keys("C1"), "agents": keys("A1")})
    assert rows(final) == [("1", "C1", "A1", "x")]
