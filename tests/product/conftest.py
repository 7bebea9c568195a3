"""The real files, loaded once; stories that change something get a copy."""

import shutil
from pathlib import Path

import pytest

from tests.product.causes import Caused, write_all_causes
from tests.product.support import DATA, load


@pytest.fixture(scope="session")
def real_lakehouse(config, spark, tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("real") / "lakehouse"
    assert load(config, spark, DATA, root, "202502", "202503").state == "released"
    return root


@pytest.fixture(scope="module")
def lakehouse(real_lakehouse, tmp_path_factory) -> Path:
    """A module's own copy; a moved lakehouse works as before."""
    return Path(shutil.copytree(real_lakehouse, tmp_path_factory.mktemp("copy") / "lakehouse"))


@pytest.fixture(scope="session")
def caused(config, spark, tmp_path_factory) -> Caused:
    """Seven releases in which figures move by every cause there is; only to be read."""
    return write_all_causes(config, spark, tmp_path_factory.mktemp("causes"))
