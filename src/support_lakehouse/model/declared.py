"""Owns what all models read from `conf/` have in common."""

from pydantic import BaseModel, ConfigDict


class Declared(BaseModel):
    """The base of all that is read from `conf/`: frozen, and no key that nobody knows."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
