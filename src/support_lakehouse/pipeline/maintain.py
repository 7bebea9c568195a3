"""Owns maintenance: small files joined, and files removed that no kept release needs."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from support_lakehouse.config import Config
from support_lakehouse.errors import UsageError
from support_lakehouse.io import compact, ops
from support_lakehouse.io.lock import lock
from support_lakehouse.io.runlog import log_to
from support_lakehouse.model.keeping import first_kept
from support_lakehouse.model.plan import Plan
from support_lakehouse.model.release import Release, TableState
from support_lakehouse.pipeline.recovery import name_of_run, recover
from support_lakehouse.stages.books import agree, fingerprint
from support_lakehouse.stages.checking import KEPT_FROM, kept_from
from support_lakehouse.stages.plan import read_ledger
from support_lakehouse.stages.release import Releasing
from support_lakehouse.stages.removable import Removable, removable

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Maintenance:
    """What maintenance did or would do; `release` is None where nothing was to be done.

    `kept_from` is the oldest release whose versions stay, `compacted` the tables whose small files
    are joined, with how many there are, `removed` the files that go.
    """

    kept_from: int
    compacted: dict[str, int]
    removed: tuple[Removable, ...]
    release: Release | None = None

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.removed)


def maintain(
    config: Config,
    lakehouse: Path,
    months: int,
    *,
    dry_run: bool = False,
    tell: Callable[[Maintenance], None] = lambda todo: None,
    now: datetime | None = None,
) -> Maintenance:
    """Join small files, and remove what no release of the last months needs. No JVM.

    `tell` gets what will be done before anything is. Raises Damaged where a version that has to be
    kept cannot be read: then nothing is removed.
    """
    at = now or datetime.now(UTC)
    if dry_run:
        todo = _todo(lakehouse, tuple(ops.read_releases(lakehouse)), months, at)
        tell(todo)
        return todo
    with lock(lakehouse):
        recover(config, lakehouse)
        releases = tuple(ops.read_releases(lakehouse))
        todo = _todo(lakehouse, releases, months, at)
        tell(todo)
        if not (todo.compacted or todo.removed):
            return todo
        run = name_of_run(datetime.now(UTC))
        with log_to(lakehouse / "logs" / f"{run}.log", "info"):
            made = _released(config, lakehouse, releases, todo, run)
            # Only now: were files gone before the release says so, it would be damage.
            for file in todo.removed:
                logger.info("removed file=%s bytes=%s", file.path, file.bytes)
                (lakehouse / file.path).unlink(missing_ok=True)
        return replace(todo, release=made)


def _todo(lakehouse: Path, releases: tuple[Release, ...], months: int, at: datetime) -> Maintenance:
    if not releases:
        raise UsageError(
            "nothing was released yet",
            where=str(lakehouse),
            hint="Run `support-lakehouse run` first.",
        )
    oldest = max(first_kept(releases, months, at), kept_from(lakehouse, releases))
    removed = tuple(removable(lakehouse, releases, oldest))  # first: it tells what cannot be read
    return Maintenance(oldest, _small(lakehouse, releases[-1]), removed)


def _small(lakehouse: Path, newest: Release) -> dict[str, int]:
    """The tables of many small files; gold and the books are made anew each time."""
    told = {
        name: compact.small_files(lakehouse / name, state.version)
        for name, state in newest.tables.items()
        if not name.startswith(("gold/", "ops/"))
    }
    return {name: files for name, files in sorted(told.items()) if files >= compact.MANY}


def _released(
    config: Config,
    lakehouse: Path,
    releases: tuple[Release, ...],
    todo: Maintenance,
    run: str,
) -> Release:
    last = releases[-1]
    tables = {n: t for n, t in last.tables.items() if not n.startswith("ops/")}
    for name in todo.compacted:
        told = {"run": run, "feed": "", "period": "compaction"}
        version = compact.compact(lakehouse / name, told)
        rows, found = fingerprint(lakehouse / name, version)
        agree(last.tables[name].rows, rows, name, "rows before and after files were joined")
        agree(
            int(last.tables[name].fingerprint, 16), int(found, 16), name, "content before and after"
        )
        tables[name] = TableState(version, rows, found)
    as_of = {
        period: {name: _moved(name, version, last, tables) for name, version in versions.items()}
        for period, versions in last.as_of.items()
    }
    plan = Plan(releases, read_ledger(lakehouse, releases))
    releasing = Releasing(config, lakehouse, plan, run, datetime.now(UTC))
    return releasing.maintained(tables, as_of, _decisions(todo))


def _moved(name: str, version: int, last: Release, tables: dict[str, TableState]) -> int:
    """A version as of a month; where it is the released one, the one with joined files."""
    return tables[name].version if version == last.tables[name].version else version


def _decisions(todo: Maintenance) -> Sequence[tuple[str, str]]:
    joined = ", ".join(todo.compacted) or "no table"
    removed = f"{len(todo.removed)} files removed, {todo.bytes} bytes; files joined of {joined}"
    return [(KEPT_FROM, str(todo.kept_from)), ("maintained", removed)]
