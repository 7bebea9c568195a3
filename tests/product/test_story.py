"""Whatever happens, in whatever order, the product says what the plain model of its laws says."""

import shutil
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

import pytest
import yaml
from hypothesis import HealthCheck, Phase, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)
from pyspark.sql import SparkSession

from support_lakehouse.config import Config, load_config
from support_lakehouse.io import lake, ops
from support_lakehouse.model.release import Release
from support_lakehouse.pipeline import run as pipeline
from support_lakehouse.pipeline.back import rollback, withdraw
from support_lakehouse.pipeline.replay import discard, entries_of, replay
from support_lakehouse.pipeline.verify import Asked, verify
from support_lakehouse.stages import changed
from support_lakehouse.stages.released import Released
from tests.product.failing import failing
from tests.product.support import ROOT_SETTINGS
from tests.reference import laws
from tests.reference.laws import Books, Planned
from tests.reference.small import Content, SmallFeed, draw_content, small_feeds

REPORT = "gold/support_report"
GOLD = {"silver/interactions", "silver/contact_centers", "silver/service_categories"}
SEEDS = st.integers(min_value=0, max_value=2**32 - 1)


Step = tuple[str, Callable[[int], Books]]


class Crash(BaseException):
    """The process died here, as far as the tables can tell."""


@dataclass
class Seen:
    """What all stories of a session share: the state string of every content met so far."""

    states: dict[str, str] = field(default_factory=dict)


