"""Gzip in the data folder: known by its bytes, hashed as it lies, judged by what it unpacks to."""

import gzip
import zlib
from hashlib import sha256
from pathlib import Path

import pytest

from support_lakehouse.io.records import read_records
from support_lakehouse.model.landing import ScannedFile
from tests.io.support import FEBRUARY, deliveries, refused, scanned

CONTENT = 'id,name,action\n1,"a\nb",add\n'


def test_gzip_is_known_by_its_bytes_whatever_the_name(tmp_path: Path) -> None:
    packed = gzip.compress(CONTENT.encode())
    assert scanned(tmp_path, packed).gzipped
    assert scanned(tmp_path, packed, path=f"{FEBRUARY}.gz").gzipped
    assert not scanned(tmp_path, CONTENT, path=f"{FEBRUARY}.gz").gzipped


@pytest.mark.parametrize("block_bytes", [1, 7, 1000])
def test_what_is_told_is_that_of_the_unpacked_file_but_for_the_hash(
    tmp_path: Path, block_bytes: int
) -> None:
    packed = gzip.compress(CONTENT.encode())
    file = scanned(tmp_path, packed, block_bytes=block_bytes)
    plain = scanned(tmp_path, CONTENT, block_bytes=block_bytes)
    assert shape(file) == shape(plain)
    assert file.unpacked_bytes == plain.unpacked_bytes == len(CONTENT)
    assert (file.sha256, file.found.size) == (sha256(packed).hexdigest(), len(packed))


def shape(file: ScannedFile) -> tuple[object, ...]:
    return (file.header, file.has_quotes, file.one_line_records, file.lines_before, file.layout)


def test_records_are_read_from_gzip(tmp_path: Path) -> None:
    file = scanned(tmp_path, gzip.compress(b"\xef\xbb\xbf" + CONTENT.encode()))
    found = read_records(file.found.location, "csv", quoted_by=",", gzipped=True)
    assert [record.line for record in found] == [1, 2]


def test_parts_of_gzip_behind_each_other_are_one_file(tmp_path: Path) -> None:
    packed = gzip.compress(b"id,name,action\n") + gzip.compress(b"1,a,add\n") + b"\0" * 100
    file = scanned(tmp_path, packed)
    assert (file.unpacked_bytes, file.sha256) == (23, sha256(packed).hexdigest())


LONG = gzip.compress(("id,name,action\n" + "1,a,add\n" * 5000).encode(), mtime=0)


@pytest.mark.parametrize(
    "packed",
    [
        LONG[:-1],
        LONG[: len(LONG) // 2],
        LONG[:5],
        LONG[:2],
        LONG[:-8] + bytes(8),
        LONG + b"x",
        b"\x1f\x8b\x07" + LONG[3:],
        LONG[:40] + bytes(20) + LONG[60:],
        LONG[:10] + zlib.compress(b"x"),
    ],
    ids=lambda packed: f"of {len(packed)} bytes",
)
def test_torn_or_damaged_gzip_is_refused(tmp_path: Path, packed: bytes) -> None:
    told = refused(tmp_path, packed)
    assert told.startswith(f"{FEBRUARY} is gzip that is torn or damaged (")
    assert told.endswith("). Expected a whole gzip file; deliver it again.")


def test_content_rules_hold_within_gzip(tmp_path: Path) -> None:
    assert "is empty" in refused(tmp_path, gzip.compress(b""))
    assert "line 2: the bytes are not UTF-8 (at byte 16)" in refused(
        tmp_path, gzip.compress(b"id,name,action\n\xff")
    )
    assert "no column action" in refused(tmp_path, gzip.compress(b"id,name\n"))


def test_the_limit_of_a_files_size_is_of_the_file_as_it_lies(tmp_path: Path) -> None:
    assert len(LONG) < 1000
    scanned(tmp_path, LONG, of=deliveries(file={"max_bytes": 1000}), path="things/x")


@pytest.mark.parametrize("content", ['[{"id":1}]', '{"id":1}\n{"id":2}', '{\n"id":1}'])
def test_json_may_be_gzip_too(tmp_path: Path, content: str) -> None:
    of = deliveries(format="json")
    plain = scanned(tmp_path, content, of=of, path="things/x.json")
    packed = scanned(tmp_path, gzip.compress(content.encode()), of=of, path="things/x.json.gz")
    assert shape(packed) == shape(plain)
    ways = [read_records(f.found.location, f.layout, gzipped=f.gzipped) for f in (plain, packed)]
    assert list(ways[0]) == list(ways[1])
