"""The four monthly tables: keys, columns, types and file names (sources: A)."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum

Value = str | int | Decimal | date | datetime | None
Row = dict[str, Value]


class Type(Enum):
    """What a cell is declared to be (contracts: Reading)."""

    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    DATE = "date"
    TIMESTAMP = "timestamp"


@dataclass(frozen=True)
class Table:
    """One feed: its columns in published order, the key first."""

    name: str
    columns: dict[str, Type]
    required: tuple[str, ...]

    @property
    def key(self) -> str:
        return next(iter(self.columns))

    @property
    def extract(self) -> str:
        return f"initial/{self.name}.csv"

    def delta(self, month: str) -> str:
        return f"delta/{self.name}_delta_{month}.csv"


AGENTS = Table(
    "agents",
    {
        "agent_id": Type.TEXT,
        "full_name": Type.TEXT,
        "contact_center_id": Type.TEXT,
        "hire_date": Type.DATE,
        "category_id": Type.TEXT,
    },
    required=("agent_id",),
)
CONTACT_CENTERS = Table(
    "contact_centers",
    {"contact_center_id": Type.TEXT, "contact_center_name": Type.TEXT, "location": Type.TEXT},
    required=("contact_center_id",),
)
SERVICE_CATEGORIES = Table(
    "service_categories",
    {"category_id": Type.TEXT, "category_name": Type.TEXT, "department": Type.TEXT},
    required=("category_id",),
)
INTERACTIONS = Table(
    "interactions",
    {
        "interaction_id": Type.TEXT,
        "timestamp": Type.TIMESTAMP,
        "channel": Type.TEXT,
        "category_id": Type.TEXT,
        "agent_id": Type.TEXT,
        "contact_center_id": Type.TEXT,
        "interaction_start": Type.TIMESTAMP,
        "agent_resolution_timestamp": Type.TIMESTAMP,
        "interaction_end": Type.TIMESTAMP,
        "call_duration_minutes": Type.DECIMAL,
        "satisfaction_rating": Type.INTEGER,
    },
    required=("interaction_id", "interaction_start"),
)

DIMENSIONS = (AGENTS, CONTACT_CENTERS, SERVICE_CATEGORIES)
TABLES = (*DIMENSIONS, INTERACTIONS)

REPORT_COLUMNS: dict[str, Type] = {
    "month": Type.TEXT,
    "contact_center_name": Type.TEXT,
    "department": Type.TEXT,
    "total_interactions": Type.INTEGER,
    "total_calls": Type.INTEGER,
    "total_call_duration": Type.DECIMAL,
}
