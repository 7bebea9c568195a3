"""What the product's stories share: a run in one call, the command line, the published bytes."""

import contextlib
import io
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from pyspark.sql import SparkSession

from support_lakehouse.cli.app import main
from support_lakehouse.config import Config
from support_lakehouse.pipeline.run import Options, RunResult, run
from tests.reference import model, render

REPO = Path(__file__).resolve().parents[2]
DATA = REPO / "data"
ROOT_SETTINGS = REPO / "conf" / "pipeline.yml"


def load(
    config: Config, spark: SparkSession, data: Path, lakehouse: Path, *months: str, **asked: Any
) -> RunResult:
    """Run the product on a folder in the tests' own session; no months means all."""
    options = Options(data=data, lakehouse=lakehouse, months=months or None, **asked)
    return run(config, options, spark=spark)


def published(lakehouse: Path) -> dict[str, bytes]:
    """The published files by name, without the manifest, which tells times."""
    folder = lakehouse / "published"
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.name != "manifest.json"}


def expected(data: Path, fmt: str = "csv") -> dict[str, bytes]:
    """What the second, independent calculation would publish."""
    told = model.calculate(data)
    write = {"csv": render.to_csv, "json": render.to_json}[fmt]
    tables = {"support_report": told.support_report, **told.finals}
    return {f"{name}.{fmt}": write(name, rows) for name, rows in tables.items()}


@dataclass(frozen=True)
class Said:
    """What a command left behind: its exit code and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def command(*arguments: object, home: Path = REPO) -> Said:
    """The command line, called in this process, with the `conf/` of a folder."""
    out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.StringIO()
    code = 0
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        mock.patch.dict(os.environ, SUPPORT_LAKEHOUSE_HOME=str(home)),
    ):
        try:
            main([str(argument) for argument in arguments])
        except SystemExit as left:
            code = int(left.code or 0)
    out.flush()
    return Said(code, out.buffer.getvalue().decode(), err.getvalue())
