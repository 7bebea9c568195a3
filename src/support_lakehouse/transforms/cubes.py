"""Owns what is counted of interactions, as SQL that more than one engine counts by.

A cube counts by keys as delivered. Whole numbers and decimals alone are added up, so all engines
come to the same, in whatever order they read.
"""

from dataclasses import dataclass
from datetime import timedelta

from support_lakehouse.model.settings import DAYS, BusinessHours, fixed_offset
from support_lakehouse.transforms.finals import UNKNOWN_KEY, UNKNOWN_TEXT

DEPARTMENT = "department"
CUBE_KEYS = ("month", "contact_center_id", "category_id")
WORK_KEYS = ("month", "contact_center_id", DEPARTMENT, "agent_id")
HOURS_KEYS = ("contact_center_id", "weekday", "hour", "inside_business_hours")
COUNTED = (
    *("channel", "category_id", "agent_id", "contact_center_id", "interaction_start"),
    *("agent_resolution_timestamp", "interaction_end", "call_duration_minutes"),
)
"""The columns of interactions that some cube looks at."""
IS_CALL = "coalesce(lower(channel) = 'phone', false)"
"""Whether the channel is phone, in any case; a missing channel is no call."""
_STEP = 6_000
"""Microseconds in 0.0001 minutes."""


@dataclass(frozen=True)
class Dialect:
    """What an engine's SQL calls otherwise than another's."""

    in_zone: str
    micros: str
    quotient: str
    weekday: str
    month_text: str


SPARK = Dialect(
    in_zone="from_utc_timestamp({moment}, '{zone}')",
    micros="unix_micros({moment})",
    quotient="({number} div {by})",
    weekday="weekday({moment})",
    month_text="format_string('%04d-%02d', {months} div 12, {months} % 12 + 1)",
)
DATAFUSION = Dialect(
    in_zone="arrow_cast({moment}, 'Timestamp(Microsecond, Some(\"{zone}\"))')",
    micros="arrow_cast({moment}, 'Int64')",
    quotient="({number} / {by})",
    weekday="((date_part('dow', {moment}) + 6) % 7)",  # 0 is its Sunday
    month_text=(
        "concat(lpad(CAST({months} / 12 AS VARCHAR),"
        " greatest(4, length(CAST({months} / 12 AS VARCHAR))), '0'),"
        " '-', lpad(CAST({months} % 12 + 1 AS VARCHAR), 2, '0'))"
    ),
)


def in_zone(sql: Dialect, moment: str, zone: str) -> str:
    """The wall clock of the business zone at a UTC moment (law L9); sessions are in UTC."""
    offset = fixed_offset(zone)
    if offset is None:
        return sql.in_zone.format(moment=moment, zone=zone)
    # A sum, for which no engine looks a zone up for each row: a tenth of what a cube costs.
    return f"({moment} + INTERVAL '{offset // timedelta(seconds=1)}' SECOND)"


def months_since_year_0(sql: Dialect, moment: str, zone: str) -> str:
    """The business month as a number; groups by it, not by text, are several times faster."""
    local = in_zone(sql, moment, zone)
    return f"(date_part('year', {local}) * 12 + date_part('month', {local}) - 1)"


def steps_between(sql: Dialect, start: str, end: str) -> str:
    """Minutes from start to end in whole steps of 0.0001, half up; null if either is null.

    Whole numbers, as adding these up is several times faster than adding decimals, and as exact.
    """
    first, last = (sql.micros.format(moment=moment) for moment in (start, end))
    micros = f"({last} - {first})"
    half_up = sql.quotient.format(number=f"(abs({micros}) + {_STEP // 2})", by=_STEP)
    return f"CASE WHEN {micros} < 0 THEN -{half_up} ELSE {half_up} END"


def interaction_cube(sql: Dialect, zone: str) -> str:
    """Counts and minutes by month and by keys as delivered.

    Of `interactions`. One row per month, contact_center_id, category_id (null is a value of its
    own).
    """
    month = sql.month_text.format(months="months")
    return f"""
SELECT {month} AS month, contact_center_id, category_id,
       total_interactions, total_calls, total_call_duration
FROM (SELECT {months_since_year_0(sql, "interaction_start", zone)} AS months,
             contact_center_id, category_id,
             count(*) AS total_interactions,
             {_rows(IS_CALL)} AS total_calls,
             {_total("call_duration_minutes")} AS total_call_duration
      FROM {{interactions}} GROUP BY 1, 2, 3) AS counted
"""


