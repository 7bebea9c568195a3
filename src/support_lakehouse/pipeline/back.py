"""Owns the ways back: a file taken out, and all tables as they were at a release (design.md 5)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from support_lakehouse.config import Config
from support_lakehouse.errors import UsageError
from support_lakehouse.io import lake, ops, undo
from support_lakehouse.io.lock import lock
from support_lakehouse.io.runlog import Stages, log_to
from support_lakehouse.model.books import DECISIONS_HELD
from support_lakehouse.model.held import after_rollback
from support_lakehouse.model.plan import Plan, with_replays
from support_lakehouse.model.release import Release
from support_lakehouse.pipeline.recovery import name_of_run, recover
from support_lakehouse.stages.decided import decided_since
from support_lakehouse.stages.kept import check_readable
from support_lakehouse.stages.plan import read_ledger
from support_lakehouse.stages.publish import publish
from support_lakehouse.stages.release import Releasing
from support_lakehouse.stages.released import Released, chosen_of

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def withdraw(
    config: Config,
    lakehouse: Path,
    file: str,
    *,
    why: str,
    spark: SparkSession | None = None,
    tell: Callable[[str], None] = lambda stage: None,
) -> Release:
    """Take a file out: its rows count no more, and what followed is put right.

    `file` is its path relative to the data folder. Raises UsageError where it is not loaded.
    """
    with lock(lakehouse):
        recover(config, lakehouse)
        stages, at = Stages(tell), datetime.now(UTC)
        run = name_of_run(at)
        releases = tuple(ops.read_releases(lakehouse))
        told = read_ledger(lakehouse, releases)
        gone = tuple(e for e in told if e.file == file and e.state in ("loaded", "held"))
        if not gone:
            raise UsageError(
                f"{file} is not loaded", expected="the path of a file as `files` lists it"
            )
        plan = Plan(
            releases,
            known=tuple(e for e in told if e.state == "loaded"),
            ledger=tuple(e for e in told if e.state == "loaded" and e.file != file),
            withdrawn=tuple(e for e in gone if e.state == "loaded"),
            aside=tuple(
                replace(e, state="withdrawn") if e in gone else e
                for e in told
                if e.is_aside and not (e.file == file and e.state == DECISIONS_HELD)
            ),
        )
        plan = with_replays(plan, config.feeds)
        with log_to(lakehouse / "logs" / f"{run}.log", "info"):
            from support_lakehouse.pipeline.load import loading

            with loading(config, lakehouse, plan, run, stages, spark=spark) as load:
                done = load.fold({})
            ledger = (*done.ledger, *plan.kept_aside())
            releasing = Releasing(config, lakehouse, plan, run, at, why)
            made = releasing.release("replay", ledger, done.applied, [("withdrawn", file)])
            publish(Released(lakehouse, made, None), config, config.settings.format, finals=True)
        return made


def rollback(config: Config, lakehouse: Path, number: int, *, why: str) -> Release:
    """Make a release of what release `number` was; no JVM.

    What was loaded since is held, so is a withdrawal since of what is loaded again, and so are
    decisions since about rejected rows.
    Raises UsageError where there is no such release, or its versions can no longer be read.
    """
    with lock(lakehouse):
        recover(config, lakehouse)
        at = datetime.now(UTC)
        run = name_of_run(at)
        releases = tuple(ops.read_releases(lakehouse))
        target = chosen_of(releases, number, lakehouse)
        check_readable(lakehouse, target)  # half a way back would be none
        now, then = (read_ledger(lakehouse, rs) for rs in (releases, _up_to(releases, number)))
        decided = decided_since(lakehouse, releases[-1], target)
        ledger = after_rollback(now, then, decided, releases[-1].release)
        with log_to(lakehouse / "logs" / f"{run}.log", "info"):
            plan = Plan(releases, now)
            _restore(lakehouse, target, run)
            releasing = Releasing(config, lakehouse, plan, run, at, why)
            made = releasing.rolled_back(target, ledger)
            publish(Released(lakehouse, made, None), config, config.settings.format, finals=True)
        return made


def _up_to(releases: tuple[Release, ...], number: int) -> tuple[Release, ...]:
    return tuple(release for release in releases if release.release <= number)


def _restore(lakehouse: Path, target: Release, run: str) -> None:
    """Bring every table to the target's version; those it does not know have no row then."""
    told = {"run": run, "feed": "", "period": f"rollback to release {target.release}"}
    for name in undo.table_names(lakehouse):
        if name.startswith("ops/"):
            continue
        table, state = lakehouse / name, target.tables.get(name)
        if state is None:
            undo.empty(table, told)  # not removed: older releases still read it
        elif lake.newest_version(table) != state.version:
            undo.restore(table, state.version, told)
