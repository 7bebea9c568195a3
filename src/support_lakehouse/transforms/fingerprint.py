"""Owns the hash of a row, whose sum is the fingerprint of a table (law L4)."""

from collections.abc import Sequence

from pyspark.sql import Column
from pyspark.sql import functions as F

ROW_HASH = "_row_hash"


def row_hash(columns: Sequence[str]) -> Column:
    """BIGINT: XXH64 over the names of the columns, which of them are null, and their values.

    The mask of nulls is needed because Spark's xxhash64 steps over nulls: without it ('a', null)
    and (null, 'a') would hash alike.
    """
    nulls = [F.when(F.col(name).isNull(), F.lit("0")).otherwise(F.lit("1")) for name in columns]
    names = F.lit(",".join(columns))
    return F.xxhash64(names, F.concat(*nulls), *(F.col(name) for name in columns))
