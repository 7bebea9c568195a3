"""The monthly job the usual way: what the product is measured against.

A PySpark and Delta script as common tutorials lay it out: one table and one month after another,
a MERGE per change file, three marts, CSV at the end; settings are the defaults.

    python tests/bench/usual.py --data DIR --lakehouse DIR [--months 202502,202503] [--no-finals]
        [--jars A,B]

The jars come from --jars or SUPPORT_LAKEHOUSE_JARS (a comma list, or a folder that holds them):
nothing is resolved. The Delta jar carries Delta's Python package too.
"""

import csv
import logging
import os
import shutil
import sys
from pathlib import Path

from monthly import INSTANTS, NAMES, TABLES, Job, command_line, job_of
from pyspark import __version__ as pyspark_version
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.window import Window

log = logging.getLogger("usual")

BUSINESS_ZONE = "-05:00"
DELTA_CATALOG = "org.apache.spark.sql.delta.catalog.DeltaCatalog"
TIMESTAMP_FORMAT = "yyyy-MM-dd'T'HH:mm:ss'Z'"

TYPES = {
    "hire_date": "date",
    "call_duration_minutes": "decimal(12,4)",
    "satisfaction_rating": "int",
}
TYPES |= dict.fromkeys(INSTANTS, "timestamp")
MARTS = {
    "support_report": """
        SELECT month, contact_center_name, department, count(*) AS total_interactions,
            sum(is_call) AS total_calls, sum(minutes) AS total_call_duration
        FROM facts GROUP BY ALL""",
    "agent_work_time": """
        SELECT month, contact_center_name, department, agent_id, full_name, count(*) AS calls,
            sum(minutes) AS call_minutes,
            sum(timestampdiff(SECOND, interaction_start, agent_resolution_timestamp)) / 60
                AS work_minutes,
            sum(timestampdiff(SECOND, agent_resolution_timestamp, interaction_end)) / 60
                AS after_resolution_minutes
        FROM facts WHERE is_call = 1 GROUP BY ALL""",
    "interaction_hours": """
        SELECT contact_center_name, weekday, hour, count(*) AS interactions, sum(is_call) AS calls
        FROM facts GROUP BY ALL""",
}


def build_session(jars: list[str]) -> SparkSession:
    """A local session with Delta, as the quick start of Delta builds it."""
    return (
        SparkSession.builder.appName("support-usual")
        .master("local[*]")
        .config("spark.driver.memory", "4g")
        .config("spark.jars", ",".join(jars))
        .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
        .config("spark.sql.catalog.spark_catalog", DELTA_CATALOG)
        .config("spark.sql.session.timeZone", "UTC")
        .getOrCreate()
    )


def read_csv(spark: SparkSession, path: Path) -> DataFrame:
    """The rows of one file as trimmed text, with their source; empty cells are null."""
    rows = spark.read.option("header", True).csv(str(path))
    rows = rows.toDF(*[name.strip().lower() for name in rows.columns])
    trimmed = [F.when(F.trim(name) != "", F.trim(name)).alias(name) for name in rows.columns]
    place = (F.lit(path.name).alias("_source_file"), F.current_timestamp().alias("_ingested_at"))
    rows = rows.select(*trimmed, *place)
    log.info("read %s: %d rows", path.name, rows.count())
    return rows


def save(rows: DataFrame, path: Path, mode: str = "overwrite") -> None:
    """Write rows as a Delta table."""
    rows.write.format("delta").mode(mode).save(str(path))


def typed(name: str) -> Column:
    """A text column as its type; what cannot be read is null. `4.0` is a whole number."""
    kind = TYPES.get(name, "string")
    column = F.col(name).try_cast("double") if kind == "int" else F.col(name)
    return column.try_cast(kind).alias(name)


def clean_rows(rows: DataFrame, table: str) -> DataFrame:
    """One typed row per key, the last in the file; rows without what they need are left out."""
    key = TABLES[table][0]
    usable = F.col(key).isNotNull()
    if table == "interactions":
        usable &= F.col("interaction_start").isNotNull() | (F.col("action") == "delete")
    last_first = Window.partitionBy(key).orderBy(F.col("_line").desc())
    return (
        rows.withColumn("_line", F.monotonically_increasing_id())
        .withColumn("action", F.lower("action"))
        .select(*[typed(name) for name in TABLES[table]], "action", "_line")
        .where(usable)
        .withColumn("_rank", F.row_number().over(last_first))
        .where("_rank = 1")
        .drop("_rank", "_line")
    )


def load_extract(spark: SparkSession, table: str, source: Path, lakehouse: Path) -> None:
    """Write the bronze and silver tables from the extract."""
    rows = read_csv(spark, source).withColumn("action", F.lit("add"))
    save(rows, lakehouse / "bronze" / table)
    save(clean_rows(rows, table).drop("action"), lakehouse / "silver" / table)


