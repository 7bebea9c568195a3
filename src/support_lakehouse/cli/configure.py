"""Owns `config` and `feed`: what is declared is checked, described and drafted."""

import re
from pathlib import Path
from typing import Annotated

import typer

from support_lakehouse.cli import screen
from support_lakehouse.config import find_root, read_config
from support_lakehouse.errors import UsageError
from support_lakehouse.io.sample import read_sample
from support_lakehouse.model.column import NAME
from support_lakehouse.model.draft import draft
from support_lakehouse.model.feed_schema import schema_text
from support_lakehouse.model.reference_page import renewed

config = typer.Typer(
    help="Check and describe what is declared in conf/.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
feed = typer.Typer(
    help="Draft the declaration of a new feed.", no_args_is_help=True, rich_markup_mode=None
)

Output = Annotated[
    Path | None, typer.Option("--output", help="The file to write. [default: the screen]")
]
_MOST_CHARACTERS = 100


@config.command()
def check() -> None:
    """Read all of conf/, and tell the mistakes, or a line for each feed."""
    read, mistakes = read_config(find_root())
    for mistake in mistakes:
        screen.complain(mistake.sentence())
    if read is None:
        raise typer.Exit(2)
    rows = [[f.name, f.kind, f.format, len(f.columns), len(f.rules)] for f in read.feeds]
    screen.table(["feed", "kind", "format", "columns", "rules"], rows)


@config.command()
def schema(output: Output = None) -> None:
    """Print the JSON Schema of a feed file, by which editors complete it."""
    _hand_over(schema_text(), output)


@config.command(hidden=True)
def docs(page: Annotated[Path, typer.Argument(help="The page, as docs/feeds.md.")]) -> None:
    """Make the part of docs/feeds.md again that comes from the models."""
    try:
        text = renewed(page.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot be made again: {error}", where=str(page)) from error
    _write(text, page)


@feed.callback()
def _feed() -> None:
    """Draft a feed."""


@feed.command()
def new(
    sample: Annotated[Path, typer.Argument(help="A file as it will arrive: CSV or JSON.")],
    name: Annotated[
        str | None, typer.Option("--name", help="The feed's name. [default: the file's]")
    ] = None,
    output: Output = None,
) -> None:
    """Draft a feed from a sample, types and rules included, to be read and corrected."""
    if name is not None and not (re.fullmatch(NAME, name) and len(name) <= _MOST_CHARACTERS):
        raise UsageError(
            f"{name[:_MOST_CHARACTERS]!r} is no name of a feed",
            where="--name",
            expected="small letters, digits and _, a letter first",
        )
    if output is not None and output.exists():
        raise UsageError("is there already", where=str(output), hint="Name another file.")
    _hand_over(draft(read_sample(sample), name), output)


def _hand_over(text: str, output: Path | None) -> None:
    if output is None:
        typer.echo(text, nl=False)
        return
    _write(text, output)
    screen.say(f"Wrote {output}")


def _write(text: str, path: Path) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot be written: {error.strerror}", where=str(path)) from error
