"""What a feed declares, and which declarations cannot be meant."""

from typing import Any

import pytest
from pydantic import ValidationError

from support_lakehouse.model.feed import ColumnType, Feed

DECLARED: dict[str, Any] = {
    "feed": "agents",
    "kind": "changes",
    "files": {"initial": "initial/agents.csv", "changes": "delta/agents_delta_{month}.csv"},
    "key": "agent_id",
    "action": "action",
    "columns": {
        "agent_id": "text",
        "center": {"type": "text", "references": "centers"},
        "hired": {"type": "date", "unreadable": "warn"},
        "rating": "decimal(4,2)",
        "seen": {"type": "timestamp", "required": True, "unreadable": "warn"},
    },
}


def feed(**changes: Any) -> Feed:
    return Feed.model_validate(DECLARED | changes)


def refused(**changes: Any) -> str:
    with pytest.raises(ValidationError) as error:
        feed(**changes)
    return str(error.value)


def test_columns_stand_in_the_order_of_the_file() -> None:
    assert feed().column_names == ("agent_id", "center", "hired", "rating", "seen")
    assert feed().references == {"center": "centers"}


def test_a_key_is_required_and_others_where_they_say_so() -> None:
    required = [name for name in feed().column_names if feed().required_column(name)]
    assert required == ["agent_id", "seen"]


def test_what_is_unreadable_rejects_by_the_column_before_the_feed() -> None:
    def rejecting(one: Feed) -> list[str]:
        return [column.name for column in one.columns if one.rejects_unreadable(column)]

    assert rejecting(feed()) == ["agent_id", "center", "rating", "seen"]
    assert rejecting(feed(unreadable="warn")) == ["agent_id", "seen"]


@pytest.mark.parametrize(
    ("path", "period"),
    [
        ("initial/agents.csv", "initial"),
        ("initial/agents.csv.gz", "initial"),
        ("delta/agents_delta_202502.csv", "202502"),
        ("delta/agents_delta_202502.csv.gz", "202502"),
        ("delta/agents_delta_202502.csv.gz.gz", None),
        ("delta/agents_delta_999912.csv", "999912"),
        ("delta/agents_delta_202500.csv", None),
        ("delta/agents_delta_202513.csv", None),
        ("delta/agents_delta_000001.csv", None),
        ("delta/agents_delta_20250.csv", None),
        ("delta/agents_delta_2025021.csv", None),
        ("delta/agents_delta_202502.csv.bak", None),
        ("delta/agents_delta_202502.csv\n", None),
        ("delta/agents_delta_202502xcsv", None),
        ("delta/agents_delta_\u0662\u0660\u0662\u0665\u0660\u0662.csv", None),
        ("Delta/agents_delta_202502.csv", None),
        ("../delta/agents_delta_202502.csv", None),
        ("initial/agents.csv/", None),
    ],
)
def test_the_name_of_a_file_tells_its_period(path: str, period: str | None) -> None:
    assert feed().files.label_of(path) == period


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ("delta/agents.csv", "must hold {month} once, as in delta/agents_delta_{month}.csv"),
        ("delta/agents_{date}.csv", "must hold {month} once"),
        ("{month}/agents_{month}.csv", "one of {month}, {date} and {day}, once"),
    ],
)
def test_a_pattern_of_changes_names_the_month_once(changes: str, why: str) -> None:
    assert why in refused(files={"initial": "a.csv", "changes": changes})


def test_the_key_is_a_column_and_the_action_is_none() -> None:
    assert "no column is called 'id'; there are agent_id, center" in refused(key="id")
    assert "'hired' is a column of the table as well" in refused(action="hired")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("text", ("text", 0, 0)),
        (" date ", ("date", 0, 0)),
        ("decimal(12,4)", ("decimal", 12, 4)),
        ("decimal( 38 , 38 )", ("decimal", 38, 38)),
        ("decimal(1,0)", ("decimal", 1, 0)),
    ],
)
def test_a_type_is_written_as_a_word(text: str, expected: tuple[str, int, int]) -> None:
    kind = ColumnType.model_validate(text)
    assert (kind.name, kind.precision, kind.scale) == expected


def test_a_type_is_told_as_it_is_written() -> None:
    assert str(ColumnType.model_validate("decimal(12,4)")) == "decimal(12,4)"
    assert str(ColumnType.model_validate("date")) == "date"


@pytest.mark.parametrize(
    "text",
    ["decimal", "decimal(0,0)", "decimal(39,0)", "decimal(4,5)", "decimal(4)", "int", "Text", ""],
)
def test_other_types_are_none(text: str) -> None:
    with pytest.raises(ValidationError):
        ColumnType.model_validate(text)


@pytest.mark.parametrize(
    "changes",
    [
        {"feed": "Agents"},
        {"feed": "../agents"},
        {"kind": "stream"},
        {"unreadable": "ignore"},
        {"delimiter": ""},
        {"delimiter": '"'},
        {"delimiter": "\n"},
        {"delimiter": "||"},
        {"columns": {"Agent": "text", "agent_id": "text"}},
        {"columns": {"agent_id": {"type": "text", "requird": True}}},
        {"colums": {}},
    ],
    ids=str,
)
def test_what_cannot_be_meant_is_refused(changes: dict[str, Any]) -> None:
    assert refused(**changes)


def test_a_feed_does_not_change() -> None:
    with pytest.raises(ValidationError):
        feed().key = "center"  # type: ignore[misc]
