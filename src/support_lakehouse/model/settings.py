"""Owns what holds for the whole job: folders, zone, business hours, what is published."""

import re
from datetime import timedelta
from typing import Annotated, Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator

from support_lakehouse.model.declared import Declared

Format = Literal["csv", "json", "parquet"]
Published = Literal["support_report", "finals", "cleaned_calls", "call_center_log"]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_OFFSET = re.compile(r"([+-])(0[0-9]|1[0-7]):([0-5][0-9])")


def fixed_offset(zone: str) -> timedelta | None:
    """How far a zone that is an offset like -05:00 is from UTC; None for one with a name."""
    told = _OFFSET.fullmatch(zone)
    if not told:
        return None
    away = timedelta(hours=int(told[2]), minutes=int(told[3]))
    return -away if told[1] == "-" else away


class BusinessHours(Declared):
    """The days and the hours, in the business zone, in which somebody is there."""

    days: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri")
    from_hour: Annotated[int, Field(alias="from", ge=0, le=23)] = 9
    to_hour: Annotated[int, Field(alias="to", ge=1, le=24)] = 17

    @model_validator(mode="after")
    def _some_hour(self) -> "BusinessHours":
        if self.from_hour >= self.to_hour:
            raise ValueError("business hours end before they begin")
        return self


class Settings(Declared):
    """`conf/pipeline.yml`."""

    data: str = "data"
    lakehouse: str = "lakehouse"
    format: Format = "csv"
    publish: tuple[Published, ...] = get_args(Published)
    business_zone: str = "-05:00"
    business_hours: BusinessHours = BusinessHours()
    retention_months: Annotated[int, Field(ge=1, le=120)] = 24

    @field_validator("business_zone")
    @classmethod
    def _zone_exists(cls, zone: str) -> str:
        if fixed_offset(zone) is None:
            try:
                ZoneInfo(zone)
            except (ZoneInfoNotFoundError, ValueError, OSError) as error:
                raise ValueError(
                    f"no zone is called {zone!r}; write an offset like -05:00 or a name"
                    " like America/New_York"
                ) from error
        return zone

    @property
    def retention(self) -> timedelta:
        """How long Delta keeps what it no longer needs; a month counts 31 days."""
        return timedelta(days=31 * self.retention_months)
