"""Owns the check of every table's content by its fingerprint, without a JVM."""

from support_lakehouse.io.datafiles import READ_ERRORS
from support_lakehouse.model.release import TableState
from support_lakehouse.stages.books import fingerprint
from support_lakehouse.stages.check_tables import Traces
from support_lakehouse.stages.checking import AGAIN, BACK, Checking


def check_content(of: Checking, traces: Traces) -> None:
    """Add up the row hashes of each sound table again and hold the sum against the release.

    Silver is looked at as of earlier months as well.
    """
    for name in (name for name in of.tables if name in traces and not name.startswith("ops/")):
        for state in of.states(name):
            check_version(of, name, state)


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
