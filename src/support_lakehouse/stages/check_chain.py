"""Owns the check of the chain: each release carries the hash of the one before it (law L4)."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from support_lakehouse.io import delta_log, lake, undo
from support_lakehouse.io.ops import RELEASES
from support_lakehouse.model.release import Release
from support_lakehouse.model.verdict import Findings
from support_lakehouse.stages.checking import BACK, user_metadata


def check_chain(lakehouse: Path, releases: Sequence[Release], findings: Findings) -> None:
    """Hold each release against the next one and the commit that wrote it."""
    findings.checked["releases"] += len(releases)
    for number, release in enumerate(releases, 1):
        if release.release != number:
            findings.differs(RELEASES, f"release {number} is gone", todo=BACK)
            return
    if releases and releases[0].previous:
        findings.differs(RELEASES, "what came before it is gone", key="release 1", todo=BACK)
    for earlier, later in pairwise(releases):
        if later.previous != earlier.hash:
            what = f"its row is not the one that release {later.release} was made after"
            findings.differs(RELEASES, what, key=f"release {earlier.release}", todo=BACK)
    _check_commits(lakehouse, releases, findings)


def _check_commits(lakehouse: Path, releases: Sequence[Release], findings: Findings) -> None:
    """Each commit of a release tells its hash a second time."""
    hashes = {release.release: release.hash for release in releases}
    for version in delta_log.versions(lakehouse / RELEASES):
        if not undo.has_whole_entry(lakehouse / RELEASES, version):
            continue
        told = user_metadata(lake.commit_of(lakehouse / RELEASES, version))
        number, hash_ = told.get("release", 0), told.get("hash")
        if hash_ is not None and hashes.get(number) != hash_:
            what = "is gone" if number not in hashes else "its row is not the one that was written"
            findings.differs(RELEASES, what, key=f"release {number}", todo=BACK)
