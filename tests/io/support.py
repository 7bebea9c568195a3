"""What the stories of the data folder share: feeds, files, and the sentence that refuses one."""

from pathlib import Path
from typing import Any

import pytest

from support_lakehouse.io.landing import FileRefused, Listing, scan
from support_lakehouse.model.feed import Feed
from support_lakehouse.model.landing import FoundFile, ScannedFile

INITIAL, FEBRUARY = "initial/things.csv", "delta/things_202502.csv"


def feed(name: str = "things", **changes: Any) -> Feed:
    """A feed of kind `changes` with the columns id and name."""
    declared = {
        "feed": name,
        "kind": "changes",
        "files": {"initial": f"initial/{name}.csv", "changes": f"delta/{name}_{{month}}.csv"},
        "key": "id",
        "action": "action",
        "columns": {"id": "text", "name": "text"},
    }
    return Feed.model_validate(declared | changes)


def deliveries(*files: str, kind: str = "events", **changes: Any) -> Feed:
    """A feed of deliveries with the columns id and name."""
    declared = {
        "feed": "things",
        "kind": kind,
        "files": list(files) or ["things/*"],
        "key": "id",
        "columns": {"id": "text", "name": "text"},
    }
    return Feed.model_validate(declared | changes)


def put(data: Path, path: str, content: str | bytes = "id,name\n") -> Path:
    place = data / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content if isinstance(content, bytes) else content.encode())
    return place


def found(listing: Listing) -> list[tuple[str, str, str]]:
    return [(file.feed, file.path, file.period) for file in listing.found]


def found_file(place: Path, path: str, period: str = "") -> FoundFile:
    return FoundFile("things", path, period, place, place.stat().st_size, 0, 0)


def scanned(
    tmp_path: Path,
    content: str | bytes,
    *,
    of: Feed | None = None,
    path: str = FEBRUARY,
    period: str = "202502",
    block_bytes: int = 16,
) -> ScannedFile:
    told = found_file(put(tmp_path, path, content), path, period)
    return scan(told, of or feed(), block_bytes)


def refused(tmp_path: Path, content: str | bytes, **options: Any) -> str:
    """The sentence that refuses the content."""
    with pytest.raises(FileRefused) as error:
        scanned(tmp_path, content, **options)
    return str(error.value)
