"""Records of group C with what may be wrong in them, drawn from a seed."""

from datetime import UTC, datetime, timedelta
from random import Random

from .careless import ABSENT, ODD_TEXTS, Raw
from .spelling import UNREADABLE, any_case, padded, spell
from .tables import Type

ID_BASE = 11100000000
CONTACT = ("email", "name", "job_title", "language", "mobile", "phone", "time_zone")
REQUIRED = ("email", "name")
NO_CONTACTS: tuple[object, ...] = (ABSENT, None, "none", [], 5, {})
TITLES = ("Support", "Team lead", None, ABSENT, 7, *ODD_TEXTS)

WRONG_IDS: tuple[object, ...] = (
    ABSENT,
    None,
    "",
    " ",
    "abc",
    True,
    Raw("4.5"),
    "4.5",
    {},
    [1],
    str(2**63),
    "1 1",
)
WRONG_MOMENTS: tuple[object, ...] = (
    "not-a-timestamp",
    0,
    True,
    [],
    {},
    *UNREADABLE[Type.TIMESTAMP],
)
WRONG_BOOLEANS: tuple[object, ...] = ("maybe", "yes", 1, 0, [], {}, "truee")
WRONG_TEXTS: tuple[object, ...] = ([], {}, ["x"], {"a": 1})
WRONG_REQUIRED: tuple[object, ...] = (ABSENT, None, "", " \u00a0", *WRONG_TEXTS)
WRONG_TOP: dict[str, tuple[object, ...]] = {
    "id": WRONG_IDS,
    "available": WRONG_BOOLEANS,
    "focus_mode": WRONG_BOOLEANS,
    "agent_operational_status": WRONG_TEXTS,
    "last_active_at": WRONG_MOMENTS,
    "created_at": WRONG_MOMENTS,
    "updated_at": WRONG_MOMENTS,
}


def good_agent(rng: Random, number: int, day: datetime) -> dict[str, object]:
    """A record that is accepted without a warning: nested, flat, or some of both."""
    contact = _contact(rng, number)
    agent = {
        "id": spelled_id(rng, number),
        "org_agent_id": f"{9000 + number}",
        "available": _boolean(rng),
        "deactivated": rng.choice((True, False)),
        "focus_mode": _boolean(rng),
        "agent_operational_status": rng.choice(("online", "offline", "on break", None, ABSENT)),
        "last_active_at": _moment(rng, day),
        "created_at": _moment(rng, day),
        "updated_at": _moment(rng, day),
        "role_ids": [1, 2],
        "signature": rng.choice(ODD_TEXTS),
        "surprise": rng.choice((ABSENT, ABSENT, {"deep": [1, {"er": None}]})),
    }
    match rng.randrange(4):
        case 0:
            return {**agent, **contact, "contact": rng.choice(NO_CONTACTS)}
        case 1:
            return {**agent, **_shared(rng, contact)}
        case _:
            other = {"active": True, "updated_at": _moment(rng, day), "created_at": None}
            return {**agent, "contact": {**other, **contact}}


def _contact(rng: Random, number: int) -> dict[str, object]:
    return {
        "email": padded(f"agent-{number}@example.com", rng),
        "name": rng.choice((f"Agent {number}", f"Ägent {number}", 12345, Raw("1.50"), True)),
        **{name: rng.choice(TITLES) for name in CONTACT[2:]},
    }


def _shared(rng: Random, contact: dict[str, object]) -> dict[str, object]:
    """Each field in the contact, or at the top level behind a null, or in both."""
    inner: dict[str, object] = {}
    outer: dict[str, object] = {}
    for name, value in contact.items():
        match rng.randrange(3):
            case 0:
                inner[name], outer[name] = value, ABSENT if value is None else "not this one"
            case 1:
                inner[name], outer[name] = rng.choice((None, ABSENT)), value
            case _:
                inner[name] = value
    return {**outer, "contact": inner}


def bad_agent(rng: Random, number: int, day: datetime) -> dict[str, object]:
    """A record with one to four wrong fields; its email and name stand in one place only."""
    agent = good_agent(rng, number, day)
    contact: dict[str, object] = {"email": f"agent-{number}@example.com", "name": f"Agent {number}"}
    for name in rng.sample(REQUIRED, k=rng.choice((0, 0, 1, 2))):
        contact[name] = rng.choice(WRONG_REQUIRED)
    if rng.random() < 0.3:
        contact["phone"] = rng.choice(WRONG_TEXTS)
    for name in CONTACT:
        agent.pop(name, None)
    flat = rng.random() < 0.3
    agent |= {**contact, "contact": rng.choice(NO_CONTACTS)} if flat else {"contact": contact}
    for name in rng.sample(sorted(WRONG_TOP), k=rng.choice((1, 1, 2))):
        agent[name] = rng.choice(WRONG_TOP[name])
    return agent


def good_active(rng: Random, number: int) -> dict[str, object]:
    """One element of a page of active agents."""
    return {"id": spelled_id(rng, number), "available": rng.choice((True, ABSENT))}


def bad_active(rng: Random) -> dict[str, object]:
    return {"id": rng.choice(WRONG_IDS), "available": True}


def spelled_id(rng: Random, number: int) -> object:
    """The id as a number mostly, else as its digits in text."""
    key = ID_BASE + number
    return rng.choice((key, key, str(key), f" {key}\t", f"00{key}"))


def _boolean(rng: Random) -> object:
    text = any_case(rng.choice(("true", "false")), rng)
    return rng.choice((True, False, None, ABSENT, text, f" {text} "))


def _moment(rng: Random, day: datetime) -> object:
    """A moment before the day, few of them, so that some are the same; or none."""
    if rng.random() < 0.15:
        return rng.choice((None, ABSENT, ""))
    moment = day.astimezone(UTC) - timedelta(hours=rng.randrange(1, 40))
    return padded(spell(moment, rng), rng)
