"""Owns what a feed declares: its kind, its files, its key, its columns, its rules."""

import difflib
import hashlib
import re
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from support_lakehouse.model.column import NAME, NUMBERS, Column, ColumnType, columns_by_name
from support_lakehouse.model.declared import Declared
from support_lakehouse.model.patterns import FilePatterns
from support_lakehouse.model.rules import (
    Allowed,
    DeliveryRules,
    Expression,
    FileRules,
    HeaderRules,
    NotBefore,
    Pattern,
    Range,
    Required,
    RowRule,
    Width,
)

Kind = Literal["changes", "events", "log", "snapshot", "lookup"]
FormatName = Literal["csv", "json", "json_lines", "json_array", "json_object"]


class Final(Declared):
    """What `<feed>_final` adds to silver."""

    unknown_member: Annotated[
        bool, Field(description="One more row with the key `UNKNOWN`, for a dimension.")
    ] = False
    repair_references: Annotated[
        bool, Field(description="A reference that resolves to nothing becomes `UNKNOWN`.")
    ] = False


class Feed(Declared):
    """One declared source: a file in `conf/feeds/`."""

    name: Annotated[str, Field(alias="feed", pattern=NAME, max_length=100)]
    kind: Annotated[
        Kind,
        Field(
            description="`changes` (an extract, then monthly change files with an action),"
            " `events` (a delivery upserts by key), `log` (each row stands for itself), `snapshot`"
            " (a delivery is the whole truth of its date), `lookup` (the last delivery is the"
            " table)."
        ),
    ]
    group: Annotated[
        str | None,
        Field(
            pattern=NAME,
            description="Feeds that arrive together. A group without any file is not worked on; a"
            " `changes` feed of a group that has files must have its extract.",
        ),
    ] = None
    files: Annotated[FilePatterns, BeforeValidator(lambda v: _deliveries(v))]
    format: Annotated[
        FormatName,
        Field(
            description="`csv`, `json_lines`, `json_array`, `json_object` (one object per file), or"
            " `json`: whichever of the three a file turns out to be. Each may be gzipped, its name"
            " ending in .gz."
        ),
    ] = "csv"
    delimiter: Annotated[str, Field(pattern=r'^[^"\r\n\\\x00A-Za-z0-9]$')] = ","
    quoting: Annotated[
        bool, Field(description='CSV: whether `"` encloses cells; otherwise it is text.')
    ] = True
    silver: Annotated[
        str | None, Field(pattern=NAME, description="The silver table. Without it the feed's name.")
    ] = None
    key: Annotated[
        str | None,
        Field(description="The column that tells rows apart. A `log` needs none."),
    ] = None
    action: Annotated[
        str | None, Field(description="Kind `changes`: the column with add, update or delete.")
    ] = None
    order: Annotated[
        tuple[str, ...],
        Field(description="Columns that decide, before file and line, which row of a key is last."),
    ] = ()
    absent: Annotated[
        Literal["remove", "keep"],
        Field(
            description="Snapshots: whether a key that the latest delivery lacks leaves the table"
            " of the latest state."
        ),
    ] = "remove"
    corrections: Annotated[
        Literal["refuse", "accept"],
        Field(description="The same path with other bytes: refused, or taken in its place."),
    ] = "refuse"
    unreadable: Annotated[
        Literal["reject", "warn"],
        Field(description="What a cell that is not of its type does, unless its column says."),
    ] = "reject"
    file: FileRules = FileRules()
    header: HeaderRules = HeaderRules()
    delivery: DeliveryRules = DeliveryRules()
    columns: Annotated[tuple[Column, ...], BeforeValidator(columns_by_name), Field(min_length=1)]
    rules: Annotated[tuple[RowRule, ...], Field(max_length=200)] = ()
    final: Final = Final()

    @model_validator(mode="after")
    def _kind_has_what_it_needs(self) -> "Feed":
        changes = self.kind == "changes"
        if changes and not (self.files.initial and self.files.changes and self.action):
            raise ValueError("kind changes needs files.initial, files.changes and action")
        if not changes and (self.files.initial or self.files.changes or self.action):
            raise ValueError(f"files.initial, files.changes and action are not for {self.kind}")
        if not changes and not self.files.deliveries:
            raise ValueError(f"kind {self.kind} needs files.deliveries, a path or a list of paths")
        if self.kind != "log" and self.key is None:
            raise ValueError(f"kind {self.kind} needs a key")
        if self.kind == "snapshot" and self.files.place not in ("date", "day"):
            raise ValueError("kind snapshot needs {date} or {day} in its paths")
        if self.kind != "snapshot" and self.files.place == "day":
            raise ValueError("{day} is for snapshots; write {date}")
        if len({p.place for p in self.files.patterns if p.text != self.files.initial}) > 1:
            raise ValueError("files: all paths must tell the same kind of period")
        if self.kind != "snapshot" and (
            self.delivery.min_share_of_previous is not None or self.delivery.together_with
        ):
            raise ValueError("delivery: min_share_of_previous and together_with are for snapshots")
        if self.kind != "snapshot" and self.absent != "remove":
            raise ValueError("absent is for snapshots")
        if self.delivery.together_with == self.name:
            raise ValueError("delivery.together_with: a feed always comes with itself")
        if self.header.order == "exact" and not self.header.present:
            raise ValueError("header.order exact needs a header")
        if self.format != "csv" and any(
            (self.delimiter != ",", not self.quoting, not self.header.present, self._ordered)
        ):
            raise ValueError(f"delimiter, quoting and header are for csv, not for {self.format}")
        return self

    @model_validator(mode="after")
    def _names_agree(self) -> "Feed":
        names = self.column_names
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise ValueError(f"columns: {', '.join(sorted(twice))} stands twice")
        if self.key is not None:
            self._check_column("key", self.key)
        if self.action in names:
            raise ValueError(f"action: {self.action!r} is a column of the table as well")
        for name in self.order:
            self._check_column("order", name)
        if len(set(self.order)) < len(self.order):
            raise ValueError("order: a column stands twice")
        for column in self.columns:
            if column.optional and self.required_column(column.name):
                raise ValueError(f"columns.{column.name}: both required and optional")
            if column.references and self.final.repair_references and column.type.name != "text":
                raise ValueError(
                    f"columns.{column.name}: final.repair_references writes UNKNOWN, which is text"
                )
        if self.final.unknown_member and (
            self.key is None or self.column(self.key).type.name != "text"
        ):
            raise ValueError("final.unknown_member: the key UNKNOWN needs a key of type text")
        if self.format == "csv" and any(column.path for column in self.columns):
            raise ValueError("columns: `path` is for JSON; a CSV column goes by its name")
        return self

    @model_validator(mode="after")
    def _rules_agree(self) -> "Feed":
        for number, rule in enumerate(self.rules):
            where = f"rules.{number} ({rule.rule})"
            for name in rule.columns:
                self._check_column(where, name)
            if isinstance(rule, Width) and self.format != "csv":
                raise ValueError(f"{where}: is for csv, not for {self.format}")
            same = [r for r in self.rules if r.id == rule.id]
            if len({r.level for r in same}) > 1 or (
                len(same) > 1 and isinstance(rule, Required | Range | Allowed | Expression)
            ):
                raise ValueError(f"{where}: said twice of the same column, and not the same")
            if (
                isinstance(rule, Required)
                and rule.level == "warn"
                and self.required_column(rule.column)
            ):
                raise ValueError(f"{where}: warns of {rule.column}, which is required")
            if isinstance(rule, Range):
                self._check_range(where, rule)
            if isinstance(rule, NotBefore):
                self._check_comparable(where, rule)
        self._check_allowed()
        return self

    def _check_column(self, where: str, name: str) -> None:
        if name not in self.column_names:
            near = difflib.get_close_matches(name, self.column_names, n=1)
            meant = f"; did you mean {near[0]}?" if near else f"; there are {self._listed}"
            raise ValueError(f"{where}: no column is called {name!r}{meant}")

    def _check_range(self, where: str, rule: Range) -> None:
        from support_lakehouse.model.bounds import bound

        type_ = self.column(rule.column).type
        if type_.name in ("text", "boolean"):
            raise ValueError(f"{where}: {rule.column} is {type_}, which has no range")
        low, high = (None if b is None else bound(b, type_) for b in (rule.min, rule.max))
        # Both are of the type's own kind, so they compare.
        if low is not None and high is not None and low > high:  # type: ignore[operator]
            raise ValueError(f"{where}: min {rule.min} is above max {rule.max}: nothing could pass")

    def _check_comparable(self, where: str, rule: NotBefore) -> None:
        types = [self.column(name).type.name for name in (rule.column, rule.other)]
        if types[0] != types[1] and not all(name in NUMBERS for name in types):
            raise ValueError(f"{where}: {rule.column} is {types[0]} and {rule.other} is {types[1]}")
        if rule.column == rule.other:
            raise ValueError(f"{where}: a column is compared with itself")

    def _check_allowed(self) -> None:
        """A value that another rule of the column forbids can never be meant."""
        patterns = {r.column: r.matches for r in self.rules if isinstance(r, Pattern)}
        for rule in self.rules:
            if isinstance(rule, Allowed) and rule.column in patterns:
                odd = [v for v in rule.values if not re.fullmatch(patterns[rule.column], v)]
                if odd:
                    raise ValueError(
                        f"rules: {rule.column} may be {odd[0]!r} by `allowed`, which its `pattern`"
                        " forbids"
                    )

    @property
    def _listed(self) -> str:
        return ", ".join(self.column_names)

    @property
    def _ordered(self) -> bool:
        return self.header.order == "exact"

    @cached_property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)

    @property
    def is_json(self) -> bool:
        return self.format != "csv"

    @property
    def table(self) -> str:
        """The silver table, by its path under the lakehouse."""
        return f"silver/{self.silver or self.name}"

    @property
    def tables(self) -> tuple[str, ...]:
        """The silver tables that its files make: for a snapshot also the one with all dates."""
        return (self.table, self.history) if self.kind == "snapshot" else (self.table,)

    @property
    def is_dated(self) -> bool:
        """Whether its table has a version for each of its periods."""
        return self.kind in ("changes", "events") and self.files.place is not None

    @property
    def history(self) -> str:
        """The silver table that holds a snapshot's rows by date."""
        return f"{self.table}_history"

    @property
    def fingerprint(self) -> str:
        """The sha256 of what is declared, however the file is laid out or commented."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()

    @property
    def group_name(self) -> str:
        return self.group or self.name

    @property
    def references(self) -> dict[str, str]:
        """Column name -> the feed whose key it holds."""
        return {c.name: c.references for c in self.columns if c.references}

    def required_column(self, name: str) -> bool:
        """Whether a row without a value in the column is rejected; a key always is required."""
        return self.column(name).required or name == self.key

    def rejects_unreadable(self, column: Column) -> bool:
        """Whether an unreadable cell rejects the row; otherwise it is null and a warning."""
        if column.unreadable is not None:
            return column.unreadable == "reject" or self.required_column(column.name)
        return self.required_column(column.name) or self.unreadable == "reject"


def _deliveries(value: Any) -> Any:
    return {"deliveries": value} if isinstance(value, str | list | tuple) else value


__all__ = ["Column", "ColumnType", "Declared", "Feed", "FilePatterns", "Final"]
