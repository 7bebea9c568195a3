"""Owns `doctor` and `setup`: what the product needs around it, checked or brought."""

import sys
import tempfile
from pathlib import Path

from support_lakehouse.cli import screen
from support_lakehouse.config import load_config
from support_lakehouse.errors import SetupError
from support_lakehouse.io import runtime

_SMALL_SAMPLE = 1024 * 1024


def doctor() -> None:
    """Check Python, Java, the Delta jars and conf/, and start a session."""
    version = ".".join(map(str, sys.version_info[:3]))
    screen.say(f"Python {version}: fine")
    path, told = runtime.java()
    screen.say(f"{told} ({path}): fine")
    wrong = runtime.wrong_jars()
    if wrong:
        raise SetupError(
            f"missing or changed: {', '.join(wrong)}",
            where=str(runtime.home()),
            expected=f"the jars of {runtime.PACKAGE}",
            hint="Run `make setup` once, with the network on.",
        )
    screen.say(f"Delta jars in {runtime.home()}: fine")
    config = load_config()
    screen.say(f"conf/ in {config.root}: {len(config.feeds)} feeds, fine")
    from support_lakehouse.io.session import spark_session

    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        with spark_session(bytes_at_stake=0, log=place / "log", warehouse=place) as session:
            session.range(3).write.format("delta").save(str(place / "table"))
            rows = session.read.format("delta").load(str(place / "table")).count()
            screen.say(f"Spark {session.version} wrote a Delta table and read {rows} rows: fine")


def setup() -> None:
    """Bring the Delta jars and build the class-data archive; nothing if both are there."""
    runtime.java()
    if runtime.wrong_jars():
        screen.say(f"Fetching the Delta jars ({runtime.PACKAGE}) ...")
        runtime.fetch_jars()
    if runtime.archive().is_file():
        return
    data = load_config().data
    if sum(path.stat().st_size for path in data.rglob("*") if path.is_file()) > _SMALL_SAMPLE:
        screen.say(f"No class-data archive: {data} is no small sample. Runs start slower.")
        return
    screen.say("Building Java's class-data archive by a first run ...")
    if not runtime.build_archive(data):
        screen.say("It could not be built. All works without it, some seconds slower.")
