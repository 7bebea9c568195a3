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
    """A session with Delta, as a small run has it; started once."""
    # Imported here: tests without Spark need not wait for it.
    from support_lakehouse.io.session import spark_session

    folder = tmp_path_factory.mktemp("spark")
    log = folder / "spark.log"
    with spark_session(bytes_at_stake=0, log=log, warehouse=folder) as session:
        yield session


@pytest.fixture(scope="session")
def config() -> Config:
    """The feeds and settings in `conf/`."""
    return load_config(ROOT)
