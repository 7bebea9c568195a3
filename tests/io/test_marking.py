"""A MERGE that marks rows, held against what it must leave and against what Spark reads of it."""

import shutil
from collections.abc import Callable, Iterable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from support_lakehouse.errors import Damaged
from support_lakehouse.io import delta_log, lake, marking, undo
from support_lakehouse.io.frames import AnyRows, read_at
from support_lakehouse.io.staged import PartWriter, Staged, together
from support_lakehouse.io.tables import Tables
from support_lakehouse.io.vectors import deleted_rows, vectors_of
from support_lakehouse.model.merge import Merge

TABLE = "silver/things"
HOW = Merge("id", ("id", "amount", "_row_hash"), action="_action", row_hash="_row_hash")
BEGIN = {f"k{n:02}": n for n in range(12)}
"""What the table holds at first, in files of four rows: an amount by key."""
Change = tuple[str, int, str]


def changes(*told: Change) -> pa.Table:
    """Changes of a key: its amount, of which the hash is made, and the action."""
    rows = {
        "id": pa.array([key for key, _, _ in told], pa.string()),
        "amount": pa.array([Decimal(n) for _, n, _ in told], pa.decimal128(12, 4)),
        "_row_hash": pa.array([n * 7 for _, n, _ in told], pa.int64()),
        "_action": pa.array([action for _, _, action in told], pa.string()),
    }
    return pa.table(rows)


def in_groups(folder: Path, rows: pa.Table) -> Staged:
    """The rows in one file, two in a row group."""
    path = folder / f"{rows['id'][0]}.parquet"
    writer = PartWriter("things.csv", path, unlike=["id"], bounds=["id"])
    for at in range(0, rows.num_rows, 2):
        writer.write(rows.slice(at, 2))
    return writer.done()


