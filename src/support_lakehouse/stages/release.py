"""Owns the making of a release: the ledger, the journal, then the row that readers go by."""

import getpass
import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import cache
from pathlib import Path

from support_lakehouse.config import Config
from support_lakehouse.errors import Refusal
from support_lakehouse.io import lake, ops, undo
from support_lakehouse.model.books import LedgerEntry
from support_lakehouse.model.period import NO_PERIOD, is_month
from support_lakehouse.model.plan import Plan, as_of
from support_lakehouse.model.release import Kind, Release, TableState, Versions, only_as_of
from support_lakehouse.stages.books import Applied, fingerprint, total_of, unresolved
from support_lakehouse.stages.moved import moved_months


@dataclass(frozen=True)
class Releasing:
    """One run's release in the making: `why` is what a person said of what they decided."""

    config: Config
    lakehouse: Path
    plan: Plan
    run: str
    at: datetime
    why: str = ""

    def release(
        self,
        kind: Kind,
        ledger: Sequence[LedgerEntry],
        applied: Mapping[str, Mapping[str, Applied]],
        decisions: Sequence[tuple[str, str]],
    ) -> Release:
        """Release what the run did. Nothing of it is seen before the last row is written.

        `decisions` are what was decided and of what.
        """
        new = [e for e in ledger if e.release == self.plan.number and e.state == "loaded"]
        return self._append(
            kind,
            ledger,
            decisions,
            months=tuple(sorted({e.period for e in new if is_month(e.period)})),
            files=tuple(entry.file for entry in new),
            rows=total_of([entry.balance for entry in new]),
            tables=self._delta_tables(),
            as_of=as_of(self.plan, self.config.feeds, _versions(applied)),
            refusals=(),
        )

    def recovered(self, undone: Sequence[str]) -> Release:
        """Release what a recovery left: the same state, at the versions that it now has."""
        last = self.plan.last
        assert last is not None
        tables = {
            name: replace(state, version=lake.newest_version(self.lakehouse / name))
            for name, state in last.tables.items()
            if not name.startswith("ops/")
        }
        return self._append(
            "recovery",
            self.plan.known,
            [("recovered", ", ".join(undone))],
            months=(),
            files=(),
            rows=total_of([]),
            tables=tables,
            as_of=last.as_of,
            refusals=(),
        )

    def rolled_back(self, target: Release, ledger: Sequence[LedgerEntry]) -> Release:
        """Release that the tables stand as they did at an earlier release.

        Tables that came later have no row now.
        """
        later = self.plan.last.tables if self.plan.last else {}
        tables = {
            name: replace(state, version=lake.newest_version(self.lakehouse / name))
            for name, state in {**dict.fromkeys(later, TableState()), **target.tables}.items()
            if not name.startswith("ops/")
        }
        return self._append(
            "rollback",
            ledger,
            [("rolled back", f"to release {target.release}")],
            months=target.months,
            files=(),
            rows=total_of([]),
            tables=tables,
            as_of=target.as_of,
            refusals=(),
        )

    def maintained(
        self,
        tables: Mapping[str, TableState],
        as_of: Mapping[str, Versions],
        decisions: Sequence[tuple[str, str]],
    ) -> Release:
        """Release the same state at the versions that maintenance left."""
        return self._append(
            "maintenance",
            self.plan.known,
            decisions,
            months=(),
            files=(),
            rows=total_of([]),
            tables=tables,
            as_of=as_of,
            refusals=(),
        )

    def refuse(self, refusals: Sequence[Refusal]) -> Release | None:
        """Release that the run was refused: silver and gold as they were.

        The same refusal as last time says nothing new and writes nothing.
        """
        last = self.plan.last
        told = tuple(asdict(refusal) for refusal in refusals)
        if is_told(self.plan, refusals):
            return last
        loaded = {entry.place for entry in self.plan.known}
        refused = [self._refused(refusal) for refusal in refusals]
        stays = [*self.plan.known, *self.plan.aside]
        loaded |= {entry.place for entry in self.plan.aside}
        ledger = [*stays, *(e for e in refused if e.place not in loaded)]
        shown = {n: t for n, t in self._delta_tables().items() if n == "quarantine"}
        return self._append(
            "refusal",
            ledger,
            [("refused", f"{len(told)} refusals")],
            months=(),
            files=tuple(refusal.file for refusal in refusals),
            rows=total_of([]),
            tables=dict(last.tables if last else {}) | shown,
            as_of=last.as_of if last else {},
            refusals=told,
        )

    def _append(
        self,
        kind: Kind,
        ledger: Sequence[LedgerEntry],
        decisions: Iterable[tuple[str, str]],
        *,
        months: tuple[str, ...],
        files: tuple[str, ...],
        rows: Mapping[str, int],
        tables: Mapping[str, TableState],
        as_of: Mapping[str, Versions],
        refusals: tuple[Mapping[str, str], ...],
    ) -> Release:
        last = self.plan.last
        decisions = [*decisions, *self._changed_configuration()]
        same = last if last and last.config == self.config.fingerprint else None
        made = Release(
            release=self.plan.number,
            at=_utc(self.at),
            run=self.run,
            kind=kind,
            months=months,
            files=files,
            rows=rows,
            tables={**tables, **self._ops_tables(ledger, decisions)},
            as_of=as_of,
            refusals=refusals,
            unresolved=unresolved(self.lakehouse, self.config.feeds, tables, same),
            replayed=self.plan.replays,
            moved=moved_months(self.lakehouse, last, tables),
            earlier=self._earlier(tables, as_of),
            code=code_fingerprint(),
            config=self.config.fingerprint,
            previous=last.hash if last else "",
        )
        ops.append_release(self.lakehouse, made, self.config.settings.retention)
        return made

    def _earlier(
        self, tables: Mapping[str, TableState], as_of: Mapping[str, Versions]
    ) -> dict[str, tuple[TableState, ...]]:
        """Rows and fingerprint of what is read as of earlier months only.

        A version is looked at once, by the first release that names it; later ones say the same.
        """
        known = {(n, state.version): state for r in self.plan.releases for n, state in r.states()}
        told: dict[str, tuple[TableState, ...]] = {}
        for name, version in sorted(only_as_of(as_of, tables)):
            state = known.get((name, version))
            if state is None:
                state = TableState(version, *fingerprint(self.lakehouse / name, version))
            told[name] = (*told.get(name, ()), state)
        return told

    def _ops_tables(
        self, ledger: Sequence[LedgerEntry], decisions: Iterable[tuple[str, str]]
    ) -> dict[str, TableState]:
        kept, number, at = self.config.settings.retention, self.plan.number, _utc(self.at)
        entries = [
            ops.Decision(number, at, self.run, decision, _who(), what, self.why)
            for decision, what in decisions
        ]
        own = [entry for entry in ledger if entry.release == number]
        was, told = self.plan.last.tables if self.plan.last else {}, (self.run, kept)
        metrics, journal = was.get(ops.METRICS), was.get(ops.JOURNAL)
        return {
            ops.FILES: ops.write_files(self.lakehouse, ledger, *told),
            ops.METRICS: ops.append_metrics(self.lakehouse, own, *told, metrics),
            ops.JOURNAL: ops.append_journal(self.lakehouse, entries, *told, journal),
        }

    def _delta_tables(self) -> dict[str, TableState]:
        """Each table of rows at its newest version; as the last release has it, it is not read."""
        last = self.plan.last
        names = [n for n in undo.table_names(self.lakehouse) if not n.startswith("ops/")]

        def state(name: str) -> TableState:
            version = lake.newest_version(self.lakehouse / name)
            known = last.tables.get(name) if last else None
            if known is not None and known.version == version:
                return known
            return TableState(version, *fingerprint(self.lakehouse / name, version))

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            return dict(zip(names, pool.map(state, names), strict=True))

    def _refused(self, refusal: Refusal) -> LedgerEntry:
        place = (refusal.feed, refusal.file)
        found = next((f for f in self.plan.found if (f.feed, f.path) == place), None)
        return LedgerEntry(
            feed=refusal.feed,
            file=refusal.file,
            period=found.period if found else NO_PERIOD,
            sha256="",
            size=found.size if found else 0,
            mtime_ns=found.mtime_ns if found else 0,
            inode=found.inode if found else 0,
            state="refused",
            release=self.plan.number,
            why=refusal.why,
        )

    def _changed_configuration(self) -> list[tuple[str, str]]:
        last, now = self.plan.last, self.config.fingerprint
        if last is None or last.config == now:
            return []
        return [
            ("configuration changed", f"configuration {now[:12]}, before it {last.config[:12]}")
        ]


def is_told(plan: Plan, refusals: Sequence[Refusal]) -> bool:
    """Whether the last release says just this refusal already."""
    last, told = plan.last, tuple(asdict(refusal) for refusal in refusals)
    return last is not None and last.kind == "refusal" and last.refusals == told


def decisions_of(plan: Plan) -> list[tuple[str, str]]:
    """What a person decided by running with this plan."""
    told = [("accepted", f"{len(plan.load)} files")]
    if plan.reset:
        told.insert(0, ("reset", "a new ledger from the files in the data folder"))
    for entry in plan.corrected:
        told.append(("corrected", f"{entry.file}: {entry.sha256[:12]} is no longer active"))
    told += [("withdrawn", entry.file) for entry in plan.withdrawn]
    told += [(f"accepted {word}", "said with --accept") for word in plan.accepted]
    return told


@cache
def code_fingerprint() -> str:
    """The sha256 over this package's source files."""
    package = Path(__file__).resolve().parents[1]
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        digest.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _versions(applied: Mapping[str, Mapping[str, Applied]]) -> dict[str, dict[str, int]]:
    return {t: {p: done.version for p, done in own.items()} for t, own in applied.items()}


def _who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def _utc(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
