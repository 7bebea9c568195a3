"""Owns the hash of a row, whose sum is the fingerprint of a table (law L4)."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from pyspark.sql import Column
from pyspark.sql import functions as F


def row_hash(
    columns: Sequence[str], instead: Mapping[str, Column] = MappingProxyType({})
) -> Column:
    """BIGINT: XXH64 over the names of the columns, which of them are null, and their values.

    The mask of nulls is needed because Spark's xxhash64 steps over nulls: without it ('a', null)
    and (null, 'a') would hash alike. `instead` tells for columns what they are going to be.
    """
    values = [instead.get(name, F.col(name)) for name in columns]
    nulls = [F.when(value.isNull(), F.lit("0")).otherwise(F.lit("1")) for value in values]
    return F.xxhash64(F.lit(",".join(columns)), F.concat(*nulls), *values)
