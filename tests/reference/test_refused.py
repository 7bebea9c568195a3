"""Files that may not be taken at all are refused by name (contracts: Refusing)."""

from pathlib import Path

import pytest

from .model import calculate
from .records import RefusedError
from .stories import EXTRACTS, write_story

CENTERS = EXTRACTS["contact_centers"]
FEBRUARY = "delta/contact_centers_delta_202502.csv"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("initial/agents.csv", b""),
        ("initial/agents.csv", b"\xef\xbb\xbf \n"),
        ("initial/agents.csv", b"agent_id,full_name\n"),
        ("initial/agents.csv", EXTRACTS["agents"].replace("\n", ",AGENT_ID \n")),
        ("initial/contact_centers.csv", CENTERS.encode() + b"C1,\xff,\n"),
        (FEBRUARY, CENTERS),
    ],
    ids=["empty", "blank", "column missing", "name twice", "not UTF-8", "no action"],
)
def test_a_broken_file_is_refused_by_name(tmp_path: Path, name: str, content: bytes | str) -> None:
    with pytest.raises(RefusedError) as refusal:
        calculate(write_story(tmp_path, {name: content}))
    assert refusal.value.file == name


def test_a_table_without_an_extract_is_refused(tmp_path: Path) -> None:
    (write_story(tmp_path, {}) / "initial/agents.csv").unlink()
    with pytest.raises(RefusedError, match=r"initial/agents\.csv"):
        calculate(tmp_path)
