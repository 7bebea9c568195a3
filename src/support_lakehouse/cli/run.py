"""Owns `run` and `plan`: options in, a summary or JSON out."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from support_lakehouse.cli import options as o
from support_lakehouse.cli import screen
from support_lakehouse.config import load_config
from support_lakehouse.model.books import Balance, LedgerEntry
from support_lakehouse.model.period import period_order
from support_lakehouse.model.plan import Plan
from support_lakehouse.model.release import Release
from support_lakehouse.pipeline import back
from support_lakehouse.pipeline import run as pipeline


def run(
    data: o.Data = None,
    lakehouse: o.Lakehouse = None,
    months: o.Months = None,
    days: o.Days = None,
    feeds: o.Feeds = None,
    sync_date: o.SyncDates = None,
    accept: o.Accept = None,
    format: o.Format = None,
    no_finals: o.NoFinals = False,
    reset: o.Reset = False,
    rehash: o.Rehash = False,
    log_level: o.Level = o.LogLevel.info,
    json: o.Json = False,
) -> None:
    """Load what is new, release it, and publish report and finals."""
    asked = pipeline.Options(
        data=data,
        lakehouse=lakehouse,
        months=o.months_of(months),
        days=o.listed(days),
        feeds=o.listed(feeds),
        sync_dates=o.sync_dates_of(sync_date or []),
        accept=o.accepted(accept or []),
        format=format.value if format else None,
        finals=not no_finals,
        reset=reset,
        rehash=rehash,
        log_level=log_level.value,
    )
    with screen.progress(shown=not json) as tell:
        done = pipeline.run(load_config(), asked, tell=tell)
    screen.print_json(_run_json(done)) if json else _summary(done)
    if done.state == "refused":
        raise typer.Exit(3)


def plan(
    data: o.Data = None,
    lakehouse: o.Lakehouse = None,
    months: o.Months = None,
    days: o.Days = None,
    feeds: o.Feeds = None,
    sync_date: o.SyncDates = None,
    accept: o.Accept = None,
    format: o.Format = None,
    no_finals: o.NoFinals = False,
    reset: o.Reset = False,
    rehash: o.Rehash = False,
    log_level: o.Level = o.LogLevel.info,
    json: o.Json = False,
) -> None:
    """Say what a run with the same options would do; nothing is written."""
    asked = pipeline.Options(
        data=data,
        lakehouse=lakehouse,
        months=o.months_of(months),
        days=o.listed(days),
        feeds=o.listed(feeds),
        sync_dates=o.sync_dates_of(sync_date or []),
        accept=o.accepted(accept or []),
        format=format.value if format else None,
        finals=not no_finals,
        reset=reset,
        rehash=rehash,
        log_level=log_level.value,
    )
    work = pipeline.plan(load_config(), asked)
    screen.print_json(_plan_json(work)) if json else _tell_plan(work)
    if work.refusals:
        raise typer.Exit(3)


def rollback(
    release: Annotated[int, typer.Argument(help="As `history` tells it.")],
    why: o.Why,
    lakehouse: o.Lakehouse = None,
) -> None:
    """Take all tables back to a release; what was loaded or decided since is held."""
    config = load_config()
    made = back.rollback(config, (lakehouse or config.lakehouse).resolve(), release, why=why)
    screen.say(f"Release {made.release} is what release {release} was, state {made.state}.")
    screen.say(
        "Files loaded since are held, and so is what was decided since: `plan` names it,"
        " `run --accept held` carries it out again."
    )


def withdraw(
    file: Annotated[str, typer.Argument(help="Its path, as `files` lists it.")],
    why: o.Why,
    lakehouse: o.Lakehouse = None,
) -> None:
    """Take a file out, as if it had never come."""
    config = load_config()
    root = (lakehouse or config.lakehouse).resolve()
    with screen.progress(shown=True) as tell:
        made = back.withdraw(config, root, file, why=why, tell=tell)
    screen.say(f"Withdrawn in release {made.release}, state {made.state}: {file}")


def _summary(done: pipeline.RunResult) -> None:
    _tell_skipped(done.plan)
    if done.state == "refused":
        _tell_refusals(done.plan)
        screen.say("Refused: nothing of this run was released.")
        return
    if done.state == "nothing to do":
        _tell_idle(done.plan)
    _tell_loaded(done.loaded)
    for made in done.made:
        took = f", {done.seconds['total']:.1f} seconds" if made is done.made[-1] else ""
        screen.say(
            f"Release {made.release}: {len(made.files)} files, {made.rows['read']} rows,"
            f" state {made.state}{took}."
        )
    for gone in done.plan.withdrawn if done.made else ():
        screen.say(f"{gone.file}: withdrawn again.")
    if done.again is not None:
        screen.say_returned(done.again.returned, done.again.rejected)
    for made in done.made:
        for feed, periods in made.replayed.items():
            screen.say(f"{feed}: folded again: {', '.join(p or 'all files' for p in periods)}.")
        if made.moved:
            screen.say(f"Published figures moved in {', '.join(made.moved)}.")
    for path in done.published:
        screen.say(f"Published {path}")


def _tell_loaded(loaded: tuple[LedgerEntry, ...]) -> None:
    """One line for each feed and period: its files, and what became of their rows."""
    if not loaded:
        return
    groups: dict[tuple[str, str], list[LedgerEntry]] = {}
    for entry in loaded:
        groups.setdefault((entry.feed, entry.period), []).append(entry)
    outcomes = list(loaded[0].balance.as_dict())
    rows = [
        [feed, period, len(own), *Balance.total([e.balance for e in own]).as_dict().values()]
        for (feed, period), own in groups.items()
    ]
    columns = ["feed", "period", "files", *(name.replace("_", " ") for name in outcomes)]
    screen.table(columns, rows)
    screen.say_oddities(loaded)


def _tell_skipped(work: Plan) -> None:
    periods = sorted({f.period for f in work.skipped if f.period}, key=period_order)
    if work.skipped:
        of = f" ({', '.join(periods)})" if periods else ""
        screen.say(f"Loaded already, skipped: {len(work.skipped)} files{of}.")


def _tell_idle(work: Plan) -> None:
    if work.found:
        screen.say("Nothing to load: every file asked for is in the ledger.")
    else:
        screen.say("Nothing to load: no file in the data folder is one that a feed takes (--data).")


def _tell_refusals(work: Plan) -> None:
    for refusal in work.refusals:
        screen.complain(f"{refusal.feed}: {refusal.why}")


def _tell_plan(work: Plan) -> None:
    _tell_skipped(work)
    rows = [[f.found.feed, f.found.period, f.found.path, f.found.size] for f in work.load]
    if rows:
        screen.table(["feed", "period", "file to load", "bytes"], rows)
    elif not work.refusals:
        _tell_idle(work)
    for gone in work.withdrawn:
        screen.say(f"{gone.file}: withdrawn again, as it was before a rollback.")
    for feed, periods in work.replays.items():
        again = ", ".join(p or "all files" for p in periods)
        screen.say(f"{feed}: folded again, as something before changes: {again}.")
    for old in work.corrected:
        screen.say(f"{old.file}: takes the place of what release {old.release} loaded.")
    for held in work.held:
        screen.say(f"{held.path}: held since a rollback; --accept held takes it.")
    for stays in work.staying:
        screen.say(
            f"withdrawal of {stays.file}: held since a rollback; --accept held carries it out."
        )
    for line in work.undecided:
        screen.say(
            f"decisions on rejected rows of {line.file}: held since a rollback; --accept held"
            " carries them out."
        )
    for line in work.again:
        screen.say(f"{line.file}: rejected rows decided again, as they were before a rollback.")
    if work.may_move:
        screen.say(f"Figures may move in {', '.join(work.may_move)}.")
    for path in work.unmatched:
        screen.say(f"{path}: belongs to no feed, left alone.")
    for feed in work.emptied:
        screen.say(f"{feed}: no file is there any more; its table will have no row.")
    if work.reset:
        screen.say("A new ledger begins: silver is rebuilt from the extract, history stays.")
    _tell_refusals(work)
    if work.refusals:
        screen.say("A run would be refused: nothing would be released.")


def _run_json(done: pipeline.RunResult) -> dict[str, Any]:
    loaded = [_file(e.feed, e.file, e.period, "loaded", e.balance.as_dict()) for e in done.loaded]
    return {
        "release": done.release.release if done.release else None,
        "state": done.state,
        "files": loaded + _skipped(done.plan) + _refused(done.plan),
        "published": [str(path) for path in done.published],
        "seconds": dict(done.seconds),
        "refusals": _refusals(done.plan),
        "withdrawn": _places(done.plan.withdrawn) if done.made else [],
        "returned": dict(done.again.returned) if done.again else {},
        "replayed": _replayed(done.made),
        "moved": sorted({month for made in done.made for month in made.moved}),
    }


def _replayed(made: Sequence[Release]) -> dict[str, list[str]]:
    """The periods of each feed that the releases folded again."""
    told: dict[str, set[str]] = {}
    for release in made:
        for feed, periods in release.replayed.items():
            told.setdefault(feed, set()).update(periods)
    return {feed: sorted(periods, key=period_order) for feed, periods in told.items()}


def _plan_json(work: Plan) -> dict[str, Any]:
    works = work.works or work.again
    state = "refused" if work.refusals else "released" if works else "nothing to do"
    new = [_file(f.found.feed, f.found.path, f.found.period, "new", None) for f in work.load]
    return {
        "release": work.last.release if work.last else None,
        "state": state,
        "files": new + _skipped(work) + _refused(work),
        "published": [],
        "seconds": {},
        "refusals": _refusals(work),
        "unmatched": list(work.unmatched),
        "replays": {feed: list(periods) for feed, periods in work.replays.items()},
        "held": [{"feed": held.feed, "file": held.path} for held in work.held]
        + [{**place, "what": "withdrawal"} for place in _places(work.staying)]
        + [{**place, "what": "decisions"} for place in _places(work.undecided)],
        "withdrawn": _places(work.withdrawn),
        "decided": _places(work.again),
        "emptied": list(work.emptied),
        "may_move": list(work.may_move),
    }


def _file(
    feed: str, file: str, period: str, state: str, balance: Mapping[str, int] | None
) -> dict[str, Any]:
    return {"feed": feed, "file": file, "period": period, "state": state, "balance": balance}


def _places(entries: tuple[LedgerEntry, ...]) -> list[dict[str, str]]:
    return [{"feed": entry.feed, "file": entry.file} for entry in entries]


def _skipped(work: Plan) -> list[dict[str, Any]]:
    balances = {(e.feed, e.file): e.balance.as_dict() for e in work.ledger}
    return [
        _file(f.feed, f.path, f.period, "loaded already", balances[f.feed, f.path])
        for f in work.skipped
    ]


def _refused(work: Plan) -> list[dict[str, Any]]:
    periods = {(f.feed, f.path): f.period for f in work.found}
    return [
        _file(r.feed, r.file, periods.get((r.feed, r.file), ""), "refused", None)
        for r in work.refusals
    ]


def _refusals(work: Plan) -> list[dict[str, str]]:
    return [{"feed": r.feed, "file": r.file, "why": r.why} for r in work.refusals]
