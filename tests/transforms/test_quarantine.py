"""The shape of quarantine: rejected rows of all feeds, and what becomes of them."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from chispa import assert_df_equality
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from support_lakehouse.model.books import STATES
from support_lakehouse.transforms import quarantine as Q
from support_lakehouse.transforms.fingerprint import row_hash

REASONS = "array<struct<rule:string,column:string,message:string>>"
BRONZE = (
    "period string, file string, line bigint, sha256 string, run string, admission string,"
    f" header string, key string, action string, raw string, reasons {REASONS},"
    " warnings array<string>"
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
        ("202502", "f.csv", line, "5ha", run, "a-0", '["id"]', "7", "add", "7,", reasons, None)
        for line, run, reasons in rows
    ]
    return spark.createDataFrame(told, BRONZE)


def id_of(place: str) -> str:
    """The first 64 bits of the sha256 of feed, file, content and line."""
    return sha256(place.encode()).hexdigest()[:16]


def entry(line: int, state: str, *, file: str = "f.csv", sha: str = "5ha", **changes: Any) -> Any:
    """An entry of the feed `agents`, as its columns stand."""
    told = {
        "id": id_of(f"agents\n{file}\n{sha}\n{line}"),
        "feed": "agents",
        "file": file,
        "sha256": sha,
        "line": line,
        "period": "202502",
        "key": "7",
        "header": '["id"]',
        "raw": "7,",
        "reasons": EMPTY_NAME,
        "rules": "c0ffee",
        "run": "r2",
        "state": state,
        "attempts": 1,
    }
    return tuple((told | changes).values())


def entries(spark: SparkSession, *told: Any) -> DataFrame:
    return spark.createDataFrame(list(told), ENTRY)


def assert_entries(found: DataFrame, *expected: Any) -> None:
    assert_df_equality(
        found.drop("_row_hash"),
        found.sparkSession.createDataFrame(list(expected), ENTRY),
        ignore_row_order=True,
        ignore_nullable=True,
    )


def test_rejected_rows_become_entries(spark: SparkSession) -> None:
    rows = bronze(spark, (2, "r2", None), (3, "r2", EMPTY_NAME))
    assert_entries(
        Q.quarantined(rows, "agents", rules="c0ffee", state="open"),
        entry(3, "open"),
    )


def test_rows_of_a_refused_run_are_entries_to_look_at(spark: SparkSession) -> None:
    rows = bronze(spark, (3, "r2", EMPTY_NAME))
    found = Q.quarantined(rows, "agents", rules="c0ffee", state="refused")
    assert_entries(found, entry(3, "refused"))


def test_an_entry_is_known_by_feed_file_content_and_line(spark: SparkSession) -> None:
    rows = bronze(spark, (3, "r2", EMPTY_NAME))
    others = [
        (rows, "calls"),
        (rows.withColumn("file", F.lit("g.csv")), "agents"),
        (rows.withColumn("sha256", F.lit("other")), "agents"),
        (rows.withColumn("line", F.lit(4).cast("bigint")), "agents"),
    ]
    found = [Q.quarantined(one, feed, rules="", state="open") for one, feed in others]
    assert [one.select("id").collect()[0]["id"] for one in found] == [
        id_of("calls\nf.csv\n5ha\n3"),
        id_of("agents\ng.csv\n5ha\n3"),
        id_of("agents\nf.csv\nother\n3"),
        id_of("agents\nf.csv\n5ha\n4"),
    ]


def test_the_same_row_of_a_rerun_is_the_same_entry(spark: SparkSession) -> None:
    one, other, ruled = (
        Q.quarantined(bronze(spark, (3, run, EMPTY_NAME)), "agents", rules=rules, state="open")
        .select("id", "_row_hash")
        .collect()
        for run, rules in (("r1", "before"), ("r2", "before"), ("r2", "after"))
    )
    assert one == other
    assert len(one) == 1
    assert (one[0]["id"], one[0]["_row_hash"]) != (ruled[0]["id"], ruled[0]["_row_hash"])
    assert one[0]["id"] == ruled[0]["id"]


def test_another_state_is_another_fingerprint(spark: SparkSession) -> None:
    rows = bronze(spark, (3, "r2", EMPTY_NAME))
    states = [Q.quarantined(rows, "agents", rules="", state=state) for state in STATES]
    assert len({one.collect()[0]["_row_hash"] for one in states}) == 5


def test_whatever_is_changed_in_an_entry_but_its_run_changes_the_hash(spark: SparkSession) -> None:
    changes: list[dict[str, Any]] = [
        *({name: "other"} for name in ("id", "feed", "file", "sha256", "period", "key", "header")),
        *({name: "other"} for name in ("raw", "rules", "state")),
        {"line": 4},
        {"attempts": 2},
        {"reasons": None},
        {"reasons": [("required", "name", "another message")]},
    ]
    one = dict(zip(Q.COLUMNS, entry(3, "open"), strict=True))
    told = entries(spark, *(tuple((one | change).values()) for change in [{}, *changes]))
    hashes = [row["h"] for row in told.select(row_hash(Q.HASHED).alias("h")).collect()]
    assert len(set(hashes)) == len(changes) + 1
    same = entries(spark, entry(3, "open"), entry(3, "open", run="another"))
    assert same.select(row_hash(Q.HASHED)).distinct().count() == 1


def test_a_row_that_is_accepted_now_is_released(spark: SparkSession) -> None:
    rows = bronze(spark, (3, "r4", None), (4, "r4", EMPTY_NAME))
    assert_entries(
        Q.released(rows, "agents", rules="new"),
        entry(3, "released", reasons=None, rules="new", run="r4"),
    )


def test_a_discarded_entry_keeps_what_it_is(spark: SparkSession) -> None:
    there = [entry(3, "open", attempts=2), entry(4, "open")]
    found = Q.discarded(entries(spark, *there), [there[0][0], "no such id"], "r5")
    assert_entries(found, entry(3, "discarded", run="r5", attempts=0))


def taken(spark: SparkSession, *files: tuple[str, str, str]) -> DataFrame:
    return spark.createDataFrame(list(files), "feed string, file string, sha256 string")


def test_entries_of_a_file_that_came_with_other_bytes_are_superseded(spark: SparkSession) -> None:
    there = entries(
        spark,
        entry(3, "open"),
        entry(4, "refused"),
        entry(5, "released"),
        entry(6, "discarded"),
        entry(7, "superseded"),
        entry(3, "open", file="other.csv"),
        entry(3, "open", sha="new bytes"),
    )
    files = taken(spark, ("agents", "f.csv", "new bytes"), ("calls", "other.csv", "x"))
    assert_entries(
        Q.superseded(there, files),
        entry(3, "superseded", attempts=0),
        entry(4, "superseded", attempts=0),
    )


def merged(spark: SparkSession, there: Sequence[Any], new: Sequence[Any]) -> DataFrame:
    """What a MERGE makes of an entry that is met: the columns it takes over, all else as it was."""
    key, (update, insert) = Q.KEY, Q.merge_parts()
    source = entries(spark, *new).withColumn("_row_hash", F.lit(9).cast("bigint"))
    source = source.withColumnsRenamed({name: f"new_{name}" for name in source.columns})
    before = entries(spark, *there).withColumn("_row_hash", F.lit(1).cast("bigint"))
    met = before.join(source, F.col(key) == F.col(f"new_{key}"))
    assert set(insert) == set(before.columns)
    return met.select(*(update.get(name, F.col(name)).alias(name) for name in before.columns))


def test_an_entry_that_is_there_takes_the_new_verdict_and_counts_attempts(
    spark: SparkSession,
) -> None:
    there = [entry(3, "open", attempts=2), entry(4, "open", attempts=2)]
    tall = [("length", "name", "too long")]
    judged_again = {"key": "8", "reasons": tall, "rules": "new", "run": "r9"}
    new = [
        entry(3, "open", raw="8,corrected", period="x", **judged_again),
        entry(4, "discarded", attempts=0),
    ]
    found = merged(spark, there, new)
    assert_entries(
        found,
        entry(3, "open", attempts=3, **judged_again),
        entry(4, "discarded", attempts=2),
    )
    right = [row_hash(Q.HASHED).alias("right"), "_row_hash"]
    assert {one == other for one, other in found.select(*right).collect()} == {True}
