"""`feed new`: a draft is a feed that is taken as it stands, beside those of the project."""

import gzip
import shutil
from pathlib import Path

import pytest

from support_lakehouse.cli.app import _exit_code
from support_lakehouse.config import load_config
from support_lakehouse.model.feed import Feed

ROOT = Path(__file__).parents[1]
SAMPLES: dict[str, tuple[str, str]] = {
    "parcels_2026-01-05.csv": ("events", "parcel_id;size\np1;2.5\np2;3\n"),
    "parcels.csv.gz": ("events", "parcel_id,size\np1,2.5\np2,3\n"),
    "parcels_1.jsonl": ("events", '{"id": 1, "to": {"name": "x"}}\n{"id": 2, "tags": []}\n'),
    "parcels.json": ("events", '[{"parcelId": "p1"}, {"parcelId": "p2"}]'),
    "parcel-7.json": ("events", '{"id": 7, "to": {"name": "x", "street": null}}'),
    "doors.tsv": ("log", "door\tat\nfront\t10:00:00\nfront\t10:00:00\n"),
}


def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the project's conf/, which commands read; the folder of its feeds."""
    shutil.copytree(ROOT / "conf", tmp_path / "conf")
    monkeypatch.setenv("SUPPORT_LAKEHOUSE_HOME", str(tmp_path))
    return tmp_path / "conf" / "feeds"


def written(folder: Path, name: str, text: str) -> Path:
    content = text.encode()
    path = folder / name
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return path


def feed_in(feeds: Path, name: str) -> Feed:
    return load_config(feeds.parents[1]).feed(name)


@pytest.mark.parametrize("file", SAMPLES)
def test_a_draft_is_taken_as_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    feeds = copied(tmp_path, monkeypatch)
    kind, text = SAMPLES[file]
    sample = written(tmp_path, file, text)
    asked = ["--name", "drafted", "--output", str(feeds / "drafted.yml")]
    assert _exit_code(["feed", "new", str(sample), *asked]) == 0
    assert _exit_code(["config", "check"]) == 0
    feed = feed_in(feeds, "drafted")
    assert feed.kind == kind
    assert feed.files.label_of(f"drafted/{file}") is not None


def samples_of_the_project() -> list[str]:
    return sorted(str(p.relative_to(ROOT)) for p in (ROOT / "data").rglob("*") if p.is_file())


@pytest.mark.parametrize("file", samples_of_the_project())
def test_a_draft_of_each_file_of_the_project_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    feeds = copied(tmp_path, monkeypatch)
    asked = ["--name", "drafted", "--output", str(feeds / "drafted.yml")]
    assert _exit_code(["feed", "new", str(ROOT / file), *asked]) == 0
    assert feed_in(feeds, "drafted").columns


def test_a_draft_stands_on_the_screen_if_no_file_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    feeds = copied(tmp_path, monkeypatch)
    sample = written(tmp_path, "parcels_20260105.csv", "parcel_id\tsize\np1\t2.5\np2\t3\n")
    assert _exit_code(["feed", "new", str(sample)]) == 0
    (feeds / "parcels.yml").write_text(capfd.readouterr().out, encoding="utf-8")
    feed = feed_in(feeds, "parcels")
    assert (feed.key, feed.delimiter, str(feed.column("size").type)) == (
        "parcel_id",
        "\t",
        "decimal(12,1)",
    )


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (["--name", "../x"], "--name: '../x' is no name of a feed"),
        (["--name", "p" * 101], "is no name of a feed"),
        (["--output", "parcels.csv"], "parcels.csv: is there already"),
        (["--output", "nowhere/x.yml"], "nowhere/x.yml: cannot be written: No such file"),
    ],
    ids=["name", "long name", "file", "folder"],
)
def test_what_cannot_be_done_is_told_and_nothing_is_written(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    asked: list[str],
    why: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    sample = written(tmp_path, "parcels.csv", "parcel_id\np1\np2\n")
    assert _exit_code(["feed", "new", str(sample), *asked]) == 2
    out, err = capfd.readouterr()
    assert (out, why in err, len(err.splitlines())) == ("", True, 1)
    assert sample.read_text(encoding="utf-8") == "parcel_id\np1\np2\n"


def test_the_schema_is_printed_or_written(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    stored = (ROOT / "conf" / "feeds" / "feed.schema.json").read_text(encoding="utf-8")
    assert _exit_code(["config", "schema"]) == 0
    assert capfd.readouterr().out == stored
    assert _exit_code(["config", "schema", "--output", str(tmp_path / "s.json")]) == 0
    assert (tmp_path / "s.json").read_text(encoding="utf-8") == stored


def test_a_page_without_its_mark_is_left_alone(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    page = written(tmp_path, "feeds.md", "# Feeds\n")
    assert _exit_code(["config", "docs", str(page)]) == 2
    assert "feeds.md: cannot be made again: the mark is missing" in capfd.readouterr().err
    assert page.read_text(encoding="utf-8") == "# Feeds\n"
