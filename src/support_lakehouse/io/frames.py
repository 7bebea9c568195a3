"""Owns what Spark is given to read: rows in memory, files of the run's own, versions of tables."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.types import StructType

from support_lakehouse.io.staged import Staged, plain

Rows: TypeAlias = pa.Table | DataFrame
"""What fits into memory is there, all else for Spark to work out."""
AnyRows: TypeAlias = Rows | Staged
"""Or in files of the run's own."""
Sessions: TypeAlias = Callable[[], SparkSession]
"""Gives a session of Spark's, started if nothing asked for one before."""


def frame_of(session: Sessions, rows: AnyRows, schema: StructType | None = None) -> DataFrame:
    """The rows for Spark; of the types that Arrow gives them unless others are told."""
    if isinstance(rows, DataFrame):
        return rows
    spark = session()
    if isinstance(rows, Staged):
        paths = [escaped(part.path) for part in rows.parts]
        schema = from_arrow_schema(rows.schema)
        # Told the schema, Spark needs no job to find it out.
        return (
            spark.read.schema(schema).parquet(*paths)
            if paths
            else spark.createDataFrame([], schema)
        )
    rows = plain(rows)
    schema = schema or from_arrow_schema(rows.schema)
    if not rows.num_rows:  # Spark stumbles over moments in an Arrow table without any part
        return spark.createDataFrame([], schema)
    return spark.createDataFrame(rows.combine_chunks(), schema)  # each chunk would be a task


def escaped(path: Path) -> str:
    """The path as Spark's readers take it: characters of a glob stand for themselves."""
    return re.sub(r"([\\\[\]{}*?])", r"\\\1", str(path))


def read_at(session: SparkSession, table: Path, version: int | None) -> DataFrame:
    """A table at a version, or the newest one."""
    reader = session.read.format("delta")
    if version is not None:
        reader = reader.option("versionAsOf", version)
    return reader.load(str(table))
