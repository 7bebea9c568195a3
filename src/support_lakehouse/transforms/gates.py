"""Owns what is counted of a delivery before it may go in: rows, rejected rows, keys."""

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def rows_by_file(judged_records: DataFrame) -> DataFrame:
    """file, rows, rejected: one row per file that has any."""
    return judged_records.groupBy("file").agg(
        F.count("*").alias("rows"), F.count("reasons").alias("rejected")
    )


def rows_by_file_in_memory(bronze: pa.Table) -> list[tuple[str, int, int]]:
    """The same of rows of bronze in memory."""
    counted = bronze.group_by("file").aggregate([([], "count_all"), ("reasons", "count")])
    return list(zip(*(column.to_pylist() for column in counted.columns), strict=True))


def keys_by_period(judged_records: DataFrame) -> DataFrame:
    """period, keys: how many different keys are accepted."""
    accepted = judged_records.where(F.col("reasons").isNull())
    return accepted.groupBy("period").agg(F.countDistinct("key").alias("keys"))
