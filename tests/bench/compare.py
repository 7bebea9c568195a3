"""Two or more ways to do the job, side by side: the same figures, and what each of them costs.

    python tests/bench/compare.py --runs 3 --data DIR [--json FILE] [--jars A.jar,B.jar]

By default `usual.py` against the product; `--contender NAME=COMMAND` (repeatable, with `{data}` and
`{lakehouse}` in it) names others, the first is the base of the ratios. Each run is a whole process
in a fresh lakehouse; runs are interleaved and the order turns round every round. Exit code 1 if a
command fails or the published support_report figures differ.

wall: until the command ends. settled: until all that it started has ended too (a JVM outlives its
Python). cpu: user and system seconds of the whole tree. rss: the highest sum of resident memory
of the tree, sampled; shared pages count once for each process.
"""

import argparse
import csv
import json
import os
import platform
import shlex
import shutil
import statistics
import sys
import tempfile
from decimal import Decimal, InvalidOperation
from pathlib import Path

from measure import Cost, measured, own_orphans

ROOT = Path(__file__).resolve().parents[2]
REPORT = Path("published") / "support_report.csv"
KEYS = ("month", "contact_center_name", "department")
MEASURES = ("wall_seconds", "settled_seconds", "cpu_seconds", "peak_rss_mb")

Figures = dict[tuple[str, ...], dict[str, Decimal | str]]


def default_contenders() -> dict[str, str]:
    """The usual way and the product, as installed in the project's own environment."""
    scripts = ROOT / ".venv" / "bin"
    python = scripts / "python" if (scripts / "python").exists() else Path(sys.executable)
    usual = shlex.join([str(python), str(Path(__file__).with_name("usual.py"))])
    product = shlex.join([str(scripts / "support-lakehouse"), "run"])
    options = "--data {data} --lakehouse {lakehouse}"
    # The usual script knows the four monthly tables only.
    monthly = "--feeds agents,contact_centers,interactions,service_categories"
    return {"usual": f"{usual} {options}", "product": f"{product} {options} {monthly}"}


def number(text: str) -> Decimal | str:
    """A cell as a number where it is one, so that 140 and 140.0000 are the same figure."""
    try:
        return Decimal(text)
    except InvalidOperation:
        return text


def read_report(path: Path) -> Figures:
    """The report's figures by month, centre and department; ValueError if a group stands twice."""
    figures: Figures = {}
    with path.open(newline="", encoding="utf-8-sig") as file:
        for row in csv.DictReader(file):
            key = tuple(row.pop(name) for name in KEYS)
            if key in figures:
                raise ValueError(f"{path.name}: the group {key} stands twice")
            figures[key] = {name: number(cell) for name, cell in row.items()}
    return figures


def differences(base: Figures, other: Figures) -> list[str]:
    """One line for each figure that differs; the figures of a missing group are None."""
    lines = []
    for key in sorted(base.keys() | other.keys()):
        left, right = base.get(key, {}), other.get(key, {})
        for name in sorted(left.keys() | right.keys()):
            if left.get(name) != right.get(name):
                lines.append(f"{' / '.join(key)}: {name} {left.get(name)}, {right.get(name)}")
    return lines


def run_once(name: str, command: str, data: Path, work: Path) -> tuple[Cost, Figures]:
    """Run one command in a fresh lakehouse, which is removed again; its cost and its report."""
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=work))
    log, lakehouse = folder / "output.log", folder / "lakehouse"
    places = {"data": str(data), "lakehouse": str(lakehouse)}
    words = [word.format_map(places) for word in shlex.split(command)]
    try:
        cost = measured(words, log)
        if cost.exit_code != 0:
            tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
            raise SystemExit(f"{name} ended with exit code {cost.exit_code}:\n{tail}")
        return cost, read_report(lakehouse / REPORT)
    except (OSError, ValueError) as error:
        raise SystemExit(f"{name}: {error}") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def medians(costs: list[Cost]) -> dict[str, float]:
    """The median of each measure."""
    return {name: statistics.median(getattr(cost, name) for cost in costs) for name in MEASURES}


