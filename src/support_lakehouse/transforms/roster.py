"""Owns the roster: who is known and who is active, by day (sources.md, C)."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

DETAILS = (
    *("agent_id", "email", "name", "job_title", "language", "mobile", "phone", "time_zone"),
    "available",
)
STATE = ("focus_mode", "agent_operational_status", "last_active_at", "created_at", "updated_at")
COMPARED = (*DETAILS, "deactivated", "status", *STATE, "sync_day", "source")
"""The columns of the roster that are a function of the files: all but the time of the run."""


def status_history(details: DataFrame, active: DataFrame, days: DataFrame) -> DataFrame:
    """agent_id, sync_date, is_active: one row per known agent and day.

    In: the histories of both feeds (agent_id, _period), and the days that were synced (day).
    Known on a day: accepted in the details of that day or an earlier one.
    """
    known = details.groupBy("agent_id").agg(F.min("_period").alias("since"))
    there = active.select("agent_id", F.col("_period").alias("day"), F.lit(True).alias("met"))
    return (
        known.join(F.broadcast(days), F.col("day") >= F.col("since"))
        .join(there, ["agent_id", "day"], "left")
        .select(
            "agent_id",
            F.col("day").cast("date").alias("sync_date"),
            F.coalesce(F.col("met"), F.lit(False)).alias("is_active"),
        )
    )


def latest_agents(details: DataFrame, history: DataFrame, latest: str, at: str) -> DataFrame:
    """One row per known agent: what the last details say, and whether active on the latest day.

    `at` is the time of the run, a moment in UTC.
    """
    today = history.where(F.col("sync_date") == F.lit(latest).cast("date"))
    active = F.col("is_active")
    return details.join(today.select("agent_id", "is_active"), "agent_id", "left").select(
        *DETAILS,
        (~active).alias("deactivated"),
        F.when(active, "active").otherwise("inactive").alias("status"),
        *STATE,
        F.col("_period").cast("date").alias("sync_day"),
        F.lit("api").alias("source"),
        F.lit(at).cast("timestamp").alias("ingested_at"),
    )


def active_but_unknown(details: DataFrame, active: DataFrame) -> DataFrame:
    """_file, agents: for each file of active agents, how many nobody knew on that day."""
    known = details.groupBy("agent_id").agg(F.min("_period").alias("since"))
    met = active.join(known, "agent_id", "left")
    unknown = F.col("since").isNull() | (F.col("since") > F.col("_period"))
    return met.where(unknown).groupBy("_file").agg(F.count("*").alias("agents"))
