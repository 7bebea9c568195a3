"""Owns the order of a run: plan, load, release, publish; readers see it once it is released."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from support_lakehouse.config import Config
from support_lakehouse.io.lock import lock
from support_lakehouse.io.runlog import Stages, log_to
from support_lakehouse.model.books import LedgerEntry
from support_lakehouse.model.plan import Plan, with_replays
from support_lakehouse.model.release import Kind, Release
from support_lakehouse.model.settings import Format
from support_lakehouse.model.timeline import order_of
from support_lakehouse.pipeline.recovery import name_of_run, recover
from support_lakehouse.pipeline.replay import ReplayResult, carry_out
from support_lakehouse.stages.asked import Asked
from support_lakehouse.stages.plan import make_plan
from support_lakehouse.stages.publish import publish
from support_lakehouse.stages.release import Releasing, decisions_of
from support_lakehouse.stages.released import Released

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

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
    """What a run did: its outcome, the newest release, what it loaded and wrote, its seconds.

    `again` is what became of decisions that a rollback held. They have a release of their own:
    `made` are all releases of the run.
    """

    state: Outcome
    release: Release | None
    plan: Plan
    loaded: tuple[LedgerEntry, ...] = ()
    published: tuple[Path, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    again: ReplayResult | None = None
    made: tuple[Release, ...] = ()


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
    done = RunResult("nothing to do", work.last, work)
    if work.works or work.refusals:
        with log_to(lakehouse / "logs" / f"{run_id}.log", options.log_level):
            releasing = Releasing(config, lakehouse, with_replays(work, config.feeds), run_id, at)
            done = _loaded(releasing, stages, spark)
    if work.again and done.state != "refused":
        again = carry_out(config, lakehouse, work.again, stages=stages, spark=spark)
        done = replace(done, state="released", release=again.release, again=again)
        done = replace(done, made=(*done.made, *([again.release] if again.release else [])))
    if done.release is None or done.state == "refused":
        return replace(done, seconds=stages.told())
    with stages.stage("publish"):
        released = Released(lakehouse, done.release, as_of=None)
        fmt = options.format or config.settings.format
        paths = publish(released, config, fmt, finals=options.finals)
    return replace(done, published=tuple(paths), seconds=stages.told())


def _loaded(releasing: Releasing, stages: Stages, spark: SparkSession | None) -> RunResult:
    """Load the plan's files and release them, or that they were refused."""
    work, lakehouse = releasing.plan, releasing.lakehouse
    if work.refusals:
        return _refused(work, releasing, stages)
    # Imported here: what has nothing to load needs neither Spark nor the time to import it.
    from support_lakehouse.pipeline.load import loading

    with loading(releasing.config, lakehouse, work, releasing.run, stages, spark=spark) as load:
        done = load.load()
    if done.refusals:
        return _refused(replace(work, refusals=done.refusals), releasing, stages)
    with stages.stage("release"):
        kind: Kind = "reset" if work.reset and work.releases else "run"
        ledger = (*done.ledger, *work.kept_aside())
        made = releasing.release(kind, ledger, done.applied, decisions_of(work))
    loaded = sorted((e for e in done.ledger if e.release == work.number), key=order_of)
    return RunResult("released", made, work, tuple(loaded), made=(made,))


def lakehouse_of(config: Config, options: Options) -> Path:
    """The lakehouse's folder, whole."""
    return (options.lakehouse or config.lakehouse).resolve()


def _refused(work: Plan, releasing: Releasing, stages: Stages) -> RunResult:
    with stages.stage("refusal", files=len(work.refusals)):
        refused = releasing.refuse(work.refusals)
    return RunResult("refused", refused, work)
