"""Owns the reading of released state: report and finals of a release, as of a month, no JVM."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow as pa

from support_lakehouse.errors import UsageError
from support_lakehouse.io import lake, ops
from support_lakehouse.model.feed import Feed
from support_lakehouse.model.period import INITIAL, is_month, period_order
from support_lakehouse.model.release import Release
from support_lakehouse.stages.ordered import in_order
from support_lakehouse.transforms import call_log, calls, ordering
from support_lakehouse.transforms import report as arrow_report
from support_lakehouse.transforms.finals import final_of

MADE = {"roster_agents": ("agent_id",), "agent_status_history": ("agent_id", "sync_date")}
"""Silver tables that are made of others, and what they are sorted by."""
REPORT, CALL_LOG, QUARANTINE = "gold/support_report", "silver/call_center_log", "quarantine"


@dataclass(frozen=True)
class Released:
    """One release, perhaps as of a month: tables pinned to the versions it names."""

    lakehouse: Path
    release: Release
    as_of: str | None

    def version(self, table: str) -> int | None:
        """The version of a table, None where the release has no such table."""
        if self.as_of is None:
            state = self.release.tables.get(table)
            return state.version if state else None
        dated = {name for tables in self.release.as_of.values() for name in tables}
        if table in dated:
            return self.release.as_of.get(self.as_of, {}).get(table)
        state = self.release.tables.get(table)  # of a feed without months: it counts whole
        return state.version if state else None

    def table(self, table: str) -> pa.Table:
        """All rows of a table; UsageError where the release has none."""
        return lake.read(self.lakehouse / table, self.pinned(table))

    def pinned(self, table: str) -> int:
        """The version of a table; UsageError where the release has no such table."""
        version = self.version(table)
        if version is None:
            if not any(name.startswith("silver/") for name in self.release.tables):
                raise UsageError(
                    "nothing was released yet, the last run was refused",
                    where=str(self.lakehouse),
                    hint="`support-lakehouse files` says why.",
                )
            raise UsageError(
                f"release {self.release.release} has no table {table}",
                where=str(self.lakehouse),
                hint="Run the feeds that it is made of first.",
            )
        return version

    def support_report(self, zone: str) -> pa.Table:
        """The report's rows, sorted: gold's, or made again from silver as of the month."""
        if self.as_of is None:
            return arrow_report.sorted_report(self.table(REPORT))
        centers, categories = (
            self.table(f"silver/{name}") for name in ("contact_centers", "service_categories")
        )
        return arrow_report.support_report(self.cube(zone), centers, categories)

    def cube(self, zone: str) -> pa.Table:
        """Counts and minutes by month and keys as delivered, made again from silver."""
        interactions = self.lakehouse / "silver/interactions"
        pinned = {"t": (interactions, self.pinned("silver/interactions"))}
        return arrow_report.cube_of(lake.batches(arrow_report.INTERACTIONS, pinned), zone)

    def finals(self, feeds: tuple[Feed, ...]) -> Iterator[tuple[str, Iterator[pa.Table]]]:
        """`<feed>_final` and its rows, part after part, for every silver table that is loaded."""
        return ((name, make()) for name, make in self.makes(feeds))

    def makes(
        self, feeds: tuple[Feed, ...]
    ) -> Iterator[tuple[str, Callable[[], Iterator[pa.Table]]]]:
        """`<feed>_final` and how its rows are made, for every silver table that is loaded."""
        for feed in feeds:
            if self.version(feed.table) is not None:
                yield f"{feed.silver or feed.name}_final", partial(self.final, feed, feeds)
        for name in MADE:
            if self.version(f"silver/{name}") is not None:
                yield f"{name}_final", partial(self._made, name)

    def _made(self, name: str) -> Iterator[pa.Table]:
        table = f"silver/{name}"
        there = lake.columns_of(self.lakehouse / table, self.pinned(table))
        return self._in_order(table, [c for c in there if c != "_row_hash"], MADE[name])

    def final(self, feed: Feed, feeds: tuple[Feed, ...]) -> Iterator[pa.Table]:
        """The rows of one `<feed>_final`, sorted by key, a log's by place; a part at a time."""
        referred = feed.references.values() if feed.final.repair_references else ()
        targets = [target for target in feeds if target.name in referred]
        keys = {target.name: self._keys(target) for target in targets}
        by = (feed.key,) if feed.key and feed.kind != "log" else ("_file", "_line")
        return final_of(self._in_order(feed.table, feed.column_names, by), feed, keys)

    def _in_order(
        self, table: str, columns: Sequence[str], by: Sequence[str]
    ) -> Iterator[pa.Table]:
        return in_order(self.lakehouse / table, self.pinned(table), columns, by)

    def _keys(self, feed: Feed) -> pa.ChunkedArray:
        """The keys of a feed's table; none where it never came, so that nothing resolves to it."""
        if self.version(feed.table) is None:
            return pa.chunked_array([], pa.string())
        pinned = {"t": (self.lakehouse / feed.table, self.pinned(feed.table))}
        return lake.query(ordering.places_sql([feed.key or ""]), pinned)[feed.key]

    def cleaned_calls(self) -> pa.Table:
        """Calls with the names of their agents (sources.md, B)."""
        agents = "silver/call_agents"
        there = self.version(agents) is not None
        return calls.cleaned_calls(
            self.table("silver/calls"), self.table(agents) if there else None
        )

    def call_center_log(self) -> pa.Table:
        """The accepted rows of the call-centre log with their seconds, in file order."""
        return call_log.accepted(self.table(CALL_LOG))

    def call_center_log_rejected(self, feed: Feed) -> pa.Table:
        """The rejected rows of the call-centre log as they came, with why, in file order."""
        return call_log.rejected(self.quarantine(), feed)

    def quarantine(self) -> pa.Table:
        """All entries of quarantine; no row where nothing was ever rejected."""
        if self.version(QUARANTINE) is None:
            return call_log.NO_ENTRIES
        return self.table(QUARANTINE)


def open_released(
    lakehouse: Path, *, release: int | None = None, as_of: str | None = None
) -> Released:
    """The newest release or the one numbered, perhaps as of a month.

    Raises UsageError where there is none, or the month is no month.
    """
    chosen = chosen_of(ops.read_releases(lakehouse), release, lakehouse)
    if as_of is not None and not is_month(as_of):
        raise UsageError(f"{as_of!r} is no month", expected="a month like 202502")
    return Released(lakehouse, chosen, as_of and _period_up_to(chosen, as_of))


def chosen_of(releases: Sequence[Release], number: int | None, lakehouse: Path) -> Release:
    """The release numbered, or the newest; UsageError where there is none."""
    chosen = [release for release in releases if number in (None, release.release)]
    if not chosen:
        known = ", ".join(str(release.release) for release in releases[-5:])
        raise UsageError(
            "nothing was released yet" if number is None else f"there is no release {number}",
            where=str(lakehouse),
            expected=f"one of the releases ({known})" if releases else None,
            hint="" if releases else "Run `support-lakehouse run` first.",
        )
    return chosen[-1]


def _period_up_to(release: Release, month: str) -> str:
    """The newest period of the release that is not after the month: the extract at least."""
    monthly = (p for p in release.as_of if p == INITIAL or is_month(p))
    known = (p for p in monthly if period_order(p) <= period_order(month))
    return max(known, key=period_order, default=INITIAL)
