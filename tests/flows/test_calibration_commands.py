"""`planwise calibrate` and `planwise backtest`, on three small simulated years."""

import json
from datetime import date

import pandas as pd
import pytest

from planwise.app.calibrate import BacktestRequest
from planwise.calibration.backtest import SEEDS_MIN, backtest
from planwise.calibration.statistics import parameters
from planwise.census import default_levels, generate_census, load_census
from planwise.cli.commands import run
from planwise.engine.preview import Preview
from planwise.settings import Settings

EMPLOYEES, YEARS, SEEDS = 400, 3, 6
DAYS = ",".join(f"{2025 + k}-12-31" for k in range(YEARS + 1))


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Export a census and three simulated years of it as payroll files; hires keep an id of their own."""
    folder = tmp_path_factory.mktemp("payrolls")
    settings = Settings(home=folder / "home")
    census = generate_census(settings, employees=EMPLOYEES, seed=3)
    people = pd.read_parquet(census.census_file).set_index("employee_id")
    paths = []
    for k in range(YEARS + 1):
        if k:
            with_year = parameters(census, {}).with_assumptions({"seed": k})
            preview = Preview(settings, census)
            pay = preview.pay(with_year).set_index("employee_id")
            preview.close()
            people = closing(people, pay[pay["is_active"]], 2025 + k)
            census = registered(settings, people, 2025 + k)
        path = folder / f"staff_{2025 + k}.csv"
        people.reset_index()[
            ["employee_id", "hire_date", "base_pay", "job_title", "department", "level_id"]
        ].to_csv(path, index=False)
        paths.append(str(path))
    return paths


def closing(people, active, year):
    kept = people.loc[people.index.intersection(active.index)]
    hires = active[active["is_hire"]]
    new = pd.DataFrame(
        {
            "hire_date": date(year, 7, 1),
            "job_title": "Hire",
            "department": hires["department"],
            "birth_date": date(1990, 1, 1),
            "performance_rating": 3,
            "fte": 1,
        }
    )
    everybody = pd.concat([kept, new])
    everybody = everybody.assign(base_pay=active["base_pay"], level_id=active["level_id"])
    return everybody.set_axis(everybody.index.str.replace("NEW-", "H"))


def registered(settings, people, year):
    from planwise.census import register_census

    rows = people.rename_axis("employee_id").reset_index()
    return register_census(settings, f"y{year}", rows, default_levels(), as_of=date(year, 12, 31))


def answer(capsys, *tokens):
    code = run([*tokens, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_calibrate_keeps_a_scenario_that_simulates(files, tmp_path, capsys):
    report = tmp_path / "report" / "calibration.md"
    common = ("--home", str(tmp_path / "home"))
    code, found = answer(
        capsys,
        "calibrate",
        *files,
        "--as-of",
        DAYS,
        "--scenario",
        "measured",
        "--output",
        str(report),
        *common,
    )

    assert code == 0
    assert (found["scenario"], found["census"]) == ("measured", "measured_census")
    assert found["levels"]["rule"].startswith("levels as given (file")
    assert len(found["headcounts"]) == YEARS
    assert found["assumptions"]["headcount_growth"] == pytest.approx(0.03, abs=0.002)
    assert report.read_text(encoding="utf-8").startswith("# Calibration\n")
    code, simulated = answer(capsys, "preview", "--scenario", "measured", "--years", "1", *common)
    assert code == 0
    assert simulated["kpis"][0]["headcount"] == pytest.approx(
        found["headcounts"][-1]["closing"] * (1 + found["assumptions"]["headcount_growth"]), abs=1
    )
    stored = load_census(Settings(home=tmp_path / "home"), "measured_census")
    assert stored.rows == found["headcounts"][-1]["closing"]


def test_calibrate_prints_options_for_people(files, tmp_path, capsys):
    parameters_file = tmp_path / "parameters.yaml"
    tokens = ["calibrate", *files[:2], "--as-of", "2025-12-31,2026-12-31", "--output", str(parameters_file)]
    assert run([*tokens, "--home", str(tmp_path)]) == 0

    printed = capsys.readouterr()
    assert "exits, all years" in printed.out and "--assume termination_rate=" in printed.out
    assert "Report:" in printed.err
    assert parameters_file.read_text(encoding="utf-8").startswith(
        "# Calibrated on staff_2025.csv, staff_2026.csv"
    )


def test_backtest_holds_out_each_year_that_can_be(files, tmp_path, capsys, monkeypatch):
    """Under fewer seeds than an interval should have: each takes half a second."""
    assert BacktestRequest.model_fields["seeds"].default == SEEDS_MIN == 20
    monkeypatch.setitem(backtest.__globals__, "SEEDS_MIN", SEEDS)
    report = tmp_path / "backtest.json"
    where = ("--output", str(report), "--home", str(tmp_path / "home"))
    code, found = answer(capsys, "backtest", *files, "--as-of", DAYS, "--seeds", str(SEEDS), *where)

    assert code == 0
    assert [len(h["trained_on"]) for h in found["holdouts"]] == [2, 1]
    assert {h["seeds"] for h in found["holdouts"]} == {SEEDS}
    rows = {(r["figure"], r["group"]): r for r in found["holdouts"][0]["rows"]}
    headcount = rows["headcount", "everyone"]
    assert headcount["forecast"] == pytest.approx(headcount["truth"], abs=2)  # 3 % a year, all years
    assert headcount["nearest"] in ("simulation", "last year", "mean of years")
    exits = rows["exits", "everyone"]
    assert exits["draws"]["low"] < exits["forecast"] < exits["draws"]["high"]
    assert exits["years"]["low"] < exits["forecast"] < exits["years"]["high"]
    assert json.loads(report.read_text(encoding="utf-8"))["holdouts"] == found["holdouts"]


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        (["calibrate"], "0 censuses given"),
        (["calibrate", "a", "--output", "report.docx"], "is not a report format"),
        (["backtest", "a", "--as-of", "yesterday"], "is not a list of dates"),
    ],
)
def test_bad_input_ends_with_2_and_a_remedy(tokens, message, tmp_path, capsys):
    code, found = answer(capsys, *tokens, "--home", str(tmp_path))
    assert code == 2
    assert message in found["error"]["what"]
    assert found["error"]["remedy"]
