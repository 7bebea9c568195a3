"""Records into Spark, by lines or staged: the same rows, with the same true lines."""

import gzip
import itertools
import shutil
from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from chispa import assert_df_equality
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from support_lakehouse.io import blocks as blocks_of
from support_lakehouse.io.landing import scan
from support_lakehouse.io.staging import landed_records
from support_lakehouse.model.feed import Feed
from support_lakehouse.model.landing import BLANKS, FoundFile, ScannedFile
from support_lakehouse.model.rules import FileRules, HeaderRules
from support_lakehouse.transforms.cells import is_record

BLOCK_BYTES = 64
FEED = Feed.model_validate(
    {
        "feed": "things",
        "kind": "changes",
        "files": {"initial": "initial/things.csv", "changes": "delta/things_{month}.csv"},
        "key": "id",
        "action": "action",
        "columns": {"id": "text"},
    }
)
HEADER = '["id", "action"]'
SCHEMA = (
    "period string, file string, line bigint, sha256 string, admission string, header string,"
    " raw string"
)
COLUMNS = [column.split(" ")[0] for column in SCHEMA.split(", ")]
ADMISSION = "2026-01-02T03:04:05Z"
_names = (f"things_{number}.csv" for number in itertools.count())


@pytest.fixture(scope="module")
def blocks(spark: SparkSession) -> SparkSession:
    """A session that splits files into blocks of 64 bytes."""
    session = spark.newSession()
    session.conf.set("spark.sql.files.maxPartitionBytes", str(BLOCK_BYTES))
    session.conf.set("spark.sql.files.openCostInBytes", str(BLOCK_BYTES))
    return session


def scanned(
    folder: Path, content: str | bytes, feed: Feed = FEED, *, name: str | None = None
) -> ScannedFile:
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / (name or next(_names))
    place.write_bytes(content if isinstance(content, bytes) else content.encode())
    found = FoundFile("things", place.name, "202502", place, place.stat().st_size, 0, 0)
    return replace(scan(found, feed, BLOCK_BYTES), admission=ADMISSION)


WAYS = {
    "planned": {"staged_up_to": 10**9, "planned_up_to": 10**9},
    "staged": {"staged_up_to": 10**9, "planned_up_to": -1},
    "by lines": {"staged_up_to": 0, "planned_up_to": -1},
}
"""How much is to come which way, for all to come one way where the shape of files allows it."""


def landed(
    session: SparkSession, files: Sequence[ScannedFile], feed: Feed = FEED, *, way: str
) -> DataFrame:
    """The files' records, all one way where their shape allows it."""
    staging = files[0].found.location.parent / "staging" / "things.parquet"
    shutil.rmtree(staging.parent, ignore_errors=True)
    parts = landed_records(session, files, feed, staging, **WAYS[way], block_bytes=BLOCK_BYTES)
    assert way != "planned" or not staging.exists()
    rows = reduce(DataFrame.unionByName, (part.records for part in parts))
    return rows.where(is_record(F.col("raw"))).select(*COLUMNS)


def assert_lands(
    session: SparkSession,
    folder: Path,
    content: str | bytes,
    *expected: object,
    feed: Feed = FEED,
    header: str = HEADER,
    name: str | None = None,
) -> None:
    """All ways give these (line, raw), with all that is told of the file beside them."""
    file = scanned(folder, content, feed, name=name)
    place, told = ("202502", file.found.path), (file.sha256, ADMISSION, header)
    rows = [(*place, line, *told, raw) for line, raw in expected]  # type: ignore[misc]
    wanted = session.createDataFrame(rows, SCHEMA)
    for way in WAYS:
        found = landed(session, [file], feed, way=way)
        assert_df_equality(found, wanted, ignore_row_order=True, ignore_nullable=True)
    if file.layout == "csv":
        for sizes in itertools.product((1, 2, 100), (1, 10, 64, 1000)):
            assert in_memory(file, feed, *sizes) == list(expected)


def in_memory(
    file: ScannedFile, feed: Feed, blocks_at_once: int, bytes_at_once: int
) -> list[tuple[int, str]]:
    """The file's records as they come into memory, in stretches of so many blocks."""
    told = []
    for stretch in blocks_of.stretches(file, blocks_at_once):
        sizes = {"block_bytes": BLOCK_BYTES, "bytes_at_once": bytes_at_once}
        for block in blocks_of.read(stretch, feed, **sizes):
            told += zip(block.lines.to_pylist(), block.raws.to_pylist(), strict=True)
            if block.text:  # the very lines, each with its end
                lines = block.text.decode().removesuffix("\n").split("\n")
                assert [line.removesuffix("\r") for line in lines] == block.raws.to_pylist()
    return [(line, raw) for line, raw in told if raw.strip(BLANKS)]


