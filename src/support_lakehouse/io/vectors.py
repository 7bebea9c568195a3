"""Owns deletion vectors: which rows of a data file are gone, as Delta's protocol keeps them."""

import string
import struct
from base64 import b85decode, b85encode
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4
from zlib import crc32

import pyarrow as pa
import pyarrow.compute as pc
from pyroaring import BitMap64

from support_lakehouse.errors import Damaged
from support_lakehouse.io import delta_log, lake

FEATURE = "deletionVectors"
KNOWN = delta_log.PLAIN_FEATURES | {FEATURE}
"""What a table may ask of who writes it where this package does so itself."""
_FORMAT = b"\x01"
_PORTABLE = (1681511377).to_bytes(4, "little")
"""What begins a vector whose bitmap follows in Roaring's portable format for 64 bits."""
_AROUND = 8
"""The bytes of a vector's length before it, and of its checksum behind it."""
_IN_A_FILE = "u"
_DIGITS = string.digits + string.ascii_lowercase + string.ascii_uppercase
_DIGITS_OF_Z85 = _DIGITS + ".-:+=^!/*?&<>()[]{}@%$#"
_DIGITS_OF_B85 = (
    string.digits + string.ascii_uppercase + string.ascii_lowercase + "!#$%&()*+-;<=>?@^_`{|}~"
)
"""The digits of Z85 and of Python's base 85, in order of their worth."""


def hidden_rows(table: Path, version: int) -> dict[str, pa.Array]:
    """The positions of rows that are gone, by the name of their data file. Raises READ_ERRORS."""
    there = lake.opened(table, version)
    if FEATURE not in (there.protocol().reader_features or ()):
        return {}
    told = pa.table(pa.RecordBatchReader.from_stream(there.deletion_vectors()).read_all())
    names = (path.rsplit("/", 1)[-1] for path in told["filepath"].to_pylist())
    stays = (vector.values for vector in told["selection_vector"])
    return {
        name: pc.indices_nonzero(pc.invert(kept)) for name, kept in zip(names, stays, strict=True)
    }


def deleted_rows(table: Path, version: int) -> int:
    """How many rows of a version's files its deletion vectors hide. Raises READ_ERRORS."""
    return sum(map(len, hidden_rows(table, version).values()))


def is_known(add: Mapping[str, Any]) -> bool:
    """Whether a data file's vector, if it has one, stands where `hidden_by` looks."""
    vector = add.get("deletionVector")
    return vector is None or vector["storageType"] == _IN_A_FILE


def hidden_by(table: Path, add: Mapping[str, Any]) -> pa.Array | None:
    """The positions of the rows of a data file that are gone, None where all stay.

    Raises Damaged where the vector cannot be read.
    """
    vector = add.get("deletionVector")
    if vector is None:
        return None
    named = file_of(vector)
    assert named is not None, "asked for by `is_known`"
    path = table / named
    try:
        with path.open("rb") as file:
            file.seek(vector.get("offset") or 0)
            told = file.read(vector["sizeInBytes"] + _AROUND)
        (size,), (checksum,) = struct.unpack(">i", told[:4]), struct.unpack(">I", told[-4:])
        bitmap = told[4:-4]
        if (size, checksum) != (vector["sizeInBytes"], crc32(bitmap)):
            raise ValueError("its checksum is of other bytes")
        if not bitmap.startswith(_PORTABLE):
            raise ValueError("it is not in the portable format")
        rows = BitMap64.deserialize(bitmap[len(_PORTABLE) :])
    except (OSError, ValueError, struct.error) as error:
        said = f"a deletion vector is torn or gone: {error}"
        raise Damaged(said, where=str(path), hint=lake.MENDED_BY) from error
    return pa.array(rows, pa.uint64())


def write(table: Path, gone: Mapping[str, pa.Array]) -> dict[str, dict[str, Any]]:
    """Write a vector for each data file into one new file; what its `add` tells of it."""
    name, told = uuid4(), {}
    packed = b85encode(name.bytes).decode().translate(str.maketrans(_DIGITS_OF_B85, _DIGITS_OF_Z85))
    with (table / f"deletion_vector_{name}.bin").open("xb") as file:
        file.write(_FORMAT)
        for path, rows in gone.items():
            vector = _PORTABLE + BitMap64(rows.to_pylist()).serialize()
            told[path] = {
                "storageType": _IN_A_FILE,
                "pathOrInlineDv": packed,
                "offset": file.tell(),
                "sizeInBytes": len(vector),
                "cardinality": len(rows),
            }
            file.write(struct.pack(">i", len(vector)) + vector + struct.pack(">I", crc32(vector)))
    return told


def vectors_of(table: Path, versions: Collection[int]) -> set[str] | None:
    """The files of deletion vectors that these versions are read with, from the log itself.

    None where the log no longer tells of all changes since the table began. Raises READ_ERRORS.
    """
    entries = delta_log.versions(table)
    if entries != list(range(len(entries))):
        return None
    now: dict[str, str] = {}
    told: set[str] = set()
    for version in entries:
        actions = list(delta_log.actions(table, version))
        for gone in (action["remove"] for action in actions if "remove" in action):
            now.pop(gone["path"], None)
        for added in (action["add"] for action in actions if "add" in action):
            path = file_of(added.get("deletionVector"))
            if path is not None:
                now[added["path"]] = path
        if version in versions:
            told.update(now.values())
    return told


def is_whole(file: Path, vector: Mapping[str, Any]) -> bool:
    """Whether the file of a vector reaches to the end of it."""
    end = (vector.get("offset") or 0) + vector["sizeInBytes"] + _AROUND
    return file.is_file() and file.stat().st_size >= end


def file_of(vector: Mapping[str, Any] | None) -> str | None:
    """The path of the file a vector stands in, None where it stands in the log or is none.

    It is told as a folder, perhaps, and a UUID in Z85.
    """
    if vector is None or vector["storageType"] != _IN_A_FILE:
        return None
    named = vector["pathOrInlineDv"]
    folder, packed = named[:-20], named[-20:]
    packed = packed.translate(str.maketrans(_DIGITS_OF_Z85, _DIGITS_OF_B85))
    path = f"deletion_vector_{UUID(bytes=b85decode(packed))}.bin"
    return f"{folder}/{path}" if folder else path
