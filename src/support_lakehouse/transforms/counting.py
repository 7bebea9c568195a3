"""Owns the queries that count bronze rows for the books, in an engine of their own.

They are run by DataFusion, not by Spark, so that the numbers Delta reports of its MERGE are
checked against a second count. `{admissions}` are identifiers that the program made
itself; `{returned}` those of rows that came back from quarantine.
"""

ROWS_BY_FILE = """
SELECT admission, count(*) AS rows, count(reasons) AS rejected
FROM bronze WHERE admission IN ({admissions}) GROUP BY admission
"""

REASONS_BY_FILE = """
SELECT admission, reason['rule'] AS rule, reason['column'] AS name, count(*) AS rows
FROM (SELECT b.admission, unnest(b.reasons) AS reason FROM bronze b
      LEFT ANTI JOIN (SELECT file, line FROM bronze WHERE admission IN ({returned})) r
      ON b.file = r.file AND b.line = r.line
      WHERE b.admission IN ({admissions}) AND b.reasons IS NOT NULL)
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""

WARNINGS_BY_FILE = """
SELECT admission, warning, count(*) AS rows
FROM (SELECT admission, unnest(warnings) AS warning FROM bronze
      WHERE admission IN ({admissions}) AND reasons IS NULL AND warnings IS NOT NULL)
GROUP BY 1, 2 ORDER BY 1, 2
"""

WINNERS_BY_FILE = """
SELECT file, CASE last % 4 WHEN 2 THEN 'delete' WHEN 1 THEN 'update' ELSE 'add' END AS action,
       count(*) AS rows
FROM (SELECT file, max(line * 4 + CASE action WHEN 'delete' THEN 2 WHEN 'update' THEN 1 ELSE 0 END)
             AS last
      FROM bronze WHERE admission IN ({admissions}) AND reasons IS NULL
            AND (ascii(right(key, 1)) + 7 * ascii(right(key, 2))) % {parts} = {part}
      GROUP BY file, key)
GROUP BY 1, 2
"""
"""The action goes with the line into one number: a maximum takes a fifth of the time and a third of
the memory that sorting within groups does. `{part}` of `{parts}` is a share of the keys."""

REPEATED_BY_FILE = """
SELECT file, count(*) AS rows
FROM (SELECT file, row_number() OVER (PARTITION BY key ORDER BY file, line) AS occurrence
      FROM bronze WHERE admission IN ({admissions}) AND reasons IS NULL)
WHERE occurrence > 1 GROUP BY file
"""

REFERRING = """
SELECT count({column}) AS rows FROM facts
"""

UNRESOLVED = """
SELECT count(*) AS rows FROM facts LEFT ANTI JOIN keys ON facts.{column} = keys.{key}
WHERE facts.{column} IS NOT NULL
"""

ROWS_OF_PERIOD = """
SELECT count(*) AS rows FROM t WHERE _period = {period}
"""
ROWS_AND_HASHES = """
SELECT count(*) AS rows,
       coalesce(sum(_row_hash >> 32), 0) AS high,
       coalesce(sum(_row_hash & 4294967295), 0) AS low
FROM t
"""
