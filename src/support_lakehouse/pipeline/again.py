"""Owns the part of a replay that needs Spark: judging again, bronze, quarantine, silver."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from support_lakehouse.config import Config
from support_lakehouse.io.runlog import Stages
from support_lakehouse.model.books import OPEN, LedgerEntry
from support_lakehouse.model.feed import Feed
from support_lakehouse.model.landing import Shape
from support_lakehouse.model.plan import Plan, with_replays
from support_lakehouse.pipeline.load import Loading, loading
from support_lakehouse.stages import admit
from support_lakehouse.stages.books import Applied
from support_lakehouse.transforms import gates
from support_lakehouse.transforms import quarantine as Q
from support_lakehouse.transforms.judge import accepted, bronze_rows

Entry = Mapping[str, Any]


@dataclass(frozen=True)
class JudgedAgain:
    """What was folded in the end, the ledger after it, and how many rows came back or did not.

    `plan` takes back only the files of which a row came back.
    """

    plan: Plan
    ledger: tuple[LedgerEntry, ...]
    applied: Mapping[str, Mapping[str, Applied]]
    returned: Mapping[str, int]
    rejected: Mapping[str, int]


def judge_again(
    config: Config,
    lakehouse: Path,
    plan: Plan,
    run: str,
    stages: Stages,
    waiting: Sequence[Entry],
    given_up: Sequence[str] = (),
    *,
    spark: SparkSession | None,
) -> JudgedAgain:
    """Judge the waiting rows; those accepted now go into bronze and are folded in their place.

    `given_up` are the ids of other entries, which nobody shall wait for any more.
    """
    with loading(config, lakehouse, plan, run, stages, spark=spark) as load:
        counts: dict[str, dict[str, tuple[int, int]]] = {}
        entries = []
        for feed in load.feeds:
            with stages.stage("judge again", feed=feed.name):
                judged = _judged(load, feed, [w for w in waiting if w["feed"] == feed.name])
                told = gates.rows_by_file(judged).collect()
                counts[feed.name] = {file: (rows, no) for file, rows, no in told}
                back = accepted(judged)
                if any(rows > no for rows, no in counts[feed.name].values()):
                    admit.admit(load.tables_of(feed), feed, bronze_rows(back))
                rules = feed.fingerprint
                entries.append(Q.released(judged, feed.name, rules=rules))
                entries.append(Q.quarantined(judged, feed.name, rules=rules, state=OPEN))
        with stages.stage("quarantine"):
            there = load.tables.read(load.sessions.any(), admit.QUARANTINE)
            entries.append(Q.discarded(there, given_up, run))
            together = reduce(DataFrame.unionByName, entries)
            admit.write_entries(load.tables, together, load.sessions.any)
        folding = with_replays(_folding(plan, counts), config.feeds)
        done = replace(load, plan=folding).fold({})
    totals = [(f, n) for f, files in counts.items() for n in files.values()]
    return JudgedAgain(
        folding,
        done.ledger,
        done.applied,
        returned=_counted([(feed, rows - no) for feed, (rows, no) in totals]),
        rejected=_counted([(feed, no) for feed, (rows, no) in totals]),
    )


def _judged(load: Loading, feed: Feed, waiting: Sequence[Entry]) -> DataFrame:
    own = load.plan.changed(feed.name)
    records = load.sessions.of(feed).createDataFrame(_records_of(waiting, own))
    shape = Shape(tuple(dict.fromkeys(entry.header for entry in own)), quotes=feed.quoting)
    return admit.judge_records(records, load.tables, feed, shape).localCheckpoint()


def _folding(plan: Plan, counts: Mapping[str, Mapping[str, tuple[int, int]]]) -> Plan:
    """The plan with only those files returned of which a row came back."""
    came, stayed = [], []
    for entry in plan.returned:
        rows, no = counts[entry.feed].get(entry.file, (0, 0))
        if rows > no:
            came.append(entry)
        else:
            stayed.append(replace(entry, admissions=entry.admissions[:-1]))
    return replace(plan, ledger=(*plan.ledger, *stayed), returned=tuple(came))


def _records_of(waiting: Sequence[Entry], entries: Sequence[LedgerEntry]) -> pa.Table:
    """The records to judge again, in the shape of landed ones."""
    admissions = {entry.place: entry.admissions[-1] for entry in entries}
    rows = [
        {name: w[name] for name in ("period", "file", "line", "sha256", "header", "raw")}
        | {"admission": admissions[w["feed"], w["file"]]}
        for w in waiting
    ]
    text = ("period", "file", "sha256", "admission", "header", "raw")
    schema = pa.schema([(name, pa.string()) for name in text] + [("line", pa.int64())])
    return pa.Table.from_pylist(rows, schema=schema)


def _counted(rows: Sequence[tuple[str, int]]) -> dict[str, int]:
    """Numbers by name, those of the same name added up, without zeros."""
    told: Counter[str] = Counter()
    for name, number in rows:
        told[name] += number
    return {name: number for name, number in told.items() if number}
