"""Owns what every command that writes begins with: a name of its own, and what a crash left."""

import logging
import secrets
import shutil
from datetime import UTC, datetime
from pathlib import Path

from support_lakehouse.config import Config
from support_lakehouse.io import ops
from support_lakehouse.io.runlog import log_to
from support_lakehouse.model.plan import Plan
from support_lakehouse.model.release import Release
from support_lakehouse.stages.plan import read_ledger
from support_lakehouse.stages.recover import mend_releases, undo_unreleased
from support_lakehouse.stages.release import Releasing

logger = logging.getLogger(__name__)


def name_of_run(at: datetime) -> str:
    """A name that no other run has; it begins with the time."""
    return f"{at:%Y%m%dt%H%M%S}-{secrets.token_hex(3)}"


def recover(config: Config, lakehouse: Path) -> Release | None:
    """Undo what stands beyond the last release, and remove what lies in staging.

    Told is the release that says so, if tables were concerned.

    Only a run that died can have left it. The lock must be held.
    """
    for left in (lakehouse / "staging").glob("*"):
        shutil.rmtree(left, ignore_errors=True)
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
