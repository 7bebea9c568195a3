"""Owns the plan: what a run would load, skip and refuse, found out without Spark."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from support_lakehouse.config import Config
from support_lakehouse.errors import ConfigError, Refusal, UsageError
from support_lakehouse.io import lake, landing, ops
from support_lakehouse.model.books import DECISIONS_HELD, WITHDRAWAL_HELD, LedgerEntry
from support_lakehouse.model.feed import Feed
from support_lakehouse.model.landing import FoundFile
from support_lakehouse.model.period import INITIAL
from support_lakehouse.model.plan import Plan, with_replays
from support_lakehouse.model.release import Release
from support_lakehouse.stages.asked import (
    Asked,
    asked_feeds,
    check_periods_have_files,
    check_words,
    is_asked,
)
from support_lakehouse.stages.moved import published_months
from support_lakehouse.stages.sorting import Sorting

_DELTA_TYPES = {"text": "string", "integer": "long", "time": "string"}
"""How Delta calls the types that it calls otherwise than a feed does."""


def make_plan(config: Config, data: Path, lakehouse: Path, asked: Asked) -> Plan:
    """List, hash, compare with the ledger, check names and headers, and decide the order.

    Raises UsageError for a month that is none or has no file, and for unknown feeds or words.
    """
    feeds = {feed.name: feed for feed in asked_feeds(config, asked)}
    check_words(asked)
    listing = landing.list_files(data, config.feeds)
    releases = tuple(ops.read_releases(lakehouse))
    if releases and not asked.reset:
        _check_columns(feeds.values(), releases[-1], lakehouse)
    entries = read_ledger(lakehouse, releases)
    known = tuple(entry for entry in entries if entry.state == "loaded")
    ledger = () if asked.reset else known
    told = [file for file in listing.found if file.feed in feeds]
    found, unnamed = _with_days(told, feeds, ledger, asked.sync_dates)
    wanted = [file for file in found if is_asked(file, feeds[file.feed], asked)]
    check_periods_have_files(asked, wanted, ledger, data)
    before = Plan(
        releases=releases,
        known=known,
        ledger=ledger,
        found=found,
        aside=tuple(entry for entry in entries if entry.is_aside),
        unmatched=listing.unmatched,
        refusals=(*(r for r in listing.refused if r.feed in feeds), *unnamed),
        reset=asked.reset,
        accepted=asked.accept,
    )
    plan = _sorted_out(before, wanted, feeds, asked)
    plan = _with_refusals(plan, feeds.values(), ledger, asked)
    plan = _with_decisions(plan, tuple(feeds.values()), _decisions_held(before, feeds, asked))
    if not (plan.works or plan.again):
        return plan
    return replace(plan, may_move=published_months(lakehouse, plan.last))


def _sorted_out(
    before: Plan, wanted: Sequence[FoundFile], feeds: Mapping[str, Feed], asked: Asked
) -> Plan:
    """The plan with what becomes of the files that are asked for, and of loaded ones by that."""
    waiting = _withdrawals_held(before, feeds, asked)
    out = waiting if "held" in asked.accept else ()
    aside = () if asked.reset else before.aside
    files = Sorting(asked, before.releases, before.ledger, aside, out, [*before.refusals])
    files.sort(wanted, feeds)
    withdrawn = tuple(entry for entry in out if entry not in files.corrected)
    left = {entry.place for entry in (*files.corrected, *withdrawn)}
    instead = left | {(file.feed, file.path) for file in files.held}
    return replace(
        before,
        ledger=tuple(entry for entry in before.ledger if entry.place not in left),
        load=tuple(files.load),
        corrected=tuple(files.corrected),
        withdrawn=withdrawn,
        held=tuple(files.held),
        staying=tuple(entry for entry in waiting if entry.place not in instead),
        skipped=tuple(files.skipped),
        refusals=tuple(files.refusals),
    )


def _with_refusals(
    plan: Plan, feeds: Collection[Feed], ledger: Sequence[LedgerEntry], asked: Asked
) -> Plan:
    """The plan with what is refused of whole deliveries; `ledger` is that before the run."""
    refusals = [*plan.refusals, *_without_extract(feeds, plan.found, ledger)]
    if "short-snapshots" not in asked.accept:
        refusals += _alone(feeds, plan, {refusal.feed for refusal in refusals})
    return with_replays(replace(plan, refusals=tuple(dict.fromkeys(refusals))), tuple(feeds))


def _decisions_held(
    before: Plan, feeds: Mapping[str, Feed], asked: Asked
) -> tuple[LedgerEntry, ...]:
    """The lines on files asked for whose decisions are held."""
    held = () if asked.reset else before.aside
    own = (entry for entry in held if entry.state == DECISIONS_HELD and entry.feed in feeds)
    return tuple(entry for entry in own if is_asked(entry, feeds[entry.feed], asked))


def _with_decisions(plan: Plan, feeds: Sequence[Feed], lines: Sequence[LedgerEntry]) -> Plan:
    """The plan with the files whose held decisions are carried out, or stay held.

    Those of a file that does not count wait with it, and are not told.
    """
    new = {(f.found.feed, f.found.path, f.sha256) for f in plan.load}
    loaded = {entry.content: entry for entry in plan.ledger}
    lines = tuple(line for line in lines if line.content in new or line.content in loaded)
    if "held" not in plan.accepted:
        return replace(plan, undecided=lines)
    back = {line.content: loaded[line.content] for line in lines if line.content in loaded}
    others = tuple(entry for entry in plan.ledger if entry.content not in back)
    whole = with_replays(replace(plan, ledger=others, returned=tuple(back.values())), feeds)
    return replace(plan, again=lines, replays=whole.replays)


def read_ledger(lakehouse: Path, releases: Sequence[Release]) -> tuple[LedgerEntry, ...]:
    """The ledger as the last release says; empty before the first."""
    table = releases[-1].tables.get(ops.FILES) if releases else None
    return tuple(ops.read_files(lakehouse, table.version)) if table else ()


def _check_columns(feeds: Iterable[Feed], last: Release, lakehouse: Path) -> None:
    for feed in feeds:
        if feed.table not in last.tables:
            continue
        found = lake.columns_of(lakehouse / feed.table, last.tables[feed.table].version)
        there = {name: kind for name, kind in found.items() if not name.startswith("_")}
        declared = {c.name: _DELTA_TYPES.get(str(c.type), str(c.type)) for c in feed.columns}
        changed = {name for name, _ in there.items() ^ declared.items()}
        if changed:
            raise ConfigError(
                f"the columns {', '.join(sorted(changed))} of {feed.name} are declared otherwise"
                f" than release {last.release} has them",
                where="conf/feeds",
                hint="Rebuild the tables from the files with --reset, or put the feed back.",
            )


def _with_days(
    found: Iterable[FoundFile],
    feeds: Mapping[str, Feed],
    ledger: Iterable[LedgerEntry],
    told: Mapping[str, str],
) -> tuple[tuple[FoundFile, ...], list[Refusal]]:
    """The files with the day that a label stands for; refusals of those whose day nobody knows."""
    days = {e.label: e.period for e in ledger if e.label}
    for label, day in told.items():
        if days.get(label, day) != day:
            raise UsageError(
                f"{label} was loaded as {days[label]}, not as {day}", where="--sync-date"
            )
    days |= told
    named, refused = [], []
    for file in found:
        if feeds[file.feed].files.place != "day" or file.period:
            named.append(file)
        elif file.label in days:
            named.append(replace(file, period=days[file.label]))
        else:
            why = (
                f"{file.path} is for {file.label}, which is no date. Expected a folder like"
                f" sync-2026-01-02, or --sync-date {file.label}=2026-01-02 with its day."
            )
            refused.append(Refusal(file.feed, file.path, why))
    return tuple(sorted(named, key=lambda f: (f.order, f.feed))), refused


def _withdrawals_held(
    before: Plan, feeds: Mapping[str, Feed], asked: Asked
) -> tuple[LedgerEntry, ...]:
    """The loaded files asked for that were out before a rollback; they may have left the folder."""
    places = {entry.place for entry in before.aside if entry.state == WITHDRAWAL_HELD}
    own = (e for e in before.ledger if e.place in places and e.feed in feeds)
    return tuple(entry for entry in own if is_asked(entry, feeds[entry.feed], asked))


def _without_extract(
    feeds: Iterable[Feed], found: Sequence[FoundFile], ledger: Sequence[LedgerEntry]
) -> list[Refusal]:
    """Feeds of a group at work that have nothing to begin with."""
    there = {f.feed for f in found if f.period == INITIAL} | {entry.feed for entry in ledger}
    present = {f.feed for f in found} | {entry.feed for entry in ledger}
    groups = {feed.group_name for feed in feeds if feed.name in present}
    return [
        Refusal(
            feed.name,
            feed.files.initial or "",
            f"{feed.files.initial} is not there. Expected an extract to begin {feed.name} with;"
            " put it into the data folder.",
        )
        for feed in feeds
        if feed.kind == "changes" and feed.group_name in groups and feed.name not in there
    ]


def _alone(feeds: Iterable[Feed], plan: Plan, refused: Collection[str]) -> list[Refusal]:
    """Deliveries whose counterpart is missing, as a day's details without its list of agents."""
    refusals = []
    for feed in feeds:
        partner = feed.delivery.together_with
        if partner is None or partner in refused:
            continue
        there = {entry.period for entry in plan.active(partner)}
        for day in sorted({entry.period for entry in plan.new_entries(feed.name)} - there):
            why = (
                f"{feed.name} has a delivery for {day}, {partner} has none. Expected both; deliver"
                " the missing one, or say with --accept short-snapshots that it is meant."
            )
            files = [e.file for e in plan.new_entries(feed.name) if e.period == day]
            refusals.append(Refusal(feed.name, files[0], why))
    return refusals
