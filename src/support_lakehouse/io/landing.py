"""Owns the scan: what one pass over the bytes of a file of the data folder tells."""

import codecs
from collections.abc import Iterator

from support_lakehouse.io.file_checks import (
    broken_file_rules,
    broken_header_rules,
    csv_drift,
    expected_names,
    is_too_big,
)
from support_lakehouse.io.json_files import survey
from support_lakehouse.io.listing import Listing, list_files
from support_lakehouse.io.opened import FileRefused, OnePass, open_bytes, sha256_of
from support_lakehouse.io.records import header_cells, read_records, whole_record
from support_lakehouse.model.feed import Feed
from support_lakehouse.model.landing import BLANKS, FoundFile, Header, Layout, ScannedFile

__all__ = ["BLOCK_BYTES", "FileRefused", "Listing", "list_files", "scan", "sha256_of"]

BLOCK_BYTES = 16 * 1024 * 1024
"""The size in which Spark is told to split files, so that line numbers can be counted on."""


def is_as_found(file: FoundFile) -> bool:
    """Whether a file has not been written since it was listed, as far as the file system tells."""
    try:
        now = file.location.stat()
    except OSError:
        return False
    return (now.st_size, now.st_mtime_ns, now.st_ino) == (file.size, file.mtime_ns, file.inode)


def scan(found: FoundFile, feed: Feed, block_bytes: int = BLOCK_BYTES) -> ScannedFile:
    """Read a file once: hash, line ends per block, UTF-8, quotes, header or keys.

    Raises FileRefused with a sentence for each rule for files and headers that is broken. A file
    above the feed's limit is not opened.
    """
    broken = list(broken_file_rules(found, feed))
    if is_too_big(found, feed):
        raise FileRefused(" ".join(broken))
    try:
        scanned = _scanned(found, feed, block_bytes)
    except FileRefused as refused:
        raise FileRefused(" ".join((*broken, str(refused)))) from refused
    except OSError as error:
        why = f"{found.shown} cannot be read: {error.strerror}."
        raise FileRefused(" ".join((*broken, why))) from error
    if broken:
        raise FileRefused(" ".join(broken))
    return scanned


def _scanned(found: FoundFile, feed: Feed, block_bytes: int) -> ScannedFile:
    file, decoder = OnePass(found), codecs.getincrementaldecoder("utf-8")()
    lines_before, read, has_quotes, has_rare_blanks = [0], 0, False, False
    may_be_quoted = feed.quoting and not feed.is_json
    returns, line_ends, last, is_ascii = 0, 0, b"", True
    for block in file.blocks(block_bytes):
        has_quotes = has_quotes or (may_be_quoted and b'"' in block)
        # The last byte of a no-break space is enough: it may stand in the next block.
        has_rare_blanks = has_rare_blanks or b"\t" in block or b"\xa0" in block
        if b"\r" in block:
            returns += block.count(b"\r")
            line_ends += block.count(b"\r\n")
        line_ends += last == b"\r" and block.startswith(b"\n")
        last = block[-1:]
        if not (block.isascii() and decoder.getstate()[0] == b""):
            is_ascii = False
            _check_utf8(decoder, block, found, read=read, lines=lines_before[-1])
        read += len(block)
        lines_before.append(lines_before[-1] + block.count(b"\n"))
    _check_utf8(decoder, b"", found, read=read, lines=lines_before[-1], final=True)
    one_line_records = returns == line_ends and (
        not has_quotes or _one_line_records(found, feed.delimiter, gzipped=file.gzipped)
    )
    layout, header = (
        _json_header(found, feed, gzipped=file.gzipped)
        if feed.is_json
        else _csv_header(found, feed, one_line_records=one_line_records, gzipped=file.gzipped)
    )
    return ScannedFile(
        found=found,
        sha256=file.sha256,
        has_quotes=has_quotes,
        one_line_records=one_line_records,
        has_carriage_returns=returns > 0,
        has_rare_blanks=has_rare_blanks,
        lines_before=tuple(lines_before),
        header=header,
        layout=layout,
        gzipped=file.gzipped,
        unpacked_bytes=read,
        is_ascii=is_ascii,
    )


def _check_utf8(
    decoder: codecs.IncrementalDecoder,
    block: bytes,
    found: FoundFile,
    *,
    read: int,
    lines: int,
    final: bool = False,
) -> None:
    """`read` bytes with `lines` line ends came before the block."""
    try:
        decoder.decode(block, final)
    except UnicodeDecodeError as error:
        at = error.start - (len(error.object) - len(block))
        line = lines + block[: max(at, 0)].count(b"\n") + 1
        raise FileRefused(
            f"{found.shown}, line {line}: the bytes are not UTF-8 (at byte {read + at + 1})."
            " Expected UTF-8 throughout; save the file as UTF-8 and deliver it again."
        ) from error


def _one_line_records(found: FoundFile, delimiter: str, *, gzipped: bool) -> bool:
    whole = whole_record(delimiter)
    with open_bytes(found.location, gzipped=gzipped) as lines:
        return all(whole.fullmatch(line.rstrip(b"\r\n")) for line in lines if b'"' in line)


def _csv_header(
    found: FoundFile, feed: Feed, *, one_line_records: bool, gzipped: bool
) -> tuple[Layout, Header]:
    quoted_by = feed.delimiter if feed.quoting and not one_line_records else None
    records = read_records(found.location, "csv", quoted_by=quoted_by, gzipped=gzipped)
    first = next(records, None)
    declared = Header(expected_names(found, feed), line=0, drift=())
    if first is None:
        _check_may_be_empty(found, feed)
        return "csv", declared
    if not feed.header.present:
        return "csv", declared
    cells = header_cells(first.raw, feed.delimiter, quoting=feed.quoting)
    names = tuple(_declared_names(cells, feed))
    broken = list(broken_header_rules(names, found, feed))
    if broken:
        raise FileRefused(" ".join(broken))
    # An extract's rows are all adds, so a column called like the action is no action there.
    in_extract = feed.action is not None and feed.action not in declared.names
    return "csv", Header(
        names=tuple(f"({n})" if in_extract and n == feed.action else n for n in names),
        line=first.line,
        drift=csv_drift(names, found, feed),
    )


def _declared_names(cells: list[str], feed: Feed) -> Iterator[str]:
    """Names without blanks around them, those that the feed knows spelled as it spells them."""
    known = {name.casefold(): name for name in (*feed.column_names, feed.action) if name}
    for cell in cells:
        name = cell.strip(BLANKS)
        yield known.get(name.casefold(), name)


def _json_header(found: FoundFile, feed: Feed, *, gzipped: bool) -> tuple[Layout, Header]:
    layout, drift = survey(found, feed, gzipped=gzipped)
    if layout is None:
        _check_may_be_empty(found, feed)
    if drift and feed.header.drift == "refuse":
        told = ", ".join(map(repr, drift))
        raise FileRefused(
            f"{found.shown}, keys: nobody declared {told}. Expected no key that no column goes by."
        )
    return layout or "lines", Header(names=(), line=0, drift=drift)


def _check_may_be_empty(found: FoundFile, feed: Feed) -> None:
    if feed.file.may_be_empty:
        return
    names = ", ".join(feed.column_names)
    if feed.is_json:
        expected = "at least one JSON object; an array without elements is [] and would do"
    elif feed.header.present:
        expected = f"a header with {names}; a header alone would do for a month without rows"
    else:
        expected = f"at least one row with {names}"
    raise FileRefused(f"{found.shown} is empty. Expected {expected}.")
