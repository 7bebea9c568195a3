"""Owns the Spark session: how it starts, for a small run or a big one, and how it stays quiet."""

import os
import signal
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread, current_thread, main_thread
from typing import Any

from py4j.protocol import Py4JError, Py4JJavaError
from pyspark import SparkContext
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from support_lakehouse.errors import SetupError
from support_lakehouse.io import runtime
from support_lakehouse.io.delta_log import CHECKPOINT_INTERVAL
from support_lakehouse.io.java_names import remember_names
from support_lakehouse.io.landing import BLOCK_BYTES
from support_lakehouse.io.lock import name_jvm

SMALL_BYTES = 64 * 1024 * 1024
"""What so many bytes of files come to fits into memory, some times over."""
_COMPILED_BYTES = 8 * 1024 * 1024
"""Up to so many bytes of files a run is over before a compiler's work would pay."""
_LOG4J = Path(__file__).with_name("log4j2.properties")
_ending: list[Thread] = []

_DELTA = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
}
_UNIQUE = ("raw", "key", "line", "_line", "_row_hash")
_UNSORTED = (
    *("raw", "action", "sha256", "header"),
    *("period", "file", "run", "admission", "_period", "_file"),  # the same for all of a file
)
_SQL = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    # A JSON key that stands twice: the last one counts, as JSON parsers have it.
    "spark.sql.variant.allowDuplicateKeys": "true",
    # A block of a file is a task of its own, so its first line's number is known (io.records).
    "spark.sql.files.maxPartitionBytes": str(BLOCK_BYTES),
    "spark.sql.files.openCostInBytes": str(BLOCK_BYTES),
    # 50 tasks for each look at a table's state are for tables of millions of files.
    "spark.databricks.delta.snapshotPartitions": "1",
    "spark.databricks.delta.properties.defaults.checkpointInterval": CHECKPOINT_INTERVAL,
    "spark.sql.parquet.compression.codec": "zstd",
    # Eight bytes a moment instead of the twelve of an older format, and twice as fast to write.
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    # What is held is read a few times and gone: packing it costs more than it saves.
    "spark.sql.inMemoryColumnarStorage.compressed": "false",
    # More than some thousand rows must not become a part of the plan, which is copied many times.
    "spark.sql.execution.arrow.localRelationThreshold": "1MB",
    # A batch is a task.
    "spark.sql.execution.arrow.maxRecordsPerBatch": "200000",
}
_BIG_SQL = {
    # A table of some millions of rows is sieved by the keys it is joined to before it is moved.
    "spark.sql.optimizer.runtime.bloomFilter.applicationSideScanSizeThreshold": "100MB",
    "spark.sql.optimizer.runtime.bloomFilter.creationSideThreshold": "1GB",
    # A tenth more bytes for a quarter less work of the compressor.
    "parquet.compression.codec.zstd.level": "1",
}
# A task takes many of a table's files, so that what they add up to is told once for all of them.
_TABLES_SQL = {"spark.sql.files.openCostInBytes": "0"}
# Where in Python each Column was made, for messages that nobody gets: most of the making's time.
_DEBUGGING = {"spark.python.sql.dataFrameDebugging.enabled": "false"}
_ALWAYS = _DELTA | _DEBUGGING | _SQL
_LOCAL = {
    "spark.driver.memory": "2560m",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.sql.shuffle.partitions": "8",
    # Java lowers letters as ICU does, which takes a second to make itself ready.
    "spark.sql.icu.caseMappings.enabled": "false",
}
_SMALL_SQL = {
    "spark.sql.shuffle.partitions": "1",
    # Generating and compiling code costs more here than it saves (docs/decisions.md).
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
    # What describes a plan to a web page that nobody opens.
    "spark.sql.ui.explainMode": "simple",
    "spark.sql.maxPlanStringLength": "200",
    "spark.sql.debug.maxToStringFields": "3",
    # A checksum of the table's state beside each commit spares time from thousands of files on.
    "spark.databricks.delta.writeChecksumFile.enabled": "false",
}
_SMALL = {"spark.broadcast.compress": "false", "spark.shuffle.compress": "false"} | _SMALL_SQL
_JAVA = "-Duser.timezone=UTC -Duser.language=en -XX:-UsePerfData -Xshare:auto"
_JAVA_SMALL = (
    "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:ReservedCodeCacheSize=128m -Xms1g -Xmn700m"
)
_JAVA_BIG = (
    "-XX:+UseParallelGC -XX:ReservedCodeCacheSize=256m -Xms2g -Xmn1200m"
    # Java leaves methods of more than 8,000 bytes of code to its interpreter; Spark writes such.
    " -XX:-DontCompileHugeMethods"
    # The optimising compiler takes a third of the processor in a run of a minute or two; asking
    # it only for what runs thirty times as often leaves it what counts.
    " -XX:Tier4InvocationThreshold=150000 -XX:Tier4MinInvocationThreshold=30000"
    " -XX:Tier4CompileThreshold=450000 -XX:Tier4BackEdgeThreshold=1200000"
)


def started_by_spark_submit() -> bool:
    """Whether spark-submit began this process: then master, memory and jars are its own."""
    return "PYSPARK_GATEWAY_PORT" in os.environ


