"""Owns what a file's name says it is for: `initial`, or a month written 202502."""

import re

INITIAL = "initial"
_MONTH = re.compile(r"[0-9]{4}(0[1-9]|1[0-2])")


def is_month(text: str) -> bool:
    """Whether the text is a month of the calendar, as in `202502`."""
    return _MONTH.fullmatch(text) is not None and not text.startswith("0000")


def period_order(period: str) -> tuple[bool, str]:
    """What periods are sorted by: `initial` comes before every month."""
    return (period != INITIAL, period)
