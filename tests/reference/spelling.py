"""The many spellings of one value, and texts that spell none (contracts: Reading)."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from random import Random

from .tables import Type, Value

PADS = (" ", "  ", "\t", "\u00a0", " \t\u00a0")
OFFSETS = ("", "", "Z", "Z", "Z", "+00:00", "-00:00", "-05:00", "+0530", "+14:00", "-0930")

UNREADABLE: dict[Type, tuple[str, ...]] = {
    Type.INTEGER: ("4.5", "yes", "4e0", "4.", "four", "\u0664", "\uff14", "1_000", "+ 4", "--4"),
    Type.DECIMAL: (
        "4e0",
        "1.00001",
        "123456789",
        "123456789.5",
        "1,5",
        ".5",
        "5.",
        "--1",
        "NaN",
        "Infinity",
        "0x1A",
        "1 000",
        "1_000",
        "\u0661\u0662.5",
    ),
    Type.DATE: (
        "2025-02-30",
        "2025-13-01",
        "15/01/2025",
        "2025-1-5",
        "20250105",
        "2025-01-05T00:00",
        "2025",
        "today",
        "\uff12\uff10\uff12\uff15-01-05",
    ),
    Type.TIMESTAMP: (
        "now",
        "2025",
        "2025-01-05",
        "10:00:00",
        "1736087400",
        "2025-02-29T10:00:00Z",
        "2025-01-05T24:00:00Z",
        "2025-01-05T10:60:00Z",
        "2025-01-05T10:00:60Z",
        "2025-01-05T10:00:00+5",
        "2025-01-05T10:00:00+05",
        "2025-01-05T10:00:00 Z",
        "2025-01-05T10:00:00 UTC",
        "2025-01-05T10:00:00.1234567Z",
        "2025-01-05T10:00:00.Z",
        "2025-01-05t10:00:00Z",
        "2025-01-05T10:00:00z",
        "2025-01-05  10:00:00",
        "2025-1-5T10:00:00Z",
        "2025-01-05T10Z",
        "9999-12-31T23:30:00-05:00",
        "0001-01-01T00:30:00+05:00",
        "\u0662\u0660\u0662\u0665-01-05T10:00:00Z",
    ),
}


def spell(value: Value, rng: Random) -> str:
    """A text that reads as `value`."""
    match value:
        case None:
            return ""
        case str():
            return value
        case datetime():
            return _moment(value, rng)
        case date():
            return value.isoformat()
        case Decimal():
            return _decimal(value, rng)
        case _:
            return _integer(value, rng)


def padded(text: str, rng: Random) -> str:
    """The text, sometimes with blanks at either end or both."""
    draw = rng.random()
    before = rng.choice(PADS) if draw < 0.08 else ""
    after = rng.choice(PADS) if 0.04 < draw < 0.16 else ""
    return f"{before}{text}{after}"


def any_case(text: str, rng: Random) -> str:
    """The text in lower case mostly, else in upper case or with a capital."""
    return rng.choice((text, text, text, text.upper(), text.capitalize()))


def quoted(text: str, rng: Random) -> str:
    """The cell as CSV; quotes where needed and now and then where not."""
    needed = any(mark in text for mark in ',"\r\n')
    return '"' + text.replace('"', '""') + '"' if needed or rng.random() < 0.05 else text


def _integer(number: int, rng: Random) -> str:
    sign = "-" if number < 0 else rng.choice(("", "", "", "+"))
    zeros, fraction = rng.choice(("", "", "00")), rng.choice(("", "", ".0", ".000"))
    return f"{sign}{zeros}{abs(number)}{fraction}"


def _decimal(number: Decimal, rng: Random) -> str:
    sign = "-" if number < 0 else rng.choice(("", "", "", "+"))
    zeros = rng.choice(("", "", "", "0", "000000"))
    text = f"{abs(number):f}"
    point = "" if "." in text else "."
    return f"{sign}{zeros}{text}{rng.choice(('', '', f'{point}0', f'{point}00000'))}"


def _moment(moment: datetime, rng: Random) -> str:
    offset = rng.choice(OFFSETS)
    local = moment.astimezone(_zone(offset))
    text = f"{local:%Y-%m-%d}{rng.choice('TTT ')}{local:%H:%M}"
    digits = f"{local.microsecond:06}"
    shortest = digits.rstrip("0")
    if shortest:
        text += f":{local:%S}.{rng.choice((shortest, digits))}"
    elif local.second or rng.random() < 0.8:
        text += f":{local:%S}{rng.choice(('', '', '', '.0', '.000000'))}"
    return f"{text}{offset}"


def _zone(offset: str) -> timezone:
    if offset in ("", "Z"):
        return UTC
    digits = offset[1:].replace(":", "")
    size = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-size if offset.startswith("-") else size)
