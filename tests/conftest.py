"""What all tests share: one Spark session, and the project's own configuration."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support_lakehouse.config import Config, load_config

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[SparkSession]":
    """A session with Delta, as a small run has it, in a JVM for work of minutes; started once."""
    # Imported here: tests without Spark need not wait for it.
    from support_lakehouse.io.session import session_for, spark_session

    folder = tmp_path_factory.mktemp("spark")
    log = folder / "spark.log"
    with spark_session(bytes_at_stake=10**9, log=log, warehouse=folder) as big:
        session = session_for(big, 0)
        # Delta remembers ten thousand tables, made once, at the first: the tests make hundreds.
        session.conf.set("spark.databricks.delta.delta.log.cacheSize", "12")
        session.range(1).write.format("delta").save(str(folder / "first"))
        yield session


@pytest.fixture(scope="session")
def config() -> Config:
    """The feeds and settings in `conf/`."""
    return load_config(ROOT)
