"""Owns quarantine: rejected rows, each with all its reasons, and what becomes of them."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from support_lakehouse.model.books import DISCARDED, OPEN, REFUSED, RELEASED, SUPERSEDED
from support_lakehouse.transforms.fingerprint import row_hash
from support_lakehouse.transforms.hashing import ROW_HASH, row_hashes

COLUMNS = (
    *("id", "feed", "file", "sha256", "line", "period", "key", "header", "raw", "reasons"),
    *("rules", "run", "state", "attempts"),
)
HASHED = tuple(name for name in COLUMNS if name != "run")
"""What the hash of an entry is of: all that it says, but for the run, another each time."""
KEY = "id"
_IDENTITY = ("feed", "file", "sha256", "line")
_JUDGED_AGAIN = ("key", "reasons", "rules", "run", "state")


def quarantined(judged: DataFrame, feed: str, *, rules: str, state: str) -> DataFrame:
    """A feed's rejected rows as entries of quarantine: COLUMNS and their hash.

    In: judged records, or rows of bronze. Out: one row per rejected one. `id` is made of what the
    row is and where it stood, so the same row of a rerun is the same entry. `rules` is the
    fingerprint of the rules that judged.
    """
    told = {"feed": F.lit(feed), "rules": F.lit(rules), "state": F.lit(state)}
    told |= {"attempts": F.lit(1).cast("bigint")}
    rows = judged.where(F.col("reasons").isNotNull()).withColumns(told)
    return with_identity(rows).select(*COLUMNS).withColumn(ROW_HASH, _hash())


def quarantined_in_memory(bronze: pa.Table, feed: str, *, rules: str, state: str) -> pa.Table:
    """The same of rows of bronze in memory."""
    rows = bronze.filter(bronze["reasons"].is_valid())
    told: dict[str, Any] = {name: rows[name] for name in COLUMNS if name in rows.column_names}
    labels = {"feed": feed, "rules": rules, "state": state}
    told |= {name: pa.repeat(pa.scalar(text), len(rows)) for name, text in labels.items()}
    told["attempts"] = pa.repeat(pa.scalar(1, pa.int64()), len(rows))
    places = zip(*(pa.table(told)[name].to_pylist() for name in _IDENTITY), strict=True)
    identities = ("\n".join(map(str, place)).encode() for place in places)
    ids = [hashlib.sha256(identity).hexdigest()[:16] for identity in identities]
    entries = pa.table({name: told.get(name, pa.array(ids, pa.string())) for name in COLUMNS})
    return entries.append_column(ROW_HASH, row_hashes(entries.select(HASHED)))


def with_identity(rows: DataFrame) -> DataFrame:
    """The rows with the id of the quarantine entry that each of them is."""
    identity = F.concat_ws("\n", *(F.col(name).cast("string") for name in _IDENTITY))
    return rows.withColumn("id", F.substring(F.sha2(identity, 256), 1, 16))


def superseded(entries: DataFrame, files: DataFrame) -> DataFrame:
    """Entries of files that came again with other bytes: nobody waits for their rows any more.

    In: quarantine, and one row per file now taken (feed, file, sha256). Out: entries to write.
    """
    waiting = entries.where(F.col("state").isin(OPEN, REFUSED))
    taken = files.withColumnRenamed("sha256", "_now")
    met = waiting.join(F.broadcast(taken), ["feed", "file"]).where(F.col("sha256") != F.col("_now"))
    told = met.withColumns({"state": F.lit(SUPERSEDED), "attempts": F.lit(0).cast("bigint")})
    return told.select(*COLUMNS).withColumn(ROW_HASH, _hash())


def released(judged: DataFrame, feed: str, *, rules: str) -> DataFrame:
    """Entries of rows that were judged again and are accepted now."""
    told = {"feed": F.lit(feed), "rules": F.lit(rules), "state": F.lit(RELEASED)}
    told |= {"attempts": F.lit(1).cast("bigint")}
    rows = judged.where(F.col("reasons").isNull()).withColumns(told)
    return with_identity(rows).select(*COLUMNS).withColumn(ROW_HASH, _hash())


def discarded(entries: DataFrame, ids: Sequence[str], run: str) -> DataFrame:
    """The entries with these ids, given up by a person."""
    told = {"state": F.lit(DISCARDED), "attempts": F.lit(0).cast("bigint"), "run": F.lit(run)}
    rows = entries.where(F.col("id").isin(list(ids))).withColumns(told)
    return rows.select(*COLUMNS).withColumn(ROW_HASH, _hash())


def merge_parts() -> tuple[Mapping[str, Column], Mapping[str, Column]]:
    """What an entry that is there takes over from one of the same KEY, and what a new one is.

    Source columns are called `new_...`.
    """
    update = {name: F.col(f"new_{name}") for name in _JUDGED_AGAIN}
    update["attempts"] = F.col("attempts") + F.col("new_attempts")
    update[ROW_HASH] = row_hash(HASHED, update)  # of the old and the new that are left together
    return update, {name: F.col(f"new_{name}") for name in (*COLUMNS, ROW_HASH)}


def _hash() -> Column:
    return row_hash(HASHED)
