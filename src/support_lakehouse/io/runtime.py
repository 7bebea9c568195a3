"""Owns what Spark needs around it: Java, the two Delta jars, the class-data archive."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from functools import cache
from pathlib import Path

from support_lakehouse.errors import SetupError

SCALA, SPARK_MINOR, DELTA = "2.13", "4.2", "4.4.0"
PACKAGE = f"io.delta:delta-spark_{SPARK_MINOR}_{SCALA}:{DELTA}"
JARS = {
    f"delta-spark_{SPARK_MINOR}_{SCALA}-{DELTA}.jar": (
        "27d4fd8b1f879535c573ed1c718177d6a27f24d3e626ba02e216369725721ead"
    ),
    f"delta-storage-{DELTA}.jar": (
        "c46735481fa8e326b0957be02b4420cbcab4b325bb08009b7f2045a95133f1cc"
    ),
}
"""File name -> sha256. These two of the 33 that resolve are enough for what is done here."""
JAVA_VERSIONS = (17, 21)
_BUILDING = "SUPPORT_LAKEHOUSE_BUILDS_ARCHIVE"
_PATIENCE_SECONDS = 300


def home() -> Path:
    """Where jars and archive are kept: SUPPORT_LAKEHOUSE_RUNTIME, or beside the environment."""
    named = os.environ.get("SUPPORT_LAKEHOUSE_RUNTIME")
    return Path(named) if named else Path(sys.prefix) / "share" / "support-lakehouse"


@cache
def java() -> tuple[Path, str]:
    """The Java that Spark will start and its version; SetupError says what is wrong with it."""
    java_home = os.environ.get("JAVA_HOME")
    found = str(Path(java_home) / "bin" / "java") if java_home else shutil.which("java")
    needed = f"Java {' or '.join(map(str, JAVA_VERSIONS))}"
    if not found or not Path(found).exists():
        where = f"JAVA_HOME={java_home}" if java_home else "PATH"
        raise SetupError(
            f"no Java found ({where})",
            expected=needed,
            hint="Install it (Debian: apt-get install openjdk-17-jre-headless) or set JAVA_HOME.",
        )
    told = subprocess.run([found, "-version"], capture_output=True, text=True, check=False)
    match = re.search(r'version "(\d+)[^"]*"', told.stderr)
    if not match or int(match[1]) not in JAVA_VERSIONS:
        version = match[0] if match else (told.stderr.strip().splitlines() or ["no answer"])[0]
        raise SetupError(
            f"{found} is {version}", expected=needed, hint="Install it or set JAVA_HOME to it."
        )
    # Not the first line: there it may say which JAVA_TOOL_OPTIONS it picked up.
    return Path(found), next(line for line in told.stderr.splitlines() if match[0] in line)


def jars() -> tuple[Path, ...]:
    """The jars, checked for being there; SetupError says how to get them."""
    paths = tuple(home() / name for name in JARS)
    missing = [path.name for path in paths if not path.is_file()]
    if missing:
        raise SetupError(
            f"the Delta jars {', '.join(missing)} are not there",
            where=str(home()),
            expected=f"the jars of {PACKAGE}",
            hint="Run `make setup` once, with the network on.",
        )
    return paths


def wrong_jars() -> list[str]:
    """Names of jars that are not there or whose bytes are not those expected."""
    return [name for name, sha in JARS.items() if _sha256(home() / name) != sha]


def fetch_jars() -> None:
    """Have Spark's own resolver bring the jars, check them, and keep them for later, offline."""
    if not wrong_jars():
        return
    java()
    with tempfile.TemporaryDirectory() as folder:
        told = _resolve(Path(folder))
        found = {path.name.split("_", 1)[-1]: path for path in Path(folder).glob("jars/*.jar")}
        home().mkdir(parents=True, exist_ok=True)
        for name, sha in JARS.items():
            if name not in found:
                raise SetupError(
                    f"{name} could not be had: {_why(told)}",
                    expected=PACKAGE,
                    hint="Check the network or the Maven mirror, then run `make setup` again.",
                )
            if _sha256(found[name]) != sha:
                raise SetupError(
                    f"{name} has another sha256 than expected",
                    expected=sha,
                    hint="Do not use it; check the Maven mirror that it came from.",
                )
            shutil.copyfile(found[name], home() / f"{name}.part")
            os.replace(home() / f"{name}.part", home() / name)


def archive() -> Path:
    """The class-data archive of the Java in use: classes loaded and checked once, for all runs."""
    told = hashlib.sha256(f"{java()} {sorted(JARS)} {sys.prefix}".encode()).hexdigest()
    return home() / f"classes-{told[:12]}.jsa"


def archive_options() -> list[str]:
    """What tells Java to use the archive, or to write it while it is being built."""
    if os.environ.get(_BUILDING):
        return [f"-XX:ArchiveClassesAtExit={os.environ[_BUILDING]}"]
    return [f"-XX:SharedArchiveFile={archive()}"] if archive().is_file() else []


def build_archive(data: Path) -> bool:
    """Run the pipeline once on small data while Java writes down what it loads; False if not.

    Without the archive all works as well, some seconds slower.
    """
    part = archive().with_suffix(".part")
    part.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "support_lakehouse", "run", "--data", str(data)]
        started = subprocess.Popen(
            [*command, "--lakehouse", f"{folder}/lakehouse"],
            env={**os.environ, _BUILDING: str(part)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        started.wait()
        _wait_for_group(started.pid)  # Java writes the archive when Python has gone
    if not part.is_file():
        return False
    os.replace(part, archive())
    return True


def _wait_for_group(group: int) -> None:
    until = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < until:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)


def _resolve(folder: Path) -> str:
    """Start Spark's submit program once, only to resolve: a class that is not there ends it."""
    import pyspark

    submit = Path(pyspark.__file__).parent / "bin" / "spark-submit"
    excluded = "org.apache.hadoop:*,io.unitycatalog:*,org.apache.parquet:*"
    command = [
        *(str(submit), "--packages", PACKAGE, "--exclude-packages", excluded),
        *("--conf", f"spark.jars.ivy={folder}", "--class", "none.Such", "spark-internal"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def _why(told: str) -> str:
    lines = [line.strip() for line in told.splitlines() if line.strip()]
    clues = [line for line in lines if "UnresolvedDependency" in line or "not found" in line]
    return (clues or lines or ["the resolver said nothing"])[-1][:200]


def _sha256(path: Path) -> str | None:
    if not path.is_file():
        return None
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
