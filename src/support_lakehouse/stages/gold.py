"""Owns gold: the marts, built from the silver tables of one moment, side by side."""

from concurrent.futures import ThreadPoolExecutor

from pyspark.sql import DataFrame, SparkSession

from support_lakehouse.io.tables import Tables
from support_lakehouse.model.settings import Settings
from support_lakehouse.transforms import marts
from support_lakehouse.transforms.fingerprint import ROW_HASH, row_hash

CUBE, REPORT = "gold/interaction_cube", "gold/support_report"
WORK_TIME, HOURS = "gold/agent_work_time", "gold/interaction_hours"
MARTS = (CUBE, REPORT, WORK_TIME, HOURS)
NEEDED = ("interactions", "contact_centers", "service_categories", "agents")
"""The silver tables that the marts are made of."""


def build_marts(session: SparkSession, tables: Tables, settings: Settings) -> None:
    """Replace every mart, each in a commit of its own."""

    def build(mart: str) -> None:
        rows = _mart(mart, session, tables, settings)
        tables.replace(
            rows.withColumn(ROW_HASH, row_hash(rows.columns)).coalesce(1),
            mart,
            statistics=rows.columns[0],
        )

    with ThreadPoolExecutor(len(MARTS)) as pool:
        list(pool.map(build, MARTS))


def _mart(mart: str, session: SparkSession, tables: Tables, settings: Settings) -> DataFrame:
    interactions, centers, categories, agents = (
        tables.read(session, f"silver/{name}") for name in NEEDED
    )
    zone = settings.business_zone
    match mart:
        case "gold/interaction_cube":
            return marts.interaction_cube(interactions, zone)
        case "gold/support_report":
            cube = marts.interaction_cube(interactions, zone)
            return marts.support_report(cube, centers, categories)
        case "gold/agent_work_time":
            return marts.agent_work_time(interactions, centers, categories, agents, zone)
        case _:
            return marts.interaction_hours(interactions, centers, zone, settings.business_hours)
