"""Owns why a row of one release is not as in another: which file decides it, and what befell it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from support_lakehouse.io import lake, ops
from support_lakehouse.model.books import LedgerEntry
from support_lakehouse.model.feed import Feed
from support_lakehouse.model.period import period_order
from support_lakehouse.model.release import Release, maker_of
from support_lakehouse.stages.places import Place, Places, places_of
from support_lakehouse.stages.release import code_fingerprint
from support_lakehouse.stages.released import REPORT, Released
from support_lakehouse.transforms import moves
from support_lakehouse.transforms.difference import Cause

Identity = tuple[str, str, str]
_WAS_THERE = ("loaded", "withdrawn")


@dataclass(frozen=True)
class Side:
    """One feed in one of the two states that are compared."""

    released: Released
    feed: Feed
    places: Places
    ledger: tuple[LedgerEntry, ...]

    @property
    def release(self) -> Release:
        return self.released.release

    def identity(self, place: Place) -> Identity:
        """What a record is, whenever it was admitted: file, content, how it came back if it did."""
        entry = self.places.entry(place[0])
        if entry is None:
            return (place[0], "", "")
        admission = self.places.admission(place)
        return (place[0], entry.sha256, admission if admission != entry.admissions[0] else "")

    def has(self, identity: Identity) -> bool:
        """Whether such a record counts on this side."""
        file, sha256, returned = identity
        entry = self.places.entry(file)
        if entry is None or entry.sha256 != sha256:
            return False
        return not returned or returned in entry.admissions

    def deletes(self, keys: Collection[str]) -> dict[str, Place]:
        """The last record that counts and takes a key out, for each of some keys."""
        table = f"bronze/{self.feed.name}"
        state = self.release.tables.get(table)
        if not keys or state is None:
            return {}
        pinned = {"bronze": (self.released.lakehouse / table, state.version)}
        rows = lake.query(moves.DELETES, pinned).to_pylist()
        own = [r for r in rows if r["key"] in keys and self.places.has(r["admission"])]
        own.sort(key=lambda r: (period_order(r["period"]), r["file"].encode(), r["line"]))
        return {r["key"]: (r["file"], r["line"]) for r in own}


def side_of(released: Released, releases: Sequence[Release], feed: Feed, *, counts: bool) -> Side:
    """A feed as a release, perhaps as of a month, has it; no file of it where none `counts`."""
    state = released.release.tables[ops.FILES]
    ledger = ops.read_files(released.lakehouse, state.version) if counts else []
    own = tuple(entry for entry in ledger if entry.feed == feed.name)
    places = places_of(released, releases, feed)
    return Side(released, feed, places if counts else replace(places, entries=()), own)


@dataclass
class Deciding:
    """Two sides of a feed, the earlier first, and what was decided between them."""

    before: Side
    after: Side
    releases: Sequence[Release]
    journal: Sequence[ops.Decision]
    told: dict[tuple[Identity | None, Identity | None], Cause] = field(default_factory=dict)

    def cause(self, was: Place | None, now: Place | None) -> Cause:
        """Why a row is what `now` says and no more what `was` says; None for no record at all."""
        identities = (
            self.before.identity(was) if was else None,
            self.after.identity(now) if now else None,
        )
        if identities not in self.told:
            self.told[identities] = self._cause(*identities)
        return self.told[identities]

    def _cause(self, was: Identity | None, now: Identity | None) -> Cause:
        if now is not None and not self.before.has(now):
            return self._added(now)
        if was is not None and not self.after.has(was):
            return self._removed(was)
        file = (now or was or ("",))[0]
        return self.otherwise(file)

    def otherwise(self, file: str = "", today: str = "") -> Cause:
        """What remains where the same records count: they are judged or reckoned otherwise.

        `today` is the fingerprint of the configuration by which causes are reckoned.
        """
        sides = (self.before.release, self.after.release)
        before, after = (maker_of(REPORT, side, self.releases) for side in sides)
        number = self.after.release.release
        if len({before.config, after.config, today or after.config}) > 1:
            return Cause("rule", file, number, "the configuration changed")
        if len({before.code, after.code, code_fingerprint() if today else after.code}) > 1:
            return Cause("code", file, number, "the program changed")
        return Cause("", file, number, "nobody can say why")

    def _added(self, now: Identity) -> Cause:
        file, sha256, returned = now
        entry = self.after.places.entry(file)
        assert entry is not None
        places = self.after.places
        release = places.release_of(returned or entry.admissions[0])
        if self._rollbacks and release <= self.before.release.release:
            return self._back(file)
        if returned:
            return Cause("replayed", file, release, self._how_it_came_back(release))
        others = [e for e in self.before.ledger if e.file == file and e.state in _WAS_THERE]
        if others and all(e.sha256 != sha256 for e in others):
            return Cause("corrected", file, release, f"came again in release {release}")
        newest = max(
            (period_order(e.period) for e in self.before.places.entries), default=(False, "")
        )
        if period_order(entry.period) < newest:
            return Cause("late", file, release, f"came late, in release {release}")
        return Cause("new", file, release, f"came in release {release}")

    def _removed(self, was: Identity) -> Cause:
        file, sha256, returned = was
        entries = [e for e in self.after.ledger if e.file == file and not e.is_second]
        same = next((e for e in entries if e.sha256 == sha256), None)
        loaded = next((e for e in entries if e.state == "loaded"), None)
        if same is not None and same.state == "withdrawn":
            decided = self._decision("withdrawn", file)
            release = decided.release if decided else self.after.release.release
            return Cause("withdrawn", file, release, _said("taken out", release, decided))
        if self._rollbacks and ((same is not None and same.state == "held") or returned):
            return self._back(file)
        if same is not None and returned:
            release = self.after.release.release
            return Cause("replayed", file, release, "what came back was forgotten by a reset")
        if same is not None and same.state == "loaded":
            return Cause("new", file, same.release, f"tells of {same.period}")
        if loaded is not None:
            return Cause(
                "corrected", file, loaded.release, f"came again in release {loaded.release}"
            )
        release = self.after.release.release
        return Cause("withdrawn", file, release, "was not there at a reset")

    def _back(self, file: str) -> Cause:
        decided = self._rollbacks[-1]
        said = f"rolled back {decided.what}"
        return Cause("rollback", file, decided.release, _said(said, decided.release, decided))

    def _how_it_came_back(self, release: int) -> str:
        by_hand = any(
            d.release == release and d.decision == "corrected by hand" for d in self.journal
        )
        how = "corrected by hand" if by_hand else "judged again by other rules"
        return f"came back from quarantine in release {release}, {how}"

    @cached_property
    def _rollbacks(self) -> list[ops.Decision]:
        low, high = self.before.release.release, self.after.release.release
        return [d for d in self.journal if d.decision == "rolled back" and low < d.release <= high]

    def _decision(self, word: str, what: str) -> ops.Decision | None:
        own = [d for d in self.journal if (d.decision, d.what) == (word, what)]
        return own[-1] if own else None


def _said(what: str, release: int, decided: ops.Decision | None) -> str:
    why = f": {decided.why}" if decided and decided.why else ""
    return f"{what} in release {release}{why}"
