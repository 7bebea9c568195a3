"""Owns the order of a run: plan, load, release, publish; readers see it once it is released."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from support_lakehouse.config import Config
from support_lakehouse.io import ops
from support_lakehouse.io.lock import lock
from support_lakehouse.io.runlog import Stages, log_to
from support_lakehouse.model.books import LedgerEntry
from support_lakehouse.model.plan import Plan
from support_lakehouse.model.release import Kind, Release
from support_lakehouse.model.settings import Format
from support_lakehouse.model.timeline import order_of
from support_lakehouse.stages.plan import Asked, make_plan, read_ledger
from support_lakehouse.stages.publish import publish
from support_lakehouse.stages.recover import mend_releases, undo_unreleased
from support_lakehouse.stages.release import Releasing, decisions_of
from support_lakehouse.stages.released import Released

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

logger = logging.getLogger(__name__)
Outcome = Literal["released", "nothing to do", "refused"]


@dataclass(frozen=True)
class Options:
    """What a person asks of a run; None stands for what `conf/pipeline.yml` says, or for all."""

    data: Path | None = None
    lakehouse: Path | None = None
    months: tuple[str, ...] | None = None
    days: tuple[str, ...] | None = None
    feeds: tuple[str, ...] | None = None
    sync_dates: Mapping[str, str] = field(default_factory=dict)
    accept: tuple[str, ...] = ()
    format: Format | None = None
    finals: bool = True
    reset: bool = False
    rehash: bool = False
    log_level: str = "info"

    @property
    def asked(self) -> Asked:
        return Asked(
            months=self.months,
            days=self.days,
            feeds=self.feeds,
            sync_dates=self.sync_dates,
            accept=self.accept,
            reset=self.reset,
            rehash=self.rehash,
        )


@dataclass(frozen=True)
class RunResult:
    """What a run did: its outcome, the newest release, what it loaded and wrote, its seconds."""

    state: Outcome
    release: Release | None
    plan: Plan
    loaded: tuple[LedgerEntry, ...] = ()
    published: tuple[Path, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)


def plan(config: Config, options: Options) -> Plan:
    """What a run with these options would do; nothing is written and no JVM started."""
    data = (options.data or config.data).resolve()
    return make_plan(config, data, lakehouse_of(config, options), options.asked)


def run(
    config: Config,
    options: Options,
    *,
    spark: SparkSession | None = None,
    tell: Callable[[str], None] = lambda stage: None,
) -> RunResult:
    """Load what is new, release it, publish it.

    `spark` is a session to use and leave open, instead of one of the run's own. `tell` gets the
    name of each stage as it begins. A refusal is an outcome, not an error; other errors are
    raised and leave readers at the last release.
    """
    lakehouse = lakehouse_of(config, options)
    with lock(lakehouse):
        recover(config, lakehouse)
        return _run(config, lakehouse, options, Stages(tell), spark)


def recover(config: Config, lakehouse: Path) -> Release | None:
    """Undo what stands beyond the last release; the release that says so, if there was need.

    Only a run that died can have left it. The lock must be held.
    """
    mend_releases(lakehouse)
    at = datetime.now(UTC)
    run_id = name_of_run(at)
    releases = tuple(ops.read_releases(lakehouse))
    undone = undo_unreleased(lakehouse, releases, run_id)
    if not undone or not releases:
        return None
    with log_to(lakehouse / "logs" / f"{run_id}.log", "info"):
        logger.info("recovery tables=%s", ",".join(undone))
        plan = Plan(releases, read_ledger(lakehouse, releases))
        return Releasing(config, lakehouse, plan, run_id, at).recovered(undone)


def _run(
    config: Config,
    lakehouse: Path,
    options: Options,
    stages: Stages,
    spark: SparkSession | None,
) -> RunResult:
    at = datetime.now(UTC)
    run_id = name_of_run(at)
    with stages.stage("plan"):
        work = plan(config, options).admitted_by(run_id)
    if not work.works and not work.refusals:
        return _published(config, lakehouse, work, options, stages, "nothing to do", ())
    with log_to(lakehouse / "logs" / f"{run_id}.log", options.log_level):
        releasing = Releasing(config, lakehouse, work, run_id, at)
        if work.refusals:
            return _refused(work, releasing, stages)
        # Imported here: what has nothing to load needs neither Spark nor the time to import it.
        from support_lakehouse.pipeline.load import loading

        with loading(config, lakehouse, work, run_id, stages, spark=spark) as load:
            done = load.load()
        if done.refusals:
            work = replace(work, refusals=done.refusals)
            return _refused(work, releasing, stages)
        with stages.stage("release"):
            kind: Kind = "reset" if work.reset and work.releases else "run"
            ledger = (*done.ledger, *work.kept_aside())
            made = releasing.release(kind, ledger, done.applied, decisions_of(work))
        loaded = tuple(sorted((e for e in done.ledger if e.release == work.number), key=order_of))
        work = replace(work, releases=(*work.releases, made))
        return _published(config, lakehouse, work, options, stages, "released", loaded)


def lakehouse_of(config: Config, options: Options) -> Path:
    """The lakehouse's folder, whole."""
    return (options.lakehouse or config.lakehouse).resolve()


def name_of_run(at: datetime) -> str:
    """A name that no other run has; it begins with the time."""
    return f"{at:%Y%m%dt%H%M%S}-{secrets.token_hex(3)}"


def _refused(work: Plan, releasing: Releasing, stages: Stages) -> RunResult:
    with stages.stage("refusal", files=len(work.refusals)):
        refused = releasing.refuse(work.refusals)
    return RunResult("refused", refused, work, seconds=stages.told())


def _published(
    config: Config,
    lakehouse: Path,
    work: Plan,
    options: Options,
    stages: Stages,
    state: Outcome,
    loaded: Sequence[LedgerEntry],
) -> RunResult:
    paths: list[Path] = []
    if work.last is not None:
        with stages.stage("publish"):
            released = Released(lakehouse, work.last, as_of=None)
            fmt = options.format or config.settings.format
            paths = publish(released, config, fmt, finals=options.finals)
    return RunResult(state, work.last, work, tuple(loaded), tuple(paths), stages.told())
