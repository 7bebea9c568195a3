"""Maintenance removes what it listed and nothing that a kept release needs; the rest comes back."""

import random
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

import support_lakehouse
from support_lakehouse.config import Config
from support_lakehouse.errors import Damaged, UsageError
from support_lakehouse.io import lake, ops
from support_lakehouse.model.keeping import first_kept, months_of
from support_lakehouse.pipeline.back import rollback
from support_lakehouse.pipeline.maintain import Maintenance, maintain
from support_lakehouse.pipeline.opened import readable
from support_lakehouse.pipeline.recovery import recover
from support_lakehouse.pipeline.verify import Asked, verify
from support_lakehouse.stages.kept import standings
from tests.product import faults as f
from tests.product.support import DATA, command, load, published

pytestmark = pytest.mark.soak
LATE = "202506"
MONTHS = tuple(f"2025{month:02}" for month in range(2, 13)) + ("202601",)
FEEDS = ("agents", "contact_centers", "interactions", "service_categories")


def write_months(data: Path) -> None:
    """Twelve months: each adds a call, and changes the minutes of one of the month before."""
    shutil.copytree(DATA / "initial", data / "initial")
    header = (DATA / "delta/interactions_delta_202502.csv").read_text().splitlines()[0]
    folder = data / "delta"
    folder.mkdir()
    for n, month in enumerate(MONTHS):
        lines = [header, row(f"M{n:02}", month, 10 + n, "add")]
        if n:
            lines.append(row(f"M{n - 1:02}", MONTHS[n - 1], 5 + n, "update"))
        (folder / f"interactions_delta_{month}.csv").write_text("\n".join(lines) + "\n")


def row(key: str, month: str, minutes: int, action: str) -> str:
    day = f"{month[:4]}-{month[4:]}-10T14"
    cells = [key, f"{day}:00:00Z", "phone", "TECH", "AGT001", "CC001", f"{day}:00:00Z"]
    return ",".join([*cells, f"{day}:08:00Z", f"{day}:{minutes:02}:00Z", f"{minutes}", "4", action])


def report(lakehouse: Path, release: int, *more: object) -> str:
    said = command("report", "--lakehouse", lakehouse, "--release", release, *more)
    assert said.code == 0, said.err
    return said.out


def exported(lakehouse: Path, release: int, to: Path, config: Config) -> dict[str, bytes]:
    asked = ["--lakehouse", lakehouse, "--release", release, "--output", to]
    assert command("export", *asked).code == 0
    return {path.name: path.read_bytes() for path in to.glob("*.csv")}


