"""Two or more ways to do the job, side by side: the same figures, and what each of them costs.

    python tests/bench/compare.py --runs 3 --data DIR [--json FILE] [--jars A.jar,B.jar]

By default `usual.py`, the product and, where their environment is (`make bench` makes it),
`with_polars.py` and `with_duckdb.py`; `--contender NAME=COMMAND` (repeatable, with `{data}` and
`{lakehouse}` in it) names others. The first is the base of the ratios. Each run is a whole process
in a fresh lakehouse; runs are interleaved and the order turns round every round. What a run
publishes is compared with the first run's at once: exit code 1, and no figure of time, if a
command fails, if its support_report differs, or if a final differs that both have.

wall: until the command ends. settled: until all that it started has ended too (a JVM outlives its
Python). cpu: user and system seconds of the whole tree. memory: the highest sum of the tree,
sampled, shared pages counted once (PSS), and no less than the biggest process at its peak.
Stages are seconds that the command itself tells on standard output, as JSON with `seconds`.
"""

import argparse
import json
import os
import shlex
import shutil
import statistics
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from figures import Published, differences, read_published
from machine import machine, versions
from measure import Cost, measured, own_orphans
from tables import ratio

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
MEASURES = ("wall_seconds", "settled_seconds", "cpu_seconds", "peak_memory_mb")
SHOWN = 10


@dataclass(frozen=True)
class Run:
    """One run of one contender: what it cost, and what it says of its stages and versions."""

    cost: Cost
    stages: dict[str, float]
    versions: dict[str, str]


def default_contenders(bench_python: Path, *, finals: bool) -> dict[str, str]:
    """The usual way and the product as installed here, the others where their Python is."""
    scripts = ROOT / ".venv" / "bin"
    python = scripts / "python" if (scripts / "python").exists() else Path(sys.executable)
    # The others know the four monthly tables only.
    monthly = "--feeds agents,contact_centers,interactions,service_categories"
    commands = {
        "usual": shlex.join([str(python), str(HERE / "usual.py")]),
        "product": f"{shlex.join([str(scripts / 'support-lakehouse'), 'run'])} --json {monthly}",
    }
    if bench_python.exists():
        for name in ("polars", "duckdb"):
            commands[name] = shlex.join([str(bench_python), str(HERE / f"with_{name}.py")])
    else:
        print(f"{bench_python} is not there: no Polars, no DuckDB", file=sys.stderr)
    options = "--data {data} --lakehouse {lakehouse}" + ("" if finals else " --no-finals")
    return {name: f"{command} {options}" for name, command in commands.items()}


def run_once(name: str, command: str, data: Path, work: Path) -> tuple[Run, Published]:
    """Run one command in a fresh lakehouse, which is removed again; its cost and its figures."""
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=work))
    output, errors, lakehouse = folder / "output", folder / "errors", folder / "lakehouse"
    places = {"data": str(data), "lakehouse": str(lakehouse)}
    words = [word.format_map(places) for word in shlex.split(command)]
    try:
        cost = measured(words, output, errors)
        if cost.exit_code != 0:
            said = (output.read_text(errors="replace") + errors.read_text(errors="replace")).strip()
            tail = "\n".join(said.splitlines()[-15:])
            raise SystemExit(f"{name} ended with exit code {cost.exit_code}:\n{tail}")
        told = told_in(output.read_text("utf-8"))
        run = Run(cost, told.get("seconds", {}), told.get("versions", {}))
        return run, read_published(lakehouse / "published")
    except (OSError, ValueError) as error:
        raise SystemExit(f"{name}: {error}") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def told_in(output: str) -> dict[str, dict[str, float]]:
    """What a command says of itself; nothing, unless its output is one JSON object."""
    try:
        told = json.loads(output)
    except json.JSONDecodeError:
        return {}
    return told if isinstance(told, dict) else {}


def compare(
    contenders: dict[str, str], data: Path, work: Path, rounds: int
) -> tuple[dict[str, list[Run]], Published]:
    """Run all contenders in turn, and end if one publishes something else than the first."""
    runs: dict[str, list[Run]] = {name: [] for name in contenders}
    first: tuple[str, Published] | None = None
    for turn in range(rounds):
        for name in list(contenders)[:: -1 if turn % 2 else 1]:
            run, published = run_once(name, contenders[name], data, work)
            first = first or (name, published)
            if lines := differences(first[1], published):
                shown = "\n".join(lines[:SHOWN])
                raise SystemExit(
                    f"{first[0]} and {name} do not publish the same ({len(lines)} lines):\n{shown}"
                )
            runs[name].append(run)
            seconds = f"{run.cost.wall_seconds:.1f} s"
            print(f"run {turn + 1} {name}: the same, {seconds}", file=sys.stderr, flush=True)
    assert first is not None
    return runs, first[1]


