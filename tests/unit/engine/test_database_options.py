"""What every database of an evaluation is opened with."""

import os
from pathlib import Path

import duckdb
import pytest

from planwise.engine import project
from planwise.engine.project import GIB, database_options
from planwise.settings import Settings


@pytest.mark.parametrize(
    ("machine_gib", "given", "limit"),
    [(6, None, "1024MiB"), (512, None, "4096MiB"), (6, 1.5, "1536MiB"), (6, 100, "102400MiB")],
)
def test_memory_is_a_share_of_the_machine_unless_it_is_given(
    monkeypatch, tmp_path, machine_gib, given, limit
):
    monkeypatch.setattr(project, "memory_bytes", lambda: machine_gib * GIB)
    settings = Settings(home=tmp_path, memory_limit_gib=given)
    assert database_options(settings)["memory_limit"] == limit


def test_what_does_not_fit_goes_to_a_folder_of_the_home(tmp_path):
    settings = Settings(home=tmp_path, memory_limit_gib=0.05)
    assert database_options(settings, tmp_path / "w.duckdb")["temp_directory"] == f"{tmp_path}/w.duckdb.tmp"
    options = database_options(settings)
    folder = Path(options["temp_directory"])
    assert folder.parent == settings.root and folder.name.startswith(f"memory-{os.getpid()}-")
    assert database_options(settings)["temp_directory"] != str(folder)
    with duckdb.connect(":memory:", config=options) as database:
        database.execute("CREATE TABLE rows AS SELECT md5(range::TEXT) AS a FROM range(2000000)")  # 90 MB
        assert list(folder.iterdir())
    assert not folder.exists()
