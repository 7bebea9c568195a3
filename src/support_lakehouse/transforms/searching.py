"""Owns the queries that find single rows, run by DataFusion; a value enters them as hex digits.

So no text of a person or of a file becomes text of a query (design.md, 9).
"""

from collections.abc import Iterable, Sequence

BY_KEY = """
SELECT period, file, line, sha256, run, admission, header, action, raw, reasons
FROM bronze WHERE key = {key}
"""
ACCEPTED = """
SELECT key, period, file, line, sha256, run, admission, header, action, raw, reasons
FROM bronze WHERE reasons IS NULL
"""
BY_PLACE = """
SELECT period, file, line, sha256, run, admission, header, action, raw, reasons
FROM bronze WHERE {places}
"""
QUARANTINED_BY_KEY = """
SELECT id, period, file, line, sha256, run, header, raw, reasons, state
FROM quarantine WHERE feed = {feed} AND key = {key}
"""
QUARANTINED_BY_PLACE = """
SELECT id, period, file, line, sha256, run, header, raw, reasons, state
FROM quarantine WHERE feed = {feed} AND ({places})
"""
SILVER_BY_KEY = """
SELECT * FROM t WHERE CAST({column} AS VARCHAR) = {key}
"""
INTERACTIONS_BETWEEN = """
SELECT interaction_id, interaction_start, contact_center_id, category_id, channel,
       call_duration_minutes, _period, _file, _line
FROM t WHERE interaction_start >= timestamp '{low}T00:00:00Z'
         AND interaction_start <= timestamp '{high}T23:59:59.999999Z'
"""
RETURNED = """
SELECT file, line, admission FROM bronze WHERE admission IN ({admissions})
"""
RECORDS_OF = """
SELECT line, raw FROM bronze WHERE admission IN ({admissions}) AND reasons IS NULL
"""
WAITING = """
SELECT DISTINCT feed, file, sha256 FROM quarantine WHERE state IN ('open', 'refused')
"""
DECIDED = """
SELECT DISTINCT feed, file, sha256 FROM now WHERE state IN ('released', 'discarded')
"""
DECIDED_SINCE = """
SELECT DISTINCT now.feed, now.file, now.sha256
FROM now LEFT ANTI JOIN earlier ON now.id = earlier.id AND now.state = earlier.state
WHERE now.state IN ('released', 'discarded')
"""
DECIDED_OF = """
SELECT id, state FROM now
WHERE feed = {feed} AND file = {file} AND sha256 = {sha256}
  AND state IN ('released', 'discarded')
"""
SILVER_BY_PLACE = """
SELECT * FROM t WHERE _file = {file} AND _line = {line}
"""
KEYS_LIKE = """
SELECT DISTINCT key FROM bronze
WHERE key IS NOT NULL AND levenshtein(lower(key), lower({key})) <= 2
ORDER BY levenshtein(lower(key), lower({key})), key LIMIT 3
"""


def text(value: str) -> str:
    """A text as SQL: its UTF-8 bytes in hex digits, so nothing of it can be taken for SQL."""
    return f"arrow_cast(decode('{value.encode().hex()}', 'hex'), 'Utf8')"


def one_of(column: str, values: Sequence[str | None]) -> str:
    """The condition that a column holds one of some texts, or nothing where None is among them."""
    known = ", ".join(text(value) for value in values if value is not None)
    told = [f"{column} IN ({known})"] if known else []
    return " OR ".join([*told, *([f"{column} IS NULL"] if None in values else [])]) or "false"


def at_places(places: Iterable[tuple[str, int, str]]) -> str:
    """The condition that a row stands at one of some files and lines, whatever their content."""
    told = [f"(file = {text(file)} AND line = {int(line)})" for file, line, _ in places]
    return " OR ".join(told) or "false"
