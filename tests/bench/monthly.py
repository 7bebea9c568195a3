"""What all contenders share: the monthly tables, the command line, seconds by stage."""

import argparse
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

# The columns of each table, its key first. References come before what refers to them.
TABLES = {
    "contact_centers": ("contact_center_id", "contact_center_name", "location"),
    "service_categories": ("category_id", "category_name", "department"),
    "agents": ("agent_id", "full_name", "contact_center_id", "hire_date", "category_id"),
    "interactions": (
        *("interaction_id", "timestamp", "channel", "category_id", "agent_id"),
        *("contact_center_id", "interaction_start", "agent_resolution_timestamp"),
        *("interaction_end", "call_duration_minutes", "satisfaction_rating"),
    ),
}
NAMES = {
    "contact_centers": "contact_center_name",
    "service_categories": "department",
    "agents": "full_name",
}
INSTANTS = ("timestamp", "interaction_start", "agent_resolution_timestamp", "interaction_end")


@dataclass
class Job:
    """What is asked for, and how long each stage of it took."""

    data: Path
    lakehouse: Path
    months: list[str]
    finals: bool
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def published(self) -> Path:
        """Where the report and the finals go."""
        return self.lakehouse / "published"

    def extract(self, table: str) -> Path:
        """The file that a table begins with."""
        return self.data / "initial" / f"{table}.csv"

    def changes(self) -> Iterator[tuple[str, Path]]:
        """Each table that changes and its file, month after month."""
        for month in self.months:
            for table in TABLES:
                path = self.data / "delta" / f"{table}_delta_{month}.csv"
                if path.exists():
                    yield table, path

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the seconds of a block to a stage."""
        began = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - began

    def told(self, versions: Mapping[str, str]) -> str:
        """What compare.py reads from standard output: seconds by stage, and of what they are."""
        rounded = {name: round(seconds, 3) for name, seconds in self.seconds.items()}
        return json.dumps({"seconds": rounded, "versions": dict(versions)})


def command_line(description: str) -> argparse.ArgumentParser:
    """The options that every contender has."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--lakehouse", type=Path, required=True)
    parser.add_argument("--months", help="comma list; by default every month in delta/")
    parser.add_argument("--no-finals", action="store_true", help="publish the report alone")
    return parser


def job_of(options: argparse.Namespace) -> Job:
    """The job that the options ask for."""
    found = {path.stem[-6:] for path in (options.data / "delta").glob("*_delta_*.csv")}
    months = options.months.split(",") if options.months else sorted(found)
    return Job(options.data.resolve(), options.lakehouse.resolve(), months, not options.no_finals)
