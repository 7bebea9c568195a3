"""Owns what a feed declares: its files, its key, its columns and their types."""

import re
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from support_lakehouse.model.period import INITIAL, is_month

TypeName = Literal["text", "integer", "decimal", "date", "timestamp"]
_DECIMAL = re.compile(r"decimal\(\s*([0-9]+)\s*,\s*([0-9]+)\s*\)")
_NAME = r"^[a-z][a-z0-9_]*$"


class Declared(BaseModel):
    """The base of all that is read from `conf/`: frozen, and no key that nobody knows."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class ColumnType(Declared):
    """The type of a column; precision and scale belong to `decimal` alone."""

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
    """One declared column.

    `required`: a row without a readable value is rejected. `unreadable`: what happens to a row
    with a cell that is not of the type; the feed's own setting holds where none is given.
    `references`: the feed whose key the column holds. `personal`: masked outside silver, and kept
    out of the statistics in Delta's log. `optional`: a file may lack the column.
    """

    name: Annotated[str, Field(pattern=_NAME)]
    type: ColumnType
    required: bool = False
    unreadable: Literal["reject", "warn"] | None = None
    references: str | None = None
    personal: bool = False
    optional: bool = False


def _columns_by_name(value: Any) -> Any:
    """Turn the YAML mapping `name: type` or `name: {type: ..}` into a list of columns."""
    if not isinstance(value, dict):
        return value
    return [
        {"name": name, **(spec if isinstance(spec, dict) else {"type": spec})}
        for name, spec in value.items()
    ]


class FilePatterns(Declared):
    """Where a feed's files lie, relative to the data folder; `{month}` stands for YYYYMM."""

    initial: str
    changes: str

    @model_validator(mode="after")
    def _month_is_named(self) -> "FilePatterns":
        if self.changes.count("{month}") != 1:
            raise ValueError(
                "`changes` must hold {month} once, as in delta/agents_delta_{month}.csv"
            )
        return self

    def period_of(self, path: str) -> str | None:
        """The period of a relative path with `/`; None if it is no file of this feed."""
        if path == self.initial:
            return INITIAL
        found = self._changes_pattern.fullmatch(path)
        return found[1] if found and is_month(found[1]) else None

    @property
    def folders(self) -> tuple[str, ...]:
        """The folders to look into, relative to the data folder."""
        found = {pattern.rpartition("/")[0] for pattern in (self.initial, self.changes)}
        return tuple(sorted(found))

    @cached_property
    def _changes_pattern(self) -> re.Pattern[str]:
        before, _, after = self.changes.partition("{month}")
        return re.compile(f"{re.escape(before)}([0-9]{{6}}){re.escape(after)}")


class Final(Declared):
    """What `<feed>_final` adds to silver.

    `unknown_member`: one more row with the key `UNKNOWN`, for a dimension. `repair_references`:
    a reference that resolves to nothing becomes `UNKNOWN`, for a fact.
    """

    unknown_member: bool = False
    repair_references: bool = False


class Feed(Declared):
    """One declared source: a file in `conf/feeds/`."""

    name: Annotated[str, Field(alias="feed", pattern=_NAME)]
    kind: Literal["changes"]
    files: FilePatterns
    delimiter: Annotated[str, Field(pattern=r'^[^"\r\n\\]$')] = ","
    key: str
    action: str
    unreadable: Literal["reject", "warn"] = "reject"
    columns: Annotated[tuple[Column, ...], BeforeValidator(_columns_by_name), Field(min_length=1)]
    final: Final = Final()

    @model_validator(mode="after")
    def _names_agree(self) -> "Feed":
        names = self.column_names
        if self.key not in names:
            raise ValueError(f"key: no column is called {self.key!r}; there are {', '.join(names)}")
        if self.action in names:
            raise ValueError(f"action: {self.action!r} is a column of the table as well")
        if self.final.unknown_member and self.key_column.type.name != "text":
            raise ValueError("final.unknown_member: the key UNKNOWN needs a key of type text")
        return self

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def key_column(self) -> Column:
        return next(column for column in self.columns if column.name == self.key)

    @property
    def references(self) -> dict[str, str]:
        """Column name -> the feed whose key it holds."""
        return {c.name: c.references for c in self.columns if c.references}

    def required(self, column: Column) -> bool:
        """Whether a row without a readable value of the column is rejected; a key always is."""
        return column.required or column.name == self.key

    def rejects_unreadable(self, column: Column) -> bool:
        """Whether an unreadable cell rejects the row; otherwise it is null and a warning."""
        return self.required(column) or (column.unreadable or self.unreadable) == "reject"
