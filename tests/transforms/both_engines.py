"""Holds the verdict in memory against Spark's, column by column and hash by hash."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
from pyspark.sql import DataFrame

from support_lakehouse.io.staged import plain
from support_lakehouse.model.feed import Feed
from support_lakehouse.model.landing import FoundFile, Header, ScannedFile
from support_lakehouse.transforms import arrow_judge
from support_lakehouse.transforms.fold import accepted_changes
from support_lakehouse.transforms.judge import bronze_rows


def assert_same_in_memory(
    by_spark: DataFrame, feed: Feed, raws: Sequence[str], header: Sequence[str]
) -> None:
    """The same records, on lines 2, 3 and on, have the same verdict in memory, if any."""
    columns = ("period", "file", "sha256", "run", "admission")
    place = dict(zip(columns, by_spark.select(*columns).distinct().collect()[0], strict=True))
    text = "".join(raws)
    file = ScannedFile(
        FoundFile(feed.name, place["file"], place["period"], Path("/none"), 0, 0, 0),
        place["sha256"],
        has_quotes=feed.quoting and '"' in text,
        one_line_records=True,
        has_carriage_returns=False,
        has_rare_blanks="\t" in text or "\u00a0" in text,
        lines_before=(),
        header=Header(tuple(header), 1, ()),
        is_ascii=text.isascii(),
        admission=place["admission"],
    )
    if not arrow_judge.can_judge(feed, [file]):
        return
    lines = pa.array(range(2, 2 + len(raws)), pa.int64())
    bronze = rows_of(bronze_rows(by_spark).toArrow(), "line")
    changes = accepted_changes(by_spark, feed).toArrow()
    one_by_one = pa.array(raws, pa.string())
    whole = b"" if {"\n", "\r"} & set(text) else "".join(f"{raw}\n" for raw in raws).encode()
    for own in (whole, whole.removesuffix(b"\n"), b""):
        run = place["run"]
        told = arrow_judge.judged(lines, one_by_one, own, file=file, feed=feed, run=run)
        assert rows_of(told.bronze, "line") == bronze
        assert rows_of(told.changes, "_line") == rows_of(changes, "_line")
    assert [str(field.type) for field in plain(told.changes).schema] == [
        str(field.type) for field in changes.schema
    ]


def rows_of(table: pa.Table, by: str) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = table.sort_by(by).to_pylist()
    return rows
