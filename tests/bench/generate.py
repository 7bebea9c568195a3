"""Made-up support data in the layout of the real files, of any size, the same for the same seed.

    python tests/bench/generate.py --rows 1000000 --out DIR [--months 3] [--share 0.01] [--seed 1]

Writes initial/<table>.csv (the extract at the end of January 2025) and, from 202502 on,
delta/<table>_delta_YYYYMM.csv. A month changes `share` of the rows: 60 % new keys, 30 % updates
(mostly of recent keys), 10 % deletes. Every value of an interaction follows from its number and
the seed, so an update agrees with its first version, and memory stays the same for any size.
A million rows are about 153 MB.
"""

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

Ints = npt.NDArray[np.int64]

CHUNK = 250_000
DAY = 86_400
CENTERS, CATEGORIES, AGENTS = 50, 500, 2_000
CITIES = (
    "Boston",
    "Atlanta",
    "Richmond",
    "Denver",
    "Austin",
    "Tampa",
    "Phoenix",
    "Omaha",
    "Fresno",
    "Toledo",
)
DEPARTMENTS = ("IT", "Finance", "Benefits", "Operations", "Member Services", "Claims", "Legal")
FIRST_NAMES = ("Sarah", "Michael", "David", "Maria", "James", "Emily", "Robert", "Lisa")
LAST_NAMES = ("Johnson", "Chen", "Williams", "Garcia", "Wilson", "Brown", "Taylor")

DATES = pa.array([f"{day}T" for day in np.arange("2024-02-01", "2035-02-01", dtype="M8[D]")])
CLOCK = pa.array([f"{s // 3600:02}:{s // 60 % 60:02}:{s % 60:02}Z" for s in range(DAY)])
TENTHS = pa.array([f"{tenth / 10:.1f}" for tenth in range(2_000)])
CHANNELS = pa.array(["phone"] * 6 + ["web"] * 2 + ["email", "chat"])
RATINGS = pa.array([None] * 7 + ["5", "4", "2"])
ACTIONS = pa.array(["add", "update", "delete", "add ", "Update", "delete "])
ADD, UPDATE, DELETE = range(3)


