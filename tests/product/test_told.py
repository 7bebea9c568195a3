"""What a person is told where the data are well and something else is not as it was meant."""

import errno
import os
from dataclasses import replace
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from support_lakehouse.config import Config
from support_lakehouse.errors import UsageError
from support_lakehouse.io import delta_log, ops, undo
from support_lakehouse.pipeline.back import rollback
from support_lakehouse.pipeline.maintain import maintain
from support_lakehouse.pipeline.replay import discard, entries_of, replay
from support_lakehouse.pipeline.verify import Asked, verify
from support_lakehouse.stages import check_tables
from support_lakehouse.stages.released import open_released
from tests.product.support import DATA, command, load


@pytest.fixture
def log_alone(config: Config, spark: SparkSession, tmp_path: Path) -> Path:
    """A lakehouse of a feed without months, which has rejected rows."""
    load(config, spark, DATA, tmp_path / "lakehouse", feeds=("call_center_log",))
    return tmp_path / "lakehouse"


def denied(*_: object) -> None:
    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), "a file")


def test_without_monthly_feeds_nothing_is_called_refused(config: Config, log_alone: Path) -> None:
    said = command("report", "--lakehouse", log_alone)
    assert (said.code, said.out) == (2, "")
    assert "release 1 has no table gold/support_report" in said.err
    whole = open_released(log_alone).call_center_log()
    assert whole.num_rows == 11
    assert open_released(log_alone, as_of="202502").call_center_log() == whole


def test_a_folder_without_any_file_is_not_called_loaded(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for verb in ("plan", "run"):
        said = command(verb, "--data", tmp_path / "empty", "--lakehouse", tmp_path / "lakehouse")
        assert (said.code, said.err) == (0, "")
        assert said.out == (
            "Nothing to load: no file in the data folder is one that a feed takes (--data).\n"
        )


def test_a_file_that_cannot_be_written_is_named_without_a_trace(
    log_alone: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    said = command("export", "--lakehouse", log_alone, "--output", tmp_path / "file")
    assert (said.code, said.err) == (1, f"Failed: {tmp_path / 'file'}: File exists.\n")


def test_a_failure_that_nobody_foresaw_is_traced_line_by_line(
    log_alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("no reason")

    monkeypatch.setattr(ops, "read_releases", fail)
    said = command("history", "--lakehouse", log_alone)
    assert said.code == 1
    assert said.err.splitlines()[:2] == [
        "Failed: no reason",
        "Traceback (most recent call last):",
    ]


def test_a_sheet_of_another_feed_is_refused(config: Config, log_alone: Path) -> None:
    entry = entries_of(log_alone, ops.read_releases(log_alone))[0]
    with pytest.raises(UsageError, match="no row of the sheet is of the feed agents"):
        replay(config, log_alone, feed="agents", corrected={entry["id"]: {}})


def test_no_rollback_to_a_release_that_maintenance_cleared_away(
    config: Config, spark: SparkSession, log_alone: Path
) -> None:
    entry = entries_of(log_alone, ops.read_releases(log_alone))[0]
    discard(config, log_alone, [entry["id"]], why="of no use", spark=spark)
    while maintain(config, log_alone, 0).release is not None:
        pass
    assert verify(config, log_alone, Asked(content=True))[1].result == "sound"
    with pytest.raises(UsageError, match="release 1"):
        rollback(config, log_alone, 1, why="a mistake")


def test_what_may_not_be_read_is_neither_torn_nor_undone(
    config: Config, log_alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check_tables, "_log_is_whole", denied)
    told = verify(config, log_alone, Asked())[1]
    assert (told.result, told.differences) == ("not checked", [])
    monkeypatch.setattr(delta_log, "actions", denied)
    with pytest.raises(PermissionError):
        undo.without_torn_end(log_alone / "silver/call_center_log", 0)


def test_a_changed_configuration_is_told_once_by_whatever_release_comes_first(
    config: Config, spark: SparkSession, log_alone: Path
) -> None:
    settings = config.settings.model_copy(update={"business_zone": "+09:00"})
    other = replace(config, settings=settings)
    rollback(other, log_alone, 1, why="a try")
    load(other, spark, DATA, log_alone, feeds=("call_agents",))
    last = ops.read_releases(log_alone)[-1]
    journal = ops.read_journal(log_alone, last.tables[ops.JOURNAL].version)
    told = [entry.release for entry in journal if entry.decision == "configuration changed"]
    assert (last.release, told) == (3, [2])
