"""Owns what a feed declares of a column: its name, its type, and where a file holds it."""

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from support_lakehouse.model.declared import Declared, as_list

TypeName = Literal[
    "text",
    "integer",
    "decimal",
    "double",
    "boolean",
    "date",
    "timestamp",
    "timestamp_ntz",
    "time",
]
NUMBERS: tuple[TypeName, ...] = ("integer", "decimal", "double")
NAME = r"^[a-z][a-z0-9_]*$"
_DECIMAL = re.compile(r"decimal\(\s*([0-9]+)\s*,\s*([0-9]+)\s*\)")


class ColumnType(Declared):
    """The type of a column; precision and scale belong to `decimal` alone.

    `timestamp` is a moment (a text without an offset is UTC), `timestamp_ntz` a wall clock without
    a zone, `time` a time of day HH:MM:SS, kept as that text.
    """

    name: TypeName
    precision: int = 0
    scale: int = 0

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        found = _DECIMAL.fullmatch(value.strip())
        if found:
            return {"name": "decimal", "precision": int(found[1]), "scale": int(found[2])}
        return {"name": value.strip()}

    @model_validator(mode="after")
    def _decimal_fits(self) -> "ColumnType":
        if self.name == "decimal" and not (1 <= self.precision <= 38 >= self.scale >= 0):
            raise ValueError("a decimal is written decimal(p,s) with p from 1 to 38")
        if self.name == "decimal" and self.scale > self.precision:
            raise ValueError("the scale of a decimal is at most its precision")
        return self

    def __str__(self) -> str:
        return f"decimal({self.precision},{self.scale})" if self.name == "decimal" else self.name


class Column(Declared):
    """One declared column."""

    name: Annotated[str, Field(pattern=NAME, description="The name of the column in silver.")]
    type: Annotated[
        ColumnType,
        Field(
            description="`text`, `integer`, `decimal(p,s)`, `double`, `boolean`, `date`,"
            " `timestamp` (a moment; without an offset it is UTC), `timestamp_ntz` (a wall clock"
            " without a zone) or `time` (HH:MM:SS)."
        ),
    ]
    required: Annotated[
        bool, Field(description="A row without a value is rejected. A key always is required.")
    ] = False
    unreadable: Annotated[
        Literal["reject", "warn"] | None,
        Field(
            description="A cell that is not of the type: `reject` the row, or make the cell null"
            " and count it (`warn`). Without it the feed's own setting holds. A null is no"
            " unreadable cell."
        ),
    ] = None
    references: Annotated[str | None, Field(description="The feed whose key the column holds.")] = (
        None
    )
    personal: Annotated[
        bool,
        Field(
            description="Personal data: masked in what quarantine shows, and kept out of the"
            " statistics in Delta's log."
        ),
    ] = False
    optional: Annotated[bool, Field(description="A file may lack the column; it is null then.")] = (
        False
    )
    path: Annotated[
        tuple[str, ...],
        BeforeValidator(as_list),
        Field(
            description="JSON only: the dotted path of the value, or several of them, of which"
            " the first that holds one counts. Without it the name."
        ),
    ] = ()

    @field_validator("path")
    @classmethod
    def _segments(cls, paths: tuple[str, ...]) -> tuple[str, ...]:
        for path in paths:
            if not all(path.split(".")) or re.search(r"['\"\\\[\]$*]", path):
                raise ValueError(f"{path!r} is no path like contact.email")
        return paths

    @property
    def paths(self) -> tuple[tuple[str, ...], ...]:
        """The ways to the value in a JSON record, each as its keys."""
        return tuple(tuple(path.split(".")) for path in self.path or (self.name,))


def columns_by_name(value: Any) -> Any:
    """Turn the YAML mapping `name: type` or `name: {type: ..}` into a list of columns."""
    if not isinstance(value, dict):
        return value
    for name, spec in value.items():
        if isinstance(spec, dict) and "name" in spec:
            raise ValueError(f"{name} is the name already; leave `name` out")
    return [
        {"name": name, **(spec if isinstance(spec, dict) else {"type": spec})}
        for name, spec in value.items()
    ]
