"""What `planwise optimize` asks: options to request, request and scenario to question."""

import json

import pytest

from flows.cli import optimize as command
from flows.jobs.optimization import question_of
from flows.jobs.simulation import resolve_scenario
from flows.parameters import OptimizeRequest
from planwise.errors import InputError
from planwise.governance import open_ledger


def asked(settings, **request):
    given = OptimizeRequest(**request)
    return question_of(given, resolve_scenario(settings, given))


def test_without_options_the_scenarios_target_is_solved(settings):
    question = asked(settings)
    assert (question.target_growth, question.strategy, question.constraints) == (0.03, "solve", ())


def test_the_payroll_budget_of_the_scenario_is_a_constraint(settings):
    with open_ledger(settings) as ledger:
        ledger.scenarios.create("budgeted", {"payroll_budget": 5e7})
    assert asked(settings, scenario="budgeted").constraints == ("payroll<=50000000",)
    both = asked(settings, scenario="budgeted", constraints=("payroll<=6e7", "merit_monotone"))
    assert both.constraints == ("merit_monotone", "payroll<=50000000")
    risk = asked(settings, scenario="budgeted", constraints=("payroll_risk<=5%",))
    assert risk.constraints == ("payroll<=50000000", "payroll_risk<=0.05")


def test_objectives_choose_auto_unless_a_strategy_is_named(settings):
    question = asked(settings, objectives="cost=.4,equity=.3,targets=.3")
    assert question.strategy == "auto" and question.objectives[0] == ("cost", 0.4)
    assert asked(settings, objectives="growth", strategy="tpe").strategy == "tpe"


def test_a_gap_is_not_asked_of_a_census_without_groups(settings, tmp_path):
    from datetime import date

    import pandas as pd

    from planwise.census import register_census
    from tests.worlds import employee, levels_frame

    rows = pd.DataFrame([employee("A"), employee("B")])
    register_census(settings, "groupless", rows, levels_frame(), as_of=date(2025, 12, 31), use=False)
    with pytest.raises(InputError, match="neither gender nor ethnicity"):
        asked(settings, census="groupless", constraints=("adjusted_gap<=0.02",))
    with pytest.raises(InputError, match="neither gender nor ethnicity"):
        asked(settings, census="groupless", objectives="cost,adjusted_gap")
    assert asked(settings, constraints=("adjusted_gap<=0.02",)).constraints == ("adjusted_gap<=0.02",)


def test_every_option_reaches_the_request(monkeypatch, settings):
    seen = {}

    class Done:
        result = type("Result", (), {"converged": True})

        def as_json(self):
            return {}

    def carry_out(_settings, *, request, **_):
        seen["request"] = request
        return Done()

    monkeypatch.setattr(command, "carry_out", carry_out)
    command.optimize(
        target_growth=0.04,
        strategy="solve",
        objectives=None,
        constraint=("merit_monotone", "raise<=20%"),
        tolerance=0.002,
        levers="cola_rate@2027, merit_rate_level_1",
        by_year=True,
        lock=("promotion_raise_level_1,cola_rate@2028",),
        stagnation=9,
        seeds=30,
        workers=2,
        home=settings.home,
        json=True,
    )
    request = seen["request"]
    assert request.tune == ("cola_rate@2027", "merit_rate_level_1")
    assert request.lock == ("promotion_raise_level_1", "cola_rate@2028")
    assert (request.stagnation, request.seeds, request.workers, request.by_year) == (9, 30, 2, True)
    assert OptimizeRequest.model_validate_json(request.model_dump_json()) == request
    assert json.loads(request.model_dump_json())["constraints"] == ["merit_monotone", "raise<=20%"]
