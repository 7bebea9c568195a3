"""Goes on with the random tests for as long as asked; keeps the seed of each failure.

`python -m tests.soak --minutes 30` takes in turn stories, kills, two writers, a step that fails,
orders of arrival, ways through maintenance, each with a seed of its own. `--only story --seed 17`
repeats one. Failures go to `.soak/`.
"""

import argparse
import itertools
import random
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from hypothesis import seed as seeded
from hypothesis import settings
from pyspark.sql import SparkSession

from support_lakehouse.config import load_config
from support_lakehouse.io.session import session_for, spark_session
from tests.product import test_failures, test_kills, test_maintain, test_orders, test_story
from tests.product.small_lakehouse import SmallLakehouse, uninterrupted
from tests.product.support import REPO

FAILURES, WAYS = Path(".soak"), 10
Trial = Callable[[SparkSession, Path, int], str]


def story(spark: SparkSession, root: Path, seed: int) -> str:
    """Four stories of up to ten commands."""
    seeded(seed)(test_story.Story)
    how = settings(test_story.BRIEF, max_examples=4, stateful_step_count=10, derandomize=False)
    test_story.tell_stories(spark, root, how)
    return "4 stories"


def kills(spark: SparkSession, root: Path, seed: int) -> str:
    """Kills of runs of random deliveries; half of them of the Python process alone."""
    rng = random.Random(seed)
    whole = uninterrupted(root / "whole", seed, spark, 2)
    one = SmallLakehouse(root / "one", seed)
    return "kills " + ", ".join(map(str, test_kills.kill_often(one, whole, rng, kills=4)))


def writers(spark: SparkSession, root: Path, seed: int) -> str:
    """Two writers at random offsets, three times."""
    test_kills.write_together(spark, SmallLakehouse(root / "one", seed), random.Random(seed))
    return f"{test_kills.TRIALS} pairs of writers"


def steps(spark: SparkSession, root: Path, seed: int) -> str:
    """The next step of a first and of a second run that fails by itself."""
    return test_failures.fail_each(spark, root, seed)


def orders(spark: SparkSession, root: Path, seed: int) -> str:
    """A history of all feeds in eight orders."""
    config, many = load_config(REPO), test_orders.ORDERS
    return test_orders.in_any_order(config, spark, root, seed, orders=many, whole=True)


def wander(spark: SparkSession, root: Path, seed: int) -> str:
    """Ten sequences of runs, late months, rollbacks, files taken again and maintenance."""
    test_maintain.write_months(root / "data")
    for number in range(WAYS):
        rng, lakehouse = random.Random(f"{seed} {number}"), root / f"lakehouse{number}"
        test_maintain.wander(load_config(REPO), spark, root / "data", lakehouse, rng, steps=6)
        shutil.rmtree(lakehouse)
    return f"{WAYS} sequences of 6"


TRIALS: dict[str, Trial] = {
    "story": story,
    "kills": kills,
    "writers": writers,
    "steps": steps,
    "orders": orders,
    "wander": wander,
}


def main() -> int:
    """Run until the time is over; 1 if anything failed."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--minutes", type=float, default=10)
    asked.add_argument("--only", choices=TRIALS)
    asked.add_argument("--seed", type=int)
    told = asked.parse_args()
    until, failed = time.monotonic() + 60 * told.minutes, 0
    first = told.seed if told.seed is not None else random.SystemRandom().randrange(2**31)
    names = [told.only] if told.only else list(TRIALS)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        # The JVM is one for work of minutes, the session one for a small run.
        with spark_session(bytes_at_stake=10**9, log=root / "spark.log", warehouse=root) as big:
            spark = session_for(big, 0)
            for seed, name in zip(itertools.count(first), itertools.cycle(names), strict=False):
                failed += not _try(name, spark, root / "trial", seed)
                if time.monotonic() > until or told.seed is not None:
                    break
    print(f"{failed} trials failed; see {FAILURES}/" if failed else "Nothing failed.")
    return 1 if failed else 0


def _try(name: str, spark: SparkSession, root: Path, seed: int) -> bool:
    root.mkdir()
    began = time.monotonic()
    try:
        said = TRIALS[name](spark, root, seed)
    except Exception:
        FAILURES.mkdir(exist_ok=True)
        (FAILURES / f"{name}-{seed}.txt").write_text(traceback.format_exc())
        print(f"{name} --seed {seed}: FAILED", flush=True)
        return False
    else:
        print(f"{name} --seed {seed}: {said}, {time.monotonic() - began:.0f} s", flush=True)
        return True
    finally:
        shutil.rmtree(root)


if __name__ == "__main__":
    sys.exit(main())