def test_lines_are_true_over_many_blocks(blocks: SparkSession, tmp_path: Path) -> None:
    lines = [f"{number},add" for number in range(2, 102)]
    expected = [(number, f"{number},add") for number in range(2, 102)]
    assert_lands(blocks, tmp_path, "id,action\n" + "\n".join(lines) + "\n", *expected)


@pytest.mark.parametrize("quoted", ["", '"3",add\r\n'])
def test_one_line_that_ends_otherwise_than_all_others_is_a_line(
    blocks: SparkSession, tmp_path: Path, quoted: str
) -> None:
    rows = [(number, f"{number},add") for number in range(2, 30)]
    content = "id,action\r\n" + "".join(f"{row}\r\n" for _, row in rows) + quoted + "40,add\n"
    more = [(30, '"3",add')] if quoted else []
    assert_lands(blocks, tmp_path, content, *rows, *more, (30 + len(more), "40,add"))


def test_blank_lines_are_counted_and_are_no_rows(blocks: SparkSession, tmp_path: Path) -> None:
    content = "\n\t\nid,action\n" + "\n" * 70 + "1,add\n \n\u00a0\n2,add\n" + "\n" * 70 + "3,add\n"
    expected = [(74, "1,add"), (77, "2,add"), (148, "3,add")]
    assert_lands(blocks, tmp_path, content, *expected)


def test_line_ends_of_two_bytes_belong_to_no_row(blocks: SparkSession, tmp_path: Path) -> None:
    content = "\ufeffid,action\r\n" + "1,add\r\n" * 20 + "\r\n2,add\r\n"
    expected = [(line, "1,add") for line in range(2, 22)] + [(23, "2,add")]
    assert_lands(blocks, tmp_path, content, *expected)


def test_the_last_line_may_have_no_end(blocks: SparkSession, tmp_path: Path) -> None:
    at_the_end_of_a_block = "id,action\n" + "1" * 50 + ",add"  # 64 bytes
    assert_lands(blocks, tmp_path, at_the_end_of_a_block, (2, "1" * 50 + ",add"))
    assert_lands(blocks, tmp_path, "id,action\n" + "\n" * 60 + "1,add", (62, "1,add"))


def test_a_line_may_begin_where_a_block_begins(blocks: SparkSession, tmp_path: Path) -> None:
    content = "id,action\n" + "1" * 49 + ",add\n2,add\n"  # the third line begins at byte 64
    assert_lands(blocks, tmp_path, content, (2, "1" * 49 + ",add"), (3, "2,add"))


def test_a_line_may_be_longer_than_blocks(blocks: SparkSession, tmp_path: Path) -> None:
    long = "é" * 200 + ",add"
    content = f"id,action\n{long}\n1,add\n{long}\n{long}\n2,add\n"
    expected = [(2, long), (3, "1,add"), (4, long), (5, long), (6, "2,add")]
    assert_lands(blocks, tmp_path, content, *expected)


def test_quoted_line_breaks_are_kept_and_lines_stay_true(
    blocks: SparkSession, tmp_path: Path
) -> None:
    content = 'id,action\n"1\n\n1",add\n' + "2,add\n" * 20 + '"3\r\n",add'
    expected = [(2, '"1\n\n1",add'), *((line, "2,add") for line in range(5, 25))]
    assert_lands(blocks, tmp_path, content, *expected, (25, '"3\r\n",add'))


def test_a_header_alone_has_no_rows(blocks: SparkSession, tmp_path: Path) -> None:
    assert_lands(blocks, tmp_path, "id,action")
    assert_lands(blocks, tmp_path, "id,action\n\n \n")


def test_a_folder_may_be_called_as_it_likes(blocks: SparkSession, tmp_path: Path) -> None:
    for name in ("a [b] {c,d}*?", "day=1 100%20 ü'\\", "#x:y;"):
        assert_lands(blocks, tmp_path / name, "id,action\n1,add\n", (2, "1,add"))


