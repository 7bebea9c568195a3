"""Owns `report`, `export` and `answers`: what was released, for people and files."""

import sys
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer

from support_lakehouse.cli import options as o
from support_lakehouse.cli import screen
from support_lakehouse.config import Config, load_config
from support_lakehouse.errors import UsageError
from support_lakehouse.io import export as files
from support_lakehouse.pipeline.opened import readable
from support_lakehouse.stages.publish import carried, write_manifest
from support_lakehouse.stages.released import Released, open_released
from support_lakehouse.transforms import answers as questions


def report(
    lakehouse: o.Lakehouse = None,
    as_of: o.AsOf = None,
    release: o.ReleaseNumber = None,
    format: o.Format = None,
    output: Annotated[
        Path | None, typer.Option("--output", help="A file. [default: the screen]")
    ] = None,
) -> None:
    """Write support_report as released, or as of a month."""
    config = load_config()
    # Gold's versions are always kept, so that a report needs silver only as of a month.
    opened = _released if as_of is None else _readable
    released = opened(config, lakehouse, release, as_of)
    rows = released.support_report(config.settings.business_zone)
    fmt = format.value if format else config.settings.format
    if output is not None:
        files.write(rows, output, fmt)
        screen.say(f"Wrote {output}")
    elif fmt == "parquet":
        raise UsageError("parquet is no text for the screen", hint="Name a file with --output.")
    else:
        sys.stdout.reconfigure(encoding="utf-8", newline="\n")  # type: ignore[union-attr]
        sys.stdout.writelines(files.text_of(rows, fmt))


def export(
    output: Annotated[Path, typer.Option("--output", help="The folder to write into.")],
    lakehouse: o.Lakehouse = None,
    format: o.Format = None,
    zone: Annotated[
        o.ZoneChoice, typer.Option("--zone", help="The zone of timestamps in csv and json.")
    ] = o.ZoneChoice.utc,
    as_of: o.AsOf = None,
    release: o.ReleaseNumber = None,
) -> None:
    """Write the *_final files of every table, with every reference resolved."""
    config = load_config()
    released = _readable(config, lakehouse, release, as_of)
    fmt = format.value if format else config.settings.format
    written_in = config.settings.business_zone if zone is o.ZoneChoice.business else "UTC"
    manifest = {}
    for name, parts in released.finals(config.feeds):
        path = output / f"{name}.{fmt}"
        rows = files.write(parts, path, fmt, written_in)
        told = {"as_of": released.as_of, "zone": written_in}
        manifest[path.name] = carried(path, rows, released) | told
        screen.say(f"Wrote {path} ({rows} rows)")
    write_manifest(output, manifest)


def answers(
    lakehouse: o.Lakehouse = None,
    from_: Annotated[
        str | None, typer.Option("--from", help="The first month, like 2025-01. [default: all]")
    ] = None,
    to: Annotated[
        str | None, typer.Option("--to", help="The last month, like 2025-03. [default: all]")
    ] = None,
    json: o.Json = False,
) -> None:
    """Answer the three questions, with the numbers behind each answer."""
    first, last = o.report_month(from_, "--from"), o.report_month(to, "--to")
    if first and last and first > last:
        raise UsageError(f"--from {first} is after --to {last}")
    config = load_config()
    released = _released(config, lakehouse, None, None)
    report_rows, work_rows, hours = (
        released.table(f"gold/{mart}").to_pylist()
        for mart in ("support_report", "agent_work_time", "interaction_hours")
    )
    told = questions.answers(
        questions.within(report_rows, first, last), questions.within(work_rows, first, last)
    )
    if first is None and last is None:
        told["business_hours"] = questions.business_hours(hours)
    screen.print_json(told) if json else _tell_answers(told, first, last)


def _released(
    config: Config, lakehouse: Path | None, release: int | None, as_of: str | None
) -> Released:
    root = (lakehouse or config.lakehouse).resolve()
    return open_released(root, release=release, as_of=as_of)


def _readable(
    config: Config, lakehouse: Path | None, release: int | None, as_of: str | None
) -> Released:
    root = (lakehouse or config.lakehouse).resolve()
    return readable(config, root, release=release, as_of=as_of)


def _tell_answers(told: dict[str, Any], first: str | None, last: str | None) -> None:
    span = f"from {first or 'the beginning'} to {last or 'the end'}" if first or last else "in all"
    by_center = told["interactions_by_contact_center"]
    busiest, longest = told["busiest_month"], told["longest_average_call"]
    if busiest is None:
        screen.say(f"There are no interactions {span}.")
        return
    screen.say(f"1. Interactions by contact centre, {span}: {sum(by_center.values())}")
    hours = told.get("business_hours", {})
    columns = [
        "contact centre",
        "interactions",
        *(["in business hours", "outside"] if hours else []),
    ]
    rows = [[c, n, *hours.get(c, {}).values()] for c, n in by_center.items()]
    screen.table(columns, rows)
    screen.say()
    screen.say(
        f"2. The month with the most interactions: {busiest['month']},"
        f" with {busiest['total_interactions']}."
    )
    screen.say()
    if longest is None:
        screen.say("3. There are no phone calls in these months.")
        return
    _tell_longest(longest, told["work_time"])


def _tell_longest(longest: dict[str, Any], work: dict[str, dict[str, Any]]) -> None:
    name = longest["contact_center_name"]
    screen.say(
        f"3. The longest average phone call: {name}, {_short(longest['average_minutes'])} minutes"
        f" ({_short(longest['total_minutes'])} minutes over {longest['calls']} calls)."
    )
    own = work.get(name, {})
    late, after = (
        own.get("calls_with_time_after_resolution", 0),
        own.get("after_resolution_minutes"),
    )
    if late:
        screen.say(
            "   Why: call_duration_minutes runs to interaction_end, and"
            f" {late} of the {own['calls']} calls there went on after the agent had resolved the"
            f" matter, for {_short(after)} minutes in all (a survey, or the like)."
        )
        others = [c for c, w in work.items() if c != name and w["calls_with_time_after_resolution"]]
        screen.say(f"   Other centres with such calls: {', '.join(others) or 'none'}.")
    screen.say(
        "   Better for agent work time: agent_resolution_timestamp minus interaction_start,"
        " which is the agent's own part of the call:"
    )
    rows = [
        (
            center,
            w["calls"],
            questions.mean(w["call_minutes"], w["calls"]),
            questions.mean(w["work_minutes"], w["calls"]),
            w["calls_with_time_after_resolution"],
            _short(w["after_resolution_minutes"]),
        )
        for center, w in sorted(
            work.items(), key=lambda item: questions.mean(item[1]["work_minutes"], item[1]["calls"])
        )
    ]
    screen.table(
        ["contact centre", "calls", "minutes a call", "work minutes a call"]
        + ["calls that went on", "minutes they went on"],
        rows,
    )


def _short(number: Decimal | int | None) -> Decimal | int:
    """A number without zeros at the end."""
    value = Decimal(number or 0)
    return int(value) if value == value.to_integral_value() else value.normalize()
