"""Owns what a person does about quarantine: rows judged again, by today's rules or corrected."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from support_lakehouse.config import Config
from support_lakehouse.errors import UsageError
from support_lakehouse.io import ops
from support_lakehouse.io.lock import lock
from support_lakehouse.io.runlog import Stages, log_to
from support_lakehouse.model.books import DECISIONS_HELD, LedgerEntry
from support_lakehouse.model.plan import Plan, with_replays
from support_lakehouse.model.release import Release
from support_lakehouse.pipeline.recovery import name_of_run, recover
from support_lakehouse.stages.decided import Decided, decided_again
from support_lakehouse.stages.plan import read_ledger
from support_lakehouse.stages.publish import publish
from support_lakehouse.stages.release import Releasing
from support_lakehouse.stages.released import QUARANTINE, Released
from support_lakehouse.transforms.by_hand import corrected_raw

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Entry = Mapping[str, Any]


@dataclass(frozen=True)
class ReplayResult:
    """What a replay did: rows that came back and rows that did not, by feed; the release."""

    returned: Mapping[str, int]
    rejected: Mapping[str, int]
    release: Release | None
    published: tuple[Path, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)


def replay(
    config: Config,
    lakehouse: Path,
    *,
    feed: str | None = None,
    corrected: Mapping[str, Mapping[str, str]] | None = None,
    why: str = "",
    spark: SparkSession | None = None,
    tell: Callable[[str], None] = lambda stage: None,
) -> ReplayResult:
    """Judge open entries again and fold those that are accepted now, in the place they had.

    `corrected` are rows of a sheet by the id of their entry; without it all open entries that
    other rules judged. Nothing to judge again: nothing is written. Raises UsageError for an id
    that nobody knows.
    """
    with lock(lakehouse):
        recover(config, lakehouse)
        return _replay(config, lakehouse, feed, corrected, why, spark, Stages(tell))


def _replay(
    config: Config,
    lakehouse: Path,
    feed: str | None,
    corrected: Mapping[str, Mapping[str, str]] | None,
    why: str,
    spark: SparkSession | None,
    stages: Stages,
) -> ReplayResult:
    books = _Books.of(lakehouse)
    waiting = _waiting(config, books, feed, corrected)
    if not waiting:
        return ReplayResult({}, {}, books.last, (), stages.told())
    done = _decide(
        config,
        books,
        Decided(waiting, by_hand=len(waiting) if corrected else 0),
        why=why,
        spark=spark,
        stages=stages,
    )
    assert done.release is not None
    with stages.stage("publish"):
        released = Released(lakehouse, done.release, as_of=None)
        paths = publish(released, config, config.settings.format, finals=True)
    return replace(done, published=tuple(paths), seconds=stages.told())


def discard(
    config: Config,
    lakehouse: Path,
    ids: Sequence[str],
    *,
    why: str,
    spark: SparkSession | None = None,
) -> Release:
    """Give up entries of quarantine for good; UsageError where one is not open."""
    with lock(lakehouse):
        recover(config, lakehouse)
        books = _Books.of(lakehouse)
        known = {e["id"]: e for e in entries_of(lakehouse, books.releases)}
        for id_ in ids:
            if id_ not in known or known[id_]["state"] not in ("open", "refused"):
                state = known[id_]["state"] if id_ in known else "unknown"
                raise UsageError(
                    f"{id_} is {state}", expected="an open entry (`quarantine list --state open`)"
                )
        given_up = Decided(given_up=ids)
        done = _decide(config, books, given_up, why=why, spark=spark, stages=Stages())
        assert done.release is not None
        return done.release


def carry_out(
    config: Config,
    lakehouse: Path,
    lines: Sequence[LedgerEntry],
    *,
    stages: Stages,
    spark: SparkSession | None = None,
) -> ReplayResult:
    """Decide once more what a rollback took back and holds; the lock must be held.

    `lines` are those of the ledger that say so. Rows that came back are judged by today's rules.
    """
    books = _Books.of(lakehouse)
    entries = entries_of(lakehouse, books.releases)
    what = decided_again(lakehouse, books.releases, lines, entries)
    ended = {(line.content, line.release) for line in lines}
    aside = tuple(
        e for e in books.aside if e.state != DECISIONS_HELD or (e.content, e.release) not in ended
    )
    held = [("accepted held", "said with --accept")]
    return _decide(config, replace(books, aside=aside), what, held, spark=spark, stages=stages)


@dataclass(frozen=True)
class _Books:
    """All releases, and the files of the last one: those loaded, and those put aside."""

    lakehouse: Path
    releases: tuple[Release, ...]
    loaded: tuple[LedgerEntry, ...]
    aside: tuple[LedgerEntry, ...]

    @staticmethod
    def of(lakehouse: Path) -> _Books:
        releases = tuple(ops.read_releases(lakehouse))
        known = read_ledger(lakehouse, releases)
        loaded = tuple(e for e in known if e.state == "loaded")
        return _Books(lakehouse, releases, loaded, tuple(e for e in known if e.is_aside))

    @property
    def last(self) -> Release | None:
        return self.releases[-1] if self.releases else None


def _decide(
    config: Config,
    books: _Books,
    what: Decided,
    decisions: Sequence[tuple[str, str]] = (),
    *,
    why: str = "",
    spark: SparkSession | None,
    stages: Stages,
) -> ReplayResult:
    """Judge again what comes back, give up the rest, and release it."""
    at = datetime.now(UTC)
    run, lakehouse = name_of_run(at), books.lakehouse
    files = {(w["feed"], w["file"]) for w in what.back}
    named = _with_admissions([e for e in books.loaded if e.place in files], run)
    others = tuple(e for e in books.loaded if e.place not in files)
    plan = Plan(books.releases, books.loaded, others, returned=tuple(named), aside=books.aside)
    plan = with_replays(plan, config.feeds)
    with log_to(lakehouse / "logs" / f"{run}.log", "info"):
        from support_lakehouse.pipeline.again import judge_again

        done = judge_again(
            config, lakehouse, plan, run, stages, what.back, what.given_up, spark=spark
        )
        told = [("replayed", f"{n} rows of {f} came back") for f, n in done.returned.items()]
        if what.by_hand:
            told.append(("corrected by hand", f"{what.by_hand} rows"))
        if what.given_up:
            told.append(("discarded", ", ".join(what.given_up)))
        with stages.stage("release"):
            releasing = Releasing(config, lakehouse, done.plan, run, at, why)
            kept = (*done.ledger, *plan.kept_aside())
            made = releasing.release("replay", kept, done.applied, [*decisions, *told])
    return ReplayResult(done.returned, done.rejected, made)


def entries_of(lakehouse: Path, releases: Sequence[Release]) -> list[dict[str, Any]]:
    """All entries of quarantine in the newest release, by feed, file and line."""
    if not releases or QUARANTINE not in releases[-1].tables:
        return []
    rows: list[dict[str, Any]] = Released(lakehouse, releases[-1], None).quarantine().to_pylist()
    return sorted(rows, key=lambda e: (e["feed"], e["file"].encode(), e["line"], e["id"]))


def _waiting(
    config: Config,
    books: _Books,
    feed: str | None,
    corrected: Mapping[str, Mapping[str, str]] | None,
) -> list[Entry]:
    """The open entries to judge again, each with the record that it has now."""
    entries = entries_of(books.lakehouse, books.releases)
    unknown = set(corrected or ()) - {e["id"] for e in entries}
    if unknown:
        raise UsageError(
            f"no entry of quarantine has the id {min(unknown)}",
            expected="the ids of `quarantine export`",
        )
    of_sheet = {e["feed"] for e in entries if e["id"] in (corrected or ())}
    if feed is not None and of_sheet and feed not in of_sheet:
        raise UsageError(
            f"no row of the sheet is of the feed {feed}",
            where="--feed",
            expected=", ".join(sorted(of_sheet)),
        )
    active = {entry.content for entry in books.loaded}
    rules = {f.name: f for f in config.feeds}
    told: list[Entry] = []
    for entry in entries:
        place = (entry["feed"], entry["file"], entry["sha256"])
        if entry["state"] != "open" or place not in active or entry["feed"] not in rules:
            continue
        if feed not in (None, entry["feed"]):
            continue
        own = rules[entry["feed"]]
        given = (corrected or {}).get(entry["id"])
        raw = corrected_raw(entry, given, own) if given is not None else entry["raw"]
        judged_otherwise = corrected is None and entry["rules"] != own.fingerprint
        if raw != entry["raw"] or judged_otherwise:
            told.append({**entry, "raw": raw})
    return told


def _with_admissions(entries: Sequence[LedgerEntry], run: str) -> list[LedgerEntry]:
    return [
        replace(entry, admissions=(*entry.admissions, f"{run}-{n}"))
        for n, entry in enumerate(entries)
    ]
