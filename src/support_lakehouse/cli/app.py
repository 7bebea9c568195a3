"""Owns the command `support-lakehouse`: its exit codes, and the only place that catches all."""

import errno
import logging
import os
import signal
import sys
import traceback
from collections.abc import Callable
from threading import Thread
from types import FrameType

import typer

from support_lakehouse.cli.commands import command_line
from support_lakehouse.cli.screen import complain
from support_lakehouse.errors import SupportLakehouseError
from support_lakehouse.io.runlog import NOTE

_STANDS = "What was released whole stands, nothing else is seen"
_INTERRUPTED = f"Interrupted. {_STANDS}; run again to go on."
_SOON_SECONDS = 0.02


class Terminated(BaseException):
    """SIGTERM arrived; what is open is closed on the way out."""


class Interrupted(BaseException):
    """Ctrl-C; not Python's KeyboardInterrupt, of which py4j prints where it came from."""


def main(arguments: list[str] | None = None) -> None:
    """Run a command and leave with its exit code (design.md 8)."""
    for told, why in ((signal.SIGTERM, Terminated), (signal.SIGINT, Interrupted)):
        if signal.getsignal(told) is not signal.SIG_IGN:  # as a shell has it for what it leaves
            signal.signal(told, leaving(why))
    # Without a handler, what a library logs of a JVM that is gone would be on the screen.
    logging.getLogger().addHandler(logging.NullHandler())
    logging.raiseExceptions = False  # nor is it told there that the log's own disk is full
    sys.exit(_exit_code(arguments))


def _exit_code(arguments: list[str] | None) -> int:
    try:
        given = sys.argv[1:] if arguments is None else arguments
        app = command_line(given[0] if given else None)
        left = app(given, standalone_mode=False)  # an Exit comes back as its code
        code = left if isinstance(left, int) else 0
        if code == 130:  # typer's own answer to Ctrl-C
            complain(_INTERRUPTED)
        return code
    except SupportLakehouseError as error:
        complain(error.sentence())
        return error.exit_code
    except (Interrupted, KeyboardInterrupt, typer.Abort):
        complain(_INTERRUPTED)
        return 130
    except Terminated:
        complain(f"Stopped by SIGTERM. {_STANDS}; run again to go on.")
        return 143
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        return _unexpected(error)


def _unexpected(error: Exception) -> int:
    """Wrong usage as typer tells it, or a failure that nobody foresaw."""
    show = getattr(error, "show", None)
    if show is not None:
        show()
        return int(getattr(error, "exit_code", 2))
    first = (str(error).strip().splitlines() or [type(error).__name__])[0]
    of_file = _of_a_file(error)
    complain(f"Failed: {of_file or first[:300]}")
    if os.strerror(errno.ENOSPC) in str(error):
        complain("The disk is full. Free some space and run again: it begins at the last release.")
    logged = [note for note in getattr(error, "__notes__", []) if note.startswith(NOTE)]
    if logged:
        complain(f"{_STANDS}. {logged[0]}.")
    elif not of_file:
        for line in traceback.format_exc().splitlines():
            complain(line)
    return 1


def _of_a_file(error: Exception) -> str:
    """What the system said of a file that cannot be had; empty for all other errors."""
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename}: {error.strerror}."
    return ""


def leaving(why: type[BaseException]) -> Callable[[int, FrameType | None], None]:
    """A handler that raises `why`, but not where somebody else would take it for their own.

    numpy takes what is raised while it is imported for an error of its own; a thread whose start
    is left half-way is not waited for by its pool, and works on.
    """

    def leave(signum: int, frame: FrameType | None) -> None:
        while frame is not None:
            code = frame.f_code
            if code.co_filename.startswith("<frozen importlib") or code is Thread.start.__code__:
                signal.signal(signal.SIGALRM, leave)
                signal.setitimer(signal.ITIMER_REAL, _SOON_SECONDS)
                return
            frame = frame.f_back
        raise why

    return leave
