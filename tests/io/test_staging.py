"""Records into Spark, by lines or staged: the same rows, with the same true lines."""

import itertools
from collections.abc import Sequence
from pathlib import Path

import pytest
from chispa import assert_df_equality
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from support_lakehouse.io.landing import scan
from support_lakehouse.io.staging import landed_records
from support_lakehouse.model.feed import Feed
from support_lakehouse.model.landing import FoundFile, ScannedFile
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
SCHEMA = "period string, file string, line bigint, sha256 string, header string, raw string"
_names = (f"things_{number}.csv" for number in itertools.count())


@pytest.fixture(scope="module")
def blocks(spark: SparkSession) -> SparkSession:
    """A session that splits files into blocks of 64 bytes."""
    session = spark.newSession()
    session.conf.set("spark.sql.files.maxPartitionBytes", str(BLOCK_BYTES))
    session.conf.set("spark.sql.files.openCostInBytes", str(BLOCK_BYTES))
    return session


def scanned(folder: Path, content: str) -> ScannedFile:
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / next(_names)
    place.write_bytes(content.encode())
    found = FoundFile("things", place.name, "202502", place, len(content.encode()), 0, 0)
    return scan(found, FEED, BLOCK_BYTES)


def landed(session: SparkSession, files: Sequence[ScannedFile], *, staged: bool) -> DataFrame:
    """The files' records, all staged or all by lines where their shape allows it."""
    folder = files[0].found.location.parent
    limit = 10**9 if staged else 0
    staging = folder / "staging" / "things.parquet"
    rows = landed_records(session, files, ",", staging, staged_up_to=limit, block_bytes=BLOCK_BYTES)
    return rows.where(is_record(F.col("raw")))


def assert_lands(session: SparkSession, folder: Path, content: str, *expected: object) -> None:
    """Both ways give these (line, raw), with the file's own period, name, hash and header."""
    file = scanned(folder, content)
    place, told = ("202502", file.found.path), (file.sha256, HEADER)
    rows = [(*place, line, *told, raw) for line, raw in expected]  # type: ignore[misc]
    wanted = session.createDataFrame(rows, SCHEMA)
    for staged in (True, False):
        found = landed(session, [file], staged=staged)
        assert_df_equality(found, wanted, ignore_row_order=True, ignore_nullable=True)


def test_lines_are_true_over_many_blocks(blocks: SparkSession, tmp_path: Path) -> None:
    lines = [f"{number},add" for number in range(2, 102)]
    expected = [(number, f"{number},add") for number in range(2, 102)]
    assert_lands(blocks, tmp_path, "id,action\n" + "\n".join(lines) + "\n", *expected)


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
    rows = landed_records(
        *(blocks, [small, big, quoted], ",", tmp_path / "s.parquet"),
        staged_up_to=16,
        block_bytes=BLOCK_BYTES,
    )
    read = sorted(Path(name).name for name in rows.inputFiles())
    assert read == sorted([big.found.path, "s.parquet"])
    found = {(row["file"], row["line"], row["raw"]) for row in rows.collect()}
    assert found == {
        (small.found.path, 2, "1,add"),
        (big.found.path, 2, "22,add"),
        (quoted.found.path, 2, '"3\n3",add'),
    }


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
def test_both_ways_give_every_line_that_is_no_blank_one(
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
    for staged in (True, False):
        rows = landed(blocks, written, staged=staged).select("file", "line", "raw").collect()
        assert {tuple(row) for row in rows} == expected
        assert len(rows) == len(expected)
