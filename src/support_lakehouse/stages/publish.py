"""Owns `published/`: files for people and programs, written from a release, told in a manifest."""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast, get_args

from support_lakehouse.config import Config
from support_lakehouse.io import export, landing
from support_lakehouse.model.settings import Format, Published
from support_lakehouse.stages.released import CALL_LOG, QUARANTINE, REPORT, Released

MANIFEST, REJECTED = "manifest.json", "call_center_log_rejected.csv"


@dataclass(frozen=True)
class _Publication:
    """One published file: where it goes, what it is made of, and how it is made."""

    path: Path
    format: Format
    made_of: str
    make: Callable[[], export.Rows]


def publish(
    released: Released, config: Config, fmt: Format, *, finals: bool, again: bool = False
) -> list[Path]:
    """Write what is missing, stale or never written in the format; the paths written.

    Each file is replaced in one step, the manifest last. `again` writes all of them.
    """
    folder = released.lakehouse / "published"
    manifest = {} if again else read_manifest(folder)
    wanted = list(_wanted(released, config, folder, fmt, finals=finals))
    todo = [p for p in wanted if not _is_current(p.path, manifest, p.made_of)]
    for one in todo:
        rows = export.write(one.make(), one.path, one.format)
        manifest[one.path.name] = _told(one, rows, released)
    if todo:
        write_manifest(folder, manifest)
    return [one.path for one in todo]


def read_manifest(folder: Path) -> dict[str, Any]:
    """What the manifest says of each file; nothing where it is missing or broken."""
    try:
        told = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def _wanted(
    released: Released, config: Config, folder: Path, fmt: Format, *, finals: bool
) -> Iterator[_Publication]:
    """What is to be published of a release, by `publish:` in the settings and what is loaded."""
    asked, state = config.settings.publish, released.release.state

    def there(table: str) -> bool:
        return released.version(table) is not None

    if "support_report" in asked and there(REPORT):
        zone = config.settings.business_zone
        make = partial(released.support_report, zone)
        yield _Publication(folder / f"support_report.{fmt}", fmt, state, make)
    if finals and "finals" in asked:
        for feed in config.feeds:
            if feed.kind == "changes" and there(feed.table):
                make = partial(released.final, feed, config.feeds)
                yield _Publication(folder / f"{feed.name}_final.{fmt}", fmt, state, make)
    if "cleaned_calls" in asked and there("silver/calls"):
        path = folder / "cleaned_calls.parquet"
        yield _Publication(path, "parquet", state, released.cleaned_calls)
    if "call_center_log" in asked and there(CALL_LOG):
        yield _Publication(folder / "call_center_log.csv", "csv", state, released.call_center_log)
        make = partial(released.call_center_log_rejected, config.feed("call_center_log"))
        told = made_of(released, REJECTED)
        yield _Publication(folder / REJECTED, "csv", told, make)


def made_of(released: Released, name: str) -> str:
    """What the manifest says of a file's content, were it written from the release."""
    state, rejected = released.release.state, released.release.tables.get(QUARANTINE)
    if name == REJECTED:
        return f"{state} {rejected.fingerprint if rejected else ''}"
    return state


def sha256_again(released: Released, config: Config, name: str, zone: str = "UTC") -> str | None:
    """The sha256 of a published or exported file, written again; None for a name of neither."""
    stem, _, fmt = name.rpartition(".")
    make = _makes(released, config).get(stem)
    if make is None or fmt not in get_args(Format):
        return None
    with TemporaryDirectory() as folder:
        path = Path(folder, name)
        export.write(make(), path, cast(Format, fmt), zone)
        return landing.sha256_of(path)


def _makes(released: Released, config: Config) -> dict[str, Callable[[], export.Rows]]:
    """How each file that can be published or exported is made, by its name without ending."""
    asked = config.settings.model_copy(update={"publish": get_args(Published)})
    told = {
        one.path.stem: one.make
        for one in _wanted(released, replace(config, settings=asked), Path(), "csv", finals=True)
    }
    return told | dict(released.makes(config.feeds))


def _is_current(path: Path, manifest: dict[str, Any], made_of: str) -> bool:
    """Whether the file is there as the manifest tells, made of the same."""
    told: Any = manifest.get(path.name)
    try:
        found = path.stat()
        return bool(
            told["state"] == made_of
            and told["file_size"] == found.st_size
            and told["file_mtime"] == found.st_mtime_ns
        )
    except (OSError, TypeError, KeyError):
        return False


def _told(one: _Publication, rows: int, released: Released) -> dict[str, Any]:
    modified = one.path.stat().st_mtime_ns
    return {**carried(one.path, rows, released), "file_mtime": modified, "state": one.made_of}


def carried(path: Path, rows: int, released: Released) -> dict[str, Any]:
    """What a manifest says of a file: its bytes, and the release that it was written from."""
    made = released.release
    return {
        "file_size": path.stat().st_size,
        "sha256": landing.sha256_of(path),
        "rows": rows,
        "release": made.release,
        "release_hash": made.hash,
        "state": made.state,
        "code": made.code,
        "config": made.config,
        "tables": {name: asdict(state) for name, state in made.tables.items()},
    }


def write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    """Replace a folder's manifest in one step."""
    part = folder / f".{MANIFEST}.part"
    part.write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    os.replace(part, folder / MANIFEST)
