"""Stored censuses: registered or synthetic, one in use, safe from writers that are killed; the commands."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from planwise.census import (
    SyntheticOptions,
    census_in_use,
    default_levels,
    generate_census,
    list_censuses,
    load_census,
    register_census,
    use_census,
)
from planwise.census.identity import installation_key, pseudonyms
from planwise.census.registry import census_table, content_hash, levels_table
from planwise.census.schema import ARROW_SCHEMA, LEVELS_SCHEMA
from planwise.census.synthetic import synthetic_profile, synthetic_rows
from planwise.cli.commands import run
from planwise.errors import InputError
from planwise.governance import open_ledger
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
ODD = 32768.02  # as a double, a hundred times it is a little less than 3,276,802


def test_the_files_are_the_contract(settings):
    census = register_census(settings, "two", ROWS, default_levels(), as_of=DAY)

    rows, levels = pq.read_table(census.census_file), pq.read_table(census.levels_file)
    assert rows.schema.equals(ARROW_SCHEMA) and levels.schema.equals(LEVELS_SCHEMA)
    assert rows["employee_id"].to_pylist() == ["A", "B"]
    assert str(rows["base_pay"].to_pylist()[1]) == "50000.01"
    assert levels["midpoint"].to_pylist()[0] == 52800
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
        "sha256",
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
def test_rows_that_break_the_schema_are_rejected(settings, change, message):
    with pytest.raises(InputError, match=message):
        register_census(settings, "bad", ROWS.assign(**change), default_levels(), as_of=DAY)
    with pytest.raises(InputError, match="Missing columns base_pay"):
        register_census(settings, "bad", ROWS.drop(columns="base_pay"), default_levels(), as_of=DAY)
    assert list_censuses(settings) == ((), ())


def test_levels_whose_ranges_do_not_rise_are_rejected(settings):
    levels = default_levels().astype({"maximum": float})
    levels.loc[0, "maximum"] = 70_000
    levels_table(levels)  # an overlap
    levels.loc[0, "maximum"] = 107_000  # a midpoint of 72,500, as level 2
    with pytest.raises(InputError, match="do not rise"):
        register_census(settings, "bad", ROWS, levels, as_of=DAY)


def test_one_of_several_is_in_use(settings):
    with pytest.raises(InputError, match="No census is in use"):
        load_census(settings)
    generate_census(settings, employees=3)
    generate_census(settings, employees=4)

    assert load_census(settings).name == census_in_use(settings) == "synthetic_4"
    use_census(settings, "synthetic_3")
    assert load_census(settings).rows == 3
    assert [c.name for c in list_censuses(settings)[0]] == ["synthetic_3", "synthetic_4"]
    with pytest.raises(InputError, match="known: synthetic_3, synthetic_4"):
        use_census(settings, "synthetic_5")
    assert census_in_use(settings) == "synthetic_3"


@pytest.mark.parametrize("name", ["", "../x", "A", "a b", ".x", "_x", "current", "a" * 65, "x/y"])
def test_names_that_could_hurt_are_rejected(settings, name):
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


def test_what_is_known_about_the_people_is_part_of_the_census(settings):
    """A file with a column of blank genders has the rows of a file without one, but is another census."""
    first = register_census(settings, "two", ROWS, default_levels(), as_of=DAY)
    second = register_census(
        settings, "two", ROWS, default_levels(), as_of=DAY, availability={"gender": True}
    )
    assert (first.availability["gender"], second.availability["gender"]) == (False, True)
    assert load_census(settings, "two") == second and second.content_hash == first.content_hash


def test_cents_are_exact_and_half_a_cent_of_a_midpoint_is_rounded_up(settings):
    levels = pd.DataFrame({"level_id": [1], "name": ["One"], "minimum": [ODD], "maximum": [ODD + 1.01]})
    assert [str(cell) for cell in levels_table(levels)["minimum"].to_pylist()] == [str(ODD)]
    assert str(levels_table(levels)["midpoint"][0].as_py()) == "32768.53"
    assert str(census_table(ROWS.assign(base_pay=ODD))["base_pay"][0].as_py()) == str(ODD)


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
        assert [c.name for c in list_censuses(settings)[0]] == ["victim"]


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


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return synthetic_rows(100_000, 7, SyntheticOptions())


def test_same_seed_same_census_other_seed_another(settings):
    hashes = [
        generate_census(settings, employees=500, seed=s, name=n).content_hash
        for s, n in ((1, "a"), (1, "b"), (2, "c"))
    ]
    assert hashes[0] == hashes[1] != hashes[2]
    other = generate_census(
        settings, employees=500, seed=1, options=SyntheticOptions(gender_pay_gap_rate=0.0)
    )
    assert other.content_hash != hashes[0] and all(other.availability.values())


def test_the_mix_is_exact(rows):
    assert rows["level_id"].value_counts(normalize=True).sort_index().tolist() == [
        0.40,
        0.30,
        0.18,
        0.09,
        0.03,
    ]


def test_pay_is_in_its_level_s_half_open_range(rows):
    ranges = default_levels().set_index("level_id")
    assert (rows["base_pay"] >= rows["level_id"].map(ranges["minimum"])).all()
    assert (rows["base_pay"] < rows["level_id"].map(ranges["maximum"])).all()


def test_default_ranges_are_40_to_60_percent_wide_and_overlap():
    ranges = default_levels()
    spreads = ranges["maximum"] / ranges["minimum"] - 1
    assert spreads.round(2).tolist() == [0.40, 0.45, 0.50, 0.55, 0.60]
    assert (ranges["minimum"].shift(-1) < ranges["maximum"]).iloc[:-1].all()
    levels_table(ranges)


@pytest.mark.parametrize("gap", [0.03, 0.0, 0.10, -0.05])
def test_women_are_paid_less_by_the_gap_within_a_level(gap):
    rows = synthetic_rows(100_000, 3, SyntheticOptions(gender_pay_gap_rate=gap))
    means = rows.groupby(["level_id", "gender"])["base_pay"].mean().unstack()
    realised = 1 - means["F"] / means["M"]
    assert np.average(realised, weights=[0.40, 0.30, 0.18, 0.09, 0.03]) == pytest.approx(gap, abs=0.003)


def test_age_and_tenure_belong_together(rows):
    as_of = pd.Timestamp("2025-12-31")
    age = (as_of - rows["birth_date"]).dt.days / 365.25
    tenure = (as_of - rows["hire_date"]).dt.days / 365.25
    assert age.corr(tenure) > 0.4
    assert (age - tenure).min() >= 18 and age.max() <= 75 and tenure.min() >= 0
    assert tenure.groupby(rows["level_id"]).mean().is_monotonic_increasing


def test_titles_follow_department_and_level_and_part_timers_are_few(rows):
    assert (rows.groupby(["department", "level_id"])["job_title"].nunique() == 1).all()
    assert rows["department"].nunique() == 8
    assert 0.03 < (rows["fte"] < 1).mean() < 0.05
    assert set(rows["performance_rating"]) == {1, 2, 3, 4, 5}


def test_declared_shares_sum_to_one():
    profile = synthetic_profile()
    shares = [profile["level_mix"], profile["rating_mix"], list(profile["ethnicity_mix"].values())]
    shares.append([d["share"] for d in profile["departments"].values()])
    assert [round(sum(s), 9) for s in shares] == [1, 1, 1, 1]


@pytest.mark.parametrize("employees", [1, 2, 3, 7, 99])
def test_small_worlds(employees):
    assert census_table(synthetic_rows(employees, 1, SyntheticOptions())).num_rows == employees


@pytest.mark.parametrize(("employees", "seed"), [(0, 1), (-1, 1), (1_000_001, 1), (5, -1)])
def test_limits(employees, seed):
    with pytest.raises(InputError):
        synthetic_rows(employees, seed, SyntheticOptions())
    with pytest.raises(InputError, match="outside"):
        SyntheticOptions(gender_pay_gap_rate=0.5)


def test_a_hundred_thousand_take_about_a_second(settings):
    start = time.perf_counter()
    generate_census(settings, employees=100_000)
    assert time.perf_counter() - start < 5  # 0.3 s alone on two cores; the bound is for a busy machine


HEAD = "employee_id,hire_date,base_pay,job_title,department"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "My Payroll 2020.csv"
    path.write_text(f"{HEAD}\nE1,2010-01-05,50000,Clerk,Ops\n")
    return path


def call(capsys, *tokens: str) -> tuple[int, dict]:
    code = run([*tokens, "--json"])
    return code, json.loads(capsys.readouterr().out)  # one object and nothing else


def test_generate_import_list_use(capsys, tmp_path, file):
    home = ("--home", str(tmp_path / "home"))

    code, made = call(capsys, "census", "generate", "--employees", "20", "--seed", "3", *home)
    assert (code, made["census"], made["rows"], made["as_of"]) == (0, "synthetic_20", 20, "2025-12-31")

    code, brought = call(capsys, "census", "import", str(file), "--as-of", "2020-12-31", *home)
    keys = {
        "census",
        "rows_read",
        "rows_accepted",
        "rows_rejected",
        "rows_filtered",
        "reject_reasons",
        "rejects_file",
        "report_file",
    }
    assert code == 0 and keys <= set(brought)
    assert (brought["census"], brought["rows_accepted"]) == ("my_payroll_2020", 1)
    assert Path(brought["rejects_file"]).exists() and Path(brought["report_file"]).exists()

    code, listed = call(capsys, "census", "list", *home)
    assert listed["in_use"] == "my_payroll_2020"
    assert [c["census"] for c in listed["censuses"]] == ["my_payroll_2020", "synthetic_20"]

    code, used = call(capsys, "census", "use", "synthetic_20", *home)
    assert (code, used["census"]) == (0, "synthetic_20")


def test_a_blocked_import_is_one_object_and_exit_3(capsys, tmp_path, file):
    file.write_text(f"{file.read_text()}E2,,5,a,b\n")

    code, report = call(capsys, "census", "import", str(file), "--home", str(tmp_path / "home"))

    assert code == 3
    assert report["census"] is None and report["reject_reasons"] == {"missing_hire_date": 1}
    assert report["error"]["type"] == "GateBlocked"


@pytest.mark.parametrize(
    "tokens",
    [
        ("import", "/nowhere.csv"),
        ("import", "FILE", "--as-of", "2020-13-01"),
        ("import", "FILE", "--levels", "magic"),
        ("import", "FILE", "--mapping", "/nowhere.yaml"),
        ("import", "FILE", "--filter", "nope"),
        ("import", "FILE", "--name", "A B"),
        ("use", "nobody"),
        ("generate", "--employees", "0"),
        ("generate", "--employees", "many"),
    ],
)
def test_bad_input_is_exit_2(tokens, capsys, tmp_path, file):
    given = [str(file) if t == "FILE" else t for t in tokens]

    code, answer = call(capsys, "census", *given, "--home", str(tmp_path / "home"))

    assert code == 2 and answer["error"]["what"]


def test_people_see_counts_reasons_and_what_to_do(capsys, tmp_path, file):
    home = str(tmp_path / "home")
    assert run(["census", "import", str(file), "--as-of", "2020-12-31", "--home", home]) == 0
    captured = capsys.readouterr()
    assert (
        "accepted" in captured.out and "rejects.csv" in captured.out and "planwise simulate" in captured.err
    )

    file.write_text(f"{file.read_text()}E2,,5,a,b\n")
    assert run(["census", "import", str(file), "--home", home]) == 3
    captured = capsys.readouterr()
    assert "missing_hire_date" in captured.out and "Correct the file" in captured.err

    assert run(["census", "list", "--home", home]) == 0
    assert "my_payroll_2020" in capsys.readouterr().out


def test_a_census_is_deleted_when_nothing_needs_it(settings, capsys):
    home = ["--home", str(settings.root)]
    for name in ("old", "named", "damaged", "now"):
        generate_census(settings, employees=20, name=name)
    with open_ledger(settings) as ledger:
        ledger.scenarios.create("plan", census="named")
    (settings.censuses_dir / "damaged" / "manifest.json").write_text("{}")
    reasons = {"now": "is in use", "named": "is the census of plan", "none": "Unknown census"}
    for refused, says in reasons.items():
        assert run(["census", "delete", refused, "--yes", *home]) == 2
        assert says in capsys.readouterr().err
    for name in ("old", "damaged"):
        assert run(["census", "delete", name, *home]) == 2  # there is no terminal to confirm it on
        assert (settings.censuses_dir / name).exists()
        assert run(["census", "delete", name, "--yes", *home]) == 0
    left = sorted(path.name.split("-")[0] for path in (settings.censuses_dir / ".versions").iterdir())
    assert left == ["named", "now"] and not os.path.lexists(settings.censuses_dir / "old")
