"""Owns the check of every table's content by its fingerprint, without a JVM."""

from support_lakehouse.io import lake
from support_lakehouse.io.datafiles import READ_ERRORS
from support_lakehouse.model.feed import Feed
from support_lakehouse.model.landing import header_text
from support_lakehouse.model.release import TableState
from support_lakehouse.stages.books import fingerprint
from support_lakehouse.stages.check_tables import Traces
from support_lakehouse.stages.checking import AGAIN, BACK, Checking

_LABELS = """
SELECT admission, run, file, period, sha256, header, count(*) AS rows FROM t
GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 3
"""


def check_content(of: Checking, traces: Traces) -> None:
    """Add up the row hashes of each sound table again and hold the sum against the release.

    Silver is looked at as of earlier months as well. What is the same for all rows of an admission
    is in no hash of bronze: the ledger knows it.
    """
    for name in (name for name in of.tables if name in traces and not name.startswith("ops/")):
        for state in of.states(name):
            check_version(of, name, state)
    for feed in of.feeds:
        if f"bronze/{feed.name}" in traces:
            _check_labels(of, feed)


def check_version(of: Checking, name: str, state: TableState) -> None:
    """The same of one version of a table."""
    todo = AGAIN if name.startswith(("silver/", "gold/")) else BACK
    months = of.months(name, state.version)
    try:
        rows, found = fingerprint(of.lakehouse / name, state.version)
    except READ_ERRORS as error:
        what = f"cannot be read to its end: {error}"[:300]
        of.findings.differs(name, what, key=months, todo=todo)
        return
    of.findings.checked["fingerprints"] += 1
    if (rows, found) != (state.rows, state.fingerprint):
        what = (
            f"its content is not what was released: {rows} rows, {found}, the release says"
            f" {state.rows} rows, {state.fingerprint}"
        )
        hint = "`verify --rows` names the rows."
        of.findings.differs(name, what, key=months, todo=f"{hint} {todo}")


def _check_labels(of: Checking, feed: Feed) -> None:
    table = f"bronze/{feed.name}"
    entries = {a: e for e in of.ledger or () if e.feed == feed.name for a in e.admissions}
    try:
        found = lake.query(_LABELS, {"t": (of.lakehouse / table, of.tables[table].version)})
    except READ_ERRORS as error:
        of.findings.differs(table, f"cannot be read to its end: {error}"[:300], todo=BACK)
        return
    for row in found.to_pylist():
        of.findings.checked["admissions"] += 1
        told = {"run": row["admission"].rpartition("-")[0]}
        if entry := entries.get(row["admission"]):
            told |= {"file": entry.file, "period": entry.period, "sha256": entry.sha256}
            told["header"] = header_text(entry.header)
        odd = [name for name, value in told.items() if row[name] != value]
        if odd:
            what = f"{row['rows']} rows of admission {row['admission']} tell another"
            what += f" {', '.join(odd)} than the ledger"
            of.findings.differs(table, what, key=row["file"] or "", todo=BACK)
