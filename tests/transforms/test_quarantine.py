"""The shape of quarantine: rejected rows of all feeds, each with all its reasons."""

from hashlib import sha256
from typing import Any

from chispa import assert_df_equality
from pyspark.sql import DataFrame, SparkSession

from support_lakehouse.transforms.quarantine import quarantined

REASONS = "array<struct<rule:string,column:string,message:string>>"
BRONZE = (
    "period string, file string, line bigint, sha256 string, run string, header string,"
    f" key string, action string, raw string, reasons {REASONS}, warnings array<string>"
)
ENTRY = (
    "id string, feed string, file string, sha256 string, line bigint, period string, key string,"
    f" header string, raw string, reasons {REASONS}, rules string, run string, state string,"
    " attempts bigint"
)
EMPTY_NAME = [("required", "name", "name is empty")]


def bronze(spark: SparkSession, *rows: tuple[int, str, Any]) -> DataFrame:
    """Rows of a file of February: line, run, reasons."""
    told = [
        ("202502", "f.csv", line, "5ha", run, '["id"]', "7", "add", "7,", reasons, None)
        for line, run, reasons in rows
    ]
    return spark.createDataFrame(told, BRONZE)


def id_of(place: str) -> str:
    """The first 64 bits of the sha256 of feed, file, content and line."""
    return sha256(place.encode()).hexdigest()[:16]


def test_the_rows_that_this_run_rejected_become_entries(spark: SparkSession) -> None:
    both = {
        "agents": bronze(spark, (2, "r2", None), (3, "r2", EMPTY_NAME), (4, "r1", EMPTY_NAME)),
        "calls": bronze(spark, (3, "r2", EMPTY_NAME)),
    }
    entries = quarantined(both, run="r2", rules="c0ffee")
    place = ("f.csv", "5ha", 3, "202502", "7", '["id"]', "7,", EMPTY_NAME)
    judged = ("c0ffee", "r2", "open", 1)
    expected = [
        (id_of("agents\nf.csv\n5ha\n3"), "agents", *place, *judged),
        (id_of("calls\nf.csv\n5ha\n3"), "calls", *place, *judged),
    ]
    assert_df_equality(
        entries.drop("_row_hash"),
        spark.createDataFrame(expected, ENTRY),
        ignore_row_order=True,
        ignore_nullable=True,
    )


def test_the_same_row_of_a_rerun_is_the_same_entry(spark: SparkSession) -> None:
    rows = bronze(spark, (3, "r1", EMPTY_NAME), (3, "r2", EMPTY_NAME))
    one, other = (
        quarantined({"agents": rows}, run=run, rules=rules).select("id", "_row_hash").collect()
        for run, rules in (("r1", "before"), ("r2", "after"))
    )
    assert one == other
    assert len(one) == 1
