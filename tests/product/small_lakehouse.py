"""A lakehouse of three tiny feeds, its deliveries, and the report that each of them makes due."""

import copy
import itertools
import os
import shutil
import subprocess
import sys
from pathlib import Path
from random import Random

import yaml
from pyspark.sql import SparkSession

from support_lakehouse.config import Config, load_config
from support_lakehouse.io import ops
from support_lakehouse.model.release import Release
from support_lakehouse.pipeline import run as pipeline
from tests.product.support import REPO, ROOT_SETTINGS, published
from tests.reference import laws, render
from tests.reference.small import Content, SmallFeed, draw_content, small_feeds

DELIVERIES = (
    ("initial/interactions.csv", "delta/interactions_202503.csv", "centers/a.csv", "2025-01-01/a"),
    ("delta/interactions_202502.csv", "2025-01-01/b"),
    ("delta/interactions_202505.csv", "centers/b.csv", "2025-01-03/a"),
    ("delta/interactions_202504.csv", "2025-01-02/a"),
)
"""The files of each delivery; months and days come late."""
Told = tuple[str, dict[str, bytes]]
"""A state and the published bytes."""


class SmallLakehouse:
    """Data, configuration and lakehouse in a folder of their own; nothing is loaded yet."""

    def __init__(self, root: Path, seed: int) -> None:
        self.home, self.data, self.lakehouse = root, root / "data", root / "lakehouse"
        self.seed = seed
        self.feeds: tuple[SmallFeed, ...] = small_feeds(0)[:3]
        self.books = laws.Books()
        (root / "conf" / "feeds").mkdir(parents=True)
        shutil.copy(ROOT_SETTINGS, root / "conf" / "pipeline.yml")
        for feed in self.feeds:
            told = yaml.safe_dump(feed.declared(strict=True), sort_keys=False)
            (root / "conf" / "feeds" / f"{feed.name}.yml").write_text(told)
        self.config: Config = load_config(root)

    def deliver(self, number: int) -> bytes:
        """Put the files of a delivery, from 1, into the data folder; the report that is due.

        Each delivery makes another report due than the one before.
        """
        before = self.books.report(self.feeds)
        for attempt in itertools.count():
            contents = self._contents(number, attempt)
            books = laws.admitted(self.books, contents, "strict", number)
            if books.report(self.feeds) != before:
                break
        for content in contents:
            path = self.data / content.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.data)
        self.books = books
        return render.to_csv("support_report", books.report(self.feeds))

    def _contents(self, number: int, attempt: int) -> list[Content]:
        rng = Random(f"{self.seed} {number} {attempt}")
        return [
            draw_content(feed, path, rng)
            for feed in self.feeds
            for path in feed.paths
            if any(path in (end, f"categories/{end}.csv") for end in DELIVERIES[number - 1])
        ]

    def copied(self, root: Path) -> "SmallLakehouse":
        """Another one with the same files and the same tables."""
        shutil.copytree(self.home, root)
        one = copy.copy(self)
        one.home, one.data, one.lakehouse = root, root / "data", root / "lakehouse"
        return one

    def run(self, spark: SparkSession) -> Release:
        """Load all that is there, in a session of the tests."""
        asked = pipeline.Options(data=self.data, lakehouse=self.lakehouse)
        release = pipeline.run(self.config, asked, spark=spark).release
        assert release is not None
        return release

    def begin(self, *, dying_at: str = "") -> "subprocess.Popen[bytes]":
        """The real command in a process group of its own, perhaps one that kills itself."""
        module = ["tests.product.dying", dying_at] if dying_at else ["support_lakehouse"]
        words = [sys.executable, "-m", *module, "run"]
        here = {"SUPPORT_LAKEHOUSE_HOME": str(self.home)}
        paths = [str(REPO / "src"), str(REPO)]
        return subprocess.Popen(
            [*words, "--data", str(self.data), "--lakehouse", str(self.lakehouse)],
            cwd=REPO,
            env={**os.environ, **here, "PYTHONPATH": ":".join(paths)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    @property
    def told(self) -> Told:
        """What the lakehouse says now."""
        return ops.read_releases(self.lakehouse)[-1].state, published(self.lakehouse)


def uninterrupted(root: Path, seed: int, spark: SparkSession, deliveries: int) -> list[Told]:
    """State and published bytes after each delivery, if nothing stops a run."""
    one, told = SmallLakehouse(root, seed), []
    for number in range(1, deliveries + 1):
        one.deliver(number)
        one.run(spark)
        told.append(one.told)
    return told
