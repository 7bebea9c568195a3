"""Support Lakehouse: support data from files to reports that add up, on PySpark and Delta Lake."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import SparkSession

    from support_lakehouse.model.settings import Format
    from support_lakehouse.pipeline.opened import OpenRelease

__version__ = "0.1.0"


def run(
    *,
    months: tuple[str, ...] | None = None,
    data: Path | None = None,
    lakehouse: Path | None = None,
    format: "Format | None" = None,
    finals: bool = True,
    reset: bool = False,
    days: tuple[str, ...] | None = None,
    feeds: tuple[str, ...] | None = None,
    accept: tuple[str, ...] = (),
    sync_dates: "Mapping[str, str] | None" = None,
    rehash: bool = False,
    spark: "SparkSession | None" = None,
) -> list[Path]:
    """Do what `support-lakehouse run` does and return the paths that were written.

    `months` are texts like `202502`, None means all; `spark` is a session to use and leave open.
    Raises DataRefused where the data is refused by policy, and the errors of
    `support_lakehouse.errors` otherwise.
    """
    from support_lakehouse.config import load_config
    from support_lakehouse.errors import DataRefused
    from support_lakehouse.pipeline.run import Options
    from support_lakehouse.pipeline.run import run as run_pipeline

    options = Options(
        data=data,
        lakehouse=lakehouse,
        months=months,
        days=days,
        feeds=feeds,
        accept=accept,
        sync_dates=sync_dates or {},
        format=format,
        finals=finals,
        reset=reset,
        rehash=rehash,
    )
    done = run_pipeline(load_config(), options, spark=spark)
    if done.state == "refused":
        raise DataRefused(done.plan.refusals)
    return list(done.published)


def open_release(
    number: int | None = None,
    lakehouse: Path | None = None,
    *,
    spark: "SparkSession | None" = None,
) -> "OpenRelease":
    """The frames of a release, by its number or the newest, for a notebook.

    `.table("silver/interactions")` and `.report()` are Arrow tables, read without a JVM, or Spark
    DataFrames pinned to the release's versions where a session with Delta is given.
    """
    from support_lakehouse.config import load_config
    from support_lakehouse.pipeline.opened import open_release as opened

    config = load_config()
    return opened(config, number, (lakehouse or config.lakehouse).resolve(), spark)
