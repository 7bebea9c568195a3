"""The ways back from outside: what a person is told, and a rollback that dies on the way (L4)."""

import contextlib
import errno
import shutil
from functools import partial
from pathlib import Path
from random import Random
from unittest import mock

import pytest
from pyspark.sql import SparkSession

from support_lakehouse.io import lake, ops
from support_lakehouse.model.release import Release
from support_lakehouse.pipeline import run as pipeline
from support_lakehouse.pipeline.back import rollback, withdraw
from support_lakehouse.pipeline.replay import discard, entries_of, replay
from support_lakehouse.pipeline.verify import Asked, verify
from tests.product.failing import failing
from tests.product.small_lakehouse import SmallLakehouse
from tests.product.support import Said, command
from tests.reference.small import draw_content, judge

MARCH = "delta/interactions_202503.csv"


def contents(release: Release) -> dict[str, tuple[int, str]]:
    """Rows and fingerprints of the tables that have rows."""
    return {
        name: (table.rows, table.fingerprint)
        for name, table in release.tables.items()
        if table.rows and not name.startswith("ops/")
    }


@pytest.fixture(scope="module")
def small(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> SmallLakehouse:
    """Release 1 knows the interactions alone, release 2 all feeds, release 3 a late month."""
    one = SmallLakehouse(tmp_path_factory.mktemp("back"), 5)
    one.deliver(1)
    asked = pipeline.Options(
        data=one.data, lakehouse=one.lakehouse, feeds=("interactions", "contact_centers")
    )
    pipeline.run(one.config, asked, spark=spark)
    one.run(spark)
    one.deliver(2)
    one.run(spark)
    return one


def correct(one: SmallLakehouse, file: str) -> None:
    """Other bytes under the same name."""
    feed, rng = next(f for f in one.feeds if file in f.paths), Random(file)
    before = (one.data / file).read_bytes()
    drawn = (draw_content(feed, file, rng).data for _ in range(99))
    (one.data / file).write_bytes(next(data for data in drawn if data != before))


def say(one: SmallLakehouse, *words: object) -> Said:
    return command(*words, "--lakehouse", one.lakehouse, home=one.home)


def test_a_rollback_that_dies_at_any_step_is_undone_and_reads_all_releases(
    small: SmallLakehouse, tmp_path: Path
) -> None:
    reports = {n: say(small, "report", "--release", n).out for n in (2, 3)}
    assert reports[2] != reports[3]
    for at in range(100):
        one = small.copied(tmp_path / f"one{at}")
        full = OSError(errno.ENOSPC, "full")
        with contextlib.suppress(OSError), failing(one.lakehouse, at, full) as steps:
            rollback(one.config, one.lakehouse, 1, why="too early")
        done = not steps.failed
        ran = say(one, "run", "--data", one.data)
        assert ran.code == 0, ran.err
        newest = ops.read_releases(one.lakehouse)[-1]
        kinds = [release.kind for release in ops.read_releases(one.lakehouse)]
        if "rollback" not in kinds:
            assert say(one, "report").out == reports[3]
            assert newest.state == ops.read_releases(small.lakehouse)[-1].state
        else:
            assert contents(newest) == contents(ops.read_releases(small.lakehouse)[0])
        assert {n: say(one, "report", "--release", n).out for n in (2, 3)} == reports
        shutil.rmtree(one.home)
        if done:
            return
    raise AssertionError("a rollback takes fewer steps")


def test_accepting_what_a_rollback_holds_leads_to_the_newest_state_whatever_it_was(
    small: SmallLakehouse, spark: SparkSession, tmp_path: Path
) -> None:
    one = small.copied(tmp_path / "one")
    correct(one, "centers/a.csv")
    here = {"data": one.data, "lakehouse": one.lakehouse}
    corrected = pipeline.Options(**here, accept=("corrections",))
    pipeline.run(one.config, corrected, spark=spark)
    states = [release.state for release in ops.read_releases(one.lakehouse)]
    withdraw(one.config, one.lakehouse, MARCH, why="sent by mistake", spark=spark)
    newest = one.told
    assert newest[0] not in states

    said = say(one, "rollback", 1, "--why", "too early")
    assert (said.code, "release 1 was" in said.out) == (0, True)
    for _ in range(3):
        assert "Nothing to load" in say(one, "run", "--data", one.data).out
    assert contents(ops.read_releases(one.lakehouse)[-1]) == contents(
        ops.read_releases(one.lakehouse)[0]
    )
    held = say(one, "plan", "--data", one.data, "--json").json["held"]
    assert {"feed": "interactions", "file": "delta/interactions_202502.csv"} in held
    assert {"feed": "contact_centers", "file": "centers/a.csv"} in held
    assert {"feed": "interactions", "file": MARCH, "what": "withdrawal"} in held
    assert {"feed": "interactions", "file": MARCH} not in held
    accepted = pipeline.Options(**here, accept=("held",))
    pipeline.run(one.config, accepted, spark=spark)
    assert one.told == newest, "forward again"

    rollback(one.config, one.lakehouse, 4, why="it was right after all")
    assert one.told[0] == states[3]
    planned = say(one, "plan", "--data", one.data).out.replace("\n", " ")
    assert f"withdrawal of {MARCH}: held since a rollback" in planned
    states_of_march = [e["state"] for e in say(one, "files", "--json").json if e["file"] == MARCH]
    assert sorted(states_of_march) == ["loaded", "withdrawal held"]
    words = ("--data", one.data, "--accept", "held")
    planned = say(one, "plan", *words, "--json").json
    assert (planned["state"], planned["held"], planned["files"][-1]["state"]) == (
        "released",
        [],
        "loaded already",
    )
    assert planned["withdrawn"] == [{"feed": "interactions", "file": MARCH}]
    with mock.patch.object(pipeline, "run", partial(pipeline.run, spark=spark)):
        assert f"{MARCH}: withdrawn again." in say(one, "run", *words).out
    assert one.told == newest, "nothing came, a file went"
    assert "Nothing to load" in say(one, "run", *words).out
    assert say(one, "verify").code == 0
    told = ops.read_journal(one.lakehouse, lake.newest_version(one.lakehouse / ops.JOURNAL))
    assert [d.release for d in told if (d.decision, d.what) == ("withdrawn", MARCH)] == [5, 7, 9]


def test_a_reset_that_is_refused_forgets_nothing_that_is_held(
    small: SmallLakehouse, tmp_path: Path
) -> None:
    one = small.copied(tmp_path / "one")
    rollback(one.config, one.lakehouse, 1, why="too early")
    held = say(one, "plan", "--data", one.data, "--json").json["held"]
    broken = one.data / "delta/interactions_202504.csv"
    broken.write_text("nothing\n")
    assert say(one, "run", "--data", one.data, "--reset").code == 3
    broken.unlink()
    assert say(one, "plan", "--data", one.data, "--json").json["held"] == held != []


def test_a_mart_stands_only_where_all_its_sources_have_a_file_that_counts(
    small: SmallLakehouse, spark: SparkSession, tmp_path: Path
) -> None:
    one = small.copied(tmp_path / "one")
    rollback(one.config, one.lakehouse, 1, why="too early")
    one.deliver(3)
    feeds = ("interactions", "contact_centers")
    asked = pipeline.Options(data=one.data, lakehouse=one.lakehouse, feeds=feeds)
    after = pipeline.run(one.config, asked, spark=spark).release
    assert after is not None
    assert after.tables["gold/support_report"].rows == 0
    held = {f.path for f in pipeline.plan(one.config, asked).held}
    assert held
    for file in held:
        (one.data / file).unlink()
    asked = pipeline.Options(data=one.data, lakehouse=tmp_path / "fresh", feeds=feeds)
    fresh = pipeline.run(one.config, asked, spark=spark).release
    assert fresh is not None
    assert "gold/support_report" not in fresh.tables
    assert contents(after) == contents(fresh)
    assert after.state == fresh.state


def test_a_torn_entry_of_a_released_version_is_named(small: SmallLakehouse, tmp_path: Path) -> None:
    one = small.copied(tmp_path / "one")
    table = one.lakehouse / "silver/interactions"
    entry = table / f"_delta_log/{lake.newest_version(table):020}.json"
    entry.write_bytes(b"")
    said = say(one, "run", "--data", one.data)
    assert said.code == 5
    assert entry.name in said.err.replace("\n", "")
    assert "torn, empty or gone" in said.err


def quarantine_of(one: SmallLakehouse) -> dict[str, tuple[str, str, int]]:
    entries = entries_of(one.lakehouse, ops.read_releases(one.lakehouse))
    return {e["id"]: (e["file"], e["state"], e["attempts"]) for e in entries}


def judge_again(one: SmallLakehouse, file: str, spark: SparkSession) -> int:
    """Put good records in the place of all rows of a file that wait; how many came back."""
    entries = entries_of(one.lakehouse, ops.read_releases(one.lakehouse))
    waiting = [e for e in entries if (e["file"], e["state"]) == (file, "open")]
    feed = next(f for f in one.feeds if file in f.paths)
    drawn = (draw_content(feed, file, Random(n)) for n in range(99))
    good = (
        content.record(cells)
        for content in drawn
        for cells in content.lines.values()
        if cells and judge(cells, feed, strict=True)
    )
    sheet = {entry["id"]: {"raw": next(good)} for entry in waiting}
    told = replay(one.config, one.lakehouse, corrected=sheet, why="asked", spark=spark)
    return sum(told.returned.values())


def test_what_was_decided_about_rejected_rows_is_held_and_decided_again(
    spark: SparkSession, tmp_path: Path
) -> None:
    one = SmallLakehouse(tmp_path / "one", 48)
    one.deliver(1)
    one.run(spark)
    early = [
        id_ for id_, (f, *_) in quarantine_of(one).items() if f == "delta/interactions_202503.csv"
    ]
    assert early
    one.deliver(2)
    one.run(spark)
    late = [
        id_ for id_, (f, *_) in quarantine_of(one).items() if f == "delta/interactions_202502.csv"
    ]
    assert len(late) > 1
    before = one.told[0]
    discard(one.config, one.lakehouse, late[:1], why="nobody knows", spark=spark)
    assert judge_again(one, "delta/interactions_202502.csv", spark) == len(late) - 1
    assert judge_again(one, MARCH, spark) == len(early)
    newest, settled = one.told, quarantine_of(one)
    assert newest[0] != before
    assert {settled[id_][1] for id_ in early + late} == {"released", "discarded"}

    rollback(one.config, one.lakehouse, 1, why="too early")
    assert {e[1] for e in quarantine_of(one).values()} == {"open"}
    held = say(one, "plan", "--data", one.data, "--json").json["held"]
    assert {"feed": "interactions", "file": MARCH, "what": "decisions"} in held
    assert "Nothing to load" in say(one, "run", "--data", one.data).out
    swept = say(one, "maintain", "--keep", "0-months")
    assert swept.code == 0, swept.err
    words = ("--data", one.data, "--accept", "held")
    planned = say(one, "plan", *words, "--json").json
    assert planned["decided"] == [
        {"feed": "interactions", "file": "delta/interactions_202502.csv"},
        {"feed": "interactions", "file": MARCH},
    ]
    accepted = pipeline.Options(data=one.data, lakehouse=one.lakehouse, accept=("held",))
    # It dies between the release of the files and that of the decisions.
    dying = mock.patch.object(pipeline, "carry_out", side_effect=KeyboardInterrupt)
    with dying, pytest.raises(KeyboardInterrupt):
        pipeline.run(one.config, accepted, spark=spark)
    done = pipeline.run(one.config, accepted, spark=spark)
    assert done.again is not None
    assert dict(done.again.returned) == {"interactions": len(early) + len(late) - 1}
    assert one.told == newest
    assert quarantine_of(one) == settled
    assert "Nothing to load" in say(one, "run", *words).out
    assert say(one, "plan", "--data", one.data, "--json").json["held"] == []
    found = verify(one.config, one.lakehouse, Asked(content=True))[1]
    assert found.result == "sound", found.differences
