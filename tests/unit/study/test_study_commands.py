"""`planwise study …` on what a study left behind."""

import csv
import io
import json

import pytest

from planwise.cli.commands import COMMANDS
from planwise.cli.study import app
from planwise.errors import InputError


def run(tokens):
    """Run the commands as they are mounted, without the rest of the command line."""
    app(tokens, exit_on_error=False, print_error=False, result_action="return_value")


@pytest.fixture
def home(world):
    world.study(0.05, name="first", strategy="balanced")
    world.study(0.30, name="second")
    return ["--home", str(world.settings.home)]


def test_list_has_every_study(home, capsys):
    run(["list", "--json", *home])
    studies = {study["study"]: study for study in json.loads(capsys.readouterr().out)["studies"]}
    assert studies["first"]["converged"] and studies["first"]["state"] == "converged"
    assert studies["second"]["state"] == "unreachable"


def test_list_of_an_empty_home_makes_nothing(tmp_path, capsys):
    run(["list", "--json", "--home", str(tmp_path)])
    assert json.loads(capsys.readouterr().out) == {"studies": []}
    assert not list(tmp_path.iterdir())


def test_show_has_question_trials_and_result(home, capsys):
    run(["show", "first", "--json", *home])
    shown = json.loads(capsys.readouterr().out)
    assert shown["question"]["target_growth"] == 0.05
    assert shown["result"]["converged"] and len(shown["trials"]) == shown["result"]["evaluations"]
    run(["show", "first", *home])
    assert "converged" in capsys.readouterr().out


def test_show_folds_replicates_and_names_the_best_with_its_constraints(world, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    world.study(0.05, name="asked", constraints=("merit_monotone",), seeds=4)
    run(["show", "asked", "--home", str(world.settings.home)])
    shown = capsys.readouterr().out
    assert "4 other seeds" in shown and "around the answer" in shown
    assert "Specification: merit_monotone." in shown and "satisfied: merit_monotone" in shown
    assert "Best (real): growth 5.0" in shown


def test_show_of_a_study_that_is_not_there_says_so(home):
    with pytest.raises(InputError, match="third"):
        run(["show", "third", *home])


def test_the_commands_are_mounted():
    assert COMMANDS["study"][0] == "planwise.cli.study:app"


def test_export_is_one_row_a_trial(home, capsys, tmp_path):
    run(["export", "first", *home])
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert rows[0]["purpose"] == "baseline" and float(rows[1]["cola_rate"]) == 0.01
    assert float(rows[0]["kpi_growth_compound"]) == float(rows[0]["growth"])
    file = tmp_path / "out" / "trials.csv"
    run(["export", "first", "--output", str(file), "--json", *home])
    assert json.loads(capsys.readouterr().out)["rows"] == len(rows)
    assert file.read_text().count("\n") == len(rows) + 1
