"""Rows of groups B and D with what may be wrong in them, drawn from a seed."""

from datetime import UTC, datetime, timedelta
from random import Random

from .careless import ABSENT, ODD_TEXTS, Raw
from .spelling import UNREADABLE, padded, spell
from .tables import Type

FIRST_DAY = datetime(2026, 1, 2, tzinfo=UTC)
ISSUES = ("billing", "login", "claims", "benefits", "other")
RESOLUTIONS = ("resolved", "escalated", "dropped", "open")
RATINGS = (5, 4.5, 1, None, ABSENT, "4", "4.50", " +2 ", "", Raw("3e0"), Raw("1.50"), Raw("25E-1"))
LENGTHS = (1, 59, 0.000001, 0.299999, 0.3, 1.5, 61.25, 3599.999999, 86400)

WRONG_TIMES: tuple[object, ...] = (
    ABSENT,
    None,
    "",
    " \u00a0",
    20260105,
    True,
    [],
    {},
    *UNREADABLE[Type.TIMESTAMP],
)
WRONG_TEXTS: tuple[object, ...] = ([], {}, ["billing"], {"code": 7})
WRONG_FIELDS: dict[str, tuple[object, ...]] = {
    "call_id": (ABSENT, None, "", "\t ", *WRONG_TEXTS),
    "start_time": WRONG_TIMES,
    "end_time": WRONG_TIMES,
    "rating": ("good", True, [4], {}, "4e0", "1,5", "NaN", ".5", Raw("1e999")),
    "agent_id": WRONG_TEXTS,
    "customer_id": WRONG_TEXTS,
    "issue_type": WRONG_TEXTS,
    "resolution": WRONG_TEXTS,
}

STATUSES = ("COMPLETED", "COMPLETED", "DROPPED", "FAILED")
WRONG_IDS = ("A12", "4.0", "+5", "-5", "1 2", "\uff11\uff12", "=1+1", "12;", "0x1", "call-7")
WRONG_CLOCKS = (
    *("24:00:00", "9:05:00", "12:60:00", "12:00:60", "12:00", "12:00:00.5", "120000"),
    *("12:00:00Z", "2026-01-02T12:00:00", "noon", "12:00:00 PM", "-1:00:00", "12.30.00"),
)
WRONG_STATUSES = (
    "completed",
    "Dropped",
    "UNKNOWN",
    "COMPLETE",
    "=FAILED",
    "DROP\nPED",
    "FAIL\r\nED",
)
WRONG_CELLS = (
    ("", *WRONG_IDS),
    WRONG_IDS,
    WRONG_IDS,
    ("", *WRONG_CLOCKS),
    ("", *WRONG_CLOCKS),
    ("", *WRONG_STATUSES),
)


def good_call(rng: Random, key: str) -> dict[str, object]:
    """A call that is accepted without a warning."""
    start = FIRST_DAY + timedelta(seconds=rng.randrange(5 * 86400))
    length = rng.choice(LENGTHS) if rng.random() < 0.4 else rng.randrange(1, 7200)
    return {
        "call_id": Raw(key) if key.isdigit() and rng.random() < 0.5 else padded(key, rng),
        "agent_id": rng.choice((None, ABSENT, "", *(f"A-{n:02}" for n in range(1, 13)))),
        "customer_id": rng.choice((None, f"customer-{rng.randrange(90)}", rng.randrange(90))),
        "start_time": padded(spell(start, rng), rng),
        "end_time": spell(start + timedelta(seconds=length), rng),
        "issue_type": rng.choice((None, ABSENT, True, *ISSUES, *ODD_TEXTS)),
        "resolution": rng.choice((None, "  ", 7, *RESOLUTIONS, *ODD_TEXTS)),
        "rating": rng.choice(RATINGS),
    }


def bad_call(rng: Random, key: str) -> dict[str, object]:
    """A call with one to three wrong fields, or one that takes no time or less."""
    call = good_call(rng, key)
    if rng.random() < 0.25:
        end = FIRST_DAY + timedelta(seconds=rng.randrange(86400))
        later = timedelta(seconds=rng.choice((0, 0, 1, 0.5, 3600)))
        call |= {"start_time": spell(end + later, rng), "end_time": spell(end, rng)}
        return call | ({"call_id": None} if rng.random() < 0.3 else {})
    for name in rng.sample(sorted(WRONG_FIELDS), k=rng.choice((1, 1, 2, 3))):
        call[name] = rng.choice(WRONG_FIELDS[name])
    return call


def good_cells(rng: Random, key: str) -> list[str]:
    """A row of the call-centre log that is accepted; some run past midnight."""
    start = FIRST_DAY + timedelta(seconds=rng.randrange(86400))
    end = start + timedelta(seconds=rng.choice((0, 1, rng.randrange(7200), rng.randrange(86400))))
    return [
        rng.choice((key, key, f"00{key}")),
        rng.choice(("", f"{rng.randrange(900000, 900100)}")),
        rng.choice(("", f"{rng.randrange(300, 310)}", "12345678901234567890123")),
        f"{start:%H:%M:%S}",
        f"{end:%H:%M:%S}",
        rng.choice(STATUSES),
    ]


def bad_cells(rng: Random, key: str) -> list[str]:
    """A row with one to five wrong cells, or with too few or too many."""
    cells = good_cells(rng, key)
    match rng.randrange(8):
        case 0:
            return cells[: rng.randrange(2, 6)]
        case 1:
            return cells + rng.choice(([""], ["extra"], ["=1+1", ""]))
        case 2:
            return [""] * 6
        case _:
            for place in rng.sample(range(6), k=rng.choice((1, 1, 2, 3, 5))):
                cells[place] = rng.choice(WRONG_CELLS[place])
            return cells
