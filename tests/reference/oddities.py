"""What is odd about an interaction that counts all the same (conf/feeds/interactions.yml)."""

from datetime import datetime
from decimal import Decimal

from .tables import Row

CHANNELS = ("phone", "chat", "email", "web")


def oddities(row: Row) -> list[str]:
    """The rules that a row breaks without being rejected; a null breaks none."""
    told = []
    channel = row.get("channel")
    if isinstance(channel, str) and channel.lower() not in CHANNELS:
        told.append("allowed:channel")
    rating, minutes = row.get("satisfaction_rating"), row.get("call_duration_minutes")
    if isinstance(rating, int) and not 0 <= rating <= 5:
        told.append("range:satisfaction_rating")
    start, end = row.get("interaction_start"), row.get("interaction_end")
    if isinstance(start, datetime) and isinstance(end, datetime) and end < start:
        told.append("not_before:interaction_end")
    if isinstance(minutes, Decimal) and minutes < 0:
        told.append("range:call_duration_minutes")
    return told