def medians(runs: list[Run]) -> dict[str, float]:
    """The median of each measure."""
    return {name: statistics.median(getattr(run.cost, name) for run in runs) for name in MEASURES}


def stages(runs: list[Run]) -> dict[str, float]:
    """The median seconds of each stage that a contender tells."""
    return {
        name: statistics.median(run.stages.get(name, 0.0) for run in runs)
        for name in runs[0].stages
    }


def print_table(runs: dict[str, list[Run]]) -> None:
    """Medians of each contender, with the lowest and highest wall and the ratio to the first."""
    base = medians(next(iter(runs.values())))
    head = ("", "wall s", "(min..max)", "ratio", "settled s", "cpu s", "ratio", "MB", "ratio")
    rows = [head]
    for name, own in runs.items():
        mine, walls = medians(own), [run.cost.wall_seconds for run in own]
        ratios = {key: ratio(mine[key] / base[key] if base[key] else None) for key in MEASURES}
        wall, settled, cpu, memory = (f"{mine[key]:.1f}" for key in MEASURES)
        spread = f"({min(walls):.1f}..{max(walls):.1f})"
        cells = (name, wall, spread, ratios["wall_seconds"], settled)
        rows.append((*cells, cpu, ratios["cpu_seconds"], memory, ratios["peak_memory_mb"]))
    widths = [max(len(row[place]) for row in rows) for place in range(len(head))]
    for row in rows:
        print("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)))


def summary(data: Path, runs: dict[str, list[Run]], published: Published) -> dict[str, object]:
    """All that was measured, for a file: the runs in order, medians, ratios to the first."""
    middle = {name: medians(own) for name, own in runs.items()}
    base = next(iter(middle.values()))
    # Those of the four monthly tables: the real files have others beside them.
    sources = [path for part in ("initial", "delta") for path in (data / part).glob("*.csv")]
    return {
        "data": data.name,
        "data_bytes": sum(path.stat().st_size for path in sources),
        "months": len({path.stem[-6:] for path in (data / "delta").glob("*_delta_*.csv")}),
        "interactions": published.interactions(),
        "same": published.rows(),
        "versions": {k: v for own in runs.values() for k, v in own[0].versions.items()},
        "runs": {
            name: [run.cost.as_dict() | {"stages": run.stages} for run in own]
            for name, own in runs.items()
        },
        "medians": middle,
        "stages": {name: stages(own) for name, own in runs.items()},
        "ratios": {
            name: {key: mine[key] / base[key] for key in MEASURES if base[key]}
            for name, mine in middle.items()
        },
    }


def command_line() -> argparse.ArgumentParser:
    """The options."""
    parser = argparse.ArgumentParser(description="Ways to do the job, side by side.")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--no-finals", action="store_true", help="publish the report alone")
    parser.add_argument("--contender", action="append", metavar="NAME=COMMAND")
    parser.add_argument(
        "--bench-python",
        type=Path,
        default=ROOT / ".venv-bench" / "bin" / "python",
        help="the Python that has Polars and DuckDB (default: %(default)s)",
    )
    parser.add_argument("--jars", help="sets SUPPORT_LAKEHOUSE_JARS for the commands")
    parser.add_argument("--work", type=Path, help="folder for the lakehouses (default: temporary)")
    parser.add_argument("--json", type=Path, metavar="FILE")
    return parser


def main() -> None:
    """Parse the command line, run, print the table, write the file."""
    parser = command_line()
    options = parser.parse_args()
    if options.runs < 1:
        parser.error("--runs must be at least 1")
    if options.jars:
        os.environ["SUPPORT_LAKEHOUSE_JARS"] = options.jars
    contenders = dict(item.split("=", 1) for item in options.contender or ())
    contenders = contenders or default_contenders(
        options.bench_python, finals=not options.no_finals
    )
    # Before the first run: what it starts must not look like load of others.
    where: dict[str, object] = {"date": f"{datetime.now(UTC):%Y-%m-%d}", "machine": machine()}
    own_orphans()
    data = options.data.resolve()
    runs, published = compare(contenders, data, options.work, options.runs)
    print_table(runs)
    print(
        "the same:", ", ".join(f"{name} ({rows} rows)" for name, rows in published.rows().items())
    )
    if options.json:
        found = where | summary(data, runs, published)
        if "product" in runs:
            found["versions"] = versions() | found["versions"]
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
