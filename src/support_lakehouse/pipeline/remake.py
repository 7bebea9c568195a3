"""Owns the rebuilding of a release: Spark started, silver and gold made again, a place for them."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from pyspark.sql import SparkSession

from support_lakehouse.config import Config
from support_lakehouse.errors import Damaged
from support_lakehouse.io import ops
from support_lakehouse.io.lock import lock
from support_lakehouse.io.session import session_for, spark_session
from support_lakehouse.model.books import LedgerEntry
from support_lakehouse.model.release import Release, TableState
from support_lakehouse.stages import check_rows as rows
from support_lakehouse.stages.check_tables import Traces
from support_lakehouse.stages.checking import Checking
from support_lakehouse.stages.kept import Pinned, place_of, rebuilt, told_equal
from support_lakehouse.stages.remake import Remaking


def check_rows(of: Checking, traces: Traces, *, spark: SparkSession | None) -> None:
    """Make silver and gold of the release again and hold the tables against them."""
    if of.ledger is None:
        of.findings.left_out("Rows could not be checked: the ledger cannot be read.")
        return
    bad = [f"bronze/{f.name}" for f in of.feeds if f"bronze/{f.name}" not in traces]
    if bad:
        of.findings.left_out(f"Rows could not be checked: {', '.join(bad)} cannot be read.")
        return
    with _session(of.lakehouse, of.ledger, spark) as session:
        if of.gone in of.findings.unchecked:
            _check_gone(of, traces, session)
            return
        with TemporaryDirectory(prefix="support-lakehouse-") as folder:
            making = _making(of, session, Path(folder))
            rows.check_rows(of, making, traces, _made(of, making))


def _check_gone(of: Checking, traces: Traces, session: SparkSession) -> None:
    """The release's silver is no longer there: it is made again, to stay, and has to be equal."""
    try:
        rebuild(of.config, of.lakehouse, of.releases, of.release, spark=session)
    except Damaged as error:
        of.findings.left_out(error.sentence())
        return
    of.findings.unchecked.remove(of.gone)
    of.findings.notes.append(f"Release {of.release.release} was made again from bronze: equal.")
    making = _making(of, session, place_of(of.lakehouse, of.release))
    rows.check_rows(of, making, traces, making.states())


def _making(of: Checking, session: SparkSession, root: Path) -> Remaking:
    pinned = Pinned(of.lakehouse, of.releases, of.release)
    return Remaking(session, of.config, pinned, of.ledger or (), root)


def _made(of: Checking, making: Remaking) -> dict[str, TableState]:
    names: list[str] = []
    for feed in of.feeds:
        with rows.reading(of, f"bronze/{feed.name}"):
            names += making.silver(feed)
    if of.feed is None and len(names) == sum(len(feed.tables) for feed in of.feeds):
        making.marts(names)
    return making.states()


def rebuild(
    config: Config,
    lakehouse: Path,
    releases: Sequence[Release],
    release: Release,
    *,
    as_of: str | None = None,
    spark: SparkSession | None = None,
) -> Release:
    """Make silver and gold of a release again from bronze, under `rebuilt/`, if not done before.

    The release with the tables' new places in it. Raises Damaged where what is made is not equal,
    by fingerprint, to what was released.
    """
    done = rebuilt(lakehouse, release, as_of)
    if done is not None:
        return done
    root = place_of(lakehouse, release, as_of)
    ledger = tuple(ops.read_files(lakehouse, release.tables[ops.FILES].version))
    with lock(lakehouse), _session(lakehouse, ledger, spark) as session:
        shutil.rmtree(root, ignore_errors=True)
        pinned = Pinned(lakehouse, releases, release)
        making = Remaking(session, config, pinned, ledger, root, as_of)
        known = [feed for feed in config.feeds if f"bronze/{feed.name}" in release.tables]
        making.marts([name for feed in known for name in making.silver(feed)])
        made = making.states()
        if as_of is None:
            _check_equal(release, made, root)
        told_equal(lakehouse, release, made, as_of)
    again = rebuilt(lakehouse, release, as_of)
    assert again is not None
    return again


def _check_equal(release: Release, made: dict[str, TableState], root: Path) -> None:
    for name, told in release.tables.items():
        if not name.startswith(("silver/", "gold/")):
            continue
        found = made.get(name, TableState())
        if (found.rows, found.fingerprint) != (told.rows, told.fingerprint):
            shutil.rmtree(root, ignore_errors=True)
            raise Damaged(
                f"{name} of release {release.release}, made again from bronze, is another",
                where=str(root.parent.parent),
                expected=f"{told.rows} rows, {told.fingerprint}, as released",
                hint="It was made by another version of the program or of conf/; try with those.",
            )


@contextmanager
def _session(
    lakehouse: Path, ledger: tuple[LedgerEntry, ...], spark: SparkSession | None
) -> Iterator[SparkSession]:
    size = sum(entry.size for entry in ledger if entry.state == "loaded")
    if spark is not None:
        yield session_for(spark, size, lenient=True, of_tables=True)
        return
    log = lakehouse / "logs" / "verify.spark.log"
    with spark_session(bytes_at_stake=size, log=log, warehouse=lakehouse / "staging") as session:
        yield session_for(session, size, lenient=True, of_tables=True)
