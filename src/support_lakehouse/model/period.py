"""Owns what a file's name says it is for: `initial`, 202502, 2026-01-02, or nothing."""

import re
from datetime import date

INITIAL, NO_PERIOD = "initial", ""
_MONTH = re.compile(r"[0-9]{4}(0[1-9]|1[0-2])")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def is_month(text: str) -> bool:
    """Whether the text is a month of the calendar, as in `202502`."""
    return _MONTH.fullmatch(text) is not None and not text.startswith("0000")


def is_day(text: str) -> bool:
    """Whether the text is a day of the calendar, as in `2026-01-02`."""
    if _DAY.fullmatch(text) is None:
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def period_order(period: str) -> tuple[bool, str]:
    """What periods are sorted by: `initial` before every other, a month behind its days."""
    return (period != INITIAL, f"{period[:4]}-{period[4:]}-99" if is_month(period) else period)
