"""Records are found by their key, and by their place where they had none: of one content only."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from support_lakehouse.config import Config
from support_lakehouse.io import ops
from support_lakehouse.model.feed import Feed
from support_lakehouse.model.release import Release, TableState
from support_lakehouse.stages.records import Records
from support_lakehouse.stages.released import Released

FILE = "e/it's.csv"
REASON = pa.struct([(name, pa.string()) for name in ("rule", "column", "message")])
REASONS = [{"rule": "required", "column": "id", "message": "id is empty"}]


def row(sha256: str, run: str, key: str | None, **more: Any) -> dict[str, Any]:
    told = {"period": "", "file": FILE, "line": 2, "sha256": sha256, "run": run, "key": key}
    rejected = REASONS if key is None else None
    return told | {"header": '["id"]', "raw": key or "", "reasons": rejected} | more


def write(root: Path, table: str, rows: list[dict[str, Any]]) -> TableState:
    kinds = {"line": pa.int64(), "reasons": pa.list_(REASON)}
    schema = pa.schema([(name, kinds.get(name, pa.string())) for name in rows[0]])
    write_deltalake(root / table, pa.Table.from_pylist(rows, schema=schema))
    return TableState(0, len(rows), "")


@pytest.fixture
def records(config: Config, tmp_path: Path) -> Records:
    """A row without its key came back in release 2; in release 3 its file came with other bytes."""
    feed = Feed.model_validate(
        {"feed": "x", "kind": "events", "files": "e/*.csv", "key": "id", "columns": {"id": "text"}}
    )
    bronze = [row("A", "r1", None), row("A", "r2", "O'Key"), row("B", "r3", None)]
    kept = config.settings.retention
    tables = {
        "bronze/x": write(
            tmp_path,
            "bronze/x",
            [r | {"admission": f"{r['run']}-0", "action": "add"} for r in bronze],
        ),
        "quarantine": write(
            tmp_path,
            "quarantine",
            [
                row("A", "r2", "O'Key", id="a", feed="x", state="released"),
                row("B", "r3", None, id="b", feed="x", state="open"),
            ],
        ),
        ops.FILES: ops.write_files(tmp_path, [], "r3", kept),
        ops.JOURNAL: ops.append_journal(tmp_path, [], "r3", kept),
    }
    kinds = (("run", (FILE,)), ("replay", ()), ("run", (FILE,)))
    releases = [
        Release(
            release=n,
            at="",
            run=f"r{n}",
            kind=kind,
            months=(),
            files=files,
            rows={},
            tables=tables,
            as_of={},
            refusals=(),
            code="",
            config="",
            previous="",
        )
        for n, (kind, files) in enumerate(kinds, start=1)
    ]
    return Records(Released(tmp_path, releases[-1], None), releases, feed)


def test_the_record_as_it_came_belongs_to_the_key_that_a_person_gave_it(records: Records):
    found, waiting = records.of_key("O'Key")
    assert [(r.sha256, r.release, r.accepted) for r in found] == [("A", 2, True), ("A", 1, False)]
    assert waiting == {(FILE, 2, "A"): ("released", "a")}
    assert {records.fared(r).gone_in for r in found} == {3}


def test_a_key_is_a_value_and_never_a_part_of_the_query(records: Records):
    for key in ("' OR 1=1 --", "O'Key' --", "", "\\", "中心"):
        assert records.of_key(key)[0] == []
    assert records.near("o'key") == ["O'Key"]
