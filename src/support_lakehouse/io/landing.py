"""Owns the data folder: which files are there, and what one pass over a file's bytes tells."""

import codecs
import csv
import hashlib
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from support_lakehouse.errors import Refusal, UsageError
from support_lakehouse.io.records import read_records, whole_record
from support_lakehouse.model.feed import Feed
from support_lakehouse.model.landing import BLANKS, FoundFile, Header, ScannedFile
from support_lakehouse.model.period import INITIAL

BLOCK_BYTES = 16 * 1024 * 1024
"""The size in which Spark is told to split files, so that line numbers can be counted on."""


class FileRefused(Exception):
    """One file cannot be taken; `args[0]` is the sentence for people."""


@dataclass(frozen=True)
class Listing:
    """What lies in the data folder: files of feeds, files of none, files that may not be read."""

    found: tuple[FoundFile, ...]
    unmatched: tuple[str, ...]
    refused: tuple[Refusal, ...]


def list_files(data: Path, feeds: Sequence[Feed]) -> Listing:
    """Match every file under the folders that feeds name; UsageError where `data` is no folder.

    Names are matched exactly and links are not followed: what is read lies in the data folder.
    """
    if not data.is_dir():
        raise UsageError(
            "the data folder is not there",
            where=str(data),
            hint="Name the folder that holds initial/ and delta/ with --data.",
        )
    found, unmatched, refused = [], [], []
    for path, entry in _entries(data, {folder for feed in feeds for folder in feed.files.folders}):
        owners = [(feed.name, feed.files.period_of(path)) for feed in feeds]
        matches = [(name, period) for name, period in owners if period]
        if not matches and not entry.is_dir(follow_symlinks=False):
            unmatched.append(path)
        for name, period in matches:
            if entry.is_file(follow_symlinks=False):
                found.append(_found(name, path, period, entry))
            else:
                kind = "a link" if entry.is_symlink() else "no regular file"
                refused.append(Refusal(name, path, f"{path} is {kind}; put the file itself there."))
    return Listing(
        tuple(sorted(found, key=lambda file: (file.order, file.feed))),
        tuple(sorted(unmatched)),
        (*_linked_folders(data, feeds), *refused),
    )


def _entries(data: Path, folders: set[str]) -> Iterator[tuple[str, os.DirEntry[str]]]:
    for folder in sorted(folders):
        place = data / folder
        if place.is_dir() and not _link_above(data, folder):
            for entry in sorted(os.scandir(place), key=lambda e: e.name):
                yield (f"{folder}/{entry.name}" if folder else entry.name), entry


def _linked_folders(data: Path, feeds: Sequence[Feed]) -> list[Refusal]:
    return [
        Refusal(feed.name, folder, f"{link} is a link; put the folder itself there.")
        for feed in feeds
        for folder in feed.files.folders
        if (link := _link_above(data, folder))
    ]


def _link_above(data: Path, folder: str) -> str | None:
    """The first part of the way to a folder that is a link."""
    parts = Path(folder).parts
    ways = [Path(*parts[: n + 1]) for n in range(len(parts))]
    return next((way.as_posix() for way in ways if (data / way).is_symlink()), None)


def _found(feed: str, path: str, period: str, entry: os.DirEntry[str]) -> FoundFile:
    told = entry.stat(follow_symlinks=False)
    return FoundFile(
        feed=feed,
        path=path,
        period=period,
        location=Path(entry.path),
        size=told.st_size,
        mtime_ns=told.st_mtime_ns,
        inode=told.st_ino,
    )


