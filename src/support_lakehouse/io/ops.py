"""Owns `ops/`: the ledger of files, the journal of decisions, the releases; all without a JVM."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import pyarrow as pa
from deltalake import write_deltalake

from support_lakehouse.errors import Damaged, UsageError
from support_lakehouse.io import delta_log, lake, undo
from support_lakehouse.model.books import Balance, LedgerEntry
from support_lakehouse.model.release import FORMAT, Release, TableState

FILES, JOURNAL, RELEASES = "ops/files", "ops/journal", "ops/releases"
METRICS = "ops/metrics"
_BALANCE = tuple(Balance().as_dict())
_TEXT, _COUNT = pa.string(), pa.int64()

_FILES_SCHEMA = pa.schema(
    [(name, _TEXT) for name in ("feed", "file", "period", "sha256")]
    + [(name, _COUNT) for name in ("size", "mtime_ns", "inode")]
    + [("state", _TEXT), ("release", _COUNT), ("admissions", _TEXT), ("label", _TEXT)]
    + [(name, _TEXT) for name in ("header", "drift", "reasons", "warnings", "why")]
    + [(name, _COUNT) for name in _BALANCE]
)
_JOURNAL_SCHEMA = pa.schema(
    [("release", _COUNT), ("at", _TEXT), ("run", _TEXT), ("decision", _TEXT), ("who", _TEXT)]
    + [("what", _TEXT), ("why", _TEXT)]
)
_METRICS_SCHEMA = pa.schema(
    [(name, _TEXT) for name in ("run", "feed", "file", "period", "kind", "name")]
    + [("rows", _COUNT)]
)
_RELEASES_SCHEMA = pa.schema(
    [("release", _COUNT), ("at", _TEXT), ("run", _TEXT), ("kind", _TEXT), ("state", _TEXT)]
    + [(name, _TEXT) for name in ("months", "files", "rows", "tables", "as_of", "earlier")]
    + [(name, _TEXT) for name in ("refusals", "unresolved", "replayed", "moved")]
    + [(name, _TEXT) for name in ("code", "config", "previous")]
    + [("format", _COUNT)]
)


@dataclass(frozen=True)
class Decision:
    """One line of the journal: what was decided in a release, by whom and why."""

    release: int
    at: str
    run: str
    decision: str
    who: str
    what: str
    why: str = ""


def read_releases(lakehouse: Path) -> list[Release]:
    """All releases, oldest first; UsageError where a newer program wrote the lakehouse."""
    version = undo.last_whole_version(lakehouse / RELEASES)
    if version is None:
        _check_never_published(lakehouse)
        return []
    table = lakehouse / RELEASES
    rows = _rows(table, version, lake.log_of(table, version))
    newest = max(row["format"] for row in rows)
    if newest < FORMAT:
        raise UsageError(
            f"the lakehouse has format {newest}, this program writes {FORMAT}",
            where=str(lakehouse),
            hint="Load the files into a new folder; from this format on nothing has to be rebuilt.",
        )
    if newest > FORMAT:
        raise UsageError(
            f"the lakehouse has format {newest}, this program knows {FORMAT}",
            where=str(lakehouse),
            hint="Install the newer program that wrote it.",
        )
    return sorted((_release(row) for row in rows), key=lambda release: release.release)


@lru_cache(maxsize=1)
def _rows(table: Path, version: int, log: lake.Log) -> list[dict[str, Any]]:
    """All rows of a table, read once for as long as its log stays as it is."""
    rows: list[dict[str, Any]] = lake.read(table, version).to_pylist()
    return rows


def _check_never_published(lakehouse: Path) -> None:
    """Files are published from a release only: where they are, and it is not, it was lost."""
    if (lakehouse / "published" / "manifest.json").is_file():
        raise Damaged(
            "the table of releases is gone, and files were published from one",
            where=str(lakehouse / RELEASES),
            expected="every release that was made",
            hint=lake.MENDED_BY,
        )


def append_release(lakehouse: Path, release: Release, retention: timedelta) -> None:
    """Write the release: from here on readers see it."""
    row = {name: _flat(value) for name, value in asdict(release).items()}
    row["state"] = release.state
    told = {"release": release.release, "hash": release.hash}  # a second witness, for `verify`
    _write(lakehouse / RELEASES, [row], _RELEASES_SCHEMA, "append", release.run, retention, told)


def read_files(lakehouse: Path, version: int) -> list[LedgerEntry]:
    """The ledger at a version, in order of feed and file."""
    rows = lake.read(lakehouse / FILES, version).to_pylist()
    return sorted((_entry(row) for row in rows), key=lambda e: (e.feed, e.file))


def write_files(
    lakehouse: Path, entries: Sequence[LedgerEntry], run: str, retention: timedelta
) -> TableState:
    """Replace the ledger; what a release says of it."""
    rows = []
    for entry in entries:
        row = {name: _flat(value) for name, value in asdict(entry).items() if name != "balance"}
        rows.append({**row, **entry.balance.as_dict()})
    _write(lakehouse / FILES, rows, _FILES_SCHEMA, "overwrite", run, retention)
    return _state(lakehouse / FILES, rows)


def read_journal(lakehouse: Path, version: int) -> list[Decision]:
    """The decisions up to a version, oldest first."""
    rows = lake.read(lakehouse / JOURNAL, version).to_pylist()
    return sorted((Decision(**row) for row in rows), key=lambda decision: decision.release)


def append_metrics(
    lakehouse: Path,
    entries: Sequence[LedgerEntry],
    run: str,
    retention: timedelta,
    was: TableState | None = None,
) -> TableState:
    """Add the rows of each file by outcome, reason and warning; what a release says of it.

    `was`: what the last release says of it.
    """
    rows = [
        {"run": run, "feed": e.feed, "file": e.file, "period": e.period}
        | {"kind": kind, "name": name, "rows": count}
        for e in entries
        for kind, counts in (
            ("outcome", e.balance.as_dict()),
            ("reason", e.reasons),
            ("warning", e.warnings),
        )
        for name, count in counts.items()
    ]
    _write(lakehouse / METRICS, rows, _METRICS_SCHEMA, "append", run, retention)
    return _added_to(was, lakehouse / METRICS, rows)


def append_journal(
    lakehouse: Path,
    decisions: Sequence[Decision],
    run: str,
    retention: timedelta,
    was: TableState | None = None,
) -> TableState:
    """Add decisions to the journal; what a release says of it. `was`: what the last one says."""
    rows = [asdict(decision) for decision in decisions]
    _write(lakehouse / JOURNAL, rows, _JOURNAL_SCHEMA, "append", run, retention)
    return _added_to(was, lakehouse / JOURNAL, rows)


def _write(
    table: Path,
    rows: Sequence[dict[str, Any]],
    schema: pa.Schema,
    mode: Literal["append", "overwrite"],
    run: str,
    retention: timedelta,
    more: Mapping[str, Any] = MappingProxyType({}),
) -> None:
    write_deltalake(
        table,
        pa.Table.from_pylist(list(rows), schema=schema),
        mode=mode,
        configuration=delta_log.kept_for(retention),
        commit_properties=delta_log.committed_by(json.dumps({"run": run, **more})),
    )


def _state(table: Path, rows: Sequence[dict[str, Any]]) -> TableState:
    return TableState(lake.newest_version(table), len(rows), fingerprint_of_rows(rows))


def _added_to(was: TableState | None, table: Path, rows: Sequence[dict[str, Any]]) -> TableState:
    """What a release says of a table that rows were appended to: read again only if it must be."""
    version = lake.newest_version(table)
    if was is None or version != was.version + 1:
        return _state(table, lake.read(table, version).to_pylist())
    total = int(was.fingerprint, 16) + int(fingerprint_of_rows(rows), 16)
    return TableState(version, was.rows + len(rows), f"{total % 2**64:016x}")


def fingerprint_of_rows(rows: Sequence[dict[str, Any]]) -> str:
    """The sum, modulo 2^64, of the first 64 bits of each row's sha256 as canonical JSON."""

    def bits(row: dict[str, Any]) -> int:
        text = json.dumps(row, sort_keys=True, ensure_ascii=False, default=str)
        return int.from_bytes(sha256(text.encode()).digest()[:8], "big")

    return f"{sum(map(bits, rows)) % 2**64:016x}"


