"""Owns gold: the marts, built from the silver tables of one moment, side by side."""

from concurrent.futures import ThreadPoolExecutor

from pyspark.sql import DataFrame, SparkSession

from support_lakehouse.io.tables import Tables
from support_lakehouse.model.settings import Settings
from support_lakehouse.transforms import marts
from support_lakehouse.transforms.fingerprint import ROW_HASH, row_hash

CUBE, REPORT = "gold/interaction_cube", "gold/support_report"
WORK_TIME, HOURS = "gold/agent_work_time", "gold/interaction_hours"


def build_marts(session: SparkSession, tables: Tables, settings: Settings) -> None:
    """Replace every mart, each in a commit of its own; the report is made of the cube."""
    zone = settings.business_zone

    def silver(name: str) -> DataFrame:
        return tables.read(session, f"silver/{name}")

    def cube_and_report() -> None:
        cube = marts.interaction_cube(silver("interactions"), zone)
        _replace(tables, CUBE, cube)
        named = marts.support_report(
            tables.read(session, CUBE), silver("contact_centers"), silver("service_categories")
        )
        _replace(tables, REPORT, named)

    def work_time() -> None:
        rows = marts.agent_work_time(
            silver("interactions"),
            silver("contact_centers"),
            silver("service_categories"),
            silver("agents"),
            zone,
        )
        _replace(tables, WORK_TIME, rows)

    def hours() -> None:
        rows = marts.interaction_hours(
            silver("interactions"), silver("contact_centers"), zone, settings.business_hours
        )
        _replace(tables, HOURS, rows)

    with ThreadPoolExecutor(3) as pool:
        for done in [pool.submit(build) for build in (cube_and_report, work_time, hours)]:
            done.result()


def _replace(tables: Tables, mart: str, rows: DataFrame) -> None:
    hashed = rows.withColumn(ROW_HASH, row_hash(rows.columns))
    tables.replace(hashed.coalesce(1), mart, statistics=rows.columns[0])
