"""Owns what gold is made of: the tables of silver and gold by name, and the three cubes."""

from collections.abc import Callable
from dataclasses import dataclass

from support_lakehouse.model.settings import Settings
from support_lakehouse.transforms import cubes, named
from support_lakehouse.transforms.cubes import Dialect

ROSTER, STATUS_HISTORY = "silver/roster_agents", "silver/agent_status_history"
INTERACTIONS, CENTERS, CATEGORIES, AGENTS = (
    f"silver/{name}" for name in ("interactions", "contact_centers", "service_categories", "agents")
)
ROSTER_ACTIVE = "roster_active"
DETAILS, ACTIVE = "silver/roster_details", "silver/roster_active"


@dataclass(frozen=True)
class Cube:
    """Interactions counted by keys as delivered, and the mart that is made of that with names.

    `dimensions` tell the names, in the order in which the mart has them.
    """

    table: str
    keys: tuple[str, ...]
    count: Callable[[Dialect, Settings], str]
    mart_table: str
    mart: named.Mart
    dimensions: tuple[str, ...]

    @property
    def by_department(self) -> bool:
        return cubes.DEPARTMENT in self.keys

    @property
    def counted_from(self) -> tuple[str, ...]:
        return (INTERACTIONS, CATEGORIES) if self.by_department else (INTERACTIONS,)


CUBE, WORK_CUBE, HOURS_CUBE = "gold/interaction_cube", "gold/work_cube", "gold/hours_cube"
CUBES = (
    Cube(
        table=CUBE,
        keys=cubes.CUBE_KEYS,
        count=lambda sql, told: cubes.interaction_cube(sql, told.business_zone),
        mart_table="gold/support_report",
        mart=named.SUPPORT_REPORT,
        dimensions=(CENTERS, CATEGORIES),
    ),
    Cube(
        table=WORK_CUBE,
        keys=cubes.WORK_KEYS,
        count=lambda sql, told: cubes.work_cube(sql, told.business_zone),
        mart_table="gold/agent_work_time",
        mart=named.AGENT_WORK_TIME,
        dimensions=(CENTERS, AGENTS),
    ),
    Cube(
        table=HOURS_CUBE,
        keys=cubes.HOURS_KEYS,
        count=lambda sql, told: cubes.hours_cube(sql, told.business_zone, told.business_hours),
        mart_table="gold/interaction_hours",
        mart=named.INTERACTION_HOURS,
        dimensions=(CENTERS,),
    ),
)
