"""Owns the order of a verification; what it finds, it tells all of (design.md 8, exit code 5)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from support_lakehouse.config import Config
from support_lakehouse.errors import UsageError
from support_lakehouse.io import ops
from support_lakehouse.io.datafiles import READ_ERRORS
from support_lakehouse.io.lock import is_held
from support_lakehouse.model.feed import Feed
from support_lakehouse.model.release import Release
from support_lakehouse.model.verdict import Findings
from support_lakehouse.stages.check_books import check_books
from support_lakehouse.stages.check_chain import check_chain
from support_lakehouse.stages.check_content import check_content
from support_lakehouse.stages.check_published import check_against, check_published
from support_lakehouse.stages.check_tables import check_tables
from support_lakehouse.stages.checking import BACK, Checking

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@dataclass(frozen=True)
class Asked:
    """What a verification shall look at: a release or the newest, a feed or all, and how deep."""

    release: int | None = None
    content: bool = False
    rows: bool = False
    feed: str | None = None
    against: Path | None = None


def verify(
    config: Config, lakehouse: Path, asked: Asked, *, spark: SparkSession | None = None
) -> tuple[Release | None, Findings]:
    """Check a release of the lakehouse; the release, and all that was found.

    Nothing of the lakehouse is changed. Raises UsageError where there is no such release or feed.
    """
    findings = Findings()
    releases = _releases(lakehouse, findings)
    check_chain(lakehouse, releases, findings)
    with ThreadPoolExecutor(1) as beside:
        apart = Findings()
        published = beside.submit(check_published, lakehouse, config, releases, apart)
        release = _asked_for(asked.release, releases, lakehouse, findings)
        if release is not None:
            of = Checking(lakehouse, config, releases, release, findings, _feed(config, asked.feed))
            traces = check_tables(of)
            check_books(of, traces)
            if asked.content:
                check_content(of, traces)
            if asked.rows:
                # Imported here: all other checks do without Spark and the time to import it.
                from support_lakehouse.pipeline.remake import check_rows

                check_rows(of, traces, spark=spark)
        try:
            published.result()
        except PermissionError as error:
            findings.not_opened("published/", error)
    if apart.differences and is_held(lakehouse):
        # It may be between a release, its files and their manifest.
        findings.left_out("Published files could not be checked: a run is at work on them.")
    else:
        findings.take_over(apart)
    if asked.against is not None:
        check_against(asked.against, lakehouse, config, releases, findings)
    return release, findings


def _releases(lakehouse: Path, findings: Findings) -> tuple[Release, ...]:
    try:
        return tuple(ops.read_releases(lakehouse))
    except PermissionError:
        raise
    except (*READ_ERRORS, KeyError, TypeError) as error:
        first = (str(error).strip().splitlines() or ["no reason given"])[0][:200]
        findings.differs(ops.RELEASES, f"the releases cannot be read: {first}", todo=BACK)
        return ()


def _asked_for(
    number: int | None, releases: tuple[Release, ...], lakehouse: Path, findings: Findings
) -> Release | None:
    chosen = [release for release in releases if number in (None, release.release)]
    if chosen:
        return chosen[-1]
    if findings.differences:
        findings.left_out("The tables could not be checked: their release cannot be read.")
        return None
    raise UsageError(
        "nothing was released yet" if number is None else f"there is no release {number}",
        where=str(lakehouse),
        expected=f"one of 1 to {len(releases)}" if releases else None,
        hint="" if releases else "Run `support-lakehouse run` first.",
    )


def _feed(config: Config, name: str | None) -> Feed | None:
    known = [feed.name for feed in config.feeds]
    if name is not None and name not in known:
        raise UsageError(f"no feed is called {name}", expected=f"one of {', '.join(known)}")
    return config.feed(name) if name else None
