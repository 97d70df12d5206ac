"""The checks before a study starts: known questions, known results."""

import pytest

from planwise.census import generate_census
from planwise.governance import open_ledger
from planwise.settings import Settings
from planwise.storage import hold_lock
from planwise.study.spec import OptimizeRequest
from planwise.study.study_files import hold_study
from ui.queries.scenarios import ScenarioReader
from ui.queries.studies import StudyReader
from ui.values.studies import GrowthRange

MEASURED = GrowthRange(baseline=0.05, lowest=0.02, highest=0.12, seconds=0.1)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    settings = Settings(home=tmp_path_factory.mktemp("checks") / "home")
    generate_census(settings, employees=300)
    with open_ledger(settings) as ledger:
        ledger.scenarios.create("taken", {"cola_rate": 0.03})
        found = "Found by study baseline_solve_1: growth 3 % a year."
        ledger.scenarios.create("baseline_optimized", {}, description=found, parent="baseline")
    return settings


@pytest.fixture(scope="module")
def look(home):
    studies = StudyReader(home, ScenarioReader(home))

    def looked(measured=MEASURED, **request):
        return studies.check(OptimizeRequest(**request), measured)

    return looked


def named(checked, name):
    return next((check for check in checked.checks if check.name == name), None)


@pytest.mark.parametrize(
    ("request_", "name", "tone", "text"),
    [
        ({}, "Census", "ok", "300 employees"),
        ({"target_growth": 0.03}, "Target", "ok", "moderate"),
        ({"target_growth": 0.07}, "Target", "warn", "high risk"),
        ({"target_growth": 0.03}, "Reach", "ok", "2.00% to 12.00%"),
        ({"target_growth": 0.1205}, "Reach", "ok", "within"),  # within the tolerance of the end
        ({"target_growth": 0.13}, "Reach", "bad", "beyond"),
        ({"target_growth": 0.01}, "Reach", "bad", "beyond"),
        ({"scenario": "nowhere"}, "Scenario", "bad", "nowhere"),
        ({"census": "nowhere"}, "Census", "bad", "nowhere"),
        ({"constraints": ["payroll_risk<=5%"]}, "Question", "bad", "payroll"),
        ({"tune": ["cola_rate"], "lock": ["cola_rate"]}, "Levers", "bad", "cola_rate"),
        ({"strategy": "solve", "objectives": "balanced"}, "Strategy", "bad", "target alone"),
        ({"strategy": "cmaes", "objectives": "growth", "constraints": ["raise<=9%"]}, "Strategy", "bad", ""),
        ({"strategy": "balanced", "constraints": ["merit_monotone"]}, "Strategy", "warn", "does not seek"),
        ({"strategy": "tpe", "trials": 10}, "Trials", "warn", "few"),
        ({"strategy": "tpe", "trials": 100}, "Trials", "ok", "moderate"),
        ({"strategy": "tpe", "trials": 900}, "Trials", "warn", "more than help"),
        ({"strategy": "tpe", "trials": 100, "timeout_seconds": 3.0}, "Time", "warn", "about 30"),
        ({"save_as": "taken"}, "Save as", "bad", "already"),
        ({"save_as": "No Name"}, "Save as", "bad", "cannot name"),
        ({}, "Save as", "warn", "replaced"),
        ({"save_as": "another"}, "Save as", "ok", "free"),
        ({"preview": True, "save_as": "taken"}, "Result", "ok", "Nothing is stored"),
        ({"workers": 999}, "Workers", "warn", "999"),
    ],
)  # fmt: skip
def test_a_question_is_judged(look, request_, name, tone, text):
    found = named(look(**request_), name)
    assert found is not None
    assert found.tone == tone
    assert text in f"{found.text} {found.remedy}"


def test_only_bad_checks_block_the_start(look):
    assert look(target_growth=0.03, strategy="tpe", trials=10).ready
    assert not look(target_growth=0.13).ready
    assert not look(scenario="nowhere").ready


def test_auto_names_the_strategy_it_picks_and_the_reason(look):
    front = look(objectives="cost,equity", trials=50, strategy="auto")
    assert front.strategy == "tpe"
    assert "50 trials" in front.reason
    assert front.takes_trials
    assert look(strategy="auto").strategy == "solve"


def test_the_ends_are_the_bounds_of_the_tuned_levers(look):
    checked = look(None, tune=["cola_rate", "merit_rate_level_1"], constraints=["change.cola_rate<=1%"])
    assert dict(checked.ends[0]) == {"cola_rate": 0.015, "merit_rate_level_1": 0.01}
    assert dict(checked.ends[1]) == {"cola_rate": 0.035, "merit_rate_level_1": 0.1}
    assert named(checked, "Reach") is None  # its growth is not known
    assert (checked.budget.minimum, checked.budget.recommended, checked.budget.maximum) == (20, 50, 100)


def test_levers_that_move_people_are_not_called_out_of_reach_by_their_bounds(look):
    found = named(look(target_growth=0.2, tune=["promotion_probability_level_1"]), "Reach")
    assert found.tone == "warn"


def test_a_locked_warehouse_and_running_studies_are_listed(home, look):
    assert named(look(), "Warehouse").text == "Free."
    with hold_lock(home.warehouse_lock_file, "a sweep", timeout_seconds=1), hold_study(home, "mine"):
        checked = look()
        assert "a sweep" in named(checked, "Warehouse").text
        assert "mine" in named(checked, "Other studies").text
        assert checked.ready or named(checked, "Save as").tone == "warn"
    assert named(look(), "Other studies") is None
