"""Owns the marts: what is counted from silver, by month, centre, department, agent and hour.

Interactions are counted into cubes, by keys as delivered; marts are cubes with names. So another
name reads no interaction, and what a few changes of interactions add can be added to a cube.
"""

from collections.abc import Sequence
from datetime import timedelta
from functools import reduce
from operator import or_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from support_lakehouse.model.settings import DAYS, BusinessHours, fixed_offset
from support_lakehouse.transforms import named
from support_lakehouse.transforms.finals import UNKNOWN_KEY, UNKNOWN_TEXT
from support_lakehouse.transforms.named import Mart, Name

MINUTES_SUM = "decimal(28,4)"
DEPARTMENT = "department"
CUBE_KEYS = ("month", "contact_center_id", "category_id")
WORK_KEYS = ("month", "contact_center_id", DEPARTMENT, "agent_id")
HOURS_KEYS = ("contact_center_id", "weekday", "hour", "inside_business_hours")
SIGN = "_sign"
"""A column of interactions that says whether each is to be counted, 1, or no more, -1."""
_STEP = 6_000
"""Microseconds in 0.0001 minutes."""


def in_business_zone(moment: Column, zone: str) -> Column:
    """The wall clock of the business zone at a UTC moment (law L9); the session is in UTC."""
    offset = fixed_offset(zone)
    if offset is None:
        return F.from_utc_timestamp(moment, zone)
    # A sum, for which Spark looks no zone up for each row: a tenth of what a cube costs.
    return F.timestamp_micros(F.unix_micros(moment) + offset // timedelta(microseconds=1))


def months_since_year_0(moment: Column, zone: str) -> Column:
    """The business month as a number; groups by it, not by text, are several times faster."""
    local = in_business_zone(moment, zone)
    return F.year(local) * 12 + F.month(local) - 1


def month_text(months: Column) -> Column:
    """A number of months since year 0 as text: YYYY-MM."""
    return F.format_string("%04d-%02d", F.floor(months / 12), months % 12 + 1)


def steps_between(start: Column, end: Column) -> Column:
    """Minutes from start to end in whole steps of 0.0001, half up; null if either is null.

    BIGINT, as adding these up is several times faster than adding decimals, and as exact.
    """
    micros = F.unix_micros(end) - F.unix_micros(start)
    half_up = F.call_function("div", F.abs(micros) + _STEP // 2, F.lit(_STEP).cast("bigint"))
    return F.when(micros < 0, -half_up).otherwise(half_up)


def is_call(channel: Column) -> Column:
    """Whether the channel is phone, in any case; a missing channel is no call."""
    return F.coalesce(F.lower(channel) == "phone", F.lit(False))


def interaction_cube(interactions: DataFrame, zone: str) -> DataFrame:
    """Counts and minutes by month and by keys as delivered.

    In: silver interactions. Out: one row per month, contact_center_id, category_id (null is a
    value of its own).
    """
    return (
        interactions.withColumn("month", months_since_year_0(F.col("interaction_start"), zone))
        .groupBy("month", "contact_center_id", "category_id")
        .agg(
            _rows(interactions).alias("total_interactions"),
            _rows(interactions, is_call(F.col("channel"))).alias("total_calls"),
            _total(_signed(F.col("call_duration_minutes"), interactions)).alias(
                "total_call_duration"
            ),
        )
        .withColumn("month", month_text(F.col("month")))
    )


def work_cube(interactions: DataFrame, zone: str) -> DataFrame:
    """What calls cost: one row per month, contact_center_id, department and agent_id.

    In: silver interactions with their department; by category, there would be half as many groups
    as calls. `call_minutes` runs to the end of the call, `work_minutes` from start to resolution,
    `after_resolution_minutes` from there to the end where that is positive.
    """
    start, resolved, end = (
        F.col(name)
        for name in ("interaction_start", "agent_resolution_timestamp", "interaction_end")
    )
    worked, after = steps_between(start, resolved), steps_between(resolved, end)
    positive = F.coalesce(after > 0, F.lit(False))
    return (
        interactions.where(is_call(F.col("channel")))
        .withColumn("month", months_since_year_0(start, zone))
        .groupBy(*WORK_KEYS)
        .agg(
            _rows(interactions).alias("calls"),
            _total(_signed(F.col("call_duration_minutes"), interactions)).alias("call_minutes"),
            _minutes(F.sum(_signed(worked, interactions))).alias("work_minutes"),
            _minutes(F.sum(F.when(positive, _signed(after, interactions)))).alias(
                "after_resolution_minutes"
            ),
            _rows(interactions, positive).alias("calls_with_time_after_resolution"),
        )
        .withColumn("month", month_text(F.col("month")))
    )


def hours_cube(interactions: DataFrame, zone: str, hours: BusinessHours) -> DataFrame:
    """When people ask for help, by keys as delivered: one row per centre, weekday and hour."""
    local = in_business_zone(F.col("interaction_start"), zone)
    weekday = F.get(F.array(*(F.lit(day) for day in DAYS)), F.weekday(local))
    inside = (
        F.col("weekday").isin(*hours.days)
        & (F.col("hour") >= hours.from_hour)
        & (F.col("hour") < hours.to_hour)
    )
    return (
        interactions.withColumns({"weekday": weekday, "hour": F.hour(local)})
        .withColumn("inside_business_hours", inside)
        .groupBy(*HOURS_KEYS)
        .agg(
            _rows(interactions).alias("interactions"),
            _rows(interactions, is_call(F.col("channel"))).alias("calls"),
        )
    )


def as_changes(before: DataFrame, after: DataFrame) -> DataFrame:
    """Interactions as they were and as they are, with a SIGN: what a cube of them is added by."""
    signed = (rows.withColumn(SIGN, F.lit(sign)) for rows, sign in ((after, 1), (before, -1)))
    return reduce(DataFrame.unionByName, signed)


def added(cube: DataFrame, changes: DataFrame, keys: Sequence[str]) -> DataFrame:
    """A cube brought up to date: what it was and what some changes add.

    In: the cube, and a cube of interactions with a SIGN. Whole numbers and decimals add up without
    loss, so it is as if the cube had been made anew. Out: a cube.
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


def with_department(frame: DataFrame, categories: DataFrame) -> DataFrame:
    """The frame with department, resolved by category_id."""
    return with_name(frame, categories, named.DEPARTMENT)


def with_name(frame: DataFrame, dimension: DataFrame, name: Name) -> DataFrame:
    """The frame with what a key stands for, or `Unknown` where it is empty or there is none."""
    told = F.col(name.column).alias(name.called)
    there = F.broadcast(_known(dimension, name.key).select(name.key, told))
    or_unknown = F.coalesce(F.nullif(F.col(name.called), F.lit("")), F.lit(UNKNOWN_TEXT))
    return frame.join(there, name.key, "left").withColumn(name.called, or_unknown)


def _known(dimension: DataFrame, key: str) -> DataFrame:
    """The members with a name of their own: a delivered key UNKNOWN is the unknown member."""
    return dimension.where(F.col(key) != UNKNOWN_KEY)


def _rows(interactions: DataFrame, condition: Column | None = None) -> Column:
    """How many interactions there are of which a condition is true, those with a SIGN by it."""
    if SIGN not in interactions.columns:
        return F.count("*") if condition is None else F.count_if(condition)
    counted = F.col(SIGN) if condition is None else F.when(condition, F.col(SIGN))
    return F.coalesce(F.sum(counted), F.lit(0)).cast("bigint")


def _signed(amount: Column, interactions: DataFrame) -> Column:
    """What an interaction adds to a sum, which is less than nothing if it is counted no more."""
    if SIGN not in interactions.columns:
        return amount
    return F.when(F.col(SIGN) < 0, -amount).otherwise(amount)


def _total(amount: Column) -> Column:
    """The exact sum as DECIMAL(28,4); 0 where there is nothing to add."""
    return F.coalesce(F.sum(amount), F.lit(0)).cast(MINUTES_SUM)


def _minutes(steps: Column) -> Column:
    """Steps of 0.0001 minutes as DECIMAL(28,4) minutes; 0 where there are none."""
    whole = F.coalesce(steps, F.lit(0)).cast("decimal(19,0)")
    return (whole * F.lit("0.0001").cast("decimal(4,4)")).cast(MINUTES_SUM)