def test_big_files_go_by_lines_and_others_are_staged(blocks: SparkSession, tmp_path: Path) -> None:
    small, big = scanned(tmp_path, "id,action\n1,add\n"), scanned(tmp_path, "id,action\n22,add\n")
    quoted = scanned(tmp_path, 'id,action\n"3\n3",add\n')
    parts = landed_records(
        *(blocks, [small, big, quoted], FEED, tmp_path / "s.parquet"),
        **(WAYS["staged"] | {"staged_up_to": 16}),
        block_bytes=BLOCK_BYTES,
    )
    assert [[f.found.path for f in part.files] for part in parts] == [
        [big.found.path],
        [small.found.path, quoted.found.path],
    ]
    rows = reduce(DataFrame.unionByName, (part.records for part in parts))
    read = sorted(Path(name).name for name in rows.inputFiles())
    assert read == sorted([big.found.path, "s.parquet"])
    found = {(row["file"], row["line"], row["raw"]) for row in rows.collect()}
    assert found == {
        (small.found.path, 2, "1,add"),
        (big.found.path, 2, "22,add"),
        (quoted.found.path, 2, '"3\n3",add'),
    }


def test_who_asks_for_one_big_file_reads_no_other(blocks: SparkSession, tmp_path: Path) -> None:
    one, other = (scanned(tmp_path, f"id,action\n{n},add\n") for n in (1, 2))
    small = scanned(tmp_path, 'id,action\n"3\n3",add\n')
    parts = landed_records(
        *(blocks, [one, other, small], FEED, tmp_path / "s.parquet"),
        staged_up_to=0,
        block_bytes=BLOCK_BYTES,
    )
    rows = reduce(DataFrame.unionByName, (part.records for part in parts))
    own = rows.where(F.col("file").isin(other.found.path))
    plan = own._jdf.queryExecution().optimizedPlan().toString()
    assert plan.count("Relation ") == 1
    assert [(row["line"], row["raw"]) for row in own.collect()] == [(2, "2,add")]


def json_feed(fmt: str = "json") -> Feed:
    declared = {"feed": "things", "kind": "events", "files": "things/*", "key": "id"}
    return Feed.model_validate(declared | {"format": fmt, "columns": {"id": "text"}})


def test_json_lines_land_by_lines_too(blocks: SparkSession, tmp_path: Path) -> None:
    lines = [f'{{"id":"{number} é"}}' for number in range(2, 30)] + ['{"torn":', " x "]
    content = "\ufeff\r\n" + "".join(f"{line}\r\n\r\n" for line in lines)
    expected = [(2 * number, line) for number, line in enumerate(lines, start=1)]
    assert_lands(blocks, tmp_path, content, *expected, feed=json_feed(), header="[]")


def test_a_byte_order_mark_is_no_part_of_the_first_row(
    blocks: SparkSession, tmp_path: Path
) -> None:
    content = "\ufeff" + '{"id":1}\n' * 20
    expected = [(line, '{"id":1}') for line in range(1, 21)]
    assert_lands(blocks, tmp_path, content, *expected, feed=json_feed(), header="[]")
    feed = without_header()
    assert_lands(blocks, tmp_path, "\ufeff1,add\n2,add", (1, "1,add"), (2, "2,add"), feed=feed)


def without_header() -> Feed:
    return FEED.model_copy(update={"header": HeaderRules(present=False)})


def test_without_a_header_the_first_line_is_a_row(blocks: SparkSession, tmp_path: Path) -> None:
    content = "\n1,add\n\n" + "2,add\n" * 20
    expected = [(2, "1,add"), *((line, "2,add") for line in range(4, 24))]
    assert_lands(blocks, tmp_path, content, *expected, feed=without_header())


def test_without_quoting_an_open_quote_encloses_nothing(
    blocks: SparkSession, tmp_path: Path
) -> None:
    feed = FEED.model_copy(update={"quoting": False})
    expected = [(2, '"1,add'), (3, '2",add')]
    assert_lands(blocks, tmp_path, 'id,action\n"1,add\n2",add\n', *expected, feed=feed)
    lone_return = [(2, '"1\r,add'), (3, '2",add')]
    assert_lands(blocks, tmp_path, 'id,action\n"1\r,add\n2",add\n', *lone_return, feed=feed)


