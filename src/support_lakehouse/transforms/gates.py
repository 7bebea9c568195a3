"""Owns what is counted of a delivery before it may go in: rows, rejected rows, keys."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def rows_by_file(judged_records: DataFrame) -> DataFrame:
    """file, rows, rejected: one row per file that has any."""
    return judged_records.groupBy("file").agg(
        F.count("*").alias("rows"), F.count("reasons").alias("rejected")
    )


def keys_by_period(judged_records: DataFrame) -> DataFrame:
    """period, keys: how many different keys are accepted."""
    accepted = judged_records.where(F.col("reasons").isNull())
    return accepted.groupBy("period").agg(F.countDistinct("key").alias("keys"))
