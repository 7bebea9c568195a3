"""Deliveries of groups B, C and D made from a seed: every oddity that their files may have.

`dirt` is the share of wrong rows put between the good ones: with 0 every row is accepted and
nothing warns. No file and no day is to be refused, whatever the seed.
"""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from random import Random

from .call_log import COLUMNS
from .careless import (
    NO_OBJECTS,
    broken_line,
    csv_line,
    csv_text,
    json_array,
    json_lines,
    spell_json,
    write_file,
)
from .dirty_calls import FIRST_DAY, bad_call, bad_cells, good_call, good_cells
from .dirty_roster import bad_active, bad_agent, good_active, good_agent
from .spelling import any_case

CALL_NAMES = ("calls_{}.jsonl", "calls_{}.json", "calls_{}.jsonl.gz", "west-calls-{}.jsonl")
REGIONS = ("North", "South", "West", "", "Süd, Ost", "=East")


def write_calls(folder: Path, seed: int, *, files: int = 3, dirt: float = 0.3) -> list[str]:
    """Writes `files` files of 15 to 40 calls and up to two deliveries of agents; their paths.

    About a fifth of the calls have the call_id of an earlier one.
    """
    rng = Random(f"calls {seed}")
    keys: list[str] = []
    written: dict[str, str] = {}
    for number in range(1, files + 1):
        lines = []
        for _ in range(rng.randrange(15, 41)):
            keys.append(_fresh_or_old(rng, keys, rng.choice(("C-{}", "C-{}", "{}", "号{}"))))
            is_bad = rng.random() < dirt
            lines.append(spell_json((bad_call if is_bad else good_call)(rng, keys[-1]), rng))
        name = rng.choice(CALL_NAMES).format(number)
        written[f"calls/{name}"] = _json_text(lines, rng, dirt, is_array=name.endswith(".json"))
    for number in range(1, rng.randrange(1, 4)):
        written[f"calls/agents_{number}.csv"] = _agents_text(rng, dirt)
    return _write(folder, written)


def write_roster(
    folder: Path,
    seed: int,
    *,
    days: int = 3,
    agents: int = 40,
    dirt: float = 0.25,
    labelled: bool = False,
) -> dict[str, str]:
    """Writes `days` days from 2026-01-02 on; the label and the date of its day, if `labelled`.

    At least 6 in 10 of the agents are active each day, at most 9 in 10; some known ones are
    missing in agent_details, some active ones were never there.
    """
    rng = Random(f"roster {seed}")
    written: dict[str, str] = {}
    labels = {"day1": f"{FIRST_DAY:%Y-%m-%d}"} if labelled else {}
    for place in range(days):
        day = FIRST_DAY + timedelta(days=place)
        root = f"roster/sync-{'day1' if labelled and not place else f'{day:%Y-%m-%d}'}"
        numbers = rng.sample(range(1, agents + 1), k=agents * rng.randrange(60, 91) // 100)
        records = [good_agent(rng, number, day) for number in numbers]
        records += [good_agent(rng, rng.choice(numbers), day) for _ in range(agents // 8)]
        bad = [bad_agent(rng, rng.choice(numbers), day) for _ in range(round(len(records) * dirt))]
        _put_between(rng, records, bad)
        written |= _details(f"{root}/agent_details", records, rng, dirt)
        active = rng.sample(range(1, agents + 3), k=agents * rng.randrange(60, 91) // 100)
        elements = [good_active(rng, number) for number in (*active, *active[:2])]
        _put_between(rng, elements, [bad_active(rng) for _ in range(round(len(elements) * dirt))])
        pages = rng.randrange(1, 4)
        for page in range(pages):
            lines = [spell_json(element, rng) for element in elements[page::pages]]
            name = f"{root}/agents/page-{page + 1}.json{rng.choice(('', '', '.gz'))}"
            written[name] = _json_text(lines, rng, dirt, is_array=True)
    _write(folder, written)
    return labels


def write_call_log(folder: Path, seed: int, *, files: int = 2, dirt: float = 0.3) -> list[str]:
    """Writes `files` files of 15 to 40 rows, some call_ids twice; their paths."""
    rng = Random(f"call log {seed}")
    keys: list[str] = []
    written: dict[str, str] = {}
    for number in range(files):
        lines = [csv_line([any_case(name, rng) for name in COLUMNS], rng)]
        for _ in range(rng.randrange(15, 41)):
            keys.append(_fresh_or_old(rng, keys, "{}"))
            is_bad = rng.random() < dirt
            lines.append(csv_line((bad_cells if is_bad else good_cells)(rng, keys[-1]), rng))
        name = f"call_center/call_center_{FIRST_DAY + timedelta(days=number):%Y_%m_%d}.csv"
        written[name] = csv_text(lines, rng)
    return _write(folder, written)


def _details(
    root: str, records: list[dict[str, object]], rng: Random, dirt: float
) -> dict[str, str]:
    """The first records in files of their own, the others as an array and an object a line."""
    singles = rng.randrange(6)
    written = {}
    for place, record in enumerate(records[:singles]):
        text = spell_json(record, rng, indent=rng.choice(("", "  ")))
        if "\n" not in text and rng.random() < dirt / 2:
            text = text[:-1]
        written[f"{root}/agent-{place}.json{rng.choice(('', '', '.gz'))}"] = text
    lines = [spell_json(record, rng) for record in records[singles:]]
    middle = len(lines) // 2
    written[f"{root}/page-1.json"] = _json_text(lines[:middle], rng, dirt, is_array=True)
    written[f"{root}/page-2.json"] = _json_text(lines[middle:], rng, dirt, is_array=False)
    return written


def _json_text(lines: list[str], rng: Random, dirt: float, *, is_array: bool) -> str:
    """With dirt, some more elements that are no object, never the first."""
    lines = list(lines)
    for _ in range(round(len(lines) * dirt / 4)):
        bad = rng.choice(NO_OBJECTS) if is_array else broken_line(rng.choice(lines), rng)
        lines.insert(rng.randrange(1, len(lines) + 1), bad)
    return json_array(lines, rng) if is_array else json_lines(lines, rng)


def _agents_text(rng: Random, dirt: float) -> str:
    """One delivery of agents: columns in any order, some ids twice, with dirt bad rows."""
    names = ["agent_id", "agent_name", "region"]
    rng.shuffle(names)
    lines = [csv_line([any_case(name, rng) for name in names], rng)]
    for number in rng.choices(range(1, 11), k=rng.randrange(15, 25)):
        key = "" if rng.random() < dirt / 4 else f"A-{number:02}"
        cells = {"agent_id": key, "agent_name": f"Agent {number}", "region": rng.choice(REGIONS)}
        row = [cells[name] for name in names]
        lines.append(csv_line(row + ["extra"] if rng.random() < dirt / 4 else row, rng))
    return csv_text(lines, rng)


def _fresh_or_old(rng: Random, keys: Sequence[str], form: str) -> str:
    return rng.choice(keys) if keys and rng.random() < 0.2 else form.format(1000 + len(keys))


def _put_between(
    rng: Random, rows: list[dict[str, object]], more: Sequence[dict[str, object]]
) -> None:
    """Adds more rows, each anywhere."""
    for row in more:
        rows.insert(rng.randrange(len(rows) + 1), row)


def _write(folder: Path, written: dict[str, str]) -> list[str]:
    for name, text in written.items():
        write_file(folder / name, text)
    return sorted(written, key=str.encode)