@pytest.fixture(scope="module", params=["by Spark", "in row groups"])
def marked(
    spark: SparkSession, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Callable[[], Path]:
    """Makes a new copy of a table with deletion vectors; as Spark or in small row groups."""
    root = tmp_path_factory.mktemp("marked")
    tables = Tables(root, "20260301t000000-aaaaaa", timedelta(days=31))
    rows = changes(*((key, n, "add") for key, n in BEGIN.items())).drop_columns(["_action"])
    if request.param == "by Spark":
        frame = spark.createDataFrame(rows).select("id", "amount", "_row_hash")
        for_files: AnyRows = frame.repartitionByRange(3, "id")
    else:
        for_files = together([in_groups(root, rows.slice(at, 4)) for at in (0, 4, 8)])
    tables.replace(for_files, TABLE, statistics="id", vectors=True)
    copies = iter(range(1_000))

    def copy() -> Path:
        return Path(shutil.copytree(root / TABLE, root / f"copy{next(copies)}"))

    return copy


def amounts(table: Path) -> dict[str, int]:
    rows = lake.read(table, lake.newest_version(table)).to_pylist()
    assert len({row["id"] for row in rows}) == len(rows)
    assert all(row["_row_hash"] == row["amount"] * 7 for row in rows)
    return {row["id"]: int(row["amount"]) for row in rows}


def by_spark(spark: SparkSession, table: Path) -> dict[str, int]:
    return {row["id"]: int(row["amount"]) for row in read_at(spark, table, None).collect()}


def metrics(table: Path) -> dict[str, int]:
    return lake.metrics_of(table, lake.newest_version(table))


def after(was: dict[str, int], told: Iterable[Change]) -> dict[str, int]:
    now = dict(was)
    for key, amount, action in told:
        if action == "delete":
            now.pop(key, None)
        else:
            now[key] = amount
    return now


def test_each_change_does_what_its_action_says(
    spark: SparkSession, marked: Callable[[], Path]
) -> None:
    table = marked()
    assert marking.writes(table)
    told = changes(
        ("k01", 100, "update"),
        ("k02", 2, "update"),
        ("k05", 0, "delete"),
        ("new", 7, "update"),
        ("never", 0, "delete"),
    )
    marking.merge(table, told, HOW, '{"run": "r1"}')
    expected = {**BEGIN, "k01": 100, "new": 7}
    del expected["k05"]
    assert amounts(table) == by_spark(spark, table) == expected
    assert DeltaTable(table).version() == 1
    assert deleted_rows(table, 1) == 2
    found = metrics(table)
    assert {name: found[f"num{name}"] for name in ("SourceRows", "OutputRows")} == {
        "SourceRows": 5,
        "OutputRows": 2,
    }
    rows = {name: found[f"numTargetRows{name}"] for name in ("Inserted", "Updated", "Deleted")}
    assert rows == {"Inserted": 1, "Updated": 1, "Deleted": 1}
    assert found["numTargetRowsCopied"] == 0


def test_spark_tells_the_commit_as_a_merge_and_goes_on_with_the_table(
    spark: SparkSession, marked: Callable[[], Path]
) -> None:
    table = marked()
    marking.merge(table, changes(("k01", 100, "update")), HOW, '{"run": "r1"}')
    newest = spark.sql(f"DESCRIBE HISTORY delta.`{table}`").first()
    assert newest is not None
    assert (newest.version, newest.operation, newest.userMetadata) == (1, "MERGE", '{"run": "r1"}')
    assert newest.operationMetrics["numTargetRowsUpdated"] == "1"
    assert newest.operationParameters["predicate"] == '["`id` = `_new_id`"]'
    spark.sql(f"DELETE FROM delta.`{table}` WHERE id IN ('k01', 'k02')")
    marking.merge(table, changes(("k03", 4, "update"), ("k02", 9, "add")), HOW, "{}")
    expected = after(BEGIN, [("k01", 0, "delete"), ("k03", 4, "update"), ("k02", 9, "add")])
    assert amounts(table) == by_spark(spark, table) == expected
    read_of_1 = {row["id"]: int(row["amount"]) for row in read_at(spark, table, 1).collect()}
    assert read_of_1 == {**BEGIN, "k01": 100}


def test_what_changes_nothing_is_no_commit(marked: Callable[[], Path]) -> None:
    table = marked()
    before = sorted(table.iterdir())
    marking.merge(table, changes(("k01", 1, "add"), ("never", 0, "delete")), HOW, "{}")
    assert DeltaTable(table).version() == 0
    assert sorted(table.iterdir()) == before


def test_a_file_without_a_row_left_is_removed(
    spark: SparkSession, marked: Callable[[], Path]
) -> None:
    table = marked()
    files = DeltaTable(table).get_add_actions().num_rows
    marking.merge(table, changes(*((key, 0, "delete") for key in BEGIN)), HOW, "{}")
    assert amounts(table) == by_spark(spark, table) == {}
    assert metrics(table)["numTargetFilesRemoved"] == files
    assert metrics(table)["numTargetDeletionVectorsAdded"] == 0
    marking.merge(table, changes(("k01", 5, "add")), HOW, "{}")
    assert amounts(table) == by_spark(spark, table) == {"k01": 5}


def test_only_files_are_read_whose_bounds_a_key_is_in(marked: Callable[[], Path]) -> None:
    table = marked()
    told = DeltaTable(table).get_add_actions(flatten=True)
    others = [
        path
        for path, low, high in zip(
            *(pa.table(told)[name].to_pylist() for name in ("path", "min.id", "max.id")),
            strict=True,
        )
        if not low <= "k01" <= high
    ]
    assert len(others) == 2
    for path in others:
        (table / path).write_bytes(b"not read")
    marking.merge(table, changes(("k01", 5, "update")), HOW, "{}")
    assert metrics(table)["numTargetRowsUpdated"] == 1


def test_a_log_that_begins_with_a_checkpoint_is_enough(
    spark: SparkSession, marked: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    table = marked()
    monkeypatch.setattr(delta_log, "CHECKPOINT_INTERVAL", "2")
    marking.merge(table, changes(("k01", 100, "update")), HOW, "{}")
    marking.merge(table, changes(("k02", 200, "update"), ("k11", 0, "delete")), HOW, "{}")
    assert (table / "_delta_log" / f"{2:020}.checkpoint.parquet").is_file()
    for version in (0, 1):
        delta_log.entry_of(table, version).unlink()
    marking.merge(table, changes(("k03", 300, "update"), ("k01", 101, "update")), HOW, "{}")
    expected = {**BEGIN, "k01": 101, "k02": 200, "k03": 300}
    del expected["k11"]
    assert amounts(table) == by_spark(spark, table) == expected
    delta_log.entry_of(table, 2).unlink()
    (table / "_delta_log" / f"{2:020}.checkpoint.parquet").unlink()
    assert delta_log.files_at(table, 3) is None


def test_a_table_that_copies_is_left_to_others(spark: SparkSession, tmp_path: Path) -> None:
    tables = Tables(tmp_path, "20260301t000000-aaaaaa", timedelta(days=31))
    tables.replace(spark.createDataFrame([], "id string"), TABLE, statistics="id")
    assert not marking.writes(tmp_path / TABLE)


def test_a_torn_data_file_is_named(marked: Callable[[], Path]) -> None:
    table = marked()
    for file in table.glob("*.parquet"):
        file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(Damaged, match=r"part-.*torn or gone"):
        marking.merge(table, changes(("k01", 5, "update")), HOW, "{}")


def test_a_commit_whose_vectors_are_torn_is_not_whole(marked: Callable[[], Path]) -> None:
    table = marked()
    marking.merge(table, changes(("k01", 5, "update")), HOW, "{}")
    assert undo.is_whole(table, 1)
    (vector,) = vectors_of(table, {1}) or ()
    (table / vector).write_bytes((table / vector).read_bytes()[:-1])
    assert not undo.is_whole(table, 1)


def test_an_entry_that_is_there_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "_delta_log").mkdir()
    delta_log.commit(tmp_path, 0, [{"add": {"path": "a"}}])
    with pytest.raises(FileExistsError):
        delta_log.commit(tmp_path, 0, [{"add": {"path": "b"}}])
    assert list(delta_log.actions(tmp_path, 0)) == [{"add": {"path": "a"}}]


one_change = st.tuples(
    st.integers(0, 15).map("k{:02}".format), st.integers(0, 12), st.sampled_from(["add", "delete"])
)
months = st.lists(st.lists(one_change, max_size=9, unique_by=lambda told: told[0]), max_size=4)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(told=months)
def test_months_follow_one_upon_the_other(
    spark: SparkSession, marked: Callable[[], Path], told: list[list[Change]]
) -> None:
    table, expected = marked(), dict(BEGIN)
    for month in told:
        was, before = expected, lake.newest_version(table)
        turnover = marking.merge(table, changes(*month), HOW, "{}", ("id", "amount"))
        expected = after(was, month)
        assert amounts(table) == expected
        for rows, there, others in ((turnover.gone, was, expected), (turnover.new, expected, was)):
            assert {row["id"]: int(row["amount"]) for row in rows.to_pylist()} == {
                key: amount for key, amount in there.items() if others.get(key) != amount
            }
        if lake.newest_version(table) == before:
            assert expected == was
            continue
        found = metrics(table)
        assert found["numTargetRowsInserted"] == len(expected.keys() - was.keys())
        assert found["numTargetRowsDeleted"] == len(was.keys() - expected.keys())
        other = [key for key in was.keys() & expected.keys() if was[key] != expected[key]]
        assert found["numTargetRowsUpdated"] == len(other)
    assert by_spark(spark, table) == expected
    shutil.rmtree(table)
