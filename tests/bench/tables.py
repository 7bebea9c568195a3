"""The tables of docs/performance.md, from what compare.py measured.

    python tests/bench/tables.py --into docs/performance.md FILE.json ...

Each file has a section of its own, between two comments that name it; a file that has none yet is
put at the end. What the product loses is told like what it wins.
"""

import argparse
import json
from pathlib import Path
from typing import Any

LABELS = {
    "usual": "the usual PySpark + Delta script",
    "product": "**Support Lakehouse**",
    "polars": "Polars + delta-rs",
    "duckdb": "DuckDB to Parquet",
}
PRODUCT = "product"
LOSSES = {
    "wall_seconds": "seconds",
    "cpu_seconds": "processor seconds",
    "peak_memory_mb": "memory",
}
HEAD = "| | seconds | ratio | processor s | ratio | memory MB | ratio |"
BUSY = "The machine was busy with other work: processor seconds tell more than seconds here."
STAGES_HEAD = "| | seconds by stage |"

Measured = dict[str, Any]


def label(name: str) -> str:
    """A contender as the tables call it."""
    return LABELS.get(name, name)


def title(found: Measured) -> str:
    """What was worked on, in one line."""
    size, months = found["data_bytes"], found["months"]
    shown = f"{size / 1e6:,.0f} MB" if size >= 1e6 else f"{size / 1e3:.0f} kB"
    often = f"{months} month{'' if months == 1 else 's'}"
    return f"{found['interactions']:,} interactions, {shown}, {often} of changes"


def setting(found: Measured, runs: int) -> str:
    """When, where and with which versions."""
    machine = found["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    often = "one run each" if runs == 1 else f"medians of {runs} runs each"
    busy = " " + BUSY if machine["load_before"] > machine["cores"] / 2 else ""
    return (
        f"{found['date']}, {often}. {machine['cores']} cores, {machine['memory_gb']:.0f} GB,"
        f" {machine['system']}, load {machine['load_before']} before the first run. Java"
        f" {machine['java']}, Python {machine['python']}, {versions}.{busy}"
    )


def costs(found: Measured) -> list[str]:
    """One line for each contender; ratios are to the first."""
    lines = [HEAD, "|---|--:|--:|--:|--:|--:|--:|"]
    for name, mine in found["medians"].items():
        walls = [run["wall_seconds"] for run in found["runs"][name]]
        spread = f" ({min(walls):.1f} to {max(walls):.1f})" if len(walls) > 1 else ""
        shown = {
            "wall_seconds": f"{mine['wall_seconds']:.1f}{spread}",
            "cpu_seconds": f"{mine['cpu_seconds']:.1f}",
            "peak_memory_mb": f"{mine['peak_memory_mb']:,.0f}",
        }
        pairs = [f"{cell} | {ratio(found['ratios'][name].get(key))}" for key, cell in shown.items()]
        lines.append(f"| {label(name)} | {' | '.join(pairs)} |")
    return lines


def ratio(value: float | None) -> str:
    """A ratio with three digits that count."""
    return "" if value is None else f"{value:.2f}" if value >= 0.1 else f"{value:.3f}"


def stages(found: Measured) -> list[str]:
    """One line for each contender that tells its stages."""
    told = {name: own for name, own in found["stages"].items() if own}
    lines = [
        f"| {label(name)} | {', '.join(f'{stage} {s:.1f}' for stage, s in own.items())} |"
        for name, own in told.items()
    ]
    return [STAGES_HEAD, "|---|---|", *lines] if lines else []


def losses(found: Measured) -> list[str]:
    """What the product needs more of than any other; nothing if it was not measured."""
    middle = found["medians"]
    if PRODUCT not in middle:
        return []
    lines = []
    for name in middle.keys() - {PRODUCT}:
        pairs = {
            word: middle[PRODUCT][key] / middle[name][key]
            for key, word in LOSSES.items()
            if middle[name][key]
        }
        worse = [f"{times:.1f} times the {word}" for word, times in pairs.items() if times >= 1.05]
        if worse:
            lines.append(f"- Against {label(name)}: {', '.join(worse)}.")
    return ["What the product loses:\n", *sorted(lines)] if lines else ["It loses nothing here."]


def section(found: Measured) -> str:
    """All that is said of one file of figures."""
    runs = len(next(iter(found["runs"].values())))
    same = ", ".join(f"{name} ({rows:,} rows)" for name, rows in found["same"].items())
    blocks = [
        [f"### {title(found)}"],
        [setting(found, runs)],
        costs(found),
        stages(found),
        losses(found),
        [f"The same from all: {same}."],
    ]
    return "\n\n".join("\n".join(lines) for lines in blocks if lines)


def put(page: str, name: str, text: str) -> str:
    """The page with the section of that name, in place of its old one or at the end."""
    begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
    whole = f"{begin}\n{text}\n{end}"
    if begin not in page:
        return f"{page.rstrip()}\n\n{whole}\n"
    before, _, rest = page.partition(begin)
    if end not in rest:
        raise ValueError(f"{begin} has no {end} behind it")
    return before + whole + rest.partition(end)[2]


def main() -> None:
    """Write the section of each file."""
    parser = argparse.ArgumentParser(description="The tables of docs/performance.md.")
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE.json")
    parser.add_argument("--into", type=Path, required=True)
    options = parser.parse_args()
    if missing := [path for path in options.files if not path.is_file()]:
        parser.error(f"{missing[0]} is not there: `make bench` measures, and writes such files")
    page = options.into.read_text("utf-8")
    for path in options.files:
        page = put(page, path.stem, section(json.loads(path.read_text("utf-8"))))
    options.into.write_text(page, "utf-8")


if __name__ == "__main__":
    main()
