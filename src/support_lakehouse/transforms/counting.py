"""Owns the queries that count a run's bronze rows for the books, in an engine of their own.

They are run by DataFusion, not by Spark, so that the numbers Delta reports of its MERGE are
checked against a second count. `{run}` is an identifier that the program made itself.
"""

ROWS_BY_FILE = """
SELECT file, count(*) AS rows, count(reasons) AS rejected
FROM bronze WHERE run = '{run}' GROUP BY file
"""

REASONS_BY_FILE = """
SELECT file, reason['rule'] AS rule, reason['column'] AS name, count(*) AS rows
FROM (SELECT file, unnest(reasons) AS reason FROM bronze
      WHERE run = '{run}' AND reasons IS NOT NULL)
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""

WARNINGS_BY_FILE = """
SELECT file, warning, count(*) AS rows
FROM (SELECT file, unnest(warnings) AS warning FROM bronze
      WHERE run = '{run}' AND reasons IS NULL AND warnings IS NOT NULL)
GROUP BY 1, 2 ORDER BY 1, 2
"""

WINNERS_BY_FILE = """
SELECT file, action, count(*) AS rows
FROM (SELECT last_value(file ORDER BY file, line) AS file,
             last_value(action ORDER BY file, line) AS action
      FROM bronze WHERE run = '{run}' AND reasons IS NULL GROUP BY period, key)
GROUP BY file, action
"""

ROWS_AND_HASHES = """
SELECT count(*) AS rows,
       coalesce(sum(_row_hash >> 32), 0) AS high,
       coalesce(sum(_row_hash & 4294967295), 0) AS low
FROM t
"""