class Story(RuleBasedStateMachine):
    """One lakehouse; each rule is a command of a person, checked against the model."""

    spark: SparkSession
    folder: Path
    seen: Seen
    told = 0

    @initialize(seed=SEEDS, variant=st.integers(min_value=0, max_value=15))
    def begin(self, seed: int, variant: int) -> None:
        Story.told += 1
        self.root = self.folder / f"story{Story.told}"
        self.data, self.lakehouse = self.root / "data", self.root / "lakehouse"
        self.feeds, self.variant = small_feeds(variant), variant
        self.configs = {rules: self._declare(rules) for rules in ("strict", "lenient")}
        self.rules = "strict"
        self.disk: dict[str, Content] = {}
        self.books = Books()
        self.released: dict[int, Books] = {}
        self.refused: tuple[tuple[str, str], ...] | None = None
        self.may_recover = self.refused_now = False
        self.steps, self.seed = 0, seed
        rng = self._random(seed)
        for feed in self.feeds:
            for path in (feed.paths[0], *rng.sample(feed.paths[1:], 1)):
                self._write(draw_content(feed, path, rng))
        self._run((), tuple(feed.name for feed in self.feeds))

    def _declare(self, rules: str) -> Config:
        home = self.root / rules
        (home / "conf" / "feeds").mkdir(parents=True)
        shutil.copy(ROOT_SETTINGS, home / "conf" / "pipeline.yml")
        for feed in self.feeds:
            text = yaml.safe_dump(feed.declared(strict=rules == "strict"), sort_keys=False)
            (home / "conf" / "feeds" / f"{feed.name}.yml").write_text(text)
        return load_config(home)

    # ------------------------------------------------------------------ what people do

    @rule(seed=SEEDS)
    def deliver_and_run(self, seed: int) -> None:
        """Some files that are new, perhaps late, perhaps other bytes under an old name."""
        rng = self._random(seed)
        self._deliver(rng, corrected=rng.choice((0, 0, 1, 2)))
        accept = rng.choice((("corrections",), ("corrections",), ("corrections", "held"), ()))
        some = rng.sample(self.feeds, 3) if rng.random() < 0.3 and self.released else self.feeds
        self._run(accept, tuple(feed.name for feed in some))

    @rule(seed=SEEDS)
    def deliver_more_and_run(self, seed: int) -> None:
        """The same once more, so that it comes as often as it should."""
        self.deliver_and_run(seed)

    @rule(seed=SEEDS)
    def run_again(self, seed: int) -> None:
        """Nothing new came; what is held may be accepted."""
        accept = self._random(seed).choice(((), ("held",), ("held", "corrections")))
        self._run(accept, tuple(feed.name for feed in self.feeds))

    @rule(seed=SEEDS)
    def reset(self, seed: int) -> None:
        """A new ledger; a file may have left the folder before."""
        rng = self._random(seed)
        gone = [path for path in self.disk if not path.startswith("initial/")]
        for path in rng.sample(gone, rng.choice((0, 1, 2))):
            del self.disk[path]
            (self.data / path).unlink()
        self._run((), tuple(feed.name for feed in self.feeds), reset=True)

    @rule(seed=SEEDS)
    def withdraw(self, seed: int) -> None:
        held = {path for (path, _), state in self.books.aside.items() if state == "held"}
        there = sorted({*self.books.loaded, *held})
        if not there:
            return self.deliver_and_run(seed)
        path = self._random(seed).choice(there)
        note(f"withdraw {path}")
        act = partial(withdraw, self.config, self.lakehouse, path, why="x", spark=self.spark)
        self._do(act, ("replay", lambda _: laws.withdrawn(self.books, path)))

    @rule(seed=SEEDS)
    def roll_back(self, seed: int) -> None:
        if not self.released:
            return self.deliver_and_run(seed)
        number = self._random(seed).choice(sorted(self.released)[-4:])
        note(f"roll back to {number}")
        then = self.released[number]
        act = partial(rollback, self.config, self.lakehouse, number, why="x")
        self._do(act, ("rollback", lambda _: laws.rolled_back(self.books, then)))

    @rule(seed=SEEDS)
    def judge_by_other_rules(self, seed: int) -> None:
        """Rules change, and all that wait are judged again."""
        self._random(seed)
        self.rules = "lenient" if self.rules == "strict" else "strict"
        waiting = laws.open_places(self.books)
        again = [place for place in waiting if self.books.waiting[place].rules != self.rules]
        note(f"replay {len(again)} rows by {self.rules} rules")
        cells = {place: self._cells(place) for place in again}
        act = partial(replay, self.config, self.lakehouse, spark=self.spark)
        after = partial(self._judged_again, cells)
        self._do(act, *([("replay", after)] if again else []))

    @rule(seed=SEEDS)
    def correct_by_hand(self, seed: int) -> None:
        rng = self._random(seed)
        waiting = laws.open_places(self.books)
        if not waiting:
            return self.deliver_and_run(seed)
        chosen = rng.sample(waiting, min(len(waiting), rng.choice((1, 2, 3))))
        given, sheet = {}, {}
        ids = {self._place(entry): entry["id"] for entry in self._entries()}
        for place in chosen:
            content = self.books.loaded[place[1]].content
            drawn = [draw_content(content.feed, content.path, rng).rows for _ in range(9)]
            found = (row for rows in drawn for row in rows if row not in (None, self._cells(place)))
            given[place] = next(found)
            sheet[ids[place]] = {"raw": content.record(given[place])}
        note(f"correct {given}")
        act = partial(replay, self.config, self.lakehouse, corrected=sheet, spark=self.spark)
        self._do(act, ("replay", partial(self._judged_again, given)))

    @rule(seed=SEEDS)
    def give_up(self, seed: int) -> None:
        waiting = sorted(p for p, e in self.books.waiting.items() if e.state == "open")
        if not waiting:
            return self.deliver_and_run(seed)
        place = self._random(seed).choice(waiting)
        entry = next(e for e in self._entries() if self._place(e) == place)
        note(f"give up {place}")
        act = partial(
            discard, self.config, self.lakehouse, [entry["id"]], why="x", spark=self.spark
        )
        self._do(act, ("replay", lambda _: self._given_up(place)))

    # ------------------------------------------------------------------ how it is done

    def _random(self, seed: int) -> Random:
        """Chance for one step, and whether to die in it: small seeds come often, so others help.

        A function of what was drawn alone, so that a story can be told again.
        """
        self.steps += 1
        rng = Random(f"{self.seed} {self.steps} {seed}")
        self.crash = rng.choice((0, 3, 9, 20, 40, 70, 110)) + rng.randrange(30)
        self.crash = self.crash if rng.random() < 0.3 else None
        return rng

    @property
    def config(self) -> Config:
        return self.configs[self.rules]

    def _write(self, content: Content) -> None:
        self.disk[content.path] = content
        path = self.data / content.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.data)

    def _deliver(self, rng: Random, *, corrected: int) -> None:
        new = [(f, p) for f in self.feeds for p in f.paths if p not in self.disk]
        old = [(f, p) for f in self.feeds for p in f.paths if p in self.disk]
        for feed, path in rng.sample(new, min(len(new), rng.choice((1, 2, 3)))):
            self._write(draw_content(feed, path, rng))
        for feed, path in rng.sample(old, corrected):
            self._write(draw_content(feed, path, rng))

    def _run(self, accept: tuple[str, ...], feeds: tuple[str, ...], *, reset: bool = False) -> None:
        some = None if reset or len(feeds) == len(self.feeds) else feeds
        asked = pipeline.Options(
            data=self.data, lakehouse=self.lakehouse, feeds=some, accept=accept, reset=reset
        )
        books = Books(waiting={}) if reset else self.books
        planned = laws.plan(books, self.disk, feeds, accept)
        if reset:
            planned = replace(
                planned,
                emptied=_feeds(f.content for f in self.books.loaded.values())
                - _feeds(self.disk.values()),
            )
        note(f"run {feeds} {accept} {'reset' if reset else ''}: {_paths(planned)}")
        refused = tuple((path, self.disk[path].sha256) for path in planned.refused)
        self.refused_now = bool(refused)
        steps: list[Step] = []
        if refused:
            steps = [] if refused == self.refused else [("refusal", lambda _: self.books)]
        elif planned.load or planned.withdrawn:
            kind = "reset" if reset and self.released else "run"
            steps = [(kind, lambda number: laws.done(books, planned, self.rules, number))]
        if planned.again and not refused:
            again = planned.again
            steps.append(("replay", lambda _: laws.decided_again(self.books, again, self.rules)))

        def act() -> None:
            self.planned = pipeline.plan(self.config, asked)
            self.ran = pipeline.run(self.config, asked, spark=self.spark)

        whole = self._do(act, *steps)
        self.refused_now = False
        if whole:
            self._check_plan(planned)
            self.refused = refused or self.refused

    def _do(self, act: Callable[[], object], *due: Step) -> bool:
        """Do it, or die on the way; whether it came to its end. Then the product is looked at.

        `due` are the releases that it makes: their kinds, and the books after each.
        """
        known = len(self.released)
        dying: AbstractContextManager[Any] = nullcontext()
        if self.crash is not None:
            dying = failing(self.lakehouse, self.crash, Crash())
        whole = True
        try:
            with dying as steps:
                act()
        except Crash:
            whole = False
            note(f"died at step {self.crash}, {steps.taken[self.crash]}")
        releases = ops.read_releases(self.lakehouse)
        made = releases[known:]
        if made and made[0].kind == "recovery":
            assert self.may_recover, "only a crash gives cause to recover"
            self._remember(made.pop(0), self.books)
            if self.refused_now:
                due = (("refusal", lambda _: self.books),)  # told once more after a recovery
        kinds = [kind for kind, _ in due]
        if whole:
            assert [release.kind for release in made] == kinds
        assert [release.kind for release in made] == kinds[: len(made)]
        for release, (_, after) in zip(made, due, strict=False):
            self._remember(release, after(release.release))
        self.may_recover = not whole
        self._check(releases, whole=whole)
        return whole

    def _remember(self, release: Release, books: Books) -> None:
        self.books = books
        self.released[release.release] = books
        if release.kind != "refusal":
            self.refused = None

    def _judged_again(self, given: Mapping[Any, Any], number: int) -> Books:
        return laws.judged_again(self.books, given, self.rules)

    def _given_up(self, place: laws.Place) -> Books:
        entry = self.books.waiting[place]
        gone = replace(entry, state="discarded")
        return replace(self.books, waiting={**self.books.waiting, place: gone})

    def _cells(self, place: laws.Place) -> Any:
        return self.books.loaded[place[1]].content.lines[place[3]]

    def _entries(self) -> list[dict[str, Any]]:
        return entries_of(self.lakehouse, ops.read_releases(self.lakehouse))

    @staticmethod
    def _place(entry: Mapping[str, Any]) -> laws.Place:
        return (entry["feed"], entry["file"], entry["sha256"], entry["line"])

    # ------------------------------------------------------------------ what must be so

    def _check(self, releases: list[Release], *, whole: bool) -> None:
        assert [release.release for release in releases] == sorted(self.released)
        for before, release in pairwise(releases):
            assert release.previous == before.hash
        if not releases:
            return
        newest = releases[-1]
        self._check_silver(newest)
        self._check_ledger(newest)
        self._check_quarantine()
        self._check_reports(newest, self.books, published=whole)
        self._check_reports(releases[Random(len(releases)).randrange(len(releases))], None)
        found = verify(self.config, self.lakehouse, Asked())[1]
        assert (found.result, found.differences) == ("sound", [])
        content = repr((self.variant, self._content(), sorted(GOLD & set(newest.tables))))
        assert self.seen.states.setdefault(content, newest.state) == newest.state

    def _content(self) -> Any:
        folded = {feed.name: self.books.of(feed) for feed in self.feeds}
        return [
            (name, sorted(map(repr, f.rows)), sorted(map(repr, f.history)))
            for name, f in folded.items()
        ]

    def _rows(self, release: Release, table: str) -> list[dict[str, Any]]:
        if table not in release.tables:
            return []
        return lake.read(self.lakehouse / table, release.tables[table].version).to_pylist()

    def _check_silver(self, newest: Release) -> None:
        for feed in self.feeds:
            folded = self.books.of(feed)
            rows = self._rows(newest, f"silver/{feed.name}")
            assert _values(rows, feed) == _values(folded.rows, feed), feed.name
            if feed.kind == "snapshot":
                there = self._rows(newest, f"silver/{feed.name}_history")
                found = sorted((row["_period"], repr(_one(row, feed))) for row in there)
                assert found == sorted((p, repr(_one(row, feed))) for p, row in folded.history)

    def _check_ledger(self, newest: Release) -> None:
        entries = ops.read_files(self.lakehouse, newest.tables[ops.FILES].version)
        entries = [entry for entry in entries if entry.state != "refused"]
        found = sorted((e.file, e.sha256, e.state) for e in entries)
        loaded = [(p, file.content.sha256, "loaded") for p, file in self.books.loaded.items()]
        aside = [(p, sha256, why) for (p, sha256), why in self.books.aside.items()]
        out = [(p, sha256, "withdrawal held") for p, sha256, _ in loaded if p in self.books.out]
        decided = {(p, sha256, "decisions held") for _, p, sha256, _ in self.books.decided}
        assert sorted({*found}) == sorted([*loaded, *aside, *out, *decided])
        told = {e.file: e for e in entries if e.state == "loaded"}
        for feed in self.feeds:
            for path, book in self.books.of(feed).books.items():
                assert told[path].balance.as_dict() == book, path
        assert {p: e.release for p, e in told.items()} == {
            path: file.release for path, file in self.books.loaded.items()
        }

    def _check_quarantine(self) -> None:
        found = {self._place(e): (e["state"], e["attempts"]) for e in self._entries()}
        assert found == {p: (e.state, e.attempts) for p, e in self.books.waiting.items()}

    def _check_reports(self, release: Release, books: Books | None, *, published=False) -> None:
        """Gold, what is published, and the report as of each month, by the books of the release."""
        books = books or self.released[release.release]
        if not set(release.tables) >= {REPORT, *GOLD}:
            return
        zone = "-05:00"
        for month in (None, "202501", "202502", "202503", "202504", "202505"):
            expected = books.report(self.feeds, month and _known(release, month))
            period = month and _known(release, month)
            rows = Released(self.lakehouse, release, period).support_report(zone).to_pylist()
            assert rows == expected, (release.release, month)
        if published:
            text = (self.lakehouse / "published" / "support_report.csv").read_text()
            assert text.count("\n") == len(books.report(self.feeds)) + 1

    def _check_plan(self, planned: Planned) -> None:
        """What plan named is what the model says, and what run then did (and nothing else)."""
        told, done = self.planned, self.ran
        assert sorted(file.path for file in told.held) == sorted(planned.held)
        assert sorted(entry.file for entry in told.staying) == sorted(planned.staying)
        assert {entry.file for entry in told.undecided} == planned.undecided
        assert {entry.file for entry in told.again} == planned.again
        assert sorted(r.file for r in told.refusals) == sorted(planned.refused)
        if planned.refused:
            assert done.state == "refused"
            return
        assert sorted(f.found.path for f in told.load) == sorted(c.path for c in planned.load)
        assert sorted(e.file for e in told.withdrawn) == sorted(planned.withdrawn)
        if done.state != "released":
            assert not planned.load
            assert not planned.withdrawn
            assert not planned.again
            return
        files = [file for made in done.made for file in made.files]
        assert sorted(files) == sorted(f.found.path for f in told.load)
        replayed = {(f, p) for made in done.made for f, ps in made.replayed.items() for p in ps}
        assert {month for made in done.made for month in made.moved} <= set(told.may_move)
        named = {(f.found.feed, f.found.period) for f in told.load}
        named |= {(feed, p) for feed, periods in told.replays.items() for p in periods}
        named |= {(e.feed, e.period) for e in (*told.corrected, *told.withdrawn)}
        assert set(told.emptied) == planned.emptied
        if not told.again:
            assert done.release.replayed == told.replays
        assert replayed <= named
        folded = {one for made in done.made for one in _folded(self.lakehouse, made)}
        assert {one for one in folded if one[0] not in told.emptied} <= named

    def teardown(self) -> None:
        if hasattr(self, "books") and self.books.loaded and laws.is_clean(self.books, self.rules):
            self._check_fresh()
        if hasattr(self, "root"):
            shutil.rmtree(self.root)

    def _check_fresh(self) -> None:
        """On another machine, from the active files alone, the same state."""
        data, lakehouse = self.root / "fresh_data", self.root / "fresh"
        for path, file in self.books.loaded.items():
            (data / path).parent.mkdir(parents=True, exist_ok=True)
            (data / path).write_bytes(file.content.data)
        if "initial/interactions.csv" not in self.books.loaded:
            return
        asked = pipeline.Options(data=data, lakehouse=lakehouse)
        fresh = pipeline.run(self.config, asked, spark=self.spark).release
        newest = ops.read_releases(self.lakehouse)[-1]
        if GOLD & set(fresh.tables) == GOLD & set(newest.tables):
            assert fresh.state == newest.state