@dataclass(frozen=True)
class Plan:
    """How many interactions there are, and which numbers and days belong to which period."""

    rows: int
    months: int
    share: float
    seed: int

    @property
    def changes(self) -> int:
        """Rows of one month's change file."""
        return max(10, round(self.rows * self.share))

    @property
    def adds(self) -> int:
        """New interactions of one month."""
        return round(self.changes * 0.6)

    def newest(self, period: int) -> int:
        """The highest number after a period; 0 is the extract."""
        return self.rows + period * self.adds

    def first_day(self, period: Ints) -> Ints:
        """The day on which a period begins, from 2024-02-01; the extract covers a year."""
        month = np.where(period == 0, 0, period + 11).astype("m8[M]")
        days = (np.datetime64("2024-02") + month).astype("M8[D]") - np.datetime64("2024-02-01")
        return days.astype(np.int64)

    def noise(self, numbers: Ints, salt: int, below: int) -> Ints:
        """A whole number below `below` for each number: splitmix64 of it, the salt and the seed."""
        z = numbers.astype(np.uint64) + np.uint64(salt + 1_000 * self.seed) * np.uint64(1 << 40)
        z = z * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return ((z ^ (z >> np.uint64(31))) % np.uint64(below)).astype(np.int64)

    def started(self, numbers: Ints) -> Ints:
        """When each began: days in the order of numbers, hours gathered around 15:00 UTC."""
        period = np.where(numbers <= self.rows, 0, 1 + (numbers - self.rows - 1) // self.adds)
        before = np.where(period == 0, 0, self.rows + (period - 1) * self.adds)
        size = np.where(period == 0, self.rows, self.adds)
        begin, end = self.first_day(period), self.first_day(period + 1)
        days = begin + (numbers - before - 1) * (end - begin) // size
        clock = 3 * 3600 + self.noise(numbers, 1, DAY // 2) + self.noise(numbers, 2, DAY // 2)
        return np.asarray(days * DAY + clock % DAY, dtype=np.int64)


def labels(prefix: str, numbers: Ints, width: int) -> pa.Array:
    """The numbers as text of one width behind a prefix."""
    padded = pc.utf8_lpad(pc.cast(pa.array(numbers), pa.string()), width, "0")
    return pc.binary_join_element_wise(prefix, padded, "")


def iso(seconds: Ints) -> pa.Array:
    """Seconds from 2024-02-01 as `2025-01-05T14:30:00Z`."""
    dates, clock = DATES.take(pa.array(seconds // DAY)), CLOCK.take(pa.array(seconds % DAY))
    return pc.binary_join_element_wise(dates, clock, "")


def interactions(plan: Plan, numbers: Ints, period: int) -> pa.Table:
    """One interaction a number, as first delivered (period 0) or as updated in a period."""
    agents = np.minimum(plan.noise(numbers, 3, AGENTS), plan.noise(numbers, 4, AGENTS))
    # A few categories arrive months after the first interaction that uses them, or never.
    categories = plan.noise(numbers, 5, CATEGORIES + 8)
    is_call = plan.noise(numbers, 6, len(CHANNELS)) < 6
    start = plan.started(numbers)
    work = 60 + 6 * plan.noise(numbers, 7 + period, 250)
    survey = np.where(is_call & (agents % CENTERS == 0) & (numbers % 2 == 0), 300, 0)
    changed = plan.first_day(np.asarray(period)) * DAY + plan.noise(numbers, 30, 25 * DAY)
    is_open = pa.array((plan.noise(numbers, 8, 200) == 0) & (period == 0))
    tenths = TENTHS.take(pa.array(np.where(is_call, (work + survey) // 6, 0)))
    return pa.table(
        {
            "interaction_id": labels("INT", numbers, 9),
            "timestamp": iso(changed if period else start),
            "channel": CHANNELS.take(pa.array(plan.noise(numbers, 6, len(CHANNELS)))),
            "category_id": labels("CATEGORY", categories, 7),
            "agent_id": labels("AGENT", agents, 9),
            "contact_center_id": labels("CENTER", agents % CENTERS, 6),
            "interaction_start": iso(start),
            "agent_resolution_timestamp": iso(start + work),
            "interaction_end": pc.if_else(is_open, None, iso(start + work + survey)),
            "call_duration_minutes": pc.if_else(is_open, None, tenths),
            "satisfaction_rating": RATINGS.take(pa.array(plan.noise(numbers, 9, len(RATINGS)))),
        }
    )


def extract(plan: Plan) -> Iterator[pa.Table]:
    """The extract in order of key, a chunk at a time."""
    for first in range(1, plan.rows + 1, CHUNK):
        numbers = np.arange(first, min(first + CHUNK, plan.rows + 1), dtype=np.int64)
        yield interactions(plan, numbers, 0)


def changes(plan: Plan, period: int) -> Iterator[pa.Table]:
    """One month's change file, in shuffled order, a chunk at a time.

    A key may stand more than once, and an update or delete may come for a key that is gone.
    """
    random = np.random.default_rng([plan.seed, period])
    done = 0
    while done < plan.changes:
        size = min(CHUNK, plan.changes - done)
        adds, updates = round(size * 0.6), round(size * 0.3)
        known, fresh = plan.newest(period - 1), plan.newest(period - 1) + round(done * 0.6)
        age = np.where(random.random(size) < 0.8, random.random(size) / 20, random.random(size))
        numbers = np.maximum(1, known - (age * known).astype(np.int64))
        numbers[:adds] = np.arange(fresh + 1, fresh + 1 + adds)
        action = np.repeat([ADD, UPDATE, DELETE], [adds, updates, size - adds - updates])
        order = random.permutation(size)
        numbers, action = numbers[order], action[order]
        first = interactions(plan, numbers[action == ADD], 0)
        later = interactions(plan, numbers[action != ADD], period)
        place_of = np.argsort(np.argsort(action != ADD, kind="stable"))
        rows = pa.concat_tables([first, later]).take(pa.array(place_of))
        is_delete = pa.array(action == DELETE)
        for place, name in enumerate(rows.column_names[2:], 2):
            rows = rows.set_column(place, name, pc.if_else(is_delete, None, rows[name]))
        untidy = np.where(random.random(size) < 0.02, 3, 0)
        yield rows.append_column("action", ACTIONS.take(pa.array(action + untidy)))
        done += size


def dimensions(period: int) -> Iterator[tuple[str, pa.Table]]:
    """The three small tables: whole for the extract, a few changes for a month."""
    lots = {"contact_centers": CENTERS, "service_categories": CATEGORIES, "agents": AGENTS}
    for table, size in lots.items():
        added = {"contact_centers": 0, "service_categories": 2, "agents": 10}[table]
        numbers, action = np.arange(size), np.full(size, ADD)
        if period:
            fresh = np.arange(size + (period - 1) * added, size + period * added)
            gone = [7 * period] if table == "service_categories" else []
            renamed = np.arange(3) * 11 + period
            numbers = np.concatenate([fresh, renamed, np.array(gone, dtype=np.int64)])
            action = np.repeat([ADD, UPDATE, DELETE], [len(fresh), len(renamed), len(gone)])
        rows = pa.Table.from_pylist([member(table, int(n), period) for n in numbers])
        yield table, rows.append_column("action", ACTIONS.take(pa.array(action)))


def member(table: str, number: int, period: int) -> dict[str, str]:
    """One row of a dimension; its name tells when it was last renamed."""
    suffix = f" {period}" if period else ""
    city, department = CITIES[number % len(CITIES)], DEPARTMENTS[number % len(DEPARTMENTS)]
    center, category = f"CENTER{number % CENTERS:06}", f"CATEGORY{number % CATEGORIES:07}"
    name = f"{FIRST_NAMES[number % len(FIRST_NAMES)]} {LAST_NAMES[number % len(LAST_NAMES)]}"
    if table == "contact_centers":
        names = {"contact_center_name": f"{city} {number:02}{suffix}", "location": city}
        return {"contact_center_id": center} | names
    if table == "service_categories":
        names = {"category_name": f"Category {number}{suffix}", "department": department + " "}
        return {"category_id": f"CATEGORY{number:07}"} | names
    return {
        "agent_id": f"AGENT{number:09}",
        "full_name": name + suffix,
        "contact_center_id": center,
        "hire_date": f"{2010 + number % 14}-{1 + number % 12:02}-15",
        "category_id": category,
    }


def write(chunks: Iterable[pa.Table], path: Path) -> None:
    """Write chunks as one CSV file with a header and CRLF, as the real files have them."""
    options = csv.WriteOptions(include_header=False, quoting_style="none", eol="\r\n")
    with path.open("wb") as file:
        for place, chunk in enumerate(chunks):
            if place == 0:
                file.write((",".join(chunk.column_names) + "\r\n").encode())
            csv.write_csv(chunk, file, options)


def main() -> None:
    """Parse the command line and write all files."""
    parser = argparse.ArgumentParser(description="Made-up support data of any size.")
    parser.add_argument("--rows", type=int, required=True, help="interactions in the extract")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--months", type=int, default=3)
    parser.add_argument("--share", type=float, default=0.01, help="rows changed a month")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    plan = Plan(options.rows, options.months, options.share, options.seed)
    for folder in ("initial", "delta"):
        (options.out / folder).mkdir(parents=True, exist_ok=True)
    write(extract(plan), options.out / "initial" / "interactions.csv")
    for table, rows in dimensions(0):
        write([rows.drop_columns("action")], options.out / "initial" / f"{table}.csv")
    for period in range(1, plan.months + 1):
        month = str(np.datetime64("2025-01") + period).replace("-", "")
        delta = options.out / "delta"
        write(changes(plan, period), delta / f"interactions_delta_{month}.csv")
        for table, rows in dimensions(period):
            write([rows], delta / f"{table}_delta_{month}.csv")


if __name__ == "__main__":
    main()
