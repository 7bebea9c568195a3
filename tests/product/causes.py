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
BROKEN = "INT90001"


@dataclass(frozen=True)
class Caused:
    """The lakehouse and its last configuration; for each release the files that count in it.

    `came` tells the release that brought a file in which state of the data folder; `by_hand` is
    the line of the first month that came back in release 4.
    """

    lakehouse: Path
    config: Config
    months: list[str]
    worlds: dict[int, list[tuple[str, Path]]]
    came: dict[tuple[str, Path], int]
    by_hand: tuple[str, int]

    def sources(self, release: int, table: Table) -> list[Source]:
        """The files of a table that count in a release, in their order."""
        names = [table.extract, *(table.delta(month) for month in self.months)]
        there = dict(self.worlds[release])
        return [Source(there[n], n) for n in names if n in there and (there[n] / n).exists()]

    def release_of(self, release: int, place: tuple[str, int]) -> int:
        """The release that brought a line which counts in a release."""
        file, _ = place
        if release == 4 and place == self.by_hand:
            return 4
        root = dict(self.worlds[release])[file]
        return 9 if (file, release) == (self.by_hand[0], 9) else self.came[file, root]


def write_all_causes(config: Config, spark: SparkSession, folder: Path) -> Caused:
    """Nine releases: two months, one late, a row by hand, a correction, a file out, back, and on.

    The last two are made with another zone, and by a program that reckons otherwise.
    """
    data, by_hand, corrected = (folder / name for name in ("data", "by_hand", "corrected"))
    months = write_history(data, SEED, interactions=40)
    first, third = (INTERACTIONS.delta(months[n]) for n in (0, 2))
    line = _break(data / first)
    for other in (by_hand, corrected):
        shutil.copytree(data, other)
    right = _cells("2025-01-05T14:30:00Z")
    _set_line(by_hand / first, line, right)
    write_history(folder / "later", LATER_SEED, interactions=40)
    shutil.copy(next((folder / "later" / "delta").glob("interactions*")), corrected / first)

    root = folder / "lakehouse"
    load(config, spark, data, root, months[0], feeds=FEEDS)
    load(config, spark, data, root, months[0], months[2], feeds=FEEDS)
    load(config, spark, data, root, *months[:3], feeds=FEEDS)
    replay(config, root, corrected=_sheet(config, root, right), why="typing error", spark=spark)
    shutil.copy(corrected / first, data / first)
    load(config, spark, data, root, *months[:3], feeds=FEEDS, accept=("corrections",))
    withdraw(config, root, third, why="sent by mistake", spark=spark)
    rollback(config, root, 3, why="all was right then")
    zoned = replace(config, settings=config.settings.model_copy(update={"business_zone": "+14:00"}))
    load(zoned, spark, data, root, feeds=FEEDS)
    with (
        mock.patch("support_lakehouse.transforms.marts.is_call", _is_written),
        mock.patch("support_lakehouse.stages.release.code_fingerprint", return_value="c" * 64),
    ):
        load(zoned, spark, data, root, feeds=FEEDS, accept=("held",))
    shutil.copy(by_hand / first, data / first)
    _set_line(data / first, line, _broken())
    return _caused(root, zoned, months, (data, by_hand, corrected), (first, third, line))


def _caused(
    root: Path,
    config: Config,
    months: list[str],
    folders: tuple[Path, Path, Path],
    told: tuple[str, str, int],
) -> Caused:
    data, by_hand, corrected = folders
    first, third, line = told
    files = {m: [t.delta(m) for t in TABLES] for m in months}
    extract = [t.extract for t in TABLES]

    def world(*chosen: str, **instead: Path) -> list[tuple[str, Path]]:
        names = [*extract, *(file for month in chosen for file in files[month])]
        return [(n, instead.get("first", data) if n == first else data) for n in names]

    one, two, three, four = months
    worlds = {
        1: world(one),
        2: world(one, three),
        3: world(one, two, three),
        4: world(one, two, three, first=by_hand),
        5: world(one, two, three, first=corrected),
        6: [w for w in world(one, two, three, first=corrected) if w[0] != third],
        7: world(one, two, three),
        8: world(one, two, three, four),
        9: world(one, two, three, four, first=corrected),
    }
    came = {(file, data): 1 for file in [*extract, *files[one]]}
    for month, release in ((three, 2), (two, 3), (four, 8)):
        came |= {(file, data): release for file in files[month]}
    came |= {(first, by_hand): 1, (first, corrected): 5}
    return Caused(root, config, months, worlds, came, (first, line))


def _is_written(channel):
    """What another program would take for a call."""
    from pyspark.sql import functions as F

    return F.coalesce(F.lower(channel) != "phone", F.lit(False))


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


def _sheet(config: Config, root: Path, right: str) -> dict[str, dict[str, str]]:
    """The broken row as a person put it right; others are left as they came."""
    entries = entries_of(root, ops.read_releases(root))
    (entry,) = (e for e in entries if e["key"] == BROKEN and e["feed"] == "interactions")
    row = sheet_row(entry, config.feed("interactions"), personal=True)
    return {entry["id"]: row | {"raw": right}}


def report_of(caused: Caused, release: int) -> dict[tuple[str, str, str], tuple]:
    """The published figures of a release."""
    released = open_released(caused.config, caused.lakehouse, release=release)
    rows = released.support_report(caused.config.settings.business_zone).to_pylist()
    keys = ("month", "contact_center_name", "department")
    return {
        tuple(r[k] for k in keys): tuple(v for n, v in r.items() if n not in keys) for r in rows
    }
