"""Owns what all models read from `conf/` have in common."""

from typing import Any

from pydantic import BaseModel, ConfigDict


class Declared(BaseModel):
    """The base of all that is read from `conf/`: frozen, and no key that nobody knows."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


def as_list(value: Any) -> Any:
    """One text, where a list of texts may stand, as a list of it."""
    return (value,) if isinstance(value, str) else value
