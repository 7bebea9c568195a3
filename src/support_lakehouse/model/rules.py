"""Owns the rules a feed declares: for its files, their headers, their rows, its deliveries."""

import re
import warnings
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from support_lakehouse.model.declared import Declared

_OTHER_IN_JAVA = re.compile(r"\(\?P|\(\?\(|\(\?[a-zA-Z]*[axLu]|\{(?![0-9]+(,[0-9]*)?\})|&&")
"""Forms that only one of the two engines knows, or reads otherwise: Python checks, Java runs."""
Level = Literal["error", "warn"]
_NOT_OF_THE_ROW = re.compile(
    r"\b(current_\w+|localtimestamp|session_user|_metadata)\b"
    r"|\b(rand|randn|random|uuid|now|curdate|user|version|over|shuffle|input_file_\w+|reflect"
    r"|monotonically_increasing_id|spark_partition_id|java_method|try_reflect|raise_error"
    r"|assert_true|randstr|uniform|window)\s*\(",
    re.IGNORECASE,
)


class _Rule(Declared):
    level: Annotated[
        Level, Field(description="`error` rejects the row; `warn` counts it and lets it stay.")
    ] = "error"
    message: Annotated[
        str | None, Field(min_length=1, description="What people are told instead of the usual.")
    ] = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it speaks of; the first is the one its reasons name."""
        return tuple(getattr(self, name) for name in ("column", "other") if hasattr(self, name))

    @property
    def id(self) -> str:
        """What its reasons are counted under: the rule, and its column if it has one."""
        kind: str = getattr(self, "rule")  # noqa: B009 - each kind declares its own
        return ":".join((kind, *self.columns[:1]))


class Required(_Rule):
    """The cell holds something. The only rule that a null breaks."""

    rule: Literal["required"]
    column: str


class Width(_Rule):
    """The row has as many cells as the header. Broken, it is the row's only reason.

    Every CSV feed has it as an error; declare it with `level: warn` to keep such rows, with
    missing cells null and cells too many left out.
    """

    rule: Literal["width"]


class Length(_Rule):
    """The text of the cell has so many characters. A null is not judged."""

    rule: Literal["length"]
    column: str
    min: Annotated[int, Field(ge=0)] = 0
    max: Annotated[int | None, Field(ge=0)] = None

    @model_validator(mode="after")
    def _bounds(self) -> "Length":
        if self.max is not None and self.max < self.min:
            raise ValueError(f"min {self.min} is above max {self.max}: no text could pass")
        if self.max is None and self.min == 0:
            raise ValueError("say min, max or both")
        return self


class Pattern(_Rule):
    """The whole text of the cell matches a regular expression. A null is not judged."""

    rule: Literal["pattern"]
    column: str
    matches: Annotated[str, Field(min_length=1, max_length=1000)]

    @field_validator("matches")
    @classmethod
    def _compiles(cls, pattern: str) -> str:
        letters = [f"\\{letter}" for letter in re.findall(r"\\(.)", pattern) if letter in "NZ"]
        found = _OTHER_IN_JAVA.search(re.sub(r"\\.", "", pattern))
        odd = letters or ([found[0]] if found else [])
        if odd:
            raise ValueError(f"no pattern that Python and Java read alike: leave {odd[0]} out")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", FutureWarning)  # sets within sets
                re.compile(pattern)
        except FutureWarning as error:
            raise ValueError(f"no pattern that Python and Java read alike: {error}") from error
        except (re.error, OverflowError, RecursionError) as error:
            raise ValueError(f"no regular expression: {error}") from error
        return pattern


class Allowed(_Rule):
    """The text of the cell is one of the values, in any case or exactly. A null is not judged."""

    rule: Literal["allowed"]
    column: str
    values: Annotated[tuple[str, ...], Field(min_length=1)]
    case: Literal["any", "exact"] = "exact"


class Range(_Rule):
    """The value lies from min to max, both included. Null and unreadable cells are not judged.

    Bounds are written as the column's type is: a number, a date, a timestamp, a time.
    """

    rule: Literal["range"]
    column: str
    min: str | int | float | None = None
    max: str | int | float | None = None

    @model_validator(mode="after")
    def _bounds(self) -> "Range":
        if self.min is None and self.max is None:
            raise ValueError("say min, max or both")
        return self


class NotBefore(_Rule):
    """The value of `column` is not before (less than) that of `other`.

    With `equal: false` it must come after. Null and unreadable cells are not judged.
    """

    rule: Literal["not_before"]
    column: str
    other: str
    equal: bool = True


class Expression(_Rule):
    """A Spark SQL expression over the typed columns holds. A null result is not judged broken.

    For what no other rule covers; it needs a name, and a message for people.
    """

    rule: Literal["expression"]
    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    sql: Annotated[str, Field(min_length=1, max_length=4000)]
    message: Annotated[str | None, Field(min_length=1)]

    @field_validator("sql")
    @classmethod
    def _one_expression(cls, sql: str) -> str:
        bare = re.sub(r"'[^']*'", "''", sql)
        if re.search(r"\bselect\b|;|--|/\*", bare, re.IGNORECASE):
            raise ValueError("one expression over the row's columns: no query, `;` or comment")
        found = _NOT_OF_THE_ROW.search(bare)
        if found:
            raise ValueError(
                f"{found[1] or found[2]} tells more than the row does: results would not repeat"
            )
        return sql

    @property
    def id(self) -> str:
        return f"expression:{self.name}"


RowRule = Annotated[
    Required | Width | Length | Pattern | Allowed | Range | NotBefore | Expression,
    Field(discriminator="rule"),
]


class FileRules(Declared):
    """What a file must be before it is opened; a broken rule refuses the whole file."""

    extensions: Annotated[
        tuple[str, ...], Field(description="The endings a name may have, as in `.csv`.")
    ] = ()
    name: Annotated[
        str | None, Field(description="A regular expression for the whole name, without folder.")
    ] = None
    max_name_length: Annotated[int | None, Field(ge=1, description="In characters.")] = None
    max_bytes: Annotated[int | None, Field(ge=1)] = None
    may_be_empty: Annotated[
        bool, Field(description="Whether a file without any record or header is taken.")
    ] = False

    @field_validator("name")
    @classmethod
    def _compiles(cls, pattern: str | None) -> str | None:
        try:
            re.compile(pattern or "")
        except (re.error, OverflowError, RecursionError) as error:
            raise ValueError(f"no regular expression: {error}") from error
        return pattern

    @field_validator("extensions")
    @classmethod
    def _dotted(cls, endings: tuple[str, ...]) -> tuple[str, ...]:
        for ending in endings:
            if not re.fullmatch(r"(\.[A-Za-z0-9]+)+", ending):
                raise ValueError(f"{ending!r} is no ending like .csv or .csv.gz")
        return endings


class HeaderRules(Declared):
    """How a file's columns must be; a broken rule refuses the whole file."""

    present: Annotated[
        bool,
        Field(description="CSV only: without a header, cells stand in the order of `columns`."),
    ] = True
    order: Annotated[
        Literal["by_name", "exact"],
        Field(description="`exact`: the declared columns, in their order, and no other."),
    ] = "by_name"
    drift: Annotated[
        Literal["accept", "refuse"],
        Field(
            description="Columns that nobody declared, and optional ones that are not there:"
            " `accept` (kept in bronze, told in the ledger) or `refuse` the file."
        ),
    ] = "accept"


class DeliveryRules(Declared):
    """Gates: broken, they refuse the run (exit 3) unless `--accept` says that it is meant."""

    max_rejected: Annotated[
        int | None, Field(ge=0, description="At most so many rejected rows in a file.")
    ] = None
    max_rejected_share: Annotated[
        float | None,
        Field(ge=0, le=1, description="At most such a share of a file's rows rejected, as 0.1."),
    ] = None
    min_share_of_previous: Annotated[
        float | None,
        Field(
            ge=0,
            allow_inf_nan=False,
            description="Snapshots: at least such a share of the keys of the delivery before; an"
            " empty delivery is always short.",
        ),
    ] = None
    together_with: Annotated[
        str | None,
        Field(description="Snapshots: a feed that must have a file for each of these periods."),
    ] = None
