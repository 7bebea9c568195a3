"""Owns the check that tables can be read: log entries, data files, a column of each, row counts."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from support_lakehouse.io import delta_log, lake, undo
from support_lakehouse.io.datafiles import (
    READ_ERRORS,
    DataFile,
    files_of,
    read_column,
)
from support_lakehouse.io.ops import RELEASES
from support_lakehouse.io.vectors import deleted_rows
from support_lakehouse.stages.checking import AGAIN, BACK, Checking, user_metadata

_AT_ONCE = 4
_CHECKPOINT = re.compile(r"([0-9]{20})\.checkpoint.*\.parquet")
_FOREIGN = "The next run undoes what stands beyond the last release; let nothing else write here."
_TRACES = ("admission", "_file")
"""The columns that say where a row came from, in bronze and in silver."""
Traces = Mapping[str, Mapping[str, int]]


def check_tables(of: Checking) -> dict[str, dict[str, int]]:
    """Look at every table in question, at the release's versions and those as of its months.

    Told: for each sound table of bronze and silver how many rows come from each admission or file.
    """
    traces: dict[str, dict[str, int]] = {}
    for name in [*of.tables, RELEASES]:
        of.findings.checked["tables"] += 1
        try:
            told = _traces(of, name)
        except PermissionError as error:
            of.findings.not_opened(name, error)
            continue
        if told is not None:
            traces[name] = told
    return traces


def _traces(of: Checking, name: str) -> dict[str, int] | None:
    if not (of.lakehouse / name / "_delta_log").is_dir():
        of.findings.differs(name, "the table is gone", todo=BACK)
        return None
    if not _log_is_whole(of, name) or name == RELEASES:
        return None
    return _read(of, name)


def _log_is_whole(of: Checking, name: str) -> bool:
    """Whether every log entry up to the newest release can be read to its end.

    What is torn beyond it is the trace of a run that died, which the next one removes.
    """
    table = of.lakehouse / name
    newest = of.releases[-1].tables.get(name) if table == of.lakehouse / name else None
    versions = delta_log.versions(table)
    torn = [version for version in versions if not undo.has_whole_entry(table, version)]
    last = newest.version if newest else max(versions, default=0)
    if name == RELEASES:
        last -= 1 if torn == versions[-1:] else 0  # stages.check_chain judges its last entry
    of.findings.checked["log entries"] += len(versions)
    bad = [v for v in torn if v <= last] + list(_gaps(table, versions, last))
    for version in bad:
        at = f"{name}/_delta_log/{version:020}.json"
        is_there = (table / "_delta_log" / f"{version:020}.json").exists()
        what = "the log entry is torn or empty" if is_there else "the log entry is gone"
        of.findings.differs(at, what, todo=BACK)
    beyond = [v for v in versions if (v > last or name == RELEASES) and v not in torn]
    for version in beyond:
        if "run" not in user_metadata(lake.commit_of(table, version)):
            what = f"version {version} was written by no run of this program"
            of.findings.differs(name, what, todo=_FOREIGN)
    if not bad and beyond and name != RELEASES:
        of.findings.notes.append(f"{name} stands beyond the last release; the next run undoes it.")
    return not bad


def _gaps(table: Path, versions: list[int], last: int) -> Iterable[int]:
    """The versions without a log entry; Delta may clean up those before a checkpoint."""
    found = (_CHECKPOINT.fullmatch(path.name) for path in (table / "_delta_log").iterdir())
    checkpoints = [int(match[1]) for match in found if match]
    first = min(versions, default=0)
    begins = first if any(first - 1 <= c <= last for c in checkpoints) else 0
    return sorted(set(range(begins, last + 1)) - set(versions))


def _read(of: Checking, name: str) -> dict[str, int] | None:
    """Read a column of each file of a table's versions; what its rows trace to, if all is well.

    What rows trace to only as of an earlier month has no row of the newest: 0.
    """
    table, own = of.lakehouse / name, of.tables[name]
    files: dict[int, list[DataFile]] = {}
    hidden: dict[int, int] = {}
    for state in of.states(name):
        try:
            files[state.version] = files_of(table, state.version)
            hidden[state.version] = deleted_rows(table, state.version)
        except READ_ERRORS as error:
            _unreadable(of, name, f"version {state.version}", error)
    found = _looked_at(of, name, {file.path: file for there in files.values() for file in there})
    if found is None or len(hidden) < len(of.states(name)):
        return None
    for state in of.states(name):
        rows = sum(found[file.path][0] for file in files[state.version]) - hidden[state.version]
        if rows != state.rows:
            what = f"version {state.version} has {rows} rows, the release says {state.rows}"
            months = of.months(name, state.version)
            of.findings.differs(name, what, key=months, todo=AGAIN if months else BACK)
            if not months:
                return None
    told: Counter[str] = Counter()
    for file in files[own.version]:
        of.findings.checked["rows"] += found[file.path][0]
        told.update(found[file.path][1])
    now = _without_hidden(table, own.version, told) if hidden[own.version] else dict(told)
    return {**dict.fromkeys((name for _, counts in found.values() for name in counts), 0), **now}


def _looked_at(
    of: Checking, name: str, files: Mapping[str, DataFile]
) -> dict[str, tuple[int, dict[str, int]]] | None:
    """By their paths the rows of files and what these trace to, if all of them can be read."""
    of.findings.checked["data files"] += len(files)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        looks = list(pool.map(lambda file: _look(of, name, file), files.values()))
    told = {path: look for path, look in zip(files, looks, strict=True) if look is not None}
    return told if len(told) == len(files) else None


def _look(of: Checking, name: str, file: DataFile) -> tuple[int, dict[str, int]] | None:
    """The rows of a file and what they trace to, where its bytes are there and can be read."""
    where = f"{name}/{file.path}"
    try:
        size = file.location.stat().st_size
        if size != file.bytes:
            what = f"the data file has {size} bytes, its log says {file.bytes}"
            of.findings.differs(where, what, todo=BACK)
            return None
        rows, column = read_column(file, _TRACES)
    except FileNotFoundError:
        if of.is_kept(name):
            of.findings.differs(where, "the data file is gone", todo=BACK)
        else:
            of.findings.left_out(of.gone)
        return None
    except READ_ERRORS as error:
        _unreadable(of, where, "the data file", error)
        return None
    return rows, _counts(column) if pa.types.is_dictionary(column.type) else {}


def _counts(column: pa.ChunkedArray) -> dict[str, int]:
    counted = pc.value_counts(column.unify_dictionaries().combine_chunks())
    return {row["values"]: row["counts"] for row in counted.to_pylist()}


def _without_hidden(table: Path, version: int, told: Mapping[str, int]) -> dict[str, int]:
    """The same counted by query, where deletion vectors hide some of the rows."""
    column = next((c for c in _TRACES if c in lake.columns_of(table, version)), None)
    if column is None or not told:
        return {}
    sql = f"SELECT {column} AS value, count(*) AS rows FROM t GROUP BY 1"
    return {r["value"]: r["rows"] for r in lake.query(sql, {"t": (table, version)}).to_pylist()}


def _unreadable(of: Checking, where: str, what: str, error: Exception) -> None:
    """What cannot be opened for want of rights or of room is not checked; all else is damage."""
    if isinstance(error, OSError) and not isinstance(error, FileNotFoundError) and error.errno:
        of.findings.not_opened(f"{where}: {what}", error)
        return
    first = (str(error).strip().splitlines() or ["no reason given"])[0][:200]
    of.findings.differs(where, f"{what} cannot be read: {first}", todo=BACK)
