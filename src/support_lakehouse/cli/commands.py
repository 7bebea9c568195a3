"""Owns which commands there are; the module of one is imported when it is asked for.

To import what all others need takes a sixth of the time of a run that has nothing to do.
"""

from collections.abc import Callable
from typing import Any

import typer

Commands = tuple[Callable[..., Any] | typer.Typer, ...]
"""Functions, or groups of them, in the order of their names in `COMMANDS`."""


def _run() -> Commands:
    from support_lakehouse.cli import run

    return run.run, run.plan, run.withdraw, run.rollback


def _read() -> Commands:
    from support_lakehouse.cli import read

    return read.report, read.export, read.answers


def _explain() -> Commands:
    from support_lakehouse.cli import explain

    return (explain.explain,)


def _diff() -> Commands:
    from support_lakehouse.cli import diff

    return (diff.diff,)


def _inspect() -> Commands:
    from support_lakehouse.cli import inspect

    return inspect.history, inspect.files


def _verify() -> Commands:
    from support_lakehouse.cli import verify

    return (verify.verify,)


def _maintain() -> Commands:
    from support_lakehouse.cli import maintain

    return (maintain.maintain,)


def _setup() -> Commands:
    from support_lakehouse.cli import setup

    return setup.doctor, setup.setup


def _quarantine() -> Commands:
    from support_lakehouse.cli import quarantine

    return (quarantine.quarantine,)


def _configure() -> Commands:
    from support_lakehouse.cli import configure

    return configure.config, configure.feed


COMMANDS: dict[tuple[str, ...], Callable[[], Commands]] = {
    ("run", "plan", "withdraw", "rollback"): _run,
    ("report", "export", "answers"): _read,
    ("explain",): _explain,
    ("diff",): _diff,
    ("history", "files"): _inspect,
    ("verify",): _verify,
    ("maintain",): _maintain,
    ("doctor", "setup"): _setup,
    ("quarantine",): _quarantine,
    ("config", "feed"): _configure,
}
"""What imports the commands that stand in one module, by their names."""
_HIDDEN = ("setup",)


def command_line(asked: str | None) -> typer.Typer:
    """The command line; of one module alone where a command of it is asked for."""
    app = typer.Typer(
        name="support-lakehouse",
        help="Support data from files to reports that add up, in Delta tables that remember.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.callback()(lambda: None)  # a command is named though it be the only one
    for names in [own for own in COMMANDS if asked in own] or COMMANDS:
        for name, command in zip(names, COMMANDS[names](), strict=True):
            if isinstance(command, typer.Typer):
                app.add_typer(command, name=name)
            else:
                app.command(name, hidden=name in _HIDDEN)(command)
    return app
