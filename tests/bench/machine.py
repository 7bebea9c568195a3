"""On what a benchmark ran: cores, memory, load, and the versions of what took part."""

import os
import platform
import re
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {"Support Lakehouse": "support-lakehouse", "PySpark": "pyspark"}


def machine() -> dict[str, object]:
    """Cores, memory, system, Java, Python, and how busy the machine is now."""
    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return {
        "cores": os.cpu_count(),
        "memory_gb": round(pages * size / 2**30, 1),
        "system": platform.system(),
        "java": java_version(),
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 1),
    }


def java_version() -> str | None:
    """The version of the Java that Spark would start; None where there is none."""
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home, "bin", "java")) if home else "java"
    said = output_of([java, "-version"])
    found = re.search(r'version "([^"]+)"', said)
    return found.group(1) if found else None


def versions() -> dict[str, str]:
    """The versions of this project, with its commit, and of what it stands on, where installed."""
    found = {}
    for name, package in PACKAGES.items():
        try:
            found[name] = version(package)
        except PackageNotFoundError:
            continue
    commit = output_of(["git", "-C", str(ROOT), "describe", "--always", "--dirty"]).strip()
    if commit and "Support Lakehouse" in found:
        found["Support Lakehouse"] += f" ({commit})"
    return found


def output_of(words: list[str]) -> str:
    """All that a command says; nothing if it cannot be had."""
    try:
        done = subprocess.run(
            words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout
