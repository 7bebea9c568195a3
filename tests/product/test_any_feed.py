"""A feed that nobody has seen needs a YAML file and no code: each kind in each format."""

import csv
import gzip
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from pyspark.sql import SparkSession

from support_lakehouse.config import load_config
from support_lakehouse.io import export
from support_lakehouse.stages.released import open_released
from tests.product.support import load

Rows = Sequence[dict[str, Any]]
FIRST: Rows = ({"id": "a", "size": "1"}, {"id": "b", "size": "2"}, {"id": "c", "size": "many"})
SECOND: Rows = ({"id": "b", "size": "3"}, {"id": "d", "size": "4"})
CHANGES: Rows = (
    {"id": "b", "size": "3", "action": "Update"},
    {"id": "d", "size": "4", "action": "add"},
    {"id": "a", "size": None, "action": " DELETE "},
)
UPSERTED, LAST = [("a", 1), ("b", 3), ("d", 4)], [("b", 3), ("d", 4)]
EXPECTED = {"changes": LAST, "events": UPSERTED, "lookup": LAST, "snapshot": LAST}
LOG = [("a", 1), ("b", 2), ("b", 3), ("d", 4)]
ENDINGS = {"csv": "csv", "json_lines": "jsonl", "json_array": "json", "json_object": "json"}


def text_of(rows: Rows, fmt: str) -> str:
    if fmt == "json_array":
        return json.dumps(rows, indent=2)
    if fmt in ("json_lines", "json_object"):
        return "".join(json.dumps(row) + "\n" for row in rows)
    held = io.StringIO()
    table = csv.DictWriter(held, list(rows[0]), delimiter=";", lineterminator="\r\n")
    table.writeheader()
    table.writerows(rows)
    return held.getvalue()


def write(path: Path, rows: Rows, fmt: str, *, packed: bool) -> None:
    """The rows as one delivery; one file for each where the format has it so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    parts = [[row] for row in rows] if fmt == "json_object" else [rows]
    for number, part in enumerate(parts):
        named = path.with_name(path.name.replace("*", str(number)))
        data = text_of(part, fmt).encode()
        if packed:
            named.with_name(named.name + ".gz").write_bytes(gzip.compress(data))
        else:
            named.write_bytes(data)


def declare(root: Path, kind: str, fmt: str) -> None:
    """A feed called like its kind, with files in a folder of that name."""
    end = ENDINGS[fmt]
    files: dict[str, Any] = {
        "changes": {"initial": f"changes/all.{end}", "changes": f"changes/{{month}}.{end}"},
        "snapshot": {"deliveries": [f"snapshot/{{date}}/*.{end}"]},
    }.get(kind, {"deliveries": [f"{kind}/*.{end}"]})
    feed: dict[str, Any] = {"feed": kind, "kind": kind, "format": fmt, "files": files}
    feed |= {"columns": {"id": "text", "size": "integer"}}
    feed |= {"delimiter": ";"} if fmt == "csv" else {}
    feed |= {"key": "id"} if kind != "log" else {}
    feed |= {"action": "action"} if kind == "changes" else {}
    (root / "conf" / "feeds" / f"{kind}.yml").write_text(yaml.safe_dump(feed))


def deliver(data: Path, kind: str, fmt: str, *, packed: bool) -> None:
    star = "-*" if fmt == "json_object" else ""
    end = ENDINGS[fmt]
    if kind == "changes":
        write(data / f"changes/all.{end}", FIRST, fmt, packed=packed)
        write(data / f"changes/202502.{end}", CHANGES, fmt, packed=packed)
    elif kind == "snapshot":
        write(data / f"snapshot/2026-01-02/page{star}.{end}", FIRST, fmt, packed=packed)
        write(data / f"snapshot/2026-01-03/page{star}.{end}", SECOND, fmt, packed=packed)
    else:
        write(data / f"{kind}/1{star}.{end}", FIRST, fmt, packed=packed)
        write(data / f"{kind}/2{star}.{end}", SECOND, fmt, packed=packed)


@pytest.mark.parametrize(
    ("fmt", "packed"),
    [("csv", False), ("json_lines", True), ("json_array", False), ("json_object", False)],
)
def test_a_yaml_file_makes_a_table(
    spark: SparkSession, tmp_path: Path, fmt: str, packed: bool
) -> None:
    (tmp_path / "conf" / "feeds").mkdir(parents=True)
    (tmp_path / "conf" / "pipeline.yml").write_text("data: data\n")
    kinds = ["events", "log", "lookup", "snapshot"]
    kinds += ["changes"] if fmt != "json_object" else []  # an extract is one file
    for kind in kinds:
        declare(tmp_path, kind, fmt)
        deliver(tmp_path / "data", kind, fmt, packed=packed)
    config = load_config(tmp_path)
    done = load(config, spark, tmp_path / "data", tmp_path / "lakehouse")
    assert done.state == "released"
    released = open_released(tmp_path / "lakehouse")
    for kind in kinds:
        expected = EXPECTED.get(kind, LOG)
        if (kind, fmt) == ("lookup", "json_object"):
            expected = LAST[-1:]  # the last file is the table
        (final,) = released.final(config.feed(kind), config.feeds)
        assert [(r["id"], r["size"]) for r in final.to_pylist()] == expected, kind
        assert next(iter(export.text_of(final, "csv"))) == "id,size\n"
    entries = released.quarantine().to_pylist()
    assert sorted(entry["feed"] for entry in entries) == sorted(kinds)
    for entry in entries:
        assert [r["message"] for r in entry["reasons"]] == ["size is not a whole number"]
        assert '"many"' in entry["raw"] or entry["raw"] == "c;many"
    assert all(entry.balance.balances for entry in done.loaded)
    assert sum(entry.balance.rejected for entry in done.loaded) == len(kinds)
    history = released.table("silver/snapshot_history").to_pylist()
    assert sorted((r["id"], r["_period"]) for r in history) == [
        ("a", "2026-01-02"),
        ("b", "2026-01-02"),
        ("b", "2026-01-03"),
        ("d", "2026-01-03"),
    ]
