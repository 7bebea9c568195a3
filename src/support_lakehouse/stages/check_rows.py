"""Owns the check of rows: silver as bronze makes it, gold as silver makes it, by key."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame

from support_lakehouse.io.frames import read_at
from support_lakehouse.model.feed import Feed
from support_lakehouse.model.release import TableState, maker_of
from support_lakehouse.stages.books import fingerprint
from support_lakehouse.stages.check_content import check_version
from support_lakehouse.stages.check_tables import Traces
from support_lakehouse.stages.checking import AGAIN, BACK, Checking
from support_lakehouse.stages.gold_tables import CUBES, ROSTER, STATUS_HISTORY
from support_lakehouse.stages.release import code_fingerprint
from support_lakehouse.stages.remake import Remaking
from support_lakehouse.transforms import compare, judge, quarantine
from support_lakehouse.transforms.fold import FILE, LINE, PERIOD
from support_lakehouse.transforms.roster import COMPARED

_AT_ONCE = 4
_MOST = 20
"""So many rows of a table are named; that there are more is said."""
_KEYS = {
    **{cube.table: cube.keys for cube in CUBES},
    **{cube.mart_table: cube.mart.keys for cube in CUBES},
    ROSTER: ("agent_id",),
    STATUS_HISTORY: ("agent_id", "sync_date"),
}
_WORDS = {"missing": "the row is missing", "left over": "the row should not be there"}


def check_rows(
    of: Checking, making: Remaking, traces: Traces, made: Mapping[str, TableState]
) -> None:
    """Hold each sound table against what was made again, row by row where they differ."""
    for feed in of.feeds:
        table = f"bronze/{feed.name}"
        if table in traces:
            _check_hashes(of, making, table, ("file", "line"), judge.HASHED)
    if "quarantine" in traces:
        _check_hashes(of, making, "quarantine", ("id",), quarantine.HASHED)
    by_table = {table: feed for feed in of.feeds for table in feed.tables}
    of.findings.checked["tables made again"] += len(made)

    def one(table: str) -> None:
        if table in of.tables and table not in traces:
            _check_gone(of, table, made[table])
        elif table in of.tables:
            with reading(of, table):
                _check(of, making, table, by_table.get(table), made[table])
                _check_earlier(of, making, table, by_table.get(table))

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(one, made))


@contextmanager
def reading(of: Checking, table: str) -> Iterator[None]:
    """What Spark cannot read is told of the table; other tables are looked at all the same."""
    try:
        yield
    except (PySparkException, Py4JJavaError) as error:
        if "Checksum" in str(error):
            what = "its bytes are not those that were written: a checksum beside them differs"
            of.findings.differs(table, what, todo=AGAIN if table.startswith("silver") else BACK)
        else:
            first = (str(error).strip().splitlines() or ["no reason given"])[0][:200]
            of.findings.left_out(f"{table}: Spark could not read it: {first}")


def _check_hashes(
    of: Checking, making: Remaking, table: str, keys: Sequence[str], hashed: Sequence[str]
) -> None:
    with reading(of, table):
        rows = making.pinned.frame(making.session, table)
        _tell_odd(of, table, compare.odd_hashes(rows, keys, hashed), BACK)


def _check_gone(of: Checking, table: str, state: TableState) -> None:
    """A table whose version is gone, or damaged, is held against the release by fingerprint."""
    told = of.tables[table]
    if (state.rows, state.fingerprint) != (told.rows, told.fingerprint):
        of.findings.left_out(f"{table}: made again from bronze it is not what was released.")


def _check(
    of: Checking, making: Remaking, table: str, feed: Feed | None, state: TableState
) -> None:
    rows = making.pinned.frame(making.session, table)
    keys, compared = _shape(table, feed, rows)
    if not set(compared) <= set(rows.columns):
        of.findings.left_out(f"{table}: its columns are others than the feed has today.")
        return
    odd_hashes = _tell_odd(of, table, compare.odd_hashes(rows, keys, compared), AGAIN)
    found = fingerprint(of.lakehouse / table, of.tables[table].version)
    told = (of.tables[table].rows, of.tables[table].fingerprint)
    if found != (state.rows, state.fingerprint) or odd_hashes:
        expected = making.tables.read(making.session, table)
        other = compare.differences(rows, expected, keys, compared)
        maker = maker_of(table, of.release, of.releases)
        same_code = (maker.code, maker.config) == (code_fingerprint(), of.config.fingerprint)
        if found == told and not same_code and not odd_hashes:
            of.findings.left_out(
                f"{table} is what release {of.release.release} says, but made again it is another:"
                f" release {maker.release} made it by another program or conf/."
            )
            return
        found_there = other.limit(_MOST + 1).collect()
        _tell(of, table, [(r.key, _WORDS.get(r.what, f"other {r.what}")) for r in found_there])
    elif feed is not None:
        odd = compare.without_origin(rows, making.changes(feed), feed)
        what = "the place beside it is not that of a record with its values"
        _tell(of, table, [(row.key, what) for row in odd.limit(_MOST + 1).collect()])


def _check_earlier(of: Checking, making: Remaking, table: str, feed: Feed | None) -> None:
    """What is read only as of earlier months: each row's hash, and the sum of them."""
    for state in of.release.earlier.get(table, ()):
        rows = read_at(making.session, of.lakehouse / table, state.version)
        keys, compared = _shape(table, feed, rows)
        if set(compared) <= set(rows.columns):
            odd = compare.odd_hashes(rows, keys, compared)
            _tell_odd(of, table, odd, AGAIN, of.months(table, state.version))
            check_version(of, table, state)


def _shape(table: str, feed: Feed | None, rows: DataFrame) -> tuple[Sequence[str], Sequence[str]]:
    """The key of a table, and the columns that its hash is of."""
    if feed is None:
        hashed = [name for name in rows.columns if name != "_row_hash"]
        return _KEYS[table], COMPARED if table == "silver/roster_agents" else hashed
    key = (feed.key,) if feed.key and feed.kind != "log" else (FILE, LINE)
    return (*key, PERIOD) if table != feed.table else key, feed.column_names


def _tell_odd(of: Checking, table: str, odd: DataFrame, todo: str, months: str = "") -> int:
    """Tell of changed rows; how many there are, up to so many.

    As of earlier months only those are told that do not stand so in the release's own version.
    """
    found = [row.key for row in odd.limit(_MOST + 1).collect()]
    what = "the row was changed: its values are not those that its hash was made of"
    known = {d.key for d in of.findings.differences if (d.where, d.what) == (table, what)}
    told = [(key, f"{months}: {what}") for key in found if key not in known]
    _tell(of, table, told if months else [(key, what) for key in found], todo)
    return len(found)


def _tell(of: Checking, table: str, odd: Sequence[tuple[str, str]], todo: str = AGAIN) -> None:
    for key, what in sorted(odd)[:_MOST]:
        of.findings.differs(table, what, key=key, todo=todo)
    if len(odd) > _MOST:
        of.findings.differs(table, f"and more rows than {_MOST}", todo=todo)