def _feeds(contents: Iterable[Content]) -> set[str]:
    return {content.feed.name for content in contents}


def _paths(planned: Planned) -> str:
    load = [content.path for content in planned.load]
    out = f"out {planned.withdrawn} staying {planned.staying} again {planned.again}"
    return f"load {load} refuse {planned.refused} held {planned.held} {out}"


def _one(row: Mapping[str, Any], feed: SmallFeed) -> list[Any]:
    return [row[name] for name in feed.columns]


def _values(rows: Any, feed: SmallFeed) -> list[str]:
    exact = [[_plain(value) for value in _one(row, feed)] for row in rows]
    return sorted(map(repr, exact))


def _plain(value: Any) -> str:
    if value is None or isinstance(value, str):
        return repr(value)
    return value.isoformat() if hasattr(value, "isoformat") else str(float(value))


def _known(release: Release, month: str) -> str:
    """The newest month that the release knows up to one that was asked for."""
    return max((p for p in release.as_of if p.isdigit() and p <= month), default="initial")


def _folded(lakehouse: Path, release: Release) -> set[tuple[str, str]]:
    """Feed and period of each fold of a run, by its log."""
    log = (lakehouse / "logs" / f"{release.run}.log").read_text()
    told = [line.split(" INFO silver ")[1] for line in log.splitlines() if " INFO silver " in line]
    facts = [dict(fact.split("=", 1) for fact in line.split(" ")) for line in told]
    return {(fact["feed"], fact["period"]) for fact in facts}


BRIEF = settings(
    max_examples=2,
    stateful_step_count=5,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)


def tell_stories(spark: SparkSession, folder: Path, how: settings) -> None:
    """Run the machine in a session; cubes are brought up to date as those of much data are."""
    Story.spark, Story.folder, Story.seen, Story.told = spark, folder, Seen(), 0
    with patch.multiple(changed, WORTH_ADDING_BYTES=0, SHARE=0):
        run_state_machine_as_test(Story, settings=how)


@pytest.mark.soak
def test_the_product_keeps_its_laws_in_eight_stories_more(
    spark: SparkSession, tmp_path: Path
) -> None:
    tell_stories(spark, tmp_path, settings(BRIEF, max_examples=10))


def test_the_product_keeps_its_laws_whatever_happens(spark: SparkSession, tmp_path: Path) -> None:
    tell_stories(spark, tmp_path, BRIEF)
