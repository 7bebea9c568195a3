"""The list of mutants cannot go stale: each of them still finds its place in the program."""

import shutil
from pathlib import Path

import pytest

from tests.mutants import MUTANTS, REPO, SOURCE, Mutant


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.fault)
def test_a_mutant_finds_its_place_and_its_tests(mutant: Mutant, tmp_path: Path) -> None:
    file = Path("support_lakehouse") / mutant.file
    (tmp_path / file).parent.mkdir(parents=True)
    shutil.copy(SOURCE / file, tmp_path / file)
    mutant.put_into(tmp_path)
    compile((tmp_path / file).read_text(), mutant.file, "exec")
    assert (tmp_path / file).read_text() != (SOURCE / file).read_text()
    assert all((REPO / test).exists() for test in mutant.tests)


def test_there_are_ten_at_least() -> None:
    assert len({mutant.fault for mutant in MUTANTS}) >= 10
