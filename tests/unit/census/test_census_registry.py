import json
import os
import shutil
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from planwise.census import (
    census_in_use,
    default_levels,
    generate_census,
    list_censuses,
    load_census,
    register_census,
    use_census,
)
from planwise.census.importer import installation_key, pseudonyms
from planwise.census.registry import content_hash
from planwise.census.schema import ARROW_SCHEMA, LEVELS_SCHEMA
from planwise.errors import InputError
from planwise.settings import Settings

ROWS = pd.DataFrame(
    {
        "employee_id": ["B", "A"],
        "hire_date": ["2010-01-01", "2011-01-01"],
        "base_pay": [50000.01, 60000],
        "job_title": "Clerk",
        "department": "Ops",
        "level_id": [1, 2],
    }
)
DAY = date(2025, 12, 31)


def test_the_files_are_the_contract(settings):
    census = register_census(settings, "two", ROWS, default_levels(), as_of=DAY)

    rows, levels = pq.read_table(census.census_file), pq.read_table(census.levels_file)
    assert rows.schema.equals(ARROW_SCHEMA) and levels.schema.equals(LEVELS_SCHEMA)
    assert rows["employee_id"].to_pylist() == ["A", "B"]
    assert str(rows["base_pay"].to_pylist()[1]) == "50000.01"
    assert levels["midpoint"].to_pylist()[0] == 47500
    assert (settings.censuses_dir / "two" / "census.parquet").samefile(census.census_file)
    manifest = json.loads((settings.censuses_dir / "two" / "manifest.json").read_text())
    assert {
        "name",
        "content_hash",
        "as_of",
        "rows",
        "source",
        "availability",
        "levels_from",
        "created_at",
        "versions",
    } == set(manifest)
    assert content_hash(DAY, rows, levels) == census.content_hash


@pytest.mark.parametrize(
    ("as_of", "year"), [(DAY, 2026), (date(2026, 1, 1), 2026), (date(2015, 6, 30), 2016)]
)
def test_the_first_year(settings, as_of, year):
    assert register_census(settings, "two", ROWS, default_levels(), as_of=as_of).first_year == year


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"employee_id": ["A", "A"]}, "not unique"),
        ({"employee_id": ["NEW-1", "A"]}, "reserved"),
        ({"base_pay": [0, 1]}, "above 0"),
        ({"base_pay": [float("nan"), 1]}, "not a number"),
        ({"job_title": [None, "x"]}, "required"),
        ({"hire_date": ["soon", "2010-01-01"]}, "types"),
    ],
)
def test_rows_that_break_the_schema_are_refused(settings, change, message):
    with pytest.raises(InputError, match=message):
        register_census(settings, "bad", ROWS.assign(**change), default_levels(), as_of=DAY)
    with pytest.raises(InputError, match="Missing columns base_pay"):
        register_census(settings, "bad", ROWS.drop(columns="base_pay"), default_levels(), as_of=DAY)
    assert list_censuses(settings) == ()


def test_levels_with_a_gap_are_refused(settings):
    levels = default_levels().astype({"maximum": float})
    levels.loc[0, "maximum"] = 56_000
    with pytest.raises(InputError, match="not contiguous"):
        register_census(settings, "bad", ROWS, levels, as_of=DAY)


def test_one_of_several_is_in_use(settings):
    with pytest.raises(InputError, match="No census is in use"):
        load_census(settings)
    generate_census(settings, employees=3)
    generate_census(settings, employees=4)

    assert load_census(settings).name == census_in_use(settings) == "synthetic_4"
    use_census(settings, "synthetic_3")
    assert load_census(settings).rows == 3
    assert [c.name for c in list_censuses(settings)] == ["synthetic_3", "synthetic_4"]
    with pytest.raises(InputError, match="known: synthetic_3, synthetic_4"):
        use_census(settings, "synthetic_5")
    assert census_in_use(settings) == "synthetic_3"


