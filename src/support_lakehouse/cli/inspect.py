"""Owns `history` and `files`: releases and the ledger, for people and scripts."""

from pathlib import Path
from typing import Any

from support_lakehouse.cli import options as o
from support_lakehouse.cli import screen
from support_lakehouse.config import load_config
from support_lakehouse.io import ops
from support_lakehouse.model.books import LedgerEntry
from support_lakehouse.model.release import Release
from support_lakehouse.stages.kept import standings
from support_lakehouse.stages.plan import read_ledger


def history(lakehouse: o.Lakehouse = None, json: o.Json = False) -> None:
    """List the releases, newest first."""
    root = _lakehouse(lakehouse)
    releases = ops.read_releases(root)[::-1]
    kept = standings(root, releases[::-1])
    if json:
        told = [_release_json(r) | {"standing": kept[r.release]} for r in releases]
        screen.print_json(told)
        return
    if not releases:
        screen.say("Nothing was released yet. Run `support-lakehouse run` first.")
        return
    rows = [
        [r.release, r.at, r.kind, ",".join(r.months), len(r.files), r.state, kept[r.release]]
        + [_outcomes(r)]
        for r in releases
    ]
    columns = ["release", "at", "kind", "months", "files", "state", "versions", "rows"]
    screen.table(columns, rows)
    screen.say()
    newest = releases[0]
    screen.table(
        ["table", "version", "rows", "fingerprint"],
        [[name, t.version, t.rows, t.fingerprint] for name, t in sorted(newest.tables.items())],
        title=f"Tables of release {newest.release}",
    )


def files(lakehouse: o.Lakehouse = None, json: o.Json = False) -> None:
    """List the ledger: every file, and what became of each of its rows."""
    root = _lakehouse(lakehouse)
    entries = read_ledger(root, ops.read_releases(root))
    if json:
        screen.print_json([_entry_json(entry) for entry in entries])
        return
    if not entries:
        screen.say("No file was loaded yet. Run `support-lakehouse run` first.")
        return
    outcomes = list(entries[0].balance.as_dict())
    rows = [[e.file, e.period, e.state, e.release, *e.balance.as_dict().values()] for e in entries]
    screen.table(
        ["file", "period", "state", "release", *(o.replace("_", " ") for o in outcomes)], rows
    )
    for entry in entries:
        if entry.why:
            screen.say(entry.why)
    screen.say_oddities(entries)


def _lakehouse(named: Path | None) -> Path:
    return (named or load_config().lakehouse).resolve()


def _outcomes(release: Release) -> str:
    told = [f"{n} {name.replace('_', ' ')}" for name, n in release.rows.items() if n]
    return ", ".join(told) or "none"


def _release_json(release: Release) -> dict[str, Any]:
    return {
        "release": release.release,
        "at": release.at,
        "kind": release.kind,
        "months": list(release.months),
        "files": list(release.files),
        "rows": dict(release.rows),
        "tables": {
            name: {"version": t.version, "rows": t.rows, "fingerprint": t.fingerprint}
            for name, t in release.tables.items()
        },
        "state": release.state,
        "previous": release.previous,
        "as_of": {period: dict(versions) for period, versions in release.as_of.items()},
        "unresolved": dict(release.unresolved),
        "replayed": {feed: list(periods) for feed, periods in release.replayed.items()},
        "moved": list(release.moved),
        "run": release.run,
        "refusals": [dict(refusal) for refusal in release.refusals],
        "code": release.code,
        "config": release.config,
    }


def _entry_json(entry: LedgerEntry) -> dict[str, Any]:
    return {
        "feed": entry.feed,
        "file": entry.file,
        "period": entry.period,
        "sha256": entry.sha256,
        "size": entry.size,
        "rows": entry.balance.read,
        "state": entry.state,
        "release": entry.release,
        "balance": entry.balance.as_dict(),
        "warnings": dict(entry.warnings),
        "reasons": dict(entry.reasons),
        "drift": list(entry.drift),
        "why": entry.why,
    }
