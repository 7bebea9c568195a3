"""Files in any order, split over runs in any way, say what they say all at once (design: L1)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import pytest
from pyspark.sql import SparkSession

from support_lakehouse.config import Config
from support_lakehouse.io import ops
from support_lakehouse.model.books import LedgerEntry
from support_lakehouse.model.release import Release
from support_lakehouse.pipeline import run as pipeline
from support_lakehouse.stages.released import open_released
from tests.product.support import command, expected, published
from tests.product.test_deliveries import quarantined, reasons, rows
from tests.reference import call_log, calls, deliveries, model, render, render_call_log, roster
from tests.reference.histories import write_history

ACCEPT = ("corrections", "short-snapshots")
MONTHLY = ("agents", "contact_centers", "service_categories", "interactions")
OTHERS = ("calls", "call_agents", "roster_agents", "roster_active", "call_center_log")
CONTENT = ("file_size", "sha256", "rows", "code", "config")
"""What the manifest tells of a file that is no matter of the way there.

Of the rejected calls `state` is, as it names quarantine with all that was ever put there.
"""
SEED, ORDERS, RUNS = 5, 8, 4

Files = Mapping[str, bytes]
Arrivals = list[tuple[str, bytes]]
"""What comes before a run; of a path that comes twice the last bytes count."""


@dataclass(frozen=True)
class History:
    """The files at its end, what they may have been before, and what a run has to be told."""

    final: Files
    before: Files
    labels: Mapping[str, str]


def written(folder: Path, seed: int, *, whole: bool) -> History:
    """A history by its seed, of all groups or of the months alone.

    What a file may have been before is what it is in another history.
    """
    data, labelled = folder / "final", whole and bool(seed % 2)
    months = _write(data, seed, whole=whole, labelled=labelled)
    for other in count(1000 * seed + 1):
        sibling = folder / f"before{other}"
        if _write(sibling, other, whole=whole, labelled=labelled) == months:
            break
    final, before = _read(data), _read(sibling)
    return History(
        final,
        {path: before[path] for path in final if before.get(path, final[path]) != final[path]},
        {"day1": f"{deliveries.FIRST_DAY:%Y-%m-%d}"} if labelled else {},
    )


def _write(folder: Path, seed: int, *, whole: bool, labelled: bool) -> list[str]:
    months = write_history(folder, seed, interactions=40, months=4 if whole else 3)
    if whole:
        deliveries.write_calls(folder, seed)
        deliveries.write_roster(folder, seed, labelled=labelled)
        deliveries.write_call_log(folder, seed)
    return months


def _read(folder: Path) -> Files:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def shuffled(history: History, rng: Random, runs: int) -> list[Arrivals]:
    """Each file before any run, half of those that can with other bytes at first.

    The extracts come no later than any month, which would be refused without them.
    """
    paths = rng.sample(sorted(history.final), len(history.final))
    corrected = {path for path in paths if path in history.before and rng.random() < 0.5}
    at = {
        path: sorted(rng.randrange(runs) for _ in range(1 + (path in corrected))) for path in paths
    }
    begins = min(at[path][0] for path in paths if path.startswith(("initial/", "delta/")))
    told: list[Arrivals] = [[] for _ in range(runs)]
    for path in paths:
        first, *later = at[path]
        first = begins if path.startswith("initial/") else first
        bytes_ = history.before if path in corrected else history.final
        told[first].append((path, bytes_[path]))
        for number in later:
            told[number].append((path, history.final[path]))
    return told


@dataclass(frozen=True)
class Arriving:
    """A lakehouse and its data folder, in which files arrive."""

    config: Config
    root: Path
    labels: Mapping[str, str]

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def lakehouse(self) -> Path:
        return self.root / "lakehouse"

    def deliver(self, arrivals: Arrivals) -> None:
        for path, data in arrivals:
            (self.data / path).parent.mkdir(parents=True, exist_ok=True)
            (self.data / path).write_bytes(data)

    def run(self, spark: SparkSession, **narrowed: Any) -> None:
        """Load what is there; the run does what its plan had named."""
        asked = pipeline.Options(
            data=self.data,
            lakehouse=self.lakehouse,
            sync_dates=self.labels,
            accept=ACCEPT,
            **narrowed,
        )
        plan = pipeline.plan(self.config, asked)
        done = pipeline.run(self.config, asked, spark=spark)
        assert done.state == ("released" if plan.load else "nothing to do")
        if done.state == "released":
            assert done.release is not None
            assert sorted(done.release.files) == sorted(f.found.path for f in plan.load)
            assert done.release.replayed == plan.replays
            assert set(done.release.moved) <= set(plan.may_move)

    def narrowed(self, rng: Random) -> dict[str, Any]:
        """To some feeds or months, or most often to none."""
        months = model.months_found(self.data)
        match rng.choice(("feeds", "months", "", "")):
            case "feeds":
                return {"feeds": tuple(rng.sample((*MONTHLY, *OTHERS), 4))}
            case "months" if months:
                return {"months": tuple(rng.sample(months, 1))}
            case _:
                return {}

    @property
    def newest(self) -> Release:
        return ops.read_releases(self.lakehouse)[-1]

    @property
    def ledger(self) -> list[LedgerEntry]:
        return ops.read_files(self.lakehouse, self.newest.tables[ops.FILES].version)

    def told(self) -> dict[str, Any]:
        """Everything that is a function of the files."""
        newest, manifest = self.newest, self.lakehouse / "published" / "manifest.json"
        return {
            "state": newest.state,
            "published": published(self.lakehouse),
            "manifest": {
                name: {key: one[key] for key in CONTENT}
                for name, one in json.loads(manifest.read_bytes()).items()
            },
            "fingerprints": {
                name: (table.rows, table.fingerprint)
                for name, table in newest.tables.items()
                if name.startswith(("silver/", "gold/"))
            },
            "books": {e.file: (e.sha256, e.balance, e.warnings) for e in self.ledger},
        }


def in_any_order(
    config: Config, spark: SparkSession, root: Path, seed: int, *, orders: int, whole: bool
) -> str:
    """A history in so many orders tells what it tells all at once, and what is calculated."""
    history = written(root / "history", seed, whole=whole)
    at_once = Arriving(config, root / "at_once", history.labels)
    at_once.deliver(list(history.final.items()))
    at_once.run(spark)
    check_calculated(at_once)
    due, releases, corrected = at_once.told(), 0, 0
    for number in range(orders):
        rng, one = Random(f"{seed} {number}"), Arriving(config, root / f"{number}", history.labels)
        runs = shuffled(history, rng, rng.randrange(2, RUNS + 1))
        for arrivals in runs[:-1]:
            one.deliver(arrivals)
            one.run(spark, **one.narrowed(rng))
        one.deliver(runs[-1])
        one.run(spark)
        assert _read(one.data) == history.final
        for what, told in one.told().items():
            assert told == due[what], (seed, number, what)
        releases += one.newest.release
        corrected += sum(map(len, runs)) - len(history.final)
    return f"{orders} orders of {len(history.final)} files, {releases} releases, {corrected} again"


def check_calculated(one: Arriving) -> None:
    """Reports of every month, books and all that is published, as calculated a second time."""
    due, found = expected(one.data), published(one.lakehouse)
    assert {name: found.pop(name) for name in due} == due
    for month in model.months_found(one.data):
        said = command("report", "--lakehouse", one.lakehouse, "--as-of", month).out
        second = model.calculate(one.data, as_of=month).support_report
        assert said.encode() == render.to_csv("support_report", second), month
    books = {e.file: vars(e.balance) for e in one.ledger}
    for file, balance in model.calculate(one.data).balances.items():
        assert books[file] == vars(balance), file
    if found:
        _check_others(one, found)


def _check_others(one: Arriving, found: Files) -> None:
    """Calls, roster and call-centre log."""
    released = open_released(one.lakehouse)
    cleaned, log = calls.calculate_calls(one.data), call_log.calculate_call_log(one.data)
    team = roster.calculate_roster(one.data, one.labels)
    assert released.cleaned_calls().to_pylist() == cleaned.rows
    agents = rows(released.table("silver/roster_agents"), "agent_id")
    assert [{k: v for k, v in a.items() if k != "ingested_at"} for a in agents] == team.agents
    history = rows(released.table("silver/agent_status_history"), "agent_id")
    assert sorted(history, key=lambda r: (r["agent_id"], r["sync_date"])) == team.history
    messages = {
        (entry["file"], entry["line"]): "; ".join(r["message"] for r in entry["reasons"])
        for entry in released.quarantine().to_pylist()
        if entry["feed"] == "call_center_log"
    }
    assert found == {
        "call_center_log.csv": render_call_log.call_log_csv(log),
        "call_center_log_rejected.csv": render_call_log.rejected_csv(log, messages),
        "cleaned_calls.parquet": found["cleaned_calls.parquet"],
    }
    assert quarantined(released, *OTHERS) == reasons(
        [*cleaned.rejected, *team.rejected, *log.rejected]
    )


@pytest.mark.soak
@pytest.mark.parametrize("whole", [False, True])
def test_an_order_of_files_tells_what_all_at_once_tells(
    config: Config, spark: SparkSession, tmp_path: Path, whole: bool
) -> None:
    in_any_order(config, spark, tmp_path, SEED, orders=1, whole=whole)


def test_an_agent_that_is_made_known_later_is_unknown_no_more(
    config: Config, spark: SparkSession, tmp_path: Path
) -> None:
    def page(kind: str, number: int, *ids: int) -> tuple[str, bytes]:
        told = [
            {"id": id_, "contact": {"email": f"{id_}@example.com", "name": f"{id_}"}} for id_ in ids
        ]
        return f"roster/sync-2026-01-02/{kind}/{number}.json", json.dumps(told).encode()

    def warned(one: Arriving) -> dict[str, Mapping[str, int]]:
        return {e.file.split("/", 2)[2]: e.warnings for e in one.ledger if e.warnings}

    one = Arriving(config, tmp_path, {})
    one.deliver([page("agents", 1, 1, 2), page("agents", 2, 3), page("agent_details", 1, 1)])
    one.run(spark)
    assert warned(one) == {
        "agents/1.json": {"unknown_agent": 1},
        "agents/2.json": {"unknown_agent": 1},
    }
    one.deliver([page("agent_details", 2, 2)])
    one.run(spark)
    assert warned(one) == {"agents/2.json": {"unknown_agent": 1}}
