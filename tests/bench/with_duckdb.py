"""The monthly job with DuckDB, to Parquet files: what the product is measured against.

    python tests/bench/with_duckdb.py --data DIR --lakehouse DIR [--months 202502] [--no-finals]

The same tables as usual.py makes, as Parquet: a bronze file for each delivered file, one silver
file for each table, written anew and put in place of the old one by each month that changes it;
three marts, CSV at the end. Earlier months cannot be read back, and nothing is a transaction.
"""

from pathlib import Path

import duckdb
from monthly import INSTANTS, NAMES, TABLES, Job, command_line, job_of

ISO = "%Y-%m-%dT%H:%M:%SZ"
TYPES = dict.fromkeys(INSTANTS, f"try_strptime({{}}, '{ISO}')")
TYPES |= {
    "hire_date": "try_cast({} AS DATE)",
    "call_duration_minutes": "try_cast({} AS DECIMAL(12, 4))",
    # `4.0` is a whole number.
    "satisfaction_rating": "try_cast(try_cast({} AS DOUBLE) AS INTEGER)",
}
REFERENCES = [(other, TABLES[other][0]) for other in NAMES]
FACTS = """
    SELECT i.* EXCLUDE (channel), strftime(local_start, '%Y-%m') AS month,
        isodow(local_start) AS weekday, hour(local_start) AS hour,
        coalesce(lower(channel) = 'phone', false) AS is_call,
        coalesce(call_duration_minutes, 0) AS minutes,
        coalesce(contact_center_name, 'Unknown') AS contact_center_name,
        coalesce(department, 'Unknown') AS department, coalesce(full_name, 'Unknown') AS full_name
    FROM (SELECT *, interaction_start - INTERVAL 5 HOUR AS local_start FROM interactions) i
    LEFT JOIN contact_centers USING (contact_center_id)
    LEFT JOIN (SELECT category_id, department FROM service_categories) USING (category_id)
    LEFT JOIN (SELECT agent_id, full_name FROM agents) USING (agent_id)"""
MARTS = {
    "support_report": """
        SELECT month, contact_center_name, department, count(*) AS total_interactions,
            count(*) FILTER (is_call) AS total_calls, sum(minutes) AS total_call_duration
        FROM facts GROUP BY ALL ORDER BY ALL""",
    "agent_work_time": """
        SELECT month, contact_center_name, department, agent_id, full_name, count(*) AS calls,
            sum(minutes) AS call_minutes,
            sum(epoch(agent_resolution_timestamp - interaction_start)) / 60 AS work_minutes,
            sum(epoch(interaction_end - agent_resolution_timestamp)) / 60
                AS after_resolution_minutes
        FROM facts WHERE is_call GROUP BY ALL""",
    "interaction_hours": """
        SELECT contact_center_name, weekday, hour, count(*) AS interactions,
            count(*) FILTER (is_call) AS calls
        FROM facts GROUP BY ALL""",
}
CSV = f"FORMAT csv, HEADER, TIMESTAMPFORMAT '{ISO}'"


def quoted(path: Path) -> str:
    """A path as a text of SQL."""
    return "'" + str(path).replace("'", "''") + "'"


