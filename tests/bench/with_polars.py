"""The monthly job with Polars and delta-rs, without Java: what the product is measured against.

    python tests/bench/with_polars.py --data DIR --lakehouse DIR [--months 202502] [--no-finals]

The same tables as usual.py makes: bronze and silver as Delta tables, a MERGE for each change file,
three marts, CSV at the end. Whole tables are streamed where Polars can.
"""

from datetime import UTC, datetime
from pathlib import Path

import deltalake
import polars as pl
from monthly import INSTANTS, NAMES, TABLES, Job, command_line, job_of

BUSINESS_OFFSET = "-5h"
ISO = "%Y-%m-%dT%H:%M:%SZ"
IS_DELETE = "s.action = 'delete'"
GROUP = ("month", "contact_center_name", "department")
AGENT = ("agent_id", "full_name")


def read_csv(path: Path) -> pl.LazyFrame:
    """The rows of one file as trimmed text, with their source; empty cells are null."""
    rows = pl.scan_csv(path, infer_schema=False).rename(lambda name: name.strip().lower())
    trimmed = pl.all().str.strip_chars(" ")
    return rows.select(pl.when(trimmed != "").then(trimmed).name.keep()).with_columns(
        _source_file=pl.lit(path.name), _ingested_at=pl.lit(datetime.now(UTC))
    )


def typed(name: str) -> pl.Expr:
    """A text column as its type; what cannot be read is null. `4.0` is a whole number."""
    column = pl.col(name)
    if name in INSTANTS:
        return column.str.to_datetime(ISO, time_unit="us", time_zone="UTC", strict=False)
    if name == "hire_date":
        return column.str.to_date(strict=False)
    if name == "call_duration_minutes":
        return column.cast(pl.Decimal(12, 4), strict=False)
    if name == "satisfaction_rating":
        return column.cast(pl.Float64, strict=False).cast(pl.Int32, strict=False)
    return column


def clean_rows(rows: pl.LazyFrame, table: str) -> pl.LazyFrame:
    """One typed row per key, the last in the file; rows without what they need are left out."""
    key = TABLES[table][0]
    action = pl.col("action").str.to_lowercase()
    usable = pl.col(key).is_not_null()
    if table == "interactions":
        usable &= pl.col("interaction_start").is_not_null() | (pl.col("action") == "delete")
    return (
        rows.select(*[typed(name) for name in TABLES[table]], action)
        .filter(usable)
        .unique(key, keep="last")
    )


def load_extract(table: str, source: Path, lakehouse: Path) -> None:
    """Write the bronze and silver tables from the extract."""
    rows = read_csv(source).with_columns(action=pl.lit("add"))
    rows.sink_delta(lakehouse / "bronze" / table)
    clean_rows(rows, table).drop("action").sink_delta(lakehouse / "silver" / table)


def merge_month(table: str, source: Path, lakehouse: Path) -> None:
    """Append one change file to bronze and MERGE it into silver."""
    rows = read_csv(source).collect()
    rows.write_delta(lakehouse / "bronze" / table, mode="append")
    key, values = TABLES[table][0], {name: f"s.{name}" for name in TABLES[table]}
    (
        deltalake.DeltaTable(lakehouse / "silver" / table)
        .merge(
            clean_rows(rows.lazy(), table).collect(),
            predicate=f"t.{key} = s.{key}",
            source_alias="s",
            target_alias="t",
        )
        .when_matched_delete(IS_DELETE)
        .when_matched_update(values)
        .when_not_matched_insert(values, predicate="s.action <> 'delete'")
        .execute()
    )


def with_names(silver: dict[str, pl.LazyFrame]) -> pl.LazyFrame:
    """Every interaction with its business month and the names of what it refers to."""
    local_start = pl.col("interaction_start").dt.offset_by(BUSINESS_OFFSET)
    facts = silver["interactions"]
    for table, name in NAMES.items():
        key = TABLES[table][0]
        facts = facts.join(silver[table].select(key, name), on=key, how="left")
    return facts.with_columns(
        pl.col(*NAMES.values()).fill_null("Unknown"),
        month=local_start.dt.truncate("1mo").dt.date(),
        weekday=local_start.dt.weekday(),
        hour=local_start.dt.hour(),
        is_call=pl.col("channel").str.to_lowercase() == "phone",
        minutes=pl.col("call_duration_minutes").fill_null(0),
    )


def minutes_between(start: str, end: str) -> pl.Expr:
    """The minutes from one column to another, added up."""
    return (pl.col(end) - pl.col(start)).dt.total_seconds().sum() / 60


def marts(facts: pl.LazyFrame) -> dict[str, pl.LazyFrame]:
    """The three marts, by name."""
    resolved = "agent_resolution_timestamp"
    month = pl.col("month").dt.to_string("%Y-%m")
    return {
        "support_report": facts.group_by(GROUP)
        .agg(
            total_interactions=pl.len(),
            total_calls=pl.col("is_call").sum(),
            total_call_duration=pl.col("minutes").sum(),
        )
        .with_columns(month),
        "agent_work_time": facts.filter("is_call")
        .group_by(*GROUP, *AGENT)
        .agg(
            calls=pl.len(),
            call_minutes=pl.col("minutes").sum(),
            work_minutes=minutes_between("interaction_start", resolved),
            after_resolution_minutes=minutes_between(resolved, "interaction_end"),
        )
        .with_columns(month),
        "interaction_hours": facts.group_by("contact_center_name", "weekday", "hour").agg(
            interactions=pl.len(), calls=pl.col("is_call").sum()
        ),
    }


def final_rows(table: str, silver: dict[str, pl.LazyFrame]) -> pl.LazyFrame:
    """The table with its UNKNOWN member, or the interactions with references that all join."""
    rows, columns = silver[table], TABLES[table]
    if table != "interactions":
        words = {name: "UNKNOWN" if name.endswith("_id") else "Unknown" for name in columns}
        return pl.concat([rows, pl.LazyFrame(words).select(typed(name) for name in columns)])
    for other in NAMES:
        key = TABLES[other][0]
        known = silver[other].select(key, _known=True)
        repaired = pl.when("_known").then(key).otherwise(pl.lit("UNKNOWN")).alias(key)
        rows = rows.join(known, on=key, how="left").with_columns(repaired).drop("_known")
    return rows.select(columns)


def run(job: Job) -> None:
    """The whole job: extract, months in order, marts, published files."""
    with job.stage("extract"):
        for table in TABLES:
            load_extract(table, job.extract(table), job.lakehouse)
    with job.stage("months"):
        for table, source in job.changes():
            merge_month(table, source, job.lakehouse)
    silver = {table: pl.scan_delta(job.lakehouse / "silver" / table) for table in TABLES}
    with job.stage("marts"):
        asked = marts(with_names(silver))
        made = dict(zip(asked, pl.collect_all(asked.values()), strict=True))
        for name, mart in made.items():
            mart.write_delta(job.lakehouse / "gold" / name)
    with job.stage("publish"):
        job.published.mkdir(parents=True)
        made["support_report"].sort(GROUP).write_csv(job.published / "support_report.csv")
        for table in TABLES if job.finals else ():
            rows = final_rows(table, silver).sort(TABLES[table][0])
            rows.sink_csv(job.published / f"{table}_final.csv", datetime_format=ISO)


def main() -> None:
    """Parse the command line, run the job."""
    job = job_of(command_line("The monthly job with Polars and delta-rs.").parse_args())
    run(job)
    print(job.told({"Polars": pl.__version__, "delta-rs": deltalake.__version__}))


if __name__ == "__main__":
    main()
