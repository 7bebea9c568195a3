"""Owns `verify`: whether all is as it was released, for people and scripts."""

from pathlib import Path
from typing import Annotated, Any

import typer

from support_lakehouse.cli import options as o
from support_lakehouse.cli import screen
from support_lakehouse.config import load_config
from support_lakehouse.model.release import Release
from support_lakehouse.model.verdict import Findings
from support_lakehouse.pipeline import verify as pipeline

_CODES = {"sound": 0, "not checked": 1, "damaged": 5}
_CUT_OFF = "the verification was cut off"


def verify(
    lakehouse: o.Lakehouse = None,
    release: o.ReleaseNumber = None,
    content: Annotated[
        bool, typer.Option("--content", help="Take the fingerprint of every table again.")
    ] = False,
    rows: Annotated[
        bool,
        typer.Option(
            "--rows", help="Make silver and gold again from bronze, by Spark, and compare."
        ),
    ] = False,
    feed: Annotated[
        str | None, typer.Option("--feed", help="Look at the tables of one feed only.")
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option("--against", help="Whether a manifest.json that you hold came from here."),
    ] = None,
    json: o.Json = False,
) -> None:
    """Check that tables, books and published files are as they were released."""
    config = load_config()
    asked = pipeline.Asked(release, content, rows, feed, against)
    try:
        found, findings = pipeline.verify(config, (lakehouse or config.lakehouse).resolve(), asked)
    except BaseException as stopped:
        if not isinstance(stopped, Exception):  # Ctrl-C or SIGTERM: no word on damage
            _tell(None, Findings(unchecked=[_CUT_OFF]), json=json)
        raise
    _tell(found, findings, json=json)
    if findings.result != "sound":
        raise typer.Exit(_CODES[findings.result])


def _tell(release: Release | None, findings: Findings, *, json: bool) -> None:
    if json:
        screen.print_json(_json(release, findings))
        return
    for note in findings.notes:
        screen.say(note)
    for sentence in findings.unchecked:
        screen.say(f"Not checked: {sentence}")
    for number, one in enumerate(findings.differences, 1):
        screen.complain(f"{number}. {one.where}{f', {one.key}' if one.key else ''}: {one.what}")
    for todo in dict.fromkeys(one.todo for one in findings.differences if one.todo):
        told = [str(n) for n, one in enumerate(findings.differences, 1) if one.todo == todo]
        screen.complain(f"What to do about {', '.join(told)}: {todo}")
    looked_at = ", ".join(f"{n:,} {what}" for what, n in findings.checked.items())
    of = f"Release {release.release}: " if release else ""
    screen.say(f"{of}{findings.result}. Looked at: {looked_at or 'nothing'}.")


def _json(release: Release | None, findings: Findings) -> dict[str, Any]:
    return {
        "result": findings.result,
        "release": release.release if release else None,
        "checked": dict(findings.checked),
        "differences": [
            {"where": d.where, "key": d.key, "what": d.what, "todo": d.todo}
            for d in findings.differences
        ],
        "not_checked": findings.unchecked,
        "notes": findings.notes,
    }
