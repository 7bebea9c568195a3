"""Six months by six releases, with late files, corrections and a rollback among them (design 5)."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from support_lakehouse.config import Config
from support_lakehouse.io import lake, ops
from support_lakehouse.pipeline.back import rollback
from tests.product.support import command, expected, load, published
from tests.reference import model, render
from tests.reference.histories import write_history

PREFIXED = ("required", "unreadable")
SEED, MONTHS = 2025, 6


@dataclass(frozen=True)
class Told:
    """The lakehouse, the months, and for each release the files that were active in it."""

    lakehouse: Path
    months: list[str]
    active: dict[int, Path]


class Deliveries:
    """Puts files of a whole history into a data folder, a month at a time."""

    def __init__(self, whole: Path, data: Path) -> None:
        self.whole, self.data = whole, data
        shutil.copytree(whole / "initial", data / "initial")
        (data / "delta").mkdir()

    def deliver(self, *months: str) -> None:
        for path in (self.whole / "delta").iterdir():
            if path.stem[-6:] in months:
                shutil.copy(path, self.data / "delta" / path.name)

    def correct(self, file: str) -> None:
        """Other values in some rows, and the last row gone."""
        path = self.data / file
        lines = path.read_bytes().replace(b"phone", b"chat").splitlines(keepends=True)
        path.write_bytes(b"".join(lines[:-1]))

    def kept(self, folder: Path) -> Path:
        return Path(shutil.copytree(self.data, folder))


pytestmark = pytest.mark.soak


@pytest.fixture(scope="module")
def told(config: Config, spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Told:
    root = tmp_path_factory.mktemp("grid")
    months = write_history(root / "whole", SEED, interactions=30, months=MONTHS)
    lakehouse, folder = root / "lakehouse", Deliveries(root / "whole", root / "data")
    active = {}

    def run(number: int, *accept: str) -> None:
        done = load(config, spark, root / "data", lakehouse, accept=accept)
        assert (done.state, done.release and done.release.release) == ("released", number)
        active[number] = folder.kept(root / f"active{number}")

    folder.deliver(months[0], months[2])
    run(1)
    folder.deliver(months[1], months[5])
    run(2)
    folder.correct(f"delta/interactions_delta_{months[1]}.csv")
    folder.deliver(months[4])
    run(3, "corrections")
    assert rollback(config, lakehouse, 2, why="too early").release == 4
    active[4] = active[2]
    folder.deliver(months[3])
    run(5, "held")
    folder.correct("initial/interactions.csv")
    run(6, "corrections")
    return Told(lakehouse, months, active)


def test_each_release_tells_each_month_as_the_second_calculation_does(told: Told) -> None:
    reports = set()
    for number, data in told.active.items():
        for month in told.months:
            asked = ("--lakehouse", told.lakehouse, "--release", number, "--as-of", month)
            second = model.calculate(data, as_of=month).support_report
            said = command("report", *asked).out
            assert said.encode() == render.to_csv("support_report", second), (number, month)
            reports.add(said)
    assert len(reports) > 15, "a grid of the same figures would prove nothing"


def test_each_release_is_what_its_files_say(told: Told) -> None:
    for number, data in told.active.items():
        said = command("report", "--lakehouse", told.lakehouse, "--release", number).out
        assert said.encode() == expected(data)["support_report.csv"], number
    assert published(told.lakehouse) == expected(told.active[6])


def test_all_at_once_gives_the_same_state_and_the_same_bytes(
    config: Config, spark: SparkSession, told: Told, tmp_path: Path
) -> None:
    at_once = load(config, spark, told.active[6], tmp_path / "lakehouse").release
    releases = ops.read_releases(told.lakehouse)
    assert at_once is not None
    assert at_once.state == releases[-1].state
    assert releases[3].state == releases[1].state, "the rollback"
    assert published(tmp_path / "lakehouse") == published(told.lakehouse)


def test_the_books_agree_for_every_file(told: Told) -> None:
    second = model.calculate(told.active[6])
    files = command("files", "--lakehouse", told.lakehouse, "--json").json
    assert {f["file"] for f in files} == set(second.balances)
    for file in files:
        assert file["state"] == "loaded"
        assert file["balance"] == vars(second.balances[file["file"]]), file["file"]
        assert file["warnings"] == dict(second.warnings.get(file["file"], {})), file["file"]


def test_quarantine_holds_every_rejected_row_with_its_true_line_and_all_reasons(
    told: Told,
) -> None:
    table = told.lakehouse / "quarantine"
    found = {
        (row["file"], row["line"], frozenset(map(_rule, row["reasons"])))
        for row in lake.read(table, lake.newest_version(table)).to_pylist()
        if row["state"] == "open"
    }
    second = model.calculate(told.active[6]).rejected
    assert found == {(r.file, r.line, frozenset(r.reasons)) for r in second}
    assert len(found) > 3


def _rule(reason: dict[str, str]) -> str:
    return f"{reason['rule']}:{reason['column']}" if reason["rule"] in PREFIXED else reason["rule"]
