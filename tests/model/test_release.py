"""The release: what its state and its hash stand for (design.md, L4)."""

from dataclasses import replace
from typing import Any

import pytest

from support_lakehouse.model.release import FORMAT, Kind, Release, TableState, maker_of, only_as_of

TABLES = {
    "bronze/agents": TableState(1, 5, "b0"),
    "gold/support_report": TableState(2, 3, "60"),
    "ops/files": TableState(1, 1, "0f"),
    "quarantine": TableState(0, 1, "9a"),
    "silver/agents": TableState(4, 4, "51"),
}
RELEASE = Release(
    release=1,
    at="2025-04-01T08:00:00Z",
    run="r1",
    kind="run",
    months=("202502",),
    files=("a.csv",),
    rows={"read": 5},
    tables=TABLES,
    as_of={"202501": {"silver/agents": 3}, "202502": {"silver/agents": 4}},
    earlier={"silver/agents": (TableState(3, 2, "50"),)},
    refusals=(),
    code="c0de",
    config="c0ff",
    previous="",
)


def with_table(name: str, state: TableState) -> Release:
    return replace(RELEASE, tables={**TABLES, name: state})


@pytest.mark.parametrize("name", ["silver/agents", "gold/support_report"])
def test_the_state_tells_rows_and_content_of_silver_and_gold(name: str) -> None:
    version, rows, fingerprint = vars(TABLES[name]).values()
    assert with_table(name, TableState(version, rows, "ff")).state != RELEASE.state
    assert with_table(name, TableState(version, 99, fingerprint)).state != RELEASE.state


def test_the_state_does_not_depend_on_versions() -> None:
    assert with_table("silver/agents", TableState(77, 4, "51")).state == RELEASE.state


@pytest.mark.parametrize("name", ["bronze/agents", "ops/files", "quarantine", "ops/releases"])
def test_the_state_ignores_all_other_tables(name: str) -> None:
    assert with_table(name, TableState(9, 9, "ff")).state == RELEASE.state


def test_the_state_does_not_depend_on_order_or_on_the_run() -> None:
    other = replace(RELEASE, release=9, at="later", run="r9", code="new", previous="abc")
    assert replace(other, tables=dict(reversed(TABLES.items()))).state == RELEASE.state


def test_a_new_table_is_a_new_state() -> None:
    assert with_table("silver/calls", TableState(0, 1, "ca")).state != RELEASE.state


def test_a_table_without_rows_is_as_one_that_never_came() -> None:
    assert with_table("silver/calls", TableState(3, 0, "0")).state == RELEASE.state


def test_a_state_is_sixteen_characters_and_a_hash_sixty_four() -> None:
    assert (len(RELEASE.state), len(RELEASE.hash)) == (16, 64)


@pytest.mark.parametrize(
    "change",
    [
        {"release": 2},
        {"at": "2025-04-01T08:00:01Z"},
        {"run": "r2"},
        {"kind": "replay"},
        {"months": ()},
        {"files": ("b.csv",)},
        {"rows": {"read": 6}},
        {"tables": {**TABLES, "ops/files": TableState(2, 1, "0f")}},
        {"as_of": {}},
        {"earlier": {"silver/agents": (TableState(3, 2, "51"),)}},
        {"refusals": ({"feed": "a", "file": "b", "why": "c"},)},
        {"code": "other"},
        {"config": "other"},
        {"previous": "abc"},
        {"format": FORMAT + 1},
    ],
    ids=lambda change: next(iter(change)),
)
def test_the_hash_tells_every_field(change: dict[str, Any]) -> None:
    assert replace(RELEASE, **change).hash != RELEASE.hash


def test_every_version_that_a_release_is_read_by_has_a_state() -> None:
    assert sorted(RELEASE.states(), key=str) == sorted(
        [*TABLES.items(), ("silver/agents", TableState(3, 2, "50"))], key=str
    )
    as_of = {"initial": {"silver/agents": 1, "silver/calls": 7}, **RELEASE.as_of}
    only = {("silver/agents", 1), ("silver/agents", 3), ("silver/calls", 7)}
    assert only_as_of(as_of, TABLES) == only


def test_a_change_in_an_old_release_breaks_the_chain() -> None:
    second = replace(RELEASE, release=2, previous=RELEASE.hash)
    forged = replace(RELEASE, rows={"read": 4})
    assert second.previous == RELEASE.hash
    assert second.previous != forged.hash


def test_the_hash_is_the_same_for_lists_and_in_any_order_of_keys() -> None:
    read_back = replace(RELEASE, months=["202502"], tables=dict(reversed(TABLES.items())))  # type: ignore[arg-type]
    assert read_back.hash == RELEASE.hash


def history(*told: tuple[Kind, int, str]) -> list[Release]:
    """Releases with their kind, and the version and content of one table."""
    return [
        replace(RELEASE, release=n, kind=kind, tables={"gold/a": TableState(version, 1, content)})
        for n, (kind, version, content) in enumerate(told, start=1)
    ]


@pytest.mark.parametrize(
    ("told", "maker"),
    [
        ([("run", 0, "a")], 1),
        ([("run", 0, "a"), ("run", 1, "b")], 2),
        ([("run", 0, "a"), ("refusal", 0, "a"), ("run", 0, "a")], 1),
        ([("run", 0, "a"), ("run", 1, "b"), ("recovery", 3, "b")], 2),
        ([("run", 0, "a"), ("maintenance", 1, "a"), ("replay", 1, "a")], 1),
        ([("run", 0, "a"), ("run", 1, "b"), ("rollback", 2, "a"), ("refusal", 2, "a")], 1),
        ([("run", 0, "a"), ("run", 1, "a")], 2),  # made anew, and came out the same
    ],
)
def test_a_table_was_made_by_the_release_that_last_worked_it_out(
    told: list[tuple[Kind, int, str]], maker: int
) -> None:
    releases = history(*told)
    assert maker_of("gold/a", releases[-1], releases).release == maker
