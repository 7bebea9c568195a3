"""A data folder written out by hand, for stories that fit on a screen."""

from pathlib import Path

EXTRACTS = {
    "agents": "agent_id,full_name,contact_center_id,hire_date,category_id\n",
    "contact_centers": "contact_center_id,contact_center_name,location\n",
    "service_categories": "category_id,category_name,department\n",
    "interactions": (
        "interaction_id,timestamp,channel,category_id,agent_id,contact_center_id,"
        "interaction_start,agent_resolution_timestamp,interaction_end,"
        "call_duration_minutes,satisfaction_rating\n"
    ),
}
"""The header lines, in the order of the columns."""


def header(table: str) -> str:
    """The header of a change file."""
    return EXTRACTS[table].rstrip("\n") + ",action\n"


def write_story(folder: Path, files: dict[str, str | bytes]) -> Path:
    """Extracts of headers alone, then `files` by relative path; text is written as it is."""
    empty = {f"initial/{table}.csv": text for table, text in EXTRACTS.items()}
    for name, content in {**empty, **files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def interaction(key: str, start: str = "2025-01-05T14:30:00Z", **cells: str) -> str:
    """One line of the interactions extract; cells not named are empty."""
    names = EXTRACTS["interactions"].rstrip("\n").split(",")
    known = {"interaction_id": key, "interaction_start": start, **cells}
    return ",".join(known.get(name, "") for name in names) + "\n"