def print_table(costs: dict[str, list[Cost]]) -> None:
    """Medians of each contender, with the lowest and highest wall and the ratio to the first."""
    base = medians(next(iter(costs.values())))
    head = ("", "wall s", "(min..max)", "ratio", "settled s", "cpu s", "ratio", "rss MB", "ratio")
    rows = [head]
    for name, runs in costs.items():
        mine, walls = medians(runs), [cost.wall_seconds for cost in runs]
        ratio = {key: f"{mine[key] / base[key]:.2f}" if base[key] else "-" for key in MEASURES}
        wall, settled, cpu, rss = (f"{mine[key]:.1f}" for key in MEASURES)
        spread = f"({min(walls):.1f}..{max(walls):.1f})"
        cells = (name, wall, spread, ratio["wall_seconds"], settled)
        rows.append((*cells, cpu, ratio["cpu_seconds"], rss, ratio["peak_rss_mb"]))
    widths = [max(len(row[place]) for row in rows) for place in range(len(head))]
    for row in rows:
        print("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)))


def summary(data: Path, costs: dict[str, list[Cost]], differing: list[str]) -> dict[str, object]:
    """All that was measured, for a file: the runs in order, medians, ratios to the first."""
    middle = {name: medians(runs) for name, runs in costs.items()}
    base = next(iter(middle.values()))
    return {
        "data": data.name,
        "data_bytes": sum(path.stat().st_size for path in data.rglob("*.csv")),
        "machine": {"cores": os.cpu_count(), "system": platform.system()},
        "runs": {name: [cost.as_dict() for cost in runs] for name, runs in costs.items()},
        "medians": middle,
        "ratios": {
            name: {key: mine[key] / base[key] for key in MEASURES if base[key]}
            for name, mine in middle.items()
        },
        "same_figures": not differing,
        "differences": differing[:100],
    }


def compare(
    contenders: dict[str, str], data: Path, work: Path, runs: int
) -> tuple[dict[str, list[Cost]], list[str]]:
    """Run all contenders in turn; their costs, and how any report differs from the first one."""
    costs: dict[str, list[Cost]] = {name: [] for name in contenders}
    first: tuple[str, Figures] | None = None
    differing: list[str] = []
    for turn in range(runs):
        for name in list(contenders)[:: -1 if turn % 2 else 1]:
            cost, figures = run_once(name, contenders[name], data, work)
            costs[name].append(cost)
            print(f"run {turn + 1} {name}: {cost.wall_seconds:.1f} s", file=sys.stderr, flush=True)
            first = first or (name, figures)
            if lines := differences(first[1], figures):
                differing += [f"{first[0]} and {name}, {line}" for line in lines]
    return costs, differing


def main() -> int:
    """Parse the command line, run, print the table, write the file."""
    parser = argparse.ArgumentParser(description="Ways to do the job, side by side.")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--contender", action="append", metavar="NAME=COMMAND")
    parser.add_argument("--jars", help="sets SUPPORT_LAKEHOUSE_JARS for the commands")
    parser.add_argument("--work", type=Path, help="folder for the lakehouses (default: temporary)")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    if options.runs < 1:
        parser.error("--runs must be at least 1")
    contenders = dict(item.split("=", 1) for item in options.contender or ())
    if options.jars:
        os.environ["SUPPORT_LAKEHOUSE_JARS"] = options.jars
    own_orphans()
    data = options.data.resolve()
    contenders = contenders or default_contenders()
    costs, differing = compare(contenders, data, options.work, options.runs)
    print_table(costs)
    if options.json:
        text = json.dumps(summary(data, costs, differing), indent=2)
        options.json.write_text(text + "\n", encoding="utf-8")
    for line in differing[:10]:
        print(line)
    print("the reports differ" if differing else "the reports are the same")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
