"""The fold, the report and the finals, against figures worked out by hand."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from .model import Balance, calculate
from .stories import EXTRACTS, header, interaction, write_story

CENTERS = EXTRACTS["contact_centers"]
CENTER_CHANGES = header("contact_centers")
CATEGORIES = EXTRACTS["service_categories"]
INTERACTIONS = EXTRACTS["interactions"]
FEBRUARY = "delta/contact_centers_delta_202502.csv"


def report(data: Path, as_of: str | None = None) -> list[tuple[object, ...]]:
    return [tuple(row.values()) for row in calculate(data, as_of=as_of).support_report]


def centers(data: Path, as_of: str | None = None) -> list[tuple[object, ...]]:
    return [tuple(row.values()) for row in calculate(data, as_of=as_of).silver["contact_centers"]]


def test_a_month_is_folded_after_the_extract_and_the_last_line_for_a_key_wins(
    tmp_path: Path,
) -> None:
    changes = "C1,second,X,add\nC1,third,Y,update\nC2,two,,update\n"
    data = write_story(
        tmp_path,
        {
            "initial/contact_centers.csv": CENTERS + "C1,first,X\n",
            FEBRUARY: CENTER_CHANGES + changes,
        },
    )
    result = calculate(data)
    assert centers(data) == [("C1", "third", "Y"), ("C2", "two", None)]
    assert result.balances[FEBRUARY] == Balance(read=3, inserted=1, updated=1, superseded=1)


def test_a_delete_that_stands_last_wins_over_an_add_in_the_same_file(tmp_path: Path) -> None:
    changes = "C1,a,,add\nC2,b,,add\nC1,,,delete\n"
    data = write_story(tmp_path, {FEBRUARY: CENTER_CHANGES + changes})
    assert centers(data) == [("C2", "b", None)]
    assert calculate(data).balances[FEBRUARY] == Balance(
        read=3, inserted=1, absent_deletes=1, superseded=1
    )


def test_a_delete_takes_away_and_a_later_add_brings_back(tmp_path: Path) -> None:
    march, april = FEBRUARY.replace("02.", "03."), FEBRUARY.replace("02.", "04.")
    data = write_story(
        tmp_path,
        {
            "initial/contact_centers.csv": CENTERS + "C1,one,\n",
            FEBRUARY: CENTER_CHANGES + "C1,,,delete\n",
            march: CENTER_CHANGES + "C1,,,DELETE\n",
            april: CENTER_CHANGES + "C1,again,,update\n",
        },
    )
    result = calculate(data)
    assert result.balances[FEBRUARY] == Balance(read=1, deleted=1)
    assert result.balances[march] == Balance(read=1, absent_deletes=1)
    assert result.balances[april] == Balance(read=1, inserted=1)
    assert centers(data) == [("C1", "again", None)]
    assert centers(data, as_of="202503") == []


def test_an_upsert_of_equal_values_is_unchanged_whatever_its_spelling(tmp_path: Path) -> None:
    again = interaction("I1", "2025-01-05 09:30:00.0-05:00", call_duration_minutes="014.0000")
    file = "delta/interactions_delta_202502.csv"
    data = write_story(
        tmp_path,
        {
            "initial/interactions.csv": INTERACTIONS
            + interaction("I1", call_duration_minutes="14"),
            file: header("interactions") + again.rstrip("\n") + ",Update \n",
        },
    )
    assert calculate(data).balances[file] == Balance(read=1, unchanged=1)


def test_rejected_rows_neither_supersede_nor_apply(tmp_path: Path) -> None:
    changes = "C1,kept,,add\nC1,lost,,remove\nC1,lost\n,lost,,add\n"
    data = write_story(tmp_path, {FEBRUARY: CENTER_CHANGES + changes})
    result = calculate(data)
    assert centers(data) == [("C1", "kept", None)]
    assert result.balances[FEBRUARY] == Balance(read=4, inserted=1, rejected=3)
    assert [(row.line, row.reasons) for row in result.rejected] == [
        (3, ("action",)),
        (4, ("width",)),
        (5, ("required:contact_center_id",)),
    ]


def test_a_row_gets_all_its_reasons_and_a_delete_needs_its_key_alone(tmp_path: Path) -> None:
    lines = [
        ",,,,,,,,,,,",
        "I1,,,,,,soon,,,,,upsert",
        "I2,never,,,,,soon,,,x,4.5,delete",
        ",,,,,,,,,,,delete",
        "I3,,,,,,,,,,,add",
        ",,,,,,2025-02-30,,,,,ADD",
    ]
    file = "delta/interactions_delta_202502.csv"
    data = write_story(tmp_path, {file: header("interactions") + "\n".join(lines)})
    result = calculate(data)
    assert [(row.line, row.reasons) for row in result.rejected] == [
        (2, ("action", "required:interaction_id", "required:interaction_start")),
        (3, ("action", "unreadable:interaction_start")),
        (5, ("required:interaction_id",)),
        (6, ("required:interaction_start",)),
        (7, ("required:interaction_id", "unreadable:interaction_start")),
    ]
    assert result.balances[file] == Balance(read=6, absent_deletes=1, rejected=5)
    assert result.warnings[file] == {}


def test_unreadable_cells_of_accepted_rows_become_null_and_are_counted(tmp_path: Path) -> None:
    file = "initial/interactions.csv"
    bad = {"call_duration_minutes": "4e0", "satisfaction_rating": "4.5"}
    rows = [
        interaction("I1", timestamp="now", **bad),
        interaction("I2", satisfaction_rating="4.0", call_duration_minutes="1.00000"),
        interaction("", satisfaction_rating="4.5"),
    ]
    result = calculate(write_story(tmp_path, {file: INTERACTIONS + "".join(rows)}))
    first, second = result.silver["interactions"]
    assert (first["timestamp"], first["call_duration_minutes"]) == (None, None)
    assert (second["call_duration_minutes"], second["satisfaction_rating"]) == (Decimal(1), 4)
    assert result.warnings[file] == {
        "unreadable:timestamp": 1,
        "unreadable:call_duration_minutes": 1,
        "unreadable:satisfaction_rating": 1,
    }


def test_the_month_is_that_of_the_start_at_five_hours_behind_utc(tmp_path: Path) -> None:
    rows = [
        interaction("I1", "2025-03-01T04:59:59.999999Z"),
        interaction("I2", "2025-03-01T05:00:00Z"),
        interaction("I3", "2025-07-01T04:30:00Z"),
        interaction("I4", "2025-03-01T00:30:00+0530"),
    ]
    data = write_story(tmp_path, {"initial/interactions.csv": INTERACTIONS + "".join(rows)})
    assert [(row[0], row[3]) for row in report(data)] == [
        ("2025-02", 2),
        ("2025-03", 1),
        ("2025-06", 1),
    ]


def test_centres_of_one_name_are_one_group_and_calls_are_phone_in_any_case(tmp_path: Path) -> None:
    rows = [
        interaction("I1", contact_center_id="C1", channel=" PHONE", call_duration_minutes="1.5"),
        interaction("I2", contact_center_id="C2", channel="web", call_duration_minutes="-0.25"),
        interaction("I3", contact_center_id="C2", channel="phones"),
    ]
    data = write_story(
        tmp_path,
        {
            "initial/contact_centers.csv": CENTERS + "C1,Boston,x\nC2,Boston ,y\n",
            "initial/interactions.csv": INTERACTIONS + "".join(rows),
        },
    )
    assert report(data) == [("2025-01", "Boston", "Unknown", 3, 1, Decimal("1.25"))]


def test_names_are_unknown_for_no_reference_a_lost_one_and_an_empty_name(tmp_path: Path) -> None:
    rows = [
        interaction("I1", contact_center_id="C1", category_id="K1"),
        interaction("I2", contact_center_id="c2"),
        interaction("I3", contact_center_id="C2", category_id="GONE"),
    ]
    data = write_story(
        tmp_path,
        {
            "initial/contact_centers.csv": CENTERS + "C1,,x\nC2,Two,y\n",
            "initial/service_categories.csv": CATEGORIES + "K1,Kind,\n",
            "initial/interactions.csv": INTERACTIONS + "".join(rows),
        },
    )
    assert report(data) == [
        ("2025-01", "Two", "Unknown", 1, 0, Decimal(0)),
        ("2025-01", "Unknown", "Unknown", 2, 0, Decimal(0)),
    ]
    finals = calculate(data).finals["interactions_final"]
    references = [(row["contact_center_id"], row["category_id"]) for row in finals]
    assert references == [("C1", "K1"), ("UNKNOWN", "UNKNOWN"), ("C2", "UNKNOWN")]


def test_a_row_that_comes_later_gives_its_name_to_earlier_facts(tmp_path: Path) -> None:
    start = INTERACTIONS + interaction("I1", contact_center_id="C1")
    change = CENTER_CHANGES + "C1,Late,,add\n"
    data = write_story(tmp_path, {"initial/interactions.csv": start, FEBRUARY: change})
    assert [row[1] for row in report(data)] == ["Late"]
    assert [row[1] for row in report(data, as_of="202501")] == ["Unknown"]


def test_finals_hold_one_unknown_member_even_if_the_key_was_delivered(tmp_path: Path) -> None:
    agents = EXTRACTS["agents"] + "A1,Ann,NOWHERE,2024-01-15,\nUNKNOWN,Bob,C1,2024-01-15,K1\n"
    finals = calculate(write_story(tmp_path, {"initial/agents.csv": agents})).finals
    assert [tuple(row.values()) for row in finals["agents_final"]] == [
        ("A1", "Ann", "NOWHERE", date(2024, 1, 15), None),
        ("UNKNOWN", "Unknown", "UNKNOWN", None, "UNKNOWN"),
    ]
    assert [tuple(row.values()) for row in finals["contact_centers_final"]] == [
        ("UNKNOWN", "Unknown", "Unknown")
    ]


def test_a_reference_to_the_unknown_member_is_unknown_in_the_report_too(tmp_path: Path) -> None:
    row = interaction("I1", contact_center_id="UNKNOWN")
    data = write_story(
        tmp_path,
        {
            "initial/contact_centers.csv": CENTERS + "UNKNOWN,Delivered,x\n",
            "initial/interactions.csv": INTERACTIONS + row,
        },
    )
    assert report(data) == [("2025-01", "Unknown", "Unknown", 1, 0, Decimal(0))]
    assert centers(data) == [("UNKNOWN", "Delivered", "x")]


def test_months_asked_for_are_the_only_ones_folded(tmp_path: Path) -> None:
    march = FEBRUARY.replace("02.", "03.")
    changes = {FEBRUARY: "C1,a,,add\n", march: "C2,b,,add\n"}
    data = write_story(tmp_path, {name: CENTER_CHANGES + text for name, text in changes.items()})
    assert [
        row["contact_center_id"] for row in calculate(data, ["202503"]).silver["contact_centers"]
    ] == ["C2"]
    assert calculate(data, []).silver["contact_centers"] == []
    with pytest.raises(ValueError, match="202504"):
        calculate(data, ["202504"])