def work_cube(sql: Dialect, zone: str, key: str = DEPARTMENT, where: str = "true") -> str:
    """What calls cost: one row per month, contact_center_id, department and agent_id.

    Of `interactions` and `categories`; by category, there would be half as many groups as calls,
    but it can be told of some of them, with `category_id` as the `key` of all that is counted.
    `call_minutes` runs to the end of the call, `work_minutes` from start to resolution,
    `after_resolution_minutes` from there to the end where that is positive.
    """
    start, resolved, end = "interaction_start", "agent_resolution_timestamp", "interaction_end"
    month = sql.month_text.format(months="months")
    rows = "{interactions}" if key == "category_id" else f"({_WITH_DEPARTMENT}) AS resolved"
    return f"""
SELECT {month} AS month, contact_center_id, {key}, agent_id, calls, call_minutes,
       {_minutes("worked")} AS work_minutes,
       {_minutes("afterwards")} AS after_resolution_minutes,
       calls_with_time_after_resolution
FROM (SELECT {months_since_year_0(sql, start, zone)} AS months,
             contact_center_id, {key}, agent_id,
             count(*) AS calls,
             {_total("call_duration_minutes")} AS call_minutes,
             sum(worked) AS worked,
             sum(CASE WHEN afterwards > 0 THEN afterwards END) AS afterwards,
             {_rows("afterwards > 0")} AS calls_with_time_after_resolution
      FROM (SELECT *, {steps_between(sql, start, resolved)} AS worked,
                   {steps_between(sql, resolved, end)} AS afterwards
            FROM {rows} WHERE {IS_CALL} AND {where}) AS timed
      GROUP BY 1, 2, 3, 4) AS counted
"""


_WITH_DEPARTMENT = f"""
SELECT i.*, coalesce(nullif(c.{DEPARTMENT}, ''), '{UNKNOWN_TEXT}') AS {DEPARTMENT}
FROM {{interactions}} AS i
LEFT JOIN (SELECT category_id, {DEPARTMENT} FROM {{categories}}
           WHERE category_id <> '{UNKNOWN_KEY}') AS c
ON i.category_id = c.category_id
"""


def hours_cube(sql: Dialect, zone: str, hours: BusinessHours) -> str:
    """When people ask for help, by keys as delivered: one row per centre, weekday and hour.

    Of `interactions`.
    """
    local = in_zone(sql, "interaction_start", zone)
    days = ", ".join(f"'{day}'" for day in hours.days) or "NULL"
    inside = f"weekday IN ({days}) AND hour >= {hours.from_hour} AND hour < {hours.to_hour}"
    return f"""
SELECT contact_center_id, weekday, hour, coalesce({inside}, false) AS inside_business_hours,
       interactions, calls
FROM (SELECT contact_center_id, substr('{"".join(DAYS)}', CAST(day * 3 + 1 AS INT), 3) AS weekday,
             hour, interactions, calls
      FROM (SELECT contact_center_id, {sql.weekday.format(moment=local)} AS day,
                   CAST(date_part('hour', {local}) AS INT) AS hour,
                   count(*) AS interactions, {_rows(IS_CALL)} AS calls
            FROM {{interactions}} GROUP BY 1, 2, 3) AS counted) AS told
"""


def _rows(condition: str) -> str:
    return f"sum(CASE WHEN {condition} THEN 1 ELSE 0 END)"


def _total(amount: str) -> str:
    """The exact sum as DECIMAL(28,4); 0 where there is nothing to add."""
    return f"CAST(coalesce(sum({amount}), 0) AS DECIMAL(28,4))"


def _minutes(steps: str) -> str:
    """Steps of 0.0001 minutes as DECIMAL(28,4) minutes; 0 where there are none."""
    whole = f"CAST(coalesce({steps}, 0) AS DECIMAL(19,0))"
    return f"CAST({whole} * CAST('0.0001' AS DECIMAL(4,4)) AS DECIMAL(28,4))"