def copy(db: duckdb.DuckDBPyConnection, query: str, path: Path, options: str = "") -> None:
    """Write what a query finds as one file, which appears when it is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    db.execute(f"COPY ({query}) TO {quoted(new)} ({options or 'FORMAT parquet'})")
    new.replace(path)


def write_bronze(db: duckdb.DuckDBPyConnection, table: str, source: Path, lakehouse: Path) -> Path:
    """Write the rows of one file as trimmed text, with their source; empty cells are null."""
    path = lakehouse / "bronze" / table / f"{source.stem}.parquet"
    rows = f"read_csv({quoted(source)}, header = true, delim = ',', all_varchar = true)"
    place = f"{quoted(Path(source.name))} AS _source_file, now() AS _ingested_at"
    copy(db, f"SELECT nullif(trim(COLUMNS(*)), ''), {place} FROM {rows}", path)
    return path


def clean_rows(table: str, bronze: Path) -> str:
    """One typed row per key, the last in the file; rows without what they need are left out."""
    key = TABLES[table][0]
    columns = ", ".join(f"{TYPES.get(n, '{}').format(n)} AS {n}" for n in TABLES[table])
    action = "'add'" if bronze.stem == table else "lower(action)"
    usable = f"{key} IS NOT NULL"
    if table == "interactions":
        usable += " AND (interaction_start IS NOT NULL OR _action = 'delete')"
    rows = f"read_parquet({quoted(bronze)}, file_row_number = true)"
    return f"""
        SELECT {columns}, _action FROM (
            SELECT *, {action} AS _action, file_row_number AS _line FROM {rows}
        ) WHERE {usable} QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY _line DESC) = 1"""


def load_extract(db: duckdb.DuckDBPyConnection, table: str, source: Path, lakehouse: Path) -> None:
    """Write the bronze and silver files from the extract."""
    bronze = write_bronze(db, table, source, lakehouse)
    rows = f"SELECT * EXCLUDE (_action) FROM ({clean_rows(table, bronze)})"
    copy(db, rows, lakehouse / "silver" / f"{table}.parquet")


def merge_month(db: duckdb.DuckDBPyConnection, table: str, source: Path, lakehouse: Path) -> None:
    """Write one change file to bronze, and silver anew with its changes."""
    key, silver = TABLES[table][0], lakehouse / "silver" / f"{table}.parquet"
    bronze = write_bronze(db, table, source, lakehouse)
    db.execute(f"CREATE OR REPLACE TEMP TABLE changes AS {clean_rows(table, bronze)}")
    merged = f"""
        SELECT * FROM read_parquet({quoted(silver)}) ANTI JOIN changes USING ({key})
        UNION ALL SELECT * EXCLUDE (_action) FROM changes WHERE _action IS DISTINCT FROM 'delete'"""
    copy(db, merged, silver)


def final_rows(table: str) -> str:
    """The table with its UNKNOWN member, or the interactions with references that all join."""
    columns = TABLES[table]
    if table != "interactions":
        words = ["'UNKNOWN'" if name.endswith("_id") else "'Unknown'" for name in columns]
        member = [TYPES.get(n, "{}").format(word) for n, word in zip(columns, words, strict=True)]
        return f"SELECT * FROM {table} UNION ALL SELECT {', '.join(member)} ORDER BY 1"
    repaired = {key: f"coalesce({other}.{key}, 'UNKNOWN') AS {key}" for other, key in REFERENCES}
    cells = ", ".join(repaired.get(name, f"i.{name}") for name in columns)
    joins = [f"LEFT JOIN {other} ON i.{key} = {other}.{key}" for other, key in REFERENCES]
    return f"SELECT {cells} FROM interactions i {' '.join(joins)} ORDER BY 1"


def run(db: duckdb.DuckDBPyConnection, job: Job) -> None:
    """The whole job: extract, months in order, marts, published files."""
    with job.stage("extract"):
        for table in TABLES:
            load_extract(db, table, job.extract(table), job.lakehouse)
    with job.stage("months"):
        for table, source in job.changes():
            merge_month(db, table, source, job.lakehouse)
    for table in TABLES:
        silver = job.lakehouse / "silver" / f"{table}.parquet"
        db.execute(f"CREATE VIEW {table} AS SELECT * FROM read_parquet({quoted(silver)})")
    with job.stage("marts"):
        db.execute(f"CREATE VIEW facts AS {FACTS}")
        for name, query in MARTS.items():
            copy(db, query, job.lakehouse / "gold" / f"{name}.parquet")
    with job.stage("publish"):
        report = job.lakehouse / "gold" / "support_report.parquet"
        copy(db, f"FROM {quoted(report)}", job.published / "support_report.csv", CSV)
        for table in TABLES if job.finals else ():
            copy(db, final_rows(table), job.published / f"{table}_final.csv", CSV)


def main() -> None:
    """Parse the command line, run the job."""
    job = job_of(command_line("The monthly job with DuckDB.").parse_args())
    with duckdb.connect() as db:
        run(db, job)
    print(job.told({"DuckDB": duckdb.__version__}))


if __name__ == "__main__":
    main()
