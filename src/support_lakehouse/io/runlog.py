"""Owns the log of a run: one line per stage in a file, its seconds, and who is told meanwhile."""

import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

NOTE = "The trace is in "
"""How the note begins that tells where an error was logged."""
logger = logging.getLogger(__name__)


@dataclass
class Stages:
    """Times the stages of a run. `tell` gets the name of each stage as it begins."""

    tell: Callable[[str], None] = lambda stage: None
    seconds: dict[str, float] = field(default_factory=dict)
    began: float = field(default_factory=time.perf_counter)

    def told(self) -> dict[str, float]:
        """Seconds by stage, added up over feeds that work side by side, and those of all."""
        return {**self.seconds, "total": round(time.perf_counter() - self.began, 3)}

    @contextmanager
    def stage(self, name: str, **facts: object) -> Iterator[dict[str, object]]:
        """Time a stage and log it with its facts; more may be put into the dict it yields."""
        self.tell(name)
        began, told = time.perf_counter(), dict(facts)
        yield told
        seconds = round(time.perf_counter() - began, 3)
        self.seconds[name] = round(self.seconds.get(name, 0) + seconds, 3)
        logger.info("%s %s", name, " ".join(f"{k}={v}" for k, v in {**told, "s": seconds}.items()))


@contextmanager
def log_to(file: Path, level: str) -> Iterator[None]:
    """Send what this package logs, and what libraries warn of, to a file while a run works."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(file, encoding="utf-8")
    formatter = logging.Formatter(
        "%(asctime)s.%(msecs)03dZ %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S"
    )
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.addHandler(handler)
    logging.getLogger("support_lakehouse").setLevel(level.upper())
    try:
        yield
    finally:
        failed = sys.exc_info()[1]
        if failed is not None:
            failed.add_note(f"{NOTE}{file}")
            logger.error("failed", exc_info=failed)
        root.removeHandler(handler)
        with suppress(OSError):  # the log's own disk may be full
            handler.close()