@pytest.mark.parametrize("fmt", ["json", "json_array"])
def test_elements_of_an_array_land_with_their_ordinal(
    blocks: SparkSession, tmp_path: Path, fmt: str
) -> None:
    content = '\n[{"id":\n1},\n 5 , {"id":2}]'
    expected = [(1, '{"id":\n1}'), (2, "5"), (3, '{"id":2}')]
    assert_lands(blocks, tmp_path, content, *expected, feed=json_feed(fmt), header="[]")


def test_one_object_lands_as_one_row(blocks: SparkSession, tmp_path: Path) -> None:
    content = '\n{\n"id":1\n}\n'
    expected = (2, '{\n"id":1\n}')
    assert_lands(blocks, tmp_path, content, expected, feed=json_feed(), header="[]")


def test_files_without_records_have_no_rows(blocks: SparkSession, tmp_path: Path) -> None:
    assert_lands(blocks, tmp_path, "[]", feed=json_feed(), header="[]")
    empty = FEED.model_copy(update={"file": FileRules(may_be_empty=True)})
    assert_lands(blocks, tmp_path, "", feed=empty)
    assert_lands(blocks, tmp_path, "\n\n", feed=empty)


def test_gzip_lands_whatever_its_name(blocks: SparkSession, tmp_path: Path) -> None:
    packed = gzip.compress(("id,action\n" + "1,add\n" * 50).encode())
    expected = [(line, "1,add") for line in range(2, 52)]
    for name in ("x.csv.gz", "x.csv", "x.bz2"):
        assert_lands(blocks, tmp_path, packed, *expected, name=name)


@pytest.mark.parametrize(
    "name", ["x.csv.gz", "x.bz2", "x.deflate", "x.lz4", "x.snappy", "x.zst", "_x.csv", ".x.csv"]
)
def test_plain_files_land_though_spark_would_take_their_names_otherwise(
    blocks: SparkSession, tmp_path: Path, name: str
) -> None:
    assert_lands(blocks, tmp_path, "id,action\n1,add\n", (2, "1,add"), name=name)


@pytest.mark.parametrize(
    "path", ["_in/x.csv", ".in/x.csv", "in/a b=1+2/x-1_2.csv", "in.gz/X", "in/x=1.csv"]
)
def test_plain_paths_go_by_lines(blocks: SparkSession, tmp_path: Path, path: str) -> None:
    file = scanned((tmp_path / path).parent, "id,action\n1,add\n", name=Path(path).name)
    file = replace(file, found=replace(file.found, path=path))
    rows = landed(blocks, [file], way="by lines")
    assert [Path(read).name for read in rows.inputFiles()] == [Path(path).name]
    assert [(row["line"], row["raw"]) for row in rows.collect()] == [(2, "1,add")]


def test_many_small_files_are_staged_together(blocks: SparkSession, tmp_path: Path) -> None:
    files = [
        replace(scanned(tmp_path, f'{{"id":{number}}}', json_feed()), admission=f"{number % 3}")
        for number in range(50)
    ]
    rows = landed(blocks, files, json_feed(), way="staged").collect()
    assert {(row["file"], row["admission"], row["raw"]) for row in rows} == {
        (file.found.path, file.admission, f'{{"id":{number}}}') for number, file in enumerate(files)
    }
    assert pq.ParquetFile(tmp_path / "staging" / "things.parquet").num_row_groups == 1


texts = st.sampled_from(
    ["", " ", "\t\u00a0", ",", "1,add", "2,é€😀", '"3,x",add', "4" * 60, "5" * 63, "6" * 130]
)
ends = st.sampled_from(["\n", "\r\n"])
contents = st.tuples(st.lists(st.tuples(texts, ends), max_size=30), st.booleans())


@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(files=st.lists(contents, min_size=1, max_size=6))
def test_all_ways_give_every_line_that_is_no_blank_one(
    blocks: SparkSession, tmp_path: Path, files: list[tuple[list[tuple[str, str]], bool]]
) -> None:
    written, expected = [], set()
    for lines, ends_at_once in files:
        content = "id,action\n" + "".join(text + end for text, end in lines)
        written.append(scanned(tmp_path, content.rstrip("\r\n") if ends_at_once else content))
        expected |= {
            (written[-1].found.path, line, text)
            for line, (text, _) in enumerate(lines, start=2)
            if text.strip(" \t\u00a0")
        }
    for way in WAYS:
        rows = landed(blocks, written, way=way).select("file", "line", "raw").collect()
        assert {tuple(row) for row in rows} == expected
        assert len(rows) == len(expected)
