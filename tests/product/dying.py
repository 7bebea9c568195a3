"""The real command, killed by its own hand at a named point: `python -m tests.product.dying`."""

import os
import signal
import sys
from typing import Any, NoReturn

from support_lakehouse.cli.app import main
from support_lakehouse.io import ops
from support_lakehouse.pipeline import run
from support_lakehouse.stages import release
from support_lakehouse.stages.apply import Silver


def die(*given: Any, **named: Any) -> NoReturn:
    """As if killed from outside; the JVM is left behind."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def _die_after(owner: Any, name: str) -> None:
    done = getattr(owner, name)

    def own(*given: Any, **named: Any) -> None:
        done(*given, **named)
        die()

    setattr(owner, name, own)


def prepare(point: str) -> None:
    """Have the process die where the point says."""
    match point:
        case "before the release":
            release.ops.append_release = die
        case "between release and publishing":
            run.publish = die
        case "after a fold of silver":
            _die_after(Silver, "_fold")
        case "after the ledger":
            _die_after(ops, "write_files")
        case _:
            raise ValueError(point)


if __name__ == "__main__":
    prepare(sys.argv[1])
    main(sys.argv[2:])