def _flat(value: Any) -> Any:
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, sort_keys=True, ensure_ascii=False)
    return value


def _entry(row: dict[str, Any]) -> LedgerEntry:
    plain = {k: v for k, v in row.items() if k not in _BALANCE}
    for name in ("header", "drift", "admissions"):
        plain[name] = tuple(json.loads(plain[name]))
    for name in ("reasons", "warnings"):
        plain[name] = json.loads(plain[name])
    return LedgerEntry(**plain, balance=Balance(**{name: row[name] for name in _BALANCE}))


def _release(row: dict[str, Any]) -> Release:
    plain = {name: value for name, value in row.items() if name != "state"}
    for name in ("months", "files", "refusals", "moved"):
        plain[name] = tuple(json.loads(plain[name]))
    replayed = json.loads(plain["replayed"])
    plain["replayed"] = {feed: tuple(periods) for feed, periods in replayed.items()}
    for name in ("rows", "as_of", "unresolved"):
        plain[name] = json.loads(plain[name])
    plain["tables"] = {k: TableState(**v) for k, v in json.loads(row["tables"]).items()}
    earlier = json.loads(row["earlier"])
    plain["earlier"] = {k: tuple(TableState(**v) for v in vs) for k, vs in earlier.items()}
    return Release(**plain)