@pytest.fixture(scope="module")
def year(config: Config, spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A year of monthly releases; June came last."""
    root = tmp_path_factory.mktemp("year")
    write_months(root / "data")
    for month in [month for month in MONTHS if month != LATE] + [LATE]:
        load(config, spark, root / "data", root / "lakehouse", month, feeds=FEEDS)
    assert len(ops.read_releases(root / "lakehouse")) == len(MONTHS)
    return root


@pytest.fixture
def copy(year: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(year / "lakehouse", tmp_path / "lakehouse"))


def test_twelve_reports_come_out_again_after_maintenance_and_rollbacks(
    config: Config, spark: SparkSession, copy: Path, tmp_path: Path
) -> None:
    before = {n: report(copy, n) for n in range(1, 13)}
    assert len(set(before.values())) == 12
    finals = exported(copy, 7, tmp_path / "before", config)
    as_of = report(copy, 7, "--as-of", "202507")
    bytes_ = published(copy)

    made = maintain(config, copy, 24)
    assert made.release is not None
    assert made.compacted["bronze/interactions"] == 12
    rollback(config, copy, 6, why="to see it again")
    assert report(copy, 14) == before[6]
    rollback(config, copy, 12, why="and back")
    assert published(copy) == bytes_
    assert {n: report(copy, n) for n in range(1, 13)} == before
    assert set(standings(copy, ops.read_releases(copy)).values()) == {"kept"}
    assert [verify(config, copy, Asked(release=n))[1].result for n in (None, 7)] == ["sound"] * 2

    # Since a month came late, nothing that is kept needs the versions of the seven before it.
    done = maintain(config, copy, 0)
    assert done.release is not None
    assert done.removed
    assert {n: report(copy, n) for n in range(1, 13)} == before, "gold stays"
    assert verify(config, copy, Asked(content=True))[1].result == "sound"
    gone = verify(config, copy, Asked(release=7))[1]
    assert (gone.result, gone.differences) == ("not checked", [])
    told = command("history", "--lakehouse", copy, "--json").json
    standing = {r["release"]: r["standing"] for r in told}
    assert {n for n, word in standing.items() if word == "gone"} >= set(range(5, 12))
    assert standing[4] == standing[done.release.release] == "kept"
    with pytest.raises(UsageError, match="can no longer be read"):
        rollback(config, copy, 7, why="too late")

    again = verify(config, copy, Asked(release=8, rows=True), spark=spark)[1]
    assert (again.result, again.differences) == ("sound", [])
    opened = readable(config, copy, release=7, spark=spark)
    assert opened.release.tables["silver/interactions"].fingerprint == (
        ops.read_releases(copy)[6].tables["silver/interactions"].fingerprint
    )
    words = standings(copy, ops.read_releases(copy))
    assert (words[7], words[8], words[9]) == ("rebuilt and equal", "rebuilt and equal", "gone")
    assert exported(copy, 7, tmp_path / "after", config) == finals
    readable(config, copy, release=7, as_of="202507", spark=spark)
    assert report(copy, 7, "--as-of", "202507") == as_of


def test_what_will_go_is_listed_first_and_nothing_else_goes(config: Config, copy: Path) -> None:
    def there() -> dict[str, int]:
        return {
            p.relative_to(copy).as_posix(): p.stat().st_size
            for p in copy.rglob("*")
            if p.is_file() and "ops" not in p.parts and "logs" not in p.parts
        }

    before = there()
    listed = command("maintain", "--lakehouse", copy, "--keep", "0-months", "--dry-run")
    assert there() == before
    assert len(ops.read_releases(copy)) == 12
    seen: list[Maintenance] = []
    done = maintain(config, copy, 0, tell=seen.append)
    assert seen[0].removed == done.removed
    assert set(before) - set(there()) == {file.path for file in done.removed}
    for file in done.removed:
        assert f"To be removed: {file.path} ({file.bytes} bytes)" in listed.out
        assert not file.path.startswith(("gold/", "ops/"))
    made = ops.read_releases(copy)[-1]
    last = ops.read_releases(copy)[-2]
    assert (made.kind, made.state) == ("maintenance", last.state)
    assert made.tables["bronze/interactions"].version == (
        last.tables["bronze/interactions"].version + 1
    )
    assert maintain(config, copy, 0).release is not None, "what was joined can go now"
    assert maintain(config, copy, 0).release is None, "nothing is left to do"


def test_joining_files_writes_no_statistics_of_personal_columns(config: Config, copy: Path) -> None:
    maintain(config, copy, 24)
    version = lake.newest_version(copy / "bronze/interactions")
    log = f.entry(copy / "bronze/interactions", version).read_text()
    assert '"operation":"OPTIMIZE"' in log
    assert "minValues" in log
    assert '\\"raw\\"' not in log


def test_nothing_goes_where_a_kept_version_cannot_be_read(config: Config, copy: Path) -> None:
    f.entry(copy / "silver/interactions", 4).unlink()
    with pytest.raises(Damaged, match="a release that is kept needs it"):
        maintain(config, copy, 24)


def test_a_maintenance_that_died_is_undone(config: Config, copy: Path) -> None:
    class Died(Exception):
        pass

    def die(*_: object) -> None:
        raise Died

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("support_lakehouse.stages.release.Releasing.maintained", die)
        with pytest.raises(Died):
            maintain(config, copy, 0)
    recover(config, copy)
    releases = ops.read_releases(copy)
    assert [r.kind for r in releases[-2:]] == ["run", "recovery"]
    assert verify(config, copy, Asked(release=1))[1].result == "sound", "nothing was removed"
    assert verify(config, copy, Asked(content=True))[1].result == "sound"


def test_a_rollback_empties_what_it_does_not_know(
    config: Config, spark: SparkSession, year: Path, copy: Path
) -> None:
    """Tables that came later are named by their releases, and can be read and come back."""
    shutil.copytree(DATA / "calls", year / "data/calls", dirs_exist_ok=True)
    load(config, spark, year / "data", copy, feeds=("calls", "call_agents"))
    before = lake.read(copy / "silver/calls", 0).num_rows
    rollback(config, copy, 12, why="without calls")
    assert ops.read_releases(copy)[-1].tables["silver/calls"].rows == 0
    assert verify(config, copy, Asked(content=True))[1].result == "sound"
    assert readable(config, copy, release=13).table("silver/calls").num_rows == before
    maintain(config, copy, 24)
    assert verify(config, copy, Asked(release=13, content=True))[1].result == "sound"
    rollback(config, copy, 13, why="with calls")
    findings = verify(config, copy, Asked(content=True))[1]
    assert (findings.result, findings.differences) == ("sound", [])
    assert ops.read_releases(copy)[-1].state == ops.read_releases(copy)[12].state


def test_a_release_is_opened_as_arrow_and_as_spark(
    config: Config, spark: SparkSession, copy: Path
) -> None:
    third, newest = (support_lakehouse.open_release(n, copy) for n in (3, None))
    assert newest.release.release == 12
    assert newest.table("silver/interactions").num_rows - 9 == (
        third.table("silver/interactions").num_rows
    )
    assert third.report().column_names[0] == "month"
    assert "gold/support_report" in third.tables
    pinned = support_lakehouse.open_release(3, copy, spark=spark)
    frame = pinned.table("silver/interactions")
    assert frame.count() == third.table("silver/interactions").num_rows
    assert [tuple(r) for r in pinned.report().collect()] == [
        tuple(r.values()) for r in third.report().to_pylist()
    ]
    with pytest.raises(UsageError, match="has no table"):
        third.table("silver/nobody")


@pytest.mark.parametrize("seed", [1])
def test_random_ways_leave_every_kept_release_readable(
    config: Config, spark: SparkSession, year: Path, tmp_path: Path, seed: int
) -> None:
    wander(config, spark, year / "data", tmp_path / "lakehouse", random.Random(seed), steps=5)


def wander(
    config: Config,
    spark: SparkSession,
    data: Path,
    lakehouse: Path,
    chance: random.Random,
    *,
    steps: int,
) -> None:
    """Runs, late months, rollbacks, files taken again and maintenance, in any order."""
    load(config, spark, data, lakehouse, chance.choice(MONTHS), feeds=FEEDS)
    reports = {1: report(lakehouse, 1)}
    for _ in range(steps):
        releases = ops.read_releases(lakehouse)
        kept = [r for r in releases if standings(lakehouse, releases)[r.release] == "kept"]
        match chance.choice(("month", "held", "back", "maintain", "maintain")):
            case "month":
                month = chance.choice(MONTHS)
                load(config, spark, data, lakehouse, month, feeds=FEEDS)
            case "held":
                accept = ("held",)
                load(
                    config,
                    spark,
                    data,
                    lakehouse,
                    chance.choice(MONTHS),
                    feeds=FEEDS,
                    accept=accept,
                )
            case "back":
                rollback(config, lakehouse, chance.choice(kept).release, why="by chance")
            case _:
                oldest = chance.choice(kept)
                since = datetime.strptime(oldest.at, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
                files = set(lakehouse.rglob("*.parquet"))
                done = maintain(config, lakehouse, 0, now=since)
                left = {lakehouse / file.path for file in done.removed}
                assert {p for p in files if not p.exists()} <= left
                for release in kept:
                    if release.release >= done.kept_from:
                        findings = verify(config, lakehouse, Asked(release=release.release))[1]
                        assert (findings.result, findings.differences) == ("sound", [])
        newest = ops.read_releases(lakehouse)[-1].release
        reports.setdefault(newest, report(lakehouse, newest))
        assert {n: report(lakehouse, n) for n in reports} == reports
        findings = verify(config, lakehouse, Asked(content=True))[1]
        assert (findings.result, findings.differences) == ("sound", [])


def test_how_long_is_said_in_months() -> None:
    assert (months_of("24-months"), months_of("1-month"), months_of("0-months")) == (24, 1, 0)
    for wrong in ("24", "2-years", "-1-months", ""):
        with pytest.raises(UsageError):
            months_of(wrong)


def test_the_oldest_release_of_so_many_months(copy: Path) -> None:
    releases = ops.read_releases(copy)[:3]
    times = ("2025-01-31T00:00:00Z", "2025-02-28T12:00:00Z", "2025-04-01T00:00:00Z")
    told = [replace(r, at=at) for r, at in zip(releases, times, strict=True)]
    now = datetime(2025, 3, 31, 12, tzinfo=UTC)
    assert [first_kept(told, months, now) for months in (0, 1, 2, 900)] == [3, 2, 2, 1]
