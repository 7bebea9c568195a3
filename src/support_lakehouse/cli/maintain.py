"""Owns `maintain`: says what will go, then joins small files and removes old ones."""

from typing import Annotated

import typer

from support_lakehouse.cli import options as o
from support_lakehouse.cli import screen
from support_lakehouse.config import load_config
from support_lakehouse.model.keeping import months_of
from support_lakehouse.pipeline import maintain as pipeline
from support_lakehouse.pipeline.maintain import Maintenance

Keep = Annotated[
    str | None,
    typer.Option("--keep", help="How long versions stay readable. [default: retention_months]"),
]


def maintain(
    lakehouse: o.Lakehouse = None,
    keep: Keep = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and leave it.")
    ] = False,
) -> None:
    """Join small files and remove what no kept release needs; lists it first."""
    config = load_config()
    months = months_of(keep) if keep is not None else config.settings.retention_months
    done = pipeline.maintain(
        config, (lakehouse or config.lakehouse).resolve(), months, dry_run=dry_run, tell=_tell
    )
    if dry_run:
        screen.say("Nothing was changed: --dry-run.")
    elif done.release is None:
        screen.say("Nothing to do.")
    else:
        screen.say(f"Release {done.release.release}, state {done.release.state}.")


def _tell(todo: Maintenance) -> None:
    screen.say(f"To be kept: every release from {todo.kept_from} on.")
    for table, files in todo.compacted.items():
        screen.say(f"To be joined: {files} small files of {table}.")
    for file in todo.removed:
        screen.say(f"To be removed: {file.path} ({file.bytes} bytes)")
    if todo.removed:
        screen.say(f"In all {len(todo.removed)} files, {todo.bytes} bytes.")
