"""A lakehouse in whose releases figures move by every cause there is, and what must be in each."""

import csv
import io
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from unittest import mock

from pyspark.sql import SparkSession

from support_lakehouse.config import Config
from support_lakehouse.io import ops
from support_lakehouse.pipeline.back import rollback, withdraw
from support_lakehouse.pipeline.replay import entries_of, replay
from support_lakehouse.stages.released import open_released
from support_lakehouse.transforms.by_hand import sheet_row
from tests.product.support import load
from tests.reference.histories import write_history
from tests.reference.origins import Source
from tests.reference.tables import CONTACT_CENTERS, INTERACTIONS, SERVICE_CATEGORIES, Table

FEEDS = ("contact_centers", "interactions", "service_categories")
TABLES = (CONTACT_CENTERS, INTERACTIONS, SERVICE_CATEGORIES)
SEED, LATER_SEED = 2031, 77
BROKEN, RIGHT = "INT90001", "2025-01-05T14:30:00Z"
_IS_WRITTEN = "coalesce(lower(channel) <> 'phone', false)"
"""What another program would take for a call."""


@dataclass(frozen=True)
class Caused:
    """The lakehouse; for each release the files that count in it, the configuration it was made by.

    `came` tells the release that brought a file in which state of the data folder; `by_hand` is
    the line of the third month that came back in release 3.
    """

    lakehouse: Path
    months: list[str]
    configs: dict[int, Config]
    worlds: dict[int, dict[str, Path]]
    came: dict[tuple[str, Path], int]
    by_hand: tuple[str, int]

    def sources(self, release: int, table: Table) -> list[Source]:
        """The files of a table that count in a release, in their order."""
        names = [table.extract, *(table.delta(month) for month in self.months)]
        there = self.worlds[release]
        return [Source(there[n], n) for n in names if n in there and (there[n] / n).exists()]

    def release_of(self, release: int, place: tuple[str, int]) -> int:
        """The release that brought a line which counts in a release."""
        if release == 3 and place == self.by_hand:
            return 3
        came = self.came[place[0], self.worlds[release][place[0]]]
        return 7 if release == 7 and came > 1 else came


def write_all_causes(config: Config, spark: SparkSession, folder: Path) -> Caused:
    """Seven releases. Each moves figures by other causes.

    1: two months. 2: one late, one new, one corrected. 3: a row put right by hand. 4: back to 2.
    5: a file out, in another zone. 6: back to 1. 7: what was held, the file out again, by a
    program that reckons otherwise.
    """
    data, by_hand, corrected = (folder / name for name in ("data", "by_hand", "corrected"))
    months = write_history(data, SEED, interactions=40)
    first, third = (INTERACTIONS.delta(months[n]) for n in (0, 2))
    line = _break(data / third)
    for other in (by_hand, corrected):
        shutil.copytree(data, other)
    _set_line(by_hand / third, line, _cells(RIGHT))
    write_history(folder / "later", LATER_SEED, interactions=40)
    shutil.copy(min((folder / "later" / "delta").glob("interactions*")), corrected / first)

    root = folder / "lakehouse"
    load(config, spark, data, root, months[0], months[2], feeds=FEEDS)
    load(config, spark, corrected, root, feeds=FEEDS, accept=("corrections",))
    replay(config, root, corrected=_sheet(config, root), why="typing error", spark=spark)
    rollback(config, root, 2, why="nobody had asked")
    zone = config.settings.model_copy(update={"business_zone": "+14:00"})
    zoned = replace(config, settings=zone)
    withdraw(zoned, root, third, why="sent by mistake", spark=spark)
    rollback(config, root, 1, why="all was right then")
    with (
        mock.patch("support_lakehouse.transforms.cubes.IS_CALL", _IS_WRITTEN),
        mock.patch("support_lakehouse.stages.release.code_fingerprint", return_value="c" * 64),
    ):
        load(config, spark, corrected, root, feeds=FEEDS, accept=("held",))

    def world(*chosen: str, **instead: Path) -> dict[str, Path]:
        names = [t.extract for t in TABLES] + [t.delta(m) for m in chosen for t in TABLES]
        other = {first: instead.get("first", data), third: instead.get("third", data)}
        return {name: other.get(name, data) for name in names}

    one, two, three, four = months
    whole = world(*months, first=corrected)
    without_third = {name: place for name, place in whole.items() if name != third}
    worlds = {
        1: world(one, three),
        2: whole,
        3: world(*months, first=corrected, third=by_hand),
        4: whole,
        5: without_third,
        6: world(one, three),
        7: without_third,
    }
    came = {(file, data): 1 for file in world(one, three)}
    came |= {(file, data): 2 for file in world(two, four) if (file, data) not in came}
    came |= {(first, corrected): 2, (third, by_hand): 1}
    configs = dict.fromkeys(worlds, config) | {5: zoned}
    return Caused(root, months, configs, worlds, came, (third, line))


def _cells(start: str) -> str:
    cells = {"interaction_id": BROKEN, "channel": "phone", "interaction_start": start}
    return ",".join([*(cells.get(name, "") for name in INTERACTIONS.columns), "add"])


def _broken() -> str:
    return _cells("not yet")


def _break(path: Path) -> int:
    """Write the file anew with its columns in order and a row at its end that has no start."""
    reader = csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline=""))
    rows = [[cell.strip() for cell in row] for row in reader]
    header = [name.lower() for name in rows[0]]
    names = [*INTERACTIONS.columns, "action"]
    told = [names] + [
        [dict(zip(header, row, strict=True))[n] for n in names]
        for row in rows[1:]
        if len(row) == len(header)
    ]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(told)
    path.write_text(text.getvalue() + _broken() + "\n", encoding="utf-8")
    return text.getvalue().count("\n") + 1


def _set_line(path: Path, line: int, text: str) -> None:
    lines = path.read_text(encoding="utf-8").split("\n")
    lines[line - 1] = text
    path.write_text("\n".join(lines), encoding="utf-8")


def _sheet(config: Config, root: Path) -> dict[str, dict[str, str]]:
    """The broken row as a person put it right; others are left as they came."""
    entries = entries_of(root, ops.read_releases(root))
    (entry,) = (e for e in entries if e["key"] == BROKEN and e["feed"] == "interactions")
    row = sheet_row(entry, config.feed("interactions"), personal=True)
    return {entry["id"]: row | {"raw": _cells(RIGHT)}}


def report_of(caused: Caused, release: int) -> dict[tuple[str, str, str], tuple]:
    """The published figures of a release."""
    released = open_released(caused.lakehouse, release=release)
    rows = released.support_report("UTC").to_pylist()
    keys = ("month", "contact_center_name", "department")
    return {
        tuple(r[k] for k in keys): tuple(v for n, v in r.items() if n not in keys) for r in rows
    }
