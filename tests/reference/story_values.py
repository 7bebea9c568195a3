"""What the cells of a generated history may hold: names, references, moments, numbers."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random

from .tables import AGENTS, CONTACT_CENTERS, INTERACTIONS, SERVICE_CATEGORIES, Row, Type, Value

POOLS: dict[str, tuple[str, ...]] = {
    CONTACT_CENTERS.key: ("CC001", "CC002", "CC003", "CC004", "cc001", "=CC", "中心"),
    SERVICE_CATEGORIES.key: ("TECH", "BILL", "CLMS", "BENE", "ACCT", "GENQ", "007", "7"),
    AGENTS.key: tuple(f"AGT{number:03}" for number in range(1, 13)),
}
NEVER_DELIVERED = ("NOWHERE", "UNKNOWN", "tech", "0")

CENTRE_NAMES = ("Boston MA NE", "Boston MA NE", "Atlanta GA SE", "Richmond VA E", "Zürich, CH")
DEPARTMENTS = ("IT", "Finance", "Operations", "Customer Service", "Unknown", 'R "and" D')
CHANNELS = ("phone", "phone", "Phone", "PHONE", "pHoNe", "web", "email", "telephone", "phone call")
ODD_TEXTS = (
    "=1+1",
    "-x",
    "+1",
    "@a",
    "-5",
    "-1e5",
    "=SUM(A1,B1)",
    'say "hi", twice',
    '"',
    "O'Brien",
    "'quoted",
    "a  b",
    "Zoë Müller",
    "東京",
    "\uff5e wave",
    "\U0001f600 smile",
    "null",
    "1.0",
    "true",
    "back\\slash",
    "semi;colon",
)
BROKEN_TEXTS = ("two\nlines", "two\r\nlines", "gap\n\n  \nend", '"a",\n"b"', "lone\rreturn")

ORDINARY_TEXTS = {
    "contact_center_name": CENTRE_NAMES,
    "department": DEPARTMENTS,
    "channel": CHANNELS,
}


class Values:
    """Draws rows; `months` are the first days that interactions may fall around."""

    def __init__(self, rng: Random, months: list[date]) -> None:
        self._rng = rng
        self._months = months
        self._breaks = rng.random() < 0.5

    def row(self, columns: dict[str, Type], key: str) -> Row:
        """A whole row for a key, the key column first."""
        names = list(columns)
        drawn = {name: self._value(name, columns[name]) for name in names[1:]}
        return {names[0]: key, **drawn}

    def _value(self, name: str, kind: Type) -> Value:
        rng = self._rng
        if name in POOLS:
            return self._reference(name)
        if name == INTERACTIONS.required[1]:
            return self._moment()
        if rng.random() < 0.12:
            return None
        match kind:
            case Type.TEXT:
                return self._text(name)
            case Type.INTEGER:
                return rng.choice((1, 2, 3, 4, 5, 5, 0, -1))
            case Type.DECIMAL:
                return self._minutes()
            case Type.DATE:
                return date(2024, 1, 1) + timedelta(days=rng.randrange(500))
            case Type.TIMESTAMP:
                return self._moment()

    def _reference(self, name: str) -> str | None:
        """To a row that is there, comes later, goes away, never comes; or to none."""
        draw = self._rng.random()
        if draw < 0.06:
            return None
        return self._rng.choice(NEVER_DELIVERED if draw < 0.14 else POOLS[name])

    def _text(self, name: str) -> str:
        draw = self._rng.random()
        if self._breaks and draw < 0.06:
            return self._rng.choice(BROKEN_TEXTS)
        if draw < 0.25:
            return self._rng.choice(ODD_TEXTS)
        ordinary = ORDINARY_TEXTS.get(name) or (f"Name {self._rng.randrange(100)}",)
        return self._rng.choice(ordinary)

    def _moment(self) -> datetime:
        """Any time of a month, or near its edge in the -05:00 zone."""
        rng = self._rng
        first = datetime.combine(rng.choice(self._months), datetime.min.time(), UTC)
        if rng.random() < 0.3:
            edge = first + timedelta(hours=5)
            return edge + rng.choice((-1, 0, 1)) * timedelta(microseconds=rng.choice((1, 500000)))
        moment = first + timedelta(minutes=rng.randrange(28 * 24 * 60))
        odd_seconds = timedelta(seconds=rng.choice((0, 0, 0, 1, 59)))
        return moment + odd_seconds + timedelta(microseconds=rng.choice((0, 0, 0, 250000, 7)))

    def _minutes(self) -> Decimal:
        """Up to four places; sometimes zero, negative, or the largest that fits."""
        rng = self._rng
        if rng.random() < 0.05:
            return rng.choice((Decimal("99999999.9999"), Decimal("-99999999.9999"), Decimal(0)))
        places = rng.choice((0, 0, 1, 1, 2, 4))
        number = Decimal(rng.randrange(60 * 10**places)).scaleb(-places)
        return -number if rng.random() < 0.08 else number
