"""Owns how one change per key meets a table, as SQL that more than one engine merges by."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sides:
    """What an engine's SQL calls a column of the changes, and one of the table that they meet."""

    source: str
    target: str


SPARK = Sides(source="`_new_{}`", target="`{}`")
DELTA_RS = Sides(source='s."{}"', target='t."{}"')


@dataclass(frozen=True)
class Merge:
    """Delete, full-row update, insert, or nothing.

    `columns` are written, `key` and `row_hash` among them. A row that would not change is left
    alone: its hash is the same, over the feed's columns. To compare these themselves would make
    Delta move them all about.
    """

    key: str
    columns: tuple[str, ...]
    action: str
    row_hash: str

    def on(self, sides: Sides) -> str:
        return f"{sides.target.format(self.key)} = {sides.source.format(self.key)}"

    def delete_when(self, sides: Sides) -> str:
        return f"{sides.source.format(self.action)} = 'delete'"

    def update_when(self, sides: Sides) -> str:
        now, new = sides.target.format(self.row_hash), sides.source.format(self.row_hash)
        return f"{now} IS DISTINCT FROM {new}"

    def insert_when(self, sides: Sides) -> str:
        return f"{sides.source.format(self.action)} <> 'delete'"

    def values(self, sides: Sides) -> dict[str, str]:
        """What each column is set to."""
        return {name: sides.source.format(name) for name in self.columns}
