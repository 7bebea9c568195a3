"""Owns `published/`: files for people and programs, written from a release, told in a manifest."""

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from support_lakehouse.config import Config
from support_lakehouse.io import export, landing
from support_lakehouse.model.feed import Feed
from support_lakehouse.model.settings import Format
from support_lakehouse.stages.released import Released

MANIFEST = "manifest.json"
REPORT = "support_report"


def publish(
    released: Released, config: Config, fmt: Format, *, finals: bool, again: bool = False
) -> list[Path]:
    """Write what is missing, stale or never written in the format; the paths written.

    Each file is replaced in one step, the manifest last. `again` writes all of them.
    """
    folder = released.lakehouse / "published"
    manifest = {} if again else read_manifest(folder)
    wanted = _wanted(released, config, finals=finals)
    files = {name: folder / f"{name}.{fmt}" for name in wanted}
    todo = [n for n, p in files.items() if not _is_current(p, manifest, released.release.state)]
    if not todo:
        return []
    for name, table in _tables(released, config, todo):
        export.write(table, files[name], fmt)
        manifest[files[name].name] = _told(files[name], table.num_rows, released)
    _write_manifest(folder, manifest)
    return [files[name] for name in todo]


def read_manifest(folder: Path) -> dict[str, Any]:
    """What the manifest says of each file; nothing where it is missing or broken."""
    try:
        told = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def _wanted(released: Released, config: Config, *, finals: bool) -> list[str]:
    names: list[str] = []
    if REPORT in config.settings.publish and released.version("gold/support_report") is not None:
        names.append(REPORT)
    if finals and "finals" in config.settings.publish:
        names += [f"{feed.name}_final" for feed in _loaded(released, config.feeds)]
    return names


def _loaded(released: Released, feeds: Sequence[Feed]) -> list[Feed]:
    return [feed for feed in feeds if released.version(f"silver/{feed.name}") is not None]


def _tables(
    released: Released, config: Config, names: Sequence[str]
) -> Iterator[tuple[str, pa.Table]]:
    if REPORT in names:
        yield REPORT, released.support_report(config.settings.business_zone)
    if any(name != REPORT for name in names):
        yield from ((name, table) for name, table in released.finals(config.feeds) if name in names)


def _is_current(path: Path, manifest: dict[str, Any], state: str) -> bool:
    """Whether the file is there as the manifest tells, from a release of the same state."""
    told: Any = manifest.get(path.name)
    try:
        found = path.stat()
        return bool(
            told["state"] == state
            and told["file_size"] == found.st_size
            and told["file_mtime"] == found.st_mtime_ns
        )
    except (OSError, TypeError, KeyError):
        return False


def _told(path: Path, rows: int, released: Released) -> dict[str, Any]:
    found = path.stat()
    return {
        "file_size": found.st_size,
        "file_mtime": found.st_mtime_ns,
        "sha256": landing.sha256_of(path),
        "rows": rows,
        "release": released.release.release,
        "state": released.release.state,
    }


def _write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    part = folder / f".{MANIFEST}.part"
    part.write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    os.replace(part, folder / MANIFEST)
