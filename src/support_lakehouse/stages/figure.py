"""Owns what one figure of the report is made of: its interactions, and the names it goes by."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from support_lakehouse.config import Config
from support_lakehouse.errors import UsageError
from support_lakehouse.io import lake
from support_lakehouse.model.feed import Feed
from support_lakehouse.model.release import Release
from support_lakehouse.stages.explain import INTERACTIONS
from support_lakehouse.stages.places import places_of
from support_lakehouse.stages.records import Records
from support_lakehouse.stages.released import Released
from support_lakehouse.transforms import report as arrow_report
from support_lakehouse.transforms import searching
from support_lakehouse.transforms.finals import UNKNOWN_KEY, UNKNOWN_TEXT
from support_lakehouse.transforms.report import KEYS, MEASURES
from support_lakehouse.transforms.story import Spoken

CENTERS, CATEGORIES = "silver/contact_centers", "silver/service_categories"
NAMED = {
    CENTERS: ("contact_center_id", "contact_center_name"),
    CATEGORIES: ("category_id", "department"),
}
"""The dimensions that name a figure: their key, and the column with the name."""


@dataclass(frozen=True)
class Naming:
    """A key of a dimension by which interactions of a figure are named.

    `by` says so, None where the key resolves to nothing.
    """

    feed: str
    key: str | None
    name: str
    interactions: int
    by: Spoken | None = None


@dataclass(frozen=True)
class Figure:
    """One published row, the interactions in it in order of key, and where its names are from.

    `interactions` have key, start, centre and category as delivered, what each adds to the
    measures, period, file and line. `came_in` is the release that brought each.
    """

    published: Mapping[str, Any]
    interactions: pa.Table
    came_in: tuple[int, ...]
    names: tuple[Naming, ...]

    @property
    def sums(self) -> dict[str, int | Decimal]:
        """What the interactions come to."""
        return {m: pc.sum(self.interactions[m]).as_py() or 0 for m in MEASURES}

    @property
    def adds_up(self) -> bool:
        return all(self.sums[m] == self.published[m] for m in MEASURES)


@dataclass(frozen=True)
class Figures:
    """A release, perhaps as of a month, whose figures are asked about."""

    config: Config
    released: Released
    releases: Sequence[Release]

    @property
    def zone(self) -> str:
        return self.config.settings.business_zone

    def figure(self, month: str, center: str, department: str) -> Figure:
        """What the report's row of a month (YYYY-MM), a centre and a department is made of.

        Raises UsageError where the report has no such row.
        """
        zone = self.zone
        wanted = dict(zip(KEYS, (month, center, department), strict=True))
        report = self.released.support_report(zone).to_pylist()
        published = next((row for row in report if wanted.items() <= row.items()), None)
        if published is None:
            raise UsageError(
                f"the report has no row {', '.join(wanted.values())}",
                where=f"release {self.released.release.release}",
                expected="month, centre and department as `support-lakehouse report` prints them",
                hint=_near(wanted, report),
            )
        rows = _of_month(self.released, zone, month)
        for table, (key, column) in NAMED.items():
            names = _names(self.released, table)
            found = [_name(names, k, column) == wanted[column] for k in rows[key].to_pylist()]
            rows = rows.filter(pa.array(found, pa.bool_()))
        rows = rows.take(pc.sort_indices(rows["interaction_id"]))
        naming = [n for table in NAMED for n in self._naming(table, rows)]
        places = places_of(self.released, self.releases, self._feed(INTERACTIONS))
        came = [places.came_in(p) for p in _places(rows)]
        return Figure(published, rows, tuple(came), tuple(naming))

    def _feed(self, table: str) -> Feed:
        return next(feed for feed in self.config.feeds if feed.table == table)

    def _naming(self, table: str, rows: pa.Table) -> Iterable[Naming]:
        """The keys of a dimension that the interactions have, and who gave them their names."""
        key, column = NAMED[table]
        counts = {c["values"]: c["counts"] for c in pc.value_counts(rows[key]).to_pylist()}
        names, feed = _names(self.released, table), self._feed(table)
        records = Records(self.released, self.releases, feed)
        stand = records.standing(names.keys() & counts.keys())
        for own in sorted(counts, key=lambda k: (k is not None, k)):
            by = stand[own].columns[column] if own in stand else None
            yield Naming(feed.name, own, _name(names, own, column), counts[own], by)


def _places(rows: pa.Table) -> Iterable[tuple[str, int]]:
    return zip(rows["_file"].to_pylist(), rows["_line"].to_pylist(), strict=True)


def _near(place: Mapping[str, str], report: Sequence[Mapping[str, Any]]) -> str:
    """Which part is known to no row, with what may be meant; else what the month has."""
    for key, told in place.items():
        known = sorted({row[key] for row in report})
        if told not in known:
            near = difflib.get_close_matches(told, known, n=1)
            if near:
                return f"Did you mean {near[0]}?"
            return f"No {key} is called {told!r}; there are {', '.join(known[:12])}."
    return ""


def _of_month(released: Released, zone: str, month: str) -> pa.Table:
    """The interactions of a business month with what each adds to the measures."""
    first = date(int(month[:4]), int(month[5:]), 1) if month > "0000" else date(1, 1, 1)
    low, high = _days_around(first)
    sql = searching.INTERACTIONS_BETWEEN.format(low=low, high=high)
    pinned = {"t": (released.lakehouse / INTERACTIONS, released.pinned(INTERACTIONS))}
    parts = [
        arrow_report.contributions(pa.Table.from_batches([batch]), zone)
        for batch in lake.batches(sql, pinned)
        if batch.num_rows
    ]
    if not parts:
        return arrow_report.contributions(lake.query(sql, pinned), zone)
    rows = pa.concat_tables(parts)
    return rows.filter(pc.equal(rows["month"], month))


def _days_around(first: date) -> tuple[str, str]:
    """Days between which a month lies in any zone."""
    low = first - timedelta(days=2) if first > date(1, 1, 3) else first
    high = first + timedelta(days=34) if first < date(9999, 11, 1) else date(9999, 12, 31)
    return low.isoformat(), high.isoformat()


def _names(released: Released, table: str) -> dict[str, Mapping[str, Any]]:
    """The rows of a dimension by key; the built-in member is none of them."""
    key = NAMED[table][0]
    rows = {row[key]: row for row in released.table(table).to_pylist()}
    rows.pop(UNKNOWN_KEY, None)
    return rows


def _name(names: Mapping[str, Mapping[str, Any]], key: str | None, column: str) -> str:
    found = names.get(key or "", {}).get(column)
    return str(found or UNKNOWN_TEXT)
