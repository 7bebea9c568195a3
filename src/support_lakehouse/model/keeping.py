"""Owns how far back versions are kept: so many months, as a person says it."""

import re
from calendar import monthrange
from collections.abc import Sequence
from datetime import UTC, datetime

from support_lakehouse.errors import UsageError
from support_lakehouse.model.release import Release

_KEEP = re.compile(r"([0-9]{1,4})-months?")


def months_of(text: str) -> int:
    """The number in `24-months`. Raises UsageError for anything else."""
    match = _KEEP.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"{text!r} is no time", where="--keep", expected="months, as in 24-months")
    return int(match[1])


def first_kept(releases: Sequence[Release], months: int, now: datetime) -> int:
    """The oldest release of the last months; the newest one at least."""
    since = _months_before(now, months).strftime("%Y-%m-%dT%H:%M:%SZ")
    kept = [release.release for release in releases if release.at >= since]
    return min(kept, default=releases[-1].release)


def _months_before(now: datetime, months: int) -> datetime:
    """The same day and time so many months ago, or the last day of that month."""
    year, month = divmod(now.year * 12 + now.month - 1 - months, 12)
    if year < 1:
        return datetime(1, 1, 1, tzinfo=UTC)
    return now.replace(year=year, month=month + 1, day=min(now.day, monthrange(year, month + 1)[1]))
