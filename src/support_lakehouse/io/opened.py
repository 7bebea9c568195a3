"""Owns the opening of a file of the data folder: its bytes hashed, gzip unpacked, text decoded."""

import codecs
import gzip
import hashlib
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, BinaryIO, TextIO, cast

from support_lakehouse.model.landing import FoundFile

GZIP_MAGIC = b"\x1f\x8b"


class FileRefused(Exception):
    """One file cannot be taken; `args[0]` is the sentence for people."""


class OnePass:
    """One pass over a file: `blocks` gives what its bytes unpack to, `sha256` is of the bytes.

    The hash is whole once all blocks are read.
    """

    def __init__(self, found: FoundFile) -> None:
        self._found, self._digest = found, hashlib.sha256()
        self.gzipped = False

    def blocks(self, size: int) -> Iterator[bytes]:
        """Blocks of `size` bytes, the last one shorter. Raises FileRefused for torn gzip."""
        with self._found.location.open("rb") as file:
            self.gzipped = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
            file.seek(0)
            if self.gzipped:
                yield from self._unpacked(file, size)
                return
            while block := file.read(size):
                self._digest.update(block)
                yield block

    def _unpacked(self, file: BinaryIO, size: int) -> Iterator[bytes]:
        hashed = cast(Any, _Hashed(file, self._digest))
        try:
            with gzip.GzipFile(fileobj=hashed) as unpacked:
                while block := unpacked.read(size):
                    yield block
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise FileRefused(
                f"{self._found.shown} is gzip that is torn or damaged ({error}). Expected a whole"
                " gzip file; deliver it again."
            ) from error

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()


class _Hashed:
    """The bytes of a file, each hashed when it is read; it is read once, from end to end."""

    def __init__(self, file: BinaryIO, digest: Any) -> None:
        self._file, self._digest = file, digest

    def read(self, size: int = -1) -> bytes:
        block = self._file.read(size)
        self._digest.update(block)
        return block


def sha256_of(path: Path) -> str:
    """The sha256 of a file's bytes as they lie, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def open_bytes(path: Path, *, gzipped: bool) -> IO[bytes]:
    """A file's bytes, unpacked, without a byte order mark."""
    file = cast(IO[bytes], gzip.GzipFile(path) if gzipped else path.open("rb"))
    if file.read(len(codecs.BOM_UTF8)) != codecs.BOM_UTF8:
        file.seek(0)
    return file


def open_text(path: Path, *, gzipped: bool) -> TextIO:
    """A file's text, unpacked, without a byte order mark; only LF ends a line, and it stays."""
    return io.TextIOWrapper(open_bytes(path, gzipped=gzipped), encoding="utf-8", newline="\n")
