"""Which paths belong to a feed, and the period that each of them tells."""

from typing import Any

import pytest
from pydantic import ValidationError

from support_lakehouse.model.patterns import FilePatterns, PathPattern


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        (
            "calls/*.csv",
            {
                "calls/a.csv": "",
                "calls/.csv": "",
                "calls/a b é.csv": "",
                "calls/a.csv.gz": "",
                "calls/a\n.csv": "",
                "calls/x/a.csv": None,
                "calls/a.CSV": None,
                "calls/a.csv.bak": None,
                "calls/a.csv.gz.gz": None,
                "calls/a.csv/": None,
                "/calls/a.csv": None,
                "xcalls/a.csv": None,
                "calls/acsv": None,
            },
        ),
        (
            "c*s/*_x*.csv",
            {"cs/_x.csv": "", "calls/1_x2.csv": "", "calls/1x2.csv": None, "c/s/_x.csv": None},
        ),
        (
            "t_{month}.csv",
            {
                "t_202502.csv": "202502",
                "t_202502.csv.gz": "202502",
                "t_202500.csv": None,
                "t_202513.csv": None,
                "t_000001.csv": None,
                "t_2025-02.csv": None,
                "t_\u0662\u0660\u0662\u0665\u0660\u0662.csv": None,
            },
        ),
        (
            "t_*{month}*.csv",
            {"t_x202502y.csv": "202502", "t_202502.csv": "202502", "t_.csv": None},
        ),
        (
            "{date}/*.csv",
            {
                "2025-01-31/a.csv": "2025-01-31",
                "2024-02-29/a.csv": "2024-02-29",
                "2025-02-29/a.csv": None,
                "2025-1-31/a.csv": None,
                "20250131/a.csv": None,
                "0000-01-01/a.csv": None,
            },
        ),
        (
            "sync-{day}/agents/*.json",
            {
                "sync-2026-01-02/agents/1.json": "2026-01-02",
                "sync-day1/agents/1.json": "day1",
                "sync-2026-02-30/agents/1.json": "2026-02-30",
                "sync-/agents/1.json": None,
                "sync-a/b/agents/1.json": None,
            },
        ),
        ("a.b+c(1)[2]$^|?.csv", {"a.b+c(1)[2]$^|?.csv": "", "axb+c(1)[2]$^|?.csv": None}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_pattern_takes_paths_and_tells_what_stands_for_the_period(
    pattern: str, told: dict[str, str | None]
) -> None:
    one = PathPattern(pattern)
    assert {path: one.label_of(path) for path in told} == told


@pytest.mark.parametrize(
    ("pattern", "folder", "place"),
    [
        ("a.csv", "", None),
        ("initial/a.csv", "initial", None),
        ("a/b/*.csv", "a/b", None),
        ("a/*/c/d.csv", "a", None),
        ("a/sync-{day}/c/*.json", "a", "day"),
        ("{month}/a.csv", "", "month"),
        ("a/b_{date}.csv", "a", "date"),
    ],
)
def test_a_pattern_knows_the_folder_to_look_in(
    pattern: str, folder: str, place: str | None
) -> None:
    one = PathPattern(pattern)
    assert (one.folder, one.place) == (folder, place)


INSIDE = "must be a path inside the data folder"
CONTROL = "holds a backslash or a control character"
BRACES = "only {month}, {date} and {day} may stand in braces"
ONCE = "one of {month}, {date} and {day}, once"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        *((text, INSIDE) for text in ("/a", "//a", "..", "../a", "a/..", "a/../b", "a/./b", ".")),
        *((text, INSIDE) for text in ("a//b", "a/", "./a", "/")),
        *((text, CONTROL) for text in ("a\\b", "..\\a", "C:\\a", "a\nb", "a\x00b", "a\tb", "\x1b")),
        *((text, BRACES) for text in ("{", "}", "{}", "a{month", "month}", "{Month}", "{year}")),
        *((text, BRACES) for text in ("{ month}", "{{month}}", "{month:02}", "{a..z}")),
        *((text, ONCE) for text in ("{month}{month}", "{month}/{date}", "{day}/{day}")),
    ],
)
def test_what_is_no_path_inside_the_data_folder_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValidationError) as error:
        FilePatterns(deliveries=(text,))
    assert why in str(error.value)


def test_a_text_that_means_something_elsewhere_is_a_name_like_any_other() -> None:
    for text in ("~/a.csv", "$HOME", "%2e%2e/a", "a;rm -rf b", "a'b\"c", "?", "[a]", "a b"):
        assert FilePatterns(deliveries=(text,)).label_of(text) == ""
        assert FilePatterns(deliveries=(text,)).label_of("x") is None


@pytest.mark.parametrize("told", ["", [""], ["a.csv", ""]], ids=str)
def test_an_empty_path_is_refused(told: Any) -> None:
    with pytest.raises(ValidationError):
        FilePatterns(deliveries=told)


@pytest.mark.parametrize("initial", ["initial/*.csv", "initial/{month}.csv", "{date}"])
def test_an_extract_is_one_file(initial: str) -> None:
    with pytest.raises(ValidationError, match="`initial` is the path of one file"):
        FilePatterns(initial=initial)


def test_a_feed_of_changes_tells_the_extract_from_the_months() -> None:
    files = FilePatterns(initial="t.csv", changes="d/t_{month}.csv")
    assert [files.label_of(p) for p in ("t.csv", "d/t_202502.csv", "d/t.csv")] == [
        "initial",
        "202502",
        None,
    ]
    assert (files.texts, files.place) == (("t.csv", "d/t_{month}.csv"), "month")


def test_any_of_several_paths_takes_a_file() -> None:
    files = FilePatterns(deliveries=("a_{date}.csv", "b/*_{date}.csv"))
    paths = ("a_2025-01-05.csv", "b/x_2025-01-06.csv", "b/x_2025-02-30.csv", "c.csv")
    assert [files.label_of(path) for path in paths] == ["2025-01-05", "2025-01-06", None, None]
    assert files.place == "date"


def test_deliveries_may_be_written_as_one_path() -> None:
    files = FilePatterns.model_validate({"deliveries": "calls/*.csv"})
    assert (files.deliveries, files.place) == (("calls/*.csv",), None)
