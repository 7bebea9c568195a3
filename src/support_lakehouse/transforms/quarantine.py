"""Owns the shape of quarantine: rejected rows of all feeds, each with all its reasons."""

from collections.abc import Mapping
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from support_lakehouse.transforms.fingerprint import ROW_HASH, row_hash

OPEN = "open"
_IDENTITY = ("feed", "file", "sha256", "line")


def quarantined(bronze: Mapping[str, DataFrame], *, run: str, rules: str) -> DataFrame:
    """The rows that a run rejected, by feed: one row per rejected bronze row.

    `id` is made of what the row is and where it stood, so the same row of a rerun is the same
    entry. `rules` is the fingerprint of the configuration that judged.
    """
    frames = [rows.withColumn("feed", F.lit(feed)) for feed, rows in bronze.items()]
    rejected = reduce(DataFrame.unionByName, frames).where(
        (F.col("run") == run) & F.col("reasons").isNotNull()
    )
    identity = F.concat_ws("\n", *(F.col(name).cast("string") for name in _IDENTITY))
    return rejected.select(
        F.substring(F.sha2(identity, 256), 1, 16).alias("id"),
        *("feed", "file", "sha256", "line", "period", "key", "header", "raw", "reasons"),
        F.lit(rules).alias("rules"),
        "run",
        F.lit(OPEN).alias("state"),
        F.lit(1).cast("bigint").alias("attempts"),
    ).withColumn(ROW_HASH, row_hash(("id", "raw", "state")))