@contextmanager
def spark_session(*, bytes_at_stake: int, log: Path, warehouse: Path) -> Iterator[SparkSession]:
    """A session for one run, stopped at the end; what the JVM prints goes to the log file.

    A JVM of our own takes a second to end, which is not waited for unless the run failed: what is
    left to do needs the memory, not the JVM. Raises SetupError where Java or the jars are missing.
    """
    _wait_for_last_end()
    ours = not started_by_spark_submit() and SparkContext._gateway is None
    if started_by_spark_submit():
        session = _with(SparkSession.builder, _ALWAYS).getOrCreate()
        session.sparkContext.setLogLevel("ERROR")
        _check_delta(session)
    else:
        session = _local_session(bytes_at_stake <= _COMPILED_BYTES, log, warehouse)
    gateway: Any = SparkContext._gateway
    name_jvm(gateway.proc.pid if ours else os.getppid())
    remember_names(gateway.jvm)
    failed = True
    try:
        with ThreadPoolExecutor(1) as beside:
            beside.submit(_first_job, session)
            yield session
        failed = False
    finally:
        if failed or not ours:
            _end(session, ours)
        else:
            _ending.append(Thread(target=_end, args=(session, ours), daemon=True))
            _ending[-1].start()


def _first_job(session: SparkSession) -> None:
    """The JVM loads what any job needs while the first plans are still put together here."""
    session.range(1).select(F.col("id").cast("string")).toArrow()


def _end(session: SparkSession, ours: bool) -> None:
    # What stops this program may have stopped the JVM before, as where the whole group is told.
    with suppress(Py4JError, OSError):
        session.stop()
    if ours:
        gateway: Any = SparkContext._gateway
        with suppress(Py4JError, OSError):
            gateway.shutdown()
            gateway.proc.stdin.close()  # its sign to leave (pyspark.java_gateway)
        SparkContext._gateway = SparkContext._jvm = None


def _wait_for_last_end() -> None:
    """PySpark knows one JVM at a time."""
    while _ending:
        _ending.pop().join()


def session_for(
    session: SparkSession,
    bytes_at_stake: int,
    *,
    lenient: bool = False,
    of_tables: bool = False,
    unique: Iterable[str] = (),
    unsorted: Iterable[str] = (),
) -> SparkSession:
    """A session beside the given one for work of a size; what it sets does not leak.

    `lenient`: an expression that fails for a row, as a division by zero, comes to null there
    instead of ending the run; for what feeds declare. `of_tables`: it reads no files but those
    of tables. `unique` and `unsorted`: columns of what it writes whose values hardly ever repeat,
    or stand in no order.
    """
    own = session.newSession()
    small = bytes_at_stake <= _COMPILED_BYTES
    settings = _SQL | (_SMALL_SQL if small else _BIG_SQL | _parquet(unique, unsorted))
    settings |= {"spark.sql.ansi.enabled": "false"} if lenient else {}
    settings |= _TABLES_SQL if of_tables else {}
    for name, value in settings.items():
        own.conf.set(name, value)
    return own


def _parquet(unique: Iterable[str], unsorted: Iterable[str]) -> dict[str, str]:
    """What Parquet would work out for nothing.

    A dictionary of values that hardly ever repeat is given up after it was made. The least and
    the greatest of values in no order sort out no part of a file, and finding them compares each.
    """
    off = [f"parquet.enable.dictionary#{name}" for name in (*_UNIQUE, *unique)]
    off += [f"parquet.column.statistics.enabled#{name}" for name in (*_UNSORTED, *unsorted)]
    return dict.fromkeys(off, "false")


def _local_session(small: bool, log: Path, warehouse: Path) -> SparkSession:
    runtime.java()
    jars = ":".join(str(path) for path in runtime.jars())
    options = [_JAVA, f"-Dlog4j2.configurationFile={_LOG4J}", *runtime.archive_options()]
    options += [_JAVA_SMALL] if small else [_JAVA_BIG]
    settings = {**_ALWAYS, **_LOCAL, **(_SMALL if small else {})}
    settings |= {
        "spark.driver.extraClassPath": jars,
        "spark.driver.extraJavaOptions": " ".join(options),
        "spark.sql.warehouse.dir": str(warehouse),
    }
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    builder = _with(SparkSession.builder.master("local[*]").appName("support-lakehouse"), settings)
    with _standard_error_to(log), _answer_to_interrupts_kept():
        return builder.getOrCreate()


@contextmanager
def _answer_to_interrupts_kept() -> Iterator[None]:
    """PySpark has an answer of its own to Ctrl-C, which raises what py4j then prints."""
    kept = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        if current_thread() is main_thread():
            signal.signal(signal.SIGINT, kept)


def _with(builder: SparkSession.Builder, settings: dict[str, str]) -> SparkSession.Builder:
    for name, value in settings.items():
        builder = builder.config(name, value)
    return builder


def _check_delta(session: SparkSession) -> None:
    jvm: Any = session._jvm
    loader = jvm.Thread.currentThread().getContextClassLoader()
    try:
        loader.loadClass(_ALWAYS["spark.sql.extensions"])
    except Py4JJavaError as error:
        raise SetupError(
            "spark-submit was given no Delta jars",
            expected=runtime.PACKAGE,
            hint=f"Add --packages {runtime.PACKAGE}, or --jars with the files in {runtime.home()}.",
        ) from error


@contextmanager
def _standard_error_to(log: Path) -> Iterator[None]:
    """Let the JVM inherit a file as its standard error: its warnings are not for the screen."""
    log.parent.mkdir(parents=True, exist_ok=True)
    kept = os.dup(2)
    with log.open("ab") as file:
        os.dup2(file.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
