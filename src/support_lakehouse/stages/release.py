"""Owns the making of a release: the ledger, the journal, then the row that readers go by."""

import getpass
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from functools import cache
from pathlib import Path

from support_lakehouse.config import Config
from support_lakehouse.io import lake, ops
from support_lakehouse.model.books import LedgerEntry
from support_lakehouse.model.period import INITIAL, period_order
from support_lakehouse.model.release import Release, TableState, Versions
from support_lakehouse.stages.books import Applied, Counted, balance_of, fingerprint, total_of
from support_lakehouse.stages.plan import Plan


def entries(
    work: Plan,
    counted: Mapping[str, Mapping[str, Counted]],
    applied: Mapping[str, Mapping[str, Applied]],
    run: str,
) -> tuple[LedgerEntry, ...]:
    """The ledger's lines on the files of this run, each with a balance sheet that balances."""
    told = []
    for file in work.load:
        found = file.found
        rows = counted[found.feed].get(found.path, Counted(0, 0))
        done = applied[found.feed].get(found.period, Applied(version=-1))
        told.append(
            LedgerEntry(
                feed=found.feed,
                file=found.path,
                period=found.period,
                sha256=file.sha256,
                size=found.size,
                mtime_ns=found.mtime_ns,
                inode=found.inode,
                state="loaded",
                release=next_number(work),
                admitted_by=run,
                header=file.header.names,
                drift=file.header.drift,
                balance=balance_of(rows, done, found.path),
                reasons=rows.reasons,
                warnings=rows.warnings,
            )
        )
    return tuple(told)


def release(
    config: Config,
    lakehouse: Path,
    work: Plan,
    loaded: Sequence[LedgerEntry],
    applied: Mapping[str, Mapping[str, Applied]],
    run: str,
    at: datetime,
) -> Release:
    """Release what the run loaded. Nothing of it is seen before the last row is written."""
    what = f"{len(loaded)} files"
    decisions = [ops.Decision(next_number(work), _utc(at), run, "accepted", _who(), what)]
    if work.reset:
        began = "a new ledger from the files in the data folder"
        decisions.insert(0, ops.Decision(next_number(work), _utc(at), run, "reset", _who(), began))
    decisions += _changed_configuration(config, work, run, at)
    ledger = [*work.ledger, *loaded]
    made = Release(
        release=next_number(work),
        at=_utc(at),
        run=run,
        kind="reset" if work.reset and work.releases else "run",
        months=tuple(sorted({entry.period for entry in loaded} - {INITIAL})),
        files=tuple(entry.file for entry in loaded),
        rows=total_of([entry.balance for entry in loaded]),
        tables=_delta_tables(lakehouse) | _ops_tables(config, lakehouse, ledger, decisions, run),
        as_of=_as_of(work, applied),
        refusals=(),
        code=code_fingerprint(),
        config=config.fingerprint,
        previous=work.last.hash if work.last else "",
    )
    ops.append_release(lakehouse, made, config.settings.retention)
    return made


def refuse(config: Config, lakehouse: Path, work: Plan, run: str, at: datetime) -> Release | None:
    """Release that the run was refused: tables as they were. The same refusal says nothing new."""
    refusals = tuple(asdict(refusal) for refusal in work.refusals)
    if work.last and work.last.kind == "refusal" and work.last.refusals == refusals:
        return work.last
    number, last = next_number(work), work.last
    refused = [_refused(work, refusal["feed"], refusal["file"], refusal["why"], run, number)
               for refusal in refusals]  # fmt: skip
    loaded = {(entry.feed, entry.file) for entry in work.known}
    ledger = [*work.known, *(e for e in refused if (e.feed, e.file) not in loaded)]
    what = f"{len(refusals)} refusals"
    decisions = [ops.Decision(number, _utc(at), run, "refused", _who(), what)]
    made = Release(
        release=number,
        at=_utc(at),
        run=run,
        kind="refusal",
        months=(),
        files=tuple(refusal["file"] for refusal in refusals),
        rows=total_of([]),
        tables=dict(last.tables if last else {})
        | _ops_tables(config, lakehouse, ledger, decisions, run),
        as_of=last.as_of if last else {},
        refusals=refusals,
        code=code_fingerprint(),
        config=config.fingerprint,
        previous=last.hash if last else "",
    )
    ops.append_release(lakehouse, made, config.settings.retention)
    return made


def next_number(work: Plan) -> int:
    return work.last.release + 1 if work.last else 1


@cache
def code_fingerprint() -> str:
    """The sha256 over this package's source files."""
    package = Path(__file__).resolve().parents[1]
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        digest.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _refused(work: Plan, feed: str, file: str, why: str, run: str, number: int) -> LedgerEntry:
    found = next((f for f in work.found if (f.feed, f.path) == (feed, file)), None)
    return LedgerEntry(
        feed=feed,
        file=file,
        period=found.period if found else INITIAL,
        sha256="",
        size=found.size if found else 0,
        mtime_ns=found.mtime_ns if found else 0,
        inode=found.inode if found else 0,
        state="refused",
        release=number,
        admitted_by=run,
        why=why,
    )


def _changed_configuration(
    config: Config, work: Plan, run: str, at: datetime
) -> list[ops.Decision]:
    if work.last is None or work.last.config == config.fingerprint:
        return []
    what = f"configuration {config.fingerprint[:12]}, before it {work.last.config[:12]}"
    return [ops.Decision(next_number(work), _utc(at), run, "configuration changed", _who(), what)]


def _delta_tables(lakehouse: Path) -> dict[str, TableState]:
    """Each table that Spark writes: its newest version, rows and fingerprint."""
    logs = [*lakehouse.glob("*/*/_delta_log"), *lakehouse.glob("quarantine/_delta_log")]
    told = {}
    for path in sorted(log.parent for log in logs):
        name = path.relative_to(lakehouse).as_posix()
        if not name.startswith("ops/"):
            version = lake.newest_version(path)
            told[name] = TableState(version, *fingerprint(path, version))
    return told


def _ops_tables(
    config: Config,
    lakehouse: Path,
    ledger: Iterable[LedgerEntry],
    decisions: Sequence[ops.Decision],
    run: str,
) -> dict[str, TableState]:
    kept = config.settings.retention
    return {
        ops.FILES: ops.write_files(lakehouse, list(ledger), run, kept),
        ops.JOURNAL: ops.append_journal(lakehouse, decisions, run, kept),
    }


def _as_of(work: Plan, applied: Mapping[str, Mapping[str, Applied]]) -> dict[str, Versions]:
    """For each known period the version of every silver table after the last period up to it."""
    before = {} if work.reset or not work.last else dict(work.last.as_of)
    periods = sorted({*before, *(p for done in applied.values() for p in done)}, key=period_order)
    told: dict[str, Versions] = {}
    versions: dict[str, int] = {}
    for period in periods:
        versions |= before.get(period, {})
        versions |= {
            f"silver/{feed}": done.version
            for feed, by_period in applied.items()
            for p, done in by_period.items()
            if p == period
        }
        told[period] = dict(versions)
    return told


def _who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def _utc(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
