"""Owns the check that the books add up: ledger, bronze, silver and gold tell the same numbers."""

from collections.abc import Mapping

import pyarrow.compute as pc

from support_lakehouse.io import lake, ops
from support_lakehouse.io.datafiles import READ_ERRORS
from support_lakehouse.model.feed import Feed
from support_lakehouse.stages.books import total_of
from support_lakehouse.stages.check_tables import Traces
from support_lakehouse.stages.checking import AGAIN, BACK, Checking

CUBE, REPORT = "gold/interaction_cube", "gold/support_report"
WORK_TIME, HOURS = "gold/agent_work_time", "gold/interaction_hours"
INTERACTIONS = "silver/interactions"
_COUNTS = ((REPORT, "total_interactions"), (HOURS, "interactions"))
_CALLS = ((REPORT, "total_calls"), (HOURS, "calls"), (WORK_TIME, "calls"))
_MOST_KEYS = 5
_BY_KEY = "SELECT {key} AS key, _file FROM t"
_SUM = "SELECT coalesce(sum({column}), 0) AS total FROM t"


def check_books(of: Checking, traces: Traces) -> None:
    """Hold the ledger against itself, against bronze, and silver and gold against both.

    `traces` are the sound tables and what their rows trace to; of others nothing can be said.
    """
    _check_fingerprints(of)
    if of.ledger is None:
        of.findings.left_out("The books could not be checked: the ledger cannot be read.")
        return
    _check_ledger(of)
    for feed in of.feeds:
        if f"bronze/{feed.name}" in traces:
            _check_bronze(of, feed, traces[f"bronze/{feed.name}"])
        for table in feed.tables:
            if table in traces and table in of.tables:
                _check_silver(of, feed, table, traces[table])
    if of.feed is None:
        _check_gold(of, traces)


def _check_fingerprints(of: Checking) -> None:
    """The books' own tables are small: their content is hashed each time."""
    for name in (ops.FILES, ops.METRICS, ops.JOURNAL):
        state = of.tables[name]
        try:
            rows = lake.read(of.lakehouse / name, state.version).to_pylist()
        except READ_ERRORS:
            continue  # stages.check_tables has told it
        of.findings.checked["fingerprints"] += 1
        found = ops.fingerprint_of_rows(rows)
        if found != state.fingerprint:
            what = f"its content is not what was released: {found}, not {state.fingerprint}"
            of.findings.differs(name, what, todo=BACK)


def _check_ledger(of: Checking) -> None:
    ledger, release = of.ledger or (), of.release
    for entry in ledger:
        of.findings.checked["balance sheets"] += 1
        if not entry.balance.balances or min(entry.balance.as_dict().values()) < 0:
            what = f"rows read and rows accounted for differ: {entry.balance.as_dict()}"
            of.findings.differs(ops.FILES, what, key=entry.file, todo=BACK)
    new = [e for e in ledger if e.release == release.release and e.state == "loaded"]
    told = total_of([entry.balance for entry in new])
    if told != dict(release.rows) or (new and {e.file for e in new} != set(release.files)):
        what = f"its files come to {told}, the release says {dict(release.rows)}"
        of.findings.differs(ops.FILES, what, key=f"release {release.release}", todo=BACK)


def _check_bronze(of: Checking, feed: Feed, rows: Mapping[str, int]) -> None:
    table = f"bronze/{feed.name}"
    for entry in of.loaded(feed):
        first, *later = entry.admissions or ("",)
        found = rows.get(first, 0)
        if found != entry.balance.read:
            what = f"{found} rows of the file are there, the ledger read {entry.balance.read}"
            of.findings.differs(table, what, key=entry.file, todo=BACK)
        for admission in later:
            if not rows.get(admission):
                what = "the rows that came back from quarantine are gone"
                of.findings.differs(table, what, key=entry.file, todo=BACK)


def _check_silver(of: Checking, feed: Feed, table: str, rows: Mapping[str, int]) -> None:
    """Every row comes from a file that counts, and there are as many as the files left."""
    loaded = of.loaded(feed)
    own = (entry for entry in of.ledger or () if entry.feed == feed.name)
    # A file that was corrected and rolled back stands twice: as it counts, and held.
    states = {e.file: e.state for e in sorted(own, key=lambda e: e.state == "loaded")}
    for file, number in rows.items():
        if states.get(file) != "loaded":
            why = states.get(file, "not in the ledger")
            what = f"traces to {file}, which is {why}, as {number} rows of the table do"
            for key in _keys_of(of, feed, table, file) or [""]:
                of.findings.differs(table, what, key=key, todo=AGAIN)
    is_sum = feed.kind in ("changes", "events", "log") and table == feed.table
    if is_sum or (feed.kind == "snapshot" and table == feed.history):
        left = sum(e.balance.inserted - e.balance.deleted for e in loaded)
        if left != of.tables[table].rows:
            what = f"{of.tables[table].rows} rows are there, by the ledger {left} are left"
            of.findings.differs(table, what, todo=AGAIN)


def _keys_of(of: Checking, feed: Feed, table: str, file: str) -> list[str]:
    """The first keys of the rows that trace to a file; column names are checked by the models."""
    sql = _BY_KEY.format(key=feed.key or "_line")
    rows = lake.query(sql, {"t": (of.lakehouse / table, of.tables[table].version)})
    own = rows.filter(pc.equal(rows["_file"], file))["key"].to_pylist()
    return sorted(map(str, own))[:_MOST_KEYS]


def _check_gold(of: Checking, traces: Traces) -> None:
    """Every mart counts the same interactions and calls."""
    if CUBE not in traces or INTERACTIONS not in traces:
        return
    counted = {CUBE: _sum(of, CUBE, "total_interactions")}
    calls = _sum(of, CUBE, "total_calls")
    pairs = [
        (CUBE, counted[CUBE], of.tables[INTERACTIONS].rows, INTERACTIONS),
        *((t, _sum(of, t, c), counted[CUBE], CUBE) for t, c in _COUNTS if t in traces),
        *((t, _sum(of, t, c), calls, CUBE) for t, c in _CALLS if t in traces),
    ]
    for table, found, expected, other in pairs:
        of.findings.checked["sums"] += 1
        if found != expected:
            what = f"it counts {found}, {other} counts {expected}"
            of.findings.differs(table, what, todo=AGAIN)


def _sum(of: Checking, table: str, column: str) -> int:
    there = {"t": (of.lakehouse / table, of.tables[table].version)}
    return int(lake.query(_SUM.format(column=column), there).to_pylist()[0]["total"])