@pytest.mark.parametrize("name", ["", "../x", "A", "a b", ".x", "_x", "current", "a" * 65, "x/y"])
def test_names_that_could_hurt_are_refused(settings, name):
    with pytest.raises(InputError, match="not a census name"):
        register_census(settings, name, ROWS, default_levels(), as_of=DAY)


def test_replacing_keeps_the_files_a_reader_holds_and_prunes_them_when_old(settings):
    first = register_census(settings, "two", ROWS, default_levels(), as_of=DAY)
    os.utime(first.census_file.parent, (0, 0))  # written long ago, in use until now
    second = register_census(settings, "two", ROWS.assign(base_pay=[1, 2]), default_levels(), as_of=DAY)
    assert first.census_file.exists() and first.census_file != second.census_file

    os.utime(first.census_file.parent, (0, 0))  # superseded long ago
    third = register_census(settings, "two", ROWS.assign(base_pay=[3, 4]), default_levels(), as_of=DAY)
    assert not first.census_file.exists()
    assert second.census_file.exists() and load_census(settings, "two") == third


def test_the_same_content_writes_nothing_again(settings):
    first = register_census(settings, "two", ROWS, default_levels(), as_of=DAY)
    assert register_census(settings, "two", ROWS[::-1], default_levels(), as_of=DAY) == first


def test_a_restored_plain_folder_is_read_and_can_be_replaced(settings):
    census = register_census(settings, "two", ROWS, default_levels(), as_of=DAY)
    link = settings.censuses_dir / "two"
    copy = settings.censuses_dir / "copy"
    shutil.copytree(link, copy)
    link.unlink()
    copy.rename(link)

    assert load_census(settings, "two").content_hash == census.content_hash
    assert (
        register_census(settings, "two", ROWS.assign(base_pay=[1, 2]), default_levels(), as_of=DAY).rows == 2
    )


WRITER = """
import sys
from planwise.census import generate_census
from planwise.settings import Settings
settings = Settings(home=sys.argv[1])
seed = 0
while True:
    seed += 1
    generate_census(settings, employees=2000, seed=seed, name="victim")
    print(seed, flush=True)
"""


def test_kill_9_leaves_the_old_census_or_the_new_one(settings: Settings):
    generate_census(settings, employees=2000, seed=0, name="victim")
    for attempt in range(6):
        process = subprocess.Popen([sys.executable, "-c", WRITER, str(settings.root)], stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()  # it has begun
        time.sleep(0.004 * attempt)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()

        census = load_census(settings)
        rows, levels = pq.read_table(census.census_file), pq.read_table(census.levels_file)
        assert content_hash(census.as_of, rows, levels) == census.content_hash
        assert [c.name for c in list_censuses(settings)] == ["victim"]


def test_two_writers_and_a_reader_never_meet_a_half_written_census(settings: Settings):
    generate_census(settings, employees=2000, seed=0, name="victim")
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(settings.root)], stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    try:
        for writer in writers:
            assert writer.stdout is not None and writer.stdout.readline()
        for _ in range(200):
            census = load_census(settings)
            assert pq.read_table(census.census_file).num_rows == 2000
        assert [writer.poll() for writer in writers] == [None, None]
    finally:
        for writer in writers:
            writer.kill()
            writer.communicate()


def test_the_key_is_private_and_makes_stable_ids_of_its_own(tmp_path: Path):
    key = installation_key(tmp_path / "one")
    assert (tmp_path / "one" / "identity.key").stat().st_mode & 0o777 == 0o600
    assert installation_key(tmp_path / "one") == key != installation_key(tmp_path / "two")

    ids = pseudonyms(pd.Series(["Ada  Lovelace", "ADA LOVELACE", "Ada Lovelacé", ""]), key).tolist()
    assert ids[0] == ids[1] != ids[2] and ids[3] == ""
    assert pseudonyms(pd.Series(["Ada Lovelace"]), installation_key(tmp_path / "two"))[0] != ids[0]
    (tmp_path / "one" / "identity.key").write_bytes(b"short")
    with pytest.raises(InputError, match="damaged"):
        installation_key(tmp_path / "one")
