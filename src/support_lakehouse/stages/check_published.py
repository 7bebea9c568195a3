"""Owns the check of published bytes: against their manifest, and of a manifest somebody holds."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from support_lakehouse.config import Config
from support_lakehouse.errors import UsageError
from support_lakehouse.io import ops
from support_lakehouse.io.datafiles import READ_ERRORS
from support_lakehouse.io.landing import sha256_of
from support_lakehouse.model.release import Release, TableState
from support_lakehouse.model.verdict import Findings
from support_lakehouse.stages.checking import BACK
from support_lakehouse.stages.moved import REPORT
from support_lakehouse.stages.publish import MANIFEST, made_of, sha256_again
from support_lakehouse.stages.release import code_fingerprint
from support_lakehouse.stages.released import Released

_REPUBLISHED = "Run again: `run` publishes anew what is not as the manifest says."
_WHERE = f"published/{MANIFEST}"


def check_published(
    lakehouse: Path, config: Config, releases: Sequence[Release], findings: Findings
) -> None:
    """Hold the bytes of `published/` against its manifest, and that against the releases.

    A crash leaves files that the manifest does not tell of yet, or no manifest: the next run puts
    that right, so it is noted and is no damage.
    """
    path = lakehouse / _WHERE
    if not path.exists():
        if any(path.parent.glob("[!.]*")):
            findings.notes.append(f"{_WHERE} is not there; the next run writes it.")
        return
    told = _manifest(path)
    if told is None:
        findings.differs(_WHERE, "the manifest is torn or empty", todo=_REPUBLISHED)
        return
    newest = Released(lakehouse, releases[-1], None) if releases else None
    for name, entry in told.items():
        findings.checked["published files"] += 1
        number, why = entry.get("release"), _not_of(entry, releases)
        if isinstance(number, int) and number > len(releases):
            # A release is published only after it was written: this is no trace of a crash.
            what = f"is gone, and {name} was published from it"
            findings.differs(ops.RELEASES, what, key=f"release {number}", todo=BACK)
        elif why:
            findings.differs(_WHERE, why, key=name, todo=_REPUBLISHED)
        _check_file(path.parent / name, entry, newest, config, findings)
    for other in sorted(path.parent.glob("[!.]*")):
        if other.name not in {*told, MANIFEST}:
            findings.notes.append(f"published/{other.name} is not named in {MANIFEST}.")
    is_named = any(name.startswith("support_report.") for name in told)
    if newest is not None and newest.release.tables.get(REPORT, TableState()).rows and not is_named:
        findings.notes.append(f"{MANIFEST} names no support_report; the next run writes it.")


def _manifest(path: Path) -> dict[str, Any] | None:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    whole = isinstance(told, dict) and all(isinstance(entry, dict) for entry in told.values())
    return told if whole else None


def _check_file(
    path: Path,
    entry: Mapping[str, Any],
    newest: Released | None,
    config: Config,
    findings: Findings,
) -> None:
    where = f"published/{path.name}"
    if not path.is_file():
        findings.notes.append(f"{where} is not there; the next run writes it, if it is asked for.")
        return
    try:
        found = sha256_of(path)
    except OSError as error:
        findings.not_opened(where, error)
        return
    size = path.stat().st_size
    if found == entry.get("sha256"):
        if entry.get("file_size", size) != size:
            findings.differs(_WHERE, f"the file has {size} bytes", key=path.name, todo=_REPUBLISHED)
        if newest is not None and _is_report_of(newest.release, path.name, entry):
            again = _again(newest, config, path.name)
            if again not in (found, None):
                what = "file and manifest agree, but the release publishes other bytes"
                findings.differs(where, what, todo=_REPUBLISHED)
        return
    behind = newest is not None and entry.get("state") != made_of(newest, path.name)
    if newest is not None and behind and _again(newest, config, path.name) == found:
        findings.notes.append(f"{where} is newer than {MANIFEST}; the next run puts that right.")
        return
    sizes = f"{size} bytes, the manifest says {entry.get('file_size')}"
    what = f"its bytes are not those that were published: {sizes}, sha256 {found[:12]}"
    findings.differs(where, what, todo=_REPUBLISHED)


def _is_report_of(release: Release, name: str, entry: Mapping[str, Any]) -> bool:
    """Whether a file is the report of the newest release, by this program: cheap to write again."""
    own = entry.get("release") == release.release and release.code == code_fingerprint()
    return own and name.startswith("support_report.")


def _again(released: Released, config: Config, name: str) -> str | None:
    try:
        return sha256_again(released, config, name)
    except (*READ_ERRORS, UsageError):
        return None


def check_against(
    held: Path, lakehouse: Path, config: Config, releases: Sequence[Release], findings: Findings
) -> None:
    """Whether a manifest that somebody holds came from this lakehouse, and says what it said.

    Each of its files is written again from its release, so the bytes are proven as well. Raises
    UsageError where it is no manifest.
    """
    if not held.is_file():
        raise UsageError("there is no such file", where=str(held), expected="a manifest.json")
    told = _manifest(held)
    if told is None:
        raise UsageError("is no manifest", where=str(held), expected="a manifest.json")
    for name, entry in told.items():
        findings.checked["files of the manifest"] += 1
        why = _not_of(entry, releases)
        if why:
            findings.differs(str(held), why, key=name)
            continue
        release = next(r for r in releases if r.release == entry["release"])
        at = Released(lakehouse, release, entry.get("as_of"))
        try:
            again = sha256_again(at, config, name, entry.get("zone", "UTC"))
        except (*READ_ERRORS, UsageError):
            findings.left_out(f"{name}: the tables of release {release.release} cannot be read.")
            continue
        _told_of(name, entry, again, release, findings, str(held))


def _told_of(
    name: str,
    entry: Mapping[str, Any],
    again: str | None,
    release: Release,
    findings: Findings,
    held: str,
) -> None:
    number = release.release
    if again == entry.get("sha256"):
        findings.notes.append(f"{name} came from here: release {number}, the same bytes.")
    elif release.code != code_fingerprint():
        findings.left_out(
            f"{name} names release {number} of this lakehouse, made by another version of the"
            " program; this one writes other bytes of it."
        )
    else:
        what = f"release {number} publishes other bytes: {again or 'no such file'}"
        findings.differs(held, f"{what}, not {entry.get('sha256')}", key=name)


def _not_of(entry: Mapping[str, Any], releases: Sequence[Release]) -> str:
    """Why an entry of a manifest cannot be of these releases; nothing where it can."""
    number = entry.get("release")
    release = next((r for r in releases if r.release == number), None)
    if release is None:
        return f"there is no release {number} here"
    if "release_hash" not in entry:  # a manifest of before hashes were told
        state = str(entry.get("state", "")).split(" ")[0]
        return "" if state == release.state else f"release {number} has state {release.state}"
    told = {"release_hash": release.hash, "code": release.code, "config": release.config}
    wrong = [key for key, value in told.items() if entry.get(key) != value]
    if wrong:
        return f"release {number} of this lakehouse is another: its {', '.join(wrong)} differ"
    tables: Any = entry.get("tables") or {}
    states = {n: vars(t) for n, t in release.tables.items()}
    other = sorted(n for n in {*tables, *states} if tables.get(n) != states.get(n))
    return f"release {number} says otherwise of {', '.join(other)}" if other else ""
