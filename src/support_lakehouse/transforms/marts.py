"""Owns how marts are made of cubes by Spark; `named` has the same by Arrow, for what fits."""

from collections.abc import Sequence
from functools import reduce
from operator import or_

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from support_lakehouse.transforms.finals import UNKNOWN_KEY, UNKNOWN_TEXT
from support_lakehouse.transforms.named import Mart, Name


def added(cube: DataFrame, changes: DataFrame, keys: Sequence[str]) -> DataFrame:
    """A cube brought up to date: what it was and what some changes add.

    In: the cube, and cubes of what came and, less than nothing, of what is gone. Whole numbers and
    decimals add up without loss, so it is as if the cube had been made anew. Out: a cube.
    """
    measures = [name for name in cube.columns if name not in keys]
    types = dict(cube.dtypes)
    sums = (F.sum(name).cast(types[name]).alias(name) for name in measures)
    # Every cube counts something, so a group of nothing is one whose measures are all 0.
    there = reduce(or_, (F.col(name) != 0 for name in measures))
    return cube.unionByName(changes).groupBy(*keys).agg(*sums).where(there)


def mart_of(cube: DataFrame, mart: Mart, dimensions: Sequence[DataFrame]) -> DataFrame:
    """The mart, of a cube and of the dimensions of its names, in their order."""
    types, measures = dict(cube.dtypes), mart.measures(cube.columns)
    for name, dimension in zip(mart.names, dimensions, strict=True):
        cube = with_name(cube, dimension, name)
    sums = (F.sum(measure).cast(types[measure]).alias(measure) for measure in measures)
    return cube.groupBy(*mart.keys).agg(*sums)


def with_name(frame: DataFrame, dimension: DataFrame, name: Name) -> DataFrame:
    """The frame with what a key stands for, or `Unknown` where it is empty or there is none."""
    told = F.col(name.column).alias(name.called)
    there = F.broadcast(_known(dimension, name.key).select(name.key, told))
    or_unknown = F.coalesce(F.nullif(F.col(name.called), F.lit("")), F.lit(UNKNOWN_TEXT))
    return frame.join(there, name.key, "left").withColumn(name.called, or_unknown)


def _known(dimension: DataFrame, key: str) -> DataFrame:
    """The members with a name of their own: a delivered key UNKNOWN is the unknown member."""
    return dimension.where(F.col(key) != UNKNOWN_KEY)