def merge_month(spark: SparkSession, table: str, source: Path, lakehouse: Path) -> None:
    """Append one change file to bronze and MERGE it into silver."""
    from delta.tables import DeltaTable

    rows = read_csv(spark, source)
    save(rows, lakehouse / "bronze" / table, "append")
    key, values = TABLES[table][0], {name: f"s.`{name}`" for name in TABLES[table]}
    (
        DeltaTable.forPath(spark, str(lakehouse / "silver" / table))
        .alias("t")
        .merge(clean_rows(rows, table).alias("s"), f"t.{key} = s.{key}")
        .whenMatchedDelete("s.action = 'delete'")
        .whenMatchedUpdate(set=values)
        .whenNotMatchedInsert("s.action <> 'delete'", values=values)
        .execute()
    )
    log.info("merged %s", source.name)


def with_names(silver: dict[str, DataFrame]) -> DataFrame:
    """Every interaction with its business month and the names of what it refers to."""
    local_start = F.from_utc_timestamp("interaction_start", BUSINESS_ZONE)
    facts = silver["interactions"]
    for table, name in NAMES.items():
        key = TABLES[table][0]
        facts = facts.join(silver[table].select(key, name), key, "left").fillna("Unknown", [name])
    return (
        facts.withColumn("month", F.date_format(local_start, "yyyy-MM"))
        .withColumn("weekday", F.dayofweek(local_start))
        .withColumn("hour", F.hour(local_start))
        .withColumn("is_call", F.when(F.lower("channel") == "phone", 1).otherwise(0))
        .withColumn("minutes", F.coalesce("call_duration_minutes", F.lit(0)))
    )


def publish_report(report: DataFrame, path: Path) -> None:
    """Write the report as one CSV file, sorted by its first three columns."""
    rows = report.orderBy("month", "contact_center_name", "department").collect()
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(report.columns)
        writer.writerows(rows)


def final_rows(table: str, silver: dict[str, DataFrame]) -> DataFrame:
    """The table with its UNKNOWN member, or the interactions with references that all join."""
    rows, columns = silver[table], TABLES[table]
    if table != "interactions":
        words = ["UNKNOWN" if name.endswith("_id") else "Unknown" for name in columns]
        member = rows.sparkSession.createDataFrame([tuple(words)], list(columns))
        return rows.union(member.select([typed(name) for name in columns]))
    for other in NAMES:
        key = TABLES[other][0]
        known = silver[other].select(key, F.lit(True).alias("_known"))
        repaired = F.when(F.col("_known"), F.col(key)).otherwise("UNKNOWN")
        rows = rows.join(known, key, "left").withColumn(key, repaired).drop("_known")
    return rows.select(*columns)


def publish_final(rows: DataFrame, path: Path) -> None:
    """Write one CSV file sorted by key: Spark writes a folder, its only part becomes the file."""
    folder = path.with_suffix(".parts")
    one_part = rows.orderBy(rows.columns[0]).coalesce(1)
    one_part.write.csv(str(folder), header=True, timestampFormat=TIMESTAMP_FORMAT)
    next(folder.glob("part-*.csv")).replace(path)
    shutil.rmtree(folder)


def run(spark: SparkSession, job: Job) -> None:
    """The whole job: extract, months in order, marts, published files."""
    with job.stage("extract"):
        for table in TABLES:
            load_extract(spark, table, job.extract(table), job.lakehouse)
    with job.stage("months"):
        for table, source in job.changes():
            merge_month(spark, table, source, job.lakehouse)
    read = spark.read.format("delta")
    silver = {table: read.load(str(job.lakehouse / "silver" / table)) for table in TABLES}
    with job.stage("marts"):
        with_names(silver).createOrReplaceTempView("facts")
        for name, query in MARTS.items():
            save(spark.sql(query), job.lakehouse / "gold" / name)
            log.info("built %s", name)
    with job.stage("publish"):
        job.published.mkdir(parents=True, exist_ok=True)
        report = read.load(str(job.lakehouse / "gold" / "support_report"))
        publish_report(report, job.published / "support_report.csv")
        for table in TABLES if job.finals else ():
            publish_final(final_rows(table, silver), job.published / f"{table}_final.csv")


def main() -> None:
    """Parse the command line, start Spark, run the job."""
    parser = command_line("The monthly job the usual way.")
    parser.add_argument("--jars", default=os.environ.get("SUPPORT_LAKEHOUSE_JARS", ""))
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    if not options.jars:
        parser.error("no Delta jars: give --jars or set SUPPORT_LAKEHOUSE_JARS")
    jars = options.jars.split(",")
    if Path(options.jars).is_dir():
        jars = [str(jar) for jar in Path(options.jars).glob("*delta-s*.jar")]
    sys.path += jars
    job = job_of(options)
    with job.stage("session"):
        spark = build_session(jars)
    run(spark, job)
    spark.stop()
    delta = [Path(jar).stem.rpartition("-")[2] for jar in jars if "delta-spark" in jar]
    print(job.told({"PySpark": pyspark_version, "Delta": ", ".join(delta)}))


if __name__ == "__main__":
    main()