def scan(found: FoundFile, feed: Feed, block_bytes: int = BLOCK_BYTES) -> ScannedFile:
    """Read a file once: hash, line ends per block, UTF-8, quotes, header.

    Raises FileRefused with a sentence that says what is wrong with the file.
    """
    digest, decoder = hashlib.sha256(), codecs.getincrementaldecoder("utf-8")()
    lines_before, read, has_quotes = [0], 0, False
    returns, line_ends, last = 0, 0, b""
    with found.location.open("rb") as file:
        while block := file.read(block_bytes):
            digest.update(block)
            has_quotes = has_quotes or b'"' in block
            returns += block.count(b"\r")
            line_ends += block.count(b"\r\n") + (last == b"\r" and block.startswith(b"\n"))
            last = block[-1:]
            _check_utf8(decoder, block, read, found)
            read += len(block)
            lines_before.append(lines_before[-1] + block.count(b"\n"))
    _check_utf8(decoder, b"", read, found, final=True)
    one_line_records = returns == line_ends and (
        not has_quotes or _one_line_records(found.location, feed.delimiter)
    )
    return ScannedFile(
        found=found,
        sha256=digest.hexdigest(),
        has_quotes=has_quotes,
        one_line_records=one_line_records,
        has_carriage_returns=returns > 0,
        lines_before=tuple(lines_before),
        header=_header(found, feed, one_line_records=one_line_records),
    )


def sha256_of(path: Path) -> str:
    """The sha256 of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check_utf8(
    decoder: codecs.IncrementalDecoder,
    block: bytes,
    read: int,
    found: FoundFile,
    *,
    final: bool = False,
) -> None:
    try:
        decoder.decode(block, final)
    except UnicodeDecodeError as error:
        offset = max(read - (len(error.object) - len(block)) + error.start, 0)
        with found.location.open("rb") as file:
            line = file.read(offset).count(b"\n") + 1
        raise FileRefused(
            f"{found.path}, line {line}: the bytes are not UTF-8 (at byte {offset + 1}). Expected"
            " UTF-8 throughout; save the file as UTF-8 and deliver it again."
        ) from error


def _one_line_records(path: Path, delimiter: str) -> bool:
    whole = whole_record(delimiter)
    with path.open("rb") as lines:
        return all(
            whole.fullmatch(line.rstrip(b"\r\n").removeprefix(codecs.BOM_UTF8))
            for line in lines
            if b'"' in line
        )


def _header(found: FoundFile, feed: Feed, *, one_line_records: bool) -> Header:
    records = read_records(found.location, feed.delimiter, one_line_records=one_line_records)
    first = next(records, None)
    if first is None:
        raise FileRefused(
            f"{found.path} is empty. Expected a header with {', '.join(feed.column_names)};"
            " a header alone would do for a month without rows."
        )
    cells = next(csv.reader([first.raw.replace("\r", " ")], delimiter=feed.delimiter))
    known = {name.casefold(): name for name in (*feed.column_names, feed.action)}
    names = tuple(known.get(cell.strip(BLANKS).casefold(), cell.strip(BLANKS)) for cell in cells)
    _check_header(names, found, feed)
    expected = {*feed.column_names} | ({feed.action} if found.period != INITIAL else set())
    return Header(
        # An extract's rows are all adds, so a column called like the action is no action there.
        names=tuple(
            name if name in expected or name != feed.action else f"({name})" for name in names
        ),
        line=first.line,
        drift=tuple(name for name in names if name not in expected),
    )


def _check_header(names: tuple[str, ...], found: FoundFile, feed: Feed) -> None:
    has = ", ".join(repr(name) for name in names)
    twice = [n for n, count in Counter(name.casefold() for name in names).items() if count > 1]
    if twice:
        raise FileRefused(
            f"{found.path}, header: {', '.join(map(repr, twice))} stands twice. Expected each name"
            " once; rename or remove one of the columns."
        )
    missing = [c.name for c in feed.columns if not c.optional and c.name not in names]
    if missing:
        raise FileRefused(
            f"{found.path}, header: no column {', '.join(missing)}. Expected"
            f" {', '.join(feed.column_names)}; found {has}."
        )
    if found.period != INITIAL and feed.action not in names:
        raise FileRefused(
            f"{found.path}, header: no column {feed.action}. Expected a change file to say add,"
            f" update or delete in {feed.action}; found {has}."
        )
