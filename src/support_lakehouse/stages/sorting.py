"""Owns what becomes of each file that was found: loaded, skipped, held or refused."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from support_lakehouse.errors import Refusal
from support_lakehouse.io import landing
from support_lakehouse.model.books import LedgerEntry
from support_lakehouse.model.feed import Feed
from support_lakehouse.model.landing import FoundFile, ScannedFile
from support_lakehouse.model.release import Release
from support_lakehouse.stages.asked import Asked


@dataclass
class Sorting:
    """Files as they are sorted; `refusals` may begin with those of files that have no day.

    `ledger` are the files that count before the run, `aside` what was withdrawn or is held, `out`
    those of the ledger that the run takes out.
    """

    asked: Asked
    releases: Sequence[Release]
    ledger: Sequence[LedgerEntry]
    aside: Sequence[LedgerEntry]
    out: Collection[LedgerEntry]
    refusals: list[Refusal]
    load: list[ScannedFile] = field(default_factory=list)
    corrected: list[LedgerEntry] = field(default_factory=list)
    skipped: list[FoundFile] = field(default_factory=list)
    held: list[FoundFile] = field(default_factory=list)

    def sort(self, files: Sequence[FoundFile], feeds: Mapping[str, Feed]) -> None:
        """Sort files of these feeds, by name."""
        loaded = {entry.place: entry for entry in self.ledger}
        for file in files:
            feed, entry = feeds[file.feed], loaded.get((file.feed, file.path))
            aside = self._put_aside(file)
            if aside is None:
                self._compare(file, feed, entry)
            elif aside.state == "held" and "held" in self.asked.accept:
                self._scan(file, feed, entry)
            elif aside.state == "held":
                self.held.append(file)

    def _compare(self, file: FoundFile, feed: Feed, entry: LedgerEntry | None) -> None:
        """Sort a file that nobody put aside by what was loaded under its path."""
        if entry is None:
            self._scan(file, feed, entry)
        elif _is_same(file, entry, rehash=self.asked.rehash):
            self.skipped += [] if entry in self.out else [file]
        elif entry in self.out or self._takes_corrections(feed):
            self._scan(file, feed, entry)
        else:
            self.refusals.append(_correction(file, entry, self.releases))

    def _put_aside(self, file: FoundFile) -> LedgerEntry | None:
        """The entry that put these bytes aside; of one path there may be several contents."""
        place = (file.feed, file.path)
        same = (e for e in self.aside if e.place == place and not e.is_second)
        return next((e for e in same if _is_same(file, e, rehash=True)), None)

    def _takes_corrections(self, feed: Feed) -> bool:
        return feed.corrections == "accept" or "corrections" in self.asked.accept

    def _scan(self, found: FoundFile, feed: Feed, before: LedgerEntry | None) -> None:
        try:
            self.load.append(landing.scan(found, feed))
        except landing.FileRefused as refused:
            self.refusals.append(Refusal(found.feed, found.path, str(refused)))
            return
        if before is not None:
            self.corrected.append(before)


def _is_same(found: FoundFile, entry: LedgerEntry, *, rehash: bool) -> bool:
    """Whether the file has the bytes that were loaded; unchanged times spare the hash."""
    told = (found.size, found.mtime_ns, found.inode)
    if told == (entry.size, entry.mtime_ns, entry.inode) and not rehash:
        return True
    return found.size == entry.size and landing.sha256_of(found.location) == entry.sha256


def _correction(found: FoundFile, entry: LedgerEntry, releases: Sequence[Release]) -> Refusal:
    at = next((r.at for r in releases if r.release == entry.release), "earlier")
    return Refusal(
        found.feed,
        found.path,
        f"{found.path} was loaded in release {entry.release} ({at}) with other bytes: sha256"
        f" {entry.sha256[:12]} then, {landing.sha256_of(found.location)[:12]} now. Expected a file"
        " to stay as it was; put the old one back, or take the new one in its place with --accept"
        " corrections.",
    )
