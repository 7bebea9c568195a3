"""Owns the log of a Delta table, entry by entry, as Delta's protocol writes it."""

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable

Action = dict[str, Any]
ENGINE = "Support-Lakehouse"
CHECKPOINT_INTERVAL = "10"
"""Commits of a table after which its state is written whole."""
PLAIN_FEATURES = frozenset({"appendOnly", "invariants"})
"""What every table asks of who writes it: nothing that this package's rows could go against."""

_ENTRY = re.compile(r"([0-9]{20})\.json")
_CHECKPOINT = re.compile(r"([0-9]{20})\.checkpoint\.parquet")
_ADDED = ("path", "partitionValues", "size", "modificationTime", "stats", "tags", "deletionVector")
"""What an `add` tells of a file that stays; the rest can be told of it in other ways."""


def committed_by(told: str) -> CommitProperties:
    """What makes a commit of deltalake tell its userMetadata."""
    return CommitProperties(custom_metadata={"userMetadata": told})


def kept_for(retention: timedelta) -> dict[str, str]:
    """The configuration of a table by which its log and its old files are kept."""
    kept = f"interval {retention.days} days"
    return {
        "delta.logRetentionDuration": kept,
        "delta.deletedFileRetentionDuration": kept,
        "delta.checkpointInterval": CHECKPOINT_INTERVAL,
    }


def entry_of(table: Path, version: int) -> Path:
    return table / "_delta_log" / f"{version:020}.json"


def versions(table: Path) -> list[int]:
    """The versions whose log entries are there, oldest first."""
    return _numbered(table, _ENTRY)


def newest(table: Path) -> int | None:
    """The newest version that the log has an entry or a checkpoint of; None where it has none."""
    return max((*_numbered(table, _ENTRY), *_numbered(table, _CHECKPOINT)), default=None)


def actions(table: Path, version: int) -> Iterator[Action]:
    """What a version's entry says, line by line. Raises OSError, ValueError, TypeError."""
    with entry_of(table, version).open(encoding="utf-8") as lines:
        yield from (dict(json.loads(line)) for line in lines)


def files_at(table: Path, version: int) -> dict[str, Action] | None:
    """The `add` of each data file of a version, by its path as the log has it.

    None where entries are gone and no checkpoint of one Parquet file stands for them. Raises
    `datafiles.READ_ERRORS`.
    """
    begin = max((at for at in _numbered(table, _CHECKPOINT) if at <= version), default=-1)
    there = {} if begin < 0 else _checkpointed(table, begin)
    needed = range(begin + 1, version + 1)
    if not set(needed) <= set(versions(table)):
        return None
    for at in needed:
        told = list(actions(table, at))
        for gone in (action["remove"] for action in told if "remove" in action):
            there.pop(gone["path"], None)
        there |= {action["add"]["path"]: action["add"] for action in told if "add" in action}
    return there


def commit(table: Path, version: int, told: Sequence[Mapping[str, Any]]) -> None:
    """Write a version's entry, which appears as a whole. Raises FileExistsError, OSError.

    Nobody else may write the table meanwhile: the run holds the lakehouse.
    """
    entry = entry_of(table, version)
    if entry.exists():
        raise FileExistsError(entry)
    new = entry.with_name(f".{entry.name}.{uuid4()}.tmp")
    new.write_text("".join(json.dumps(one) + "\n" for one in told), encoding="utf-8")
    os.replace(new, entry)


def checkpoint_if_due(table: Path, version: int) -> None:
    """Write the state of a table whole now and then."""
    if version and version % int(CHECKPOINT_INTERVAL) == 0:
        DeltaTable(table).create_checkpoint()


def added(table: Path, path: str, stats: Mapping[str, Any]) -> Action:
    """What an entry says of a new data file, which lies in the table's folder."""
    written = (table / path).stat()
    return {
        "path": path,
        "partitionValues": {},
        "size": written.st_size,
        "modificationTime": round(written.st_mtime * 1000),
        "dataChange": True,
        "stats": json.dumps(stats),
    }


def removed(add: Action, at: int) -> Action:
    """What an entry says of a data file that is no longer one, since a moment in milliseconds."""
    named = {name: add[name] for name in ("path", "partitionValues", "size")}
    vector = {name: add[name] for name in ("deletionVector",) if name in add}
    gone = {"deletionTimestamp": at, "dataChange": True, "extendedFileMetadata": True}
    return named | vector | gone


def _numbered(table: Path, named: re.Pattern[str]) -> list[int]:
    found = (named.fullmatch(path.name) for path in (table / "_delta_log").glob("*"))
    return sorted(int(match[1]) for match in found if match)


def _checkpointed(table: Path, version: int) -> dict[str, Action]:
    path = table / "_delta_log" / f"{version:020}.checkpoint.parquet"
    rows = pq.ParquetFile(path).read(columns=["add"])["add"].drop_null().to_pylist()
    return {add["path"]: _plain(add) for add in rows}


def _plain(add: Action) -> Action:
    """The action as an entry has it: without what it does not tell, and maps as they are."""
    told = {name: add[name] for name in _ADDED if add.get(name) is not None}
    for name in {"partitionValues", "tags"} & told.keys():
        told[name] = dict(told[name])
    return told
