"""What `planwise optimize` asks: options to request, request and scenario to question."""

import json
import shlex
from io import StringIO

import pytest
from cyclopts import App
from rich.console import Console

from planwise.app.simulate import resolve_scenario
from planwise.cli import optimize as command
from planwise.cli.commands import UsageError, run
from planwise.errors import InputError
from planwise.governance import open_ledger
from planwise.governance.request import option_of
from planwise.study.problem import require_groups
from planwise.study.spec import OptimizeRequest


def asked(settings, **request):
    given = OptimizeRequest(**request)
    resolved = resolve_scenario(settings, given)
    spec = given.for_scenario(resolved.effective)
    require_groups(spec, resolved.census)
    return spec


def test_without_options_the_scenarios_target_is_solved(settings):
    question = asked(settings)
    assert (question.target_growth, question.chosen_strategy, question.limits) == (0.03, "solve", ())


def test_the_payroll_budget_of_the_scenario_is_a_constraint(settings):
    with open_ledger(settings) as ledger:
        ledger.scenarios.create("budgeted", {"payroll_budget": 5e7})
    assert tuple(map(str, asked(settings, scenario="budgeted").limits)) == ("payroll<=50000000",)
    both = asked(settings, scenario="budgeted", constraints=("payroll<=6e7", "merit_monotone"))
    assert tuple(map(str, both.limits)) == ("merit_monotone", "payroll<=50000000")
    risk = asked(settings, scenario="budgeted", constraints=("payroll_risk<=5%",))
    assert tuple(map(str, risk.limits)) == ("payroll<=50000000", "payroll_risk<=0.05")


def test_objectives_choose_auto_unless_a_strategy_is_named(settings):
    question = asked(settings, objectives="cost=.4,equity=.3,targets=.3")
    assert question.chosen_strategy == "auto" and question.weights[0] == ("cost", 0.4)
    assert asked(settings, objectives="growth", strategy="tpe").chosen_strategy == "tpe"


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
    assert tuple(map(str, asked(settings, constraints=("adjusted_gap<=0.02",)).limits)) == (
        "adjusted_gap<=0.02",
    )


def test_every_option_reaches_the_request(monkeypatch, settings):
    seen = {}

    class Done:
        result = type("Result", (), {"converged": True})

        def as_json(self):
            return {}

    def run_use_case(_settings, *, request, **_):
        seen["request"] = request
        return Done()

    monkeypatch.setattr(command, "run_use_case", run_use_case)
    app = App(result_action="return_value")
    app.command(command.optimize, name="optimize")
    options = (
        "--target-growth 0.04 --strategy solve --constraint merit_monotone --constraint 'raise<=20%' "
        "--tolerance 0.002 --levers 'cola_rate@2027, merit_rate_level_1' --by-year --stagnation 9 --seeds 30 "
        "--lock promotion_raise_level_1,cola_rate@2028 --workers 2 --timeout 60 --set cola_rate=0.03 "
        "--assume termination_rate=0.08 --years 3 --seed 5 --json"
    )
    app(["optimize", *shlex.split(options), "--home", str(settings.home)])
    request = seen["request"]
    assert request.changes() == {"cola_rate": 0.03, "termination_rate": 0.08, "years": 3, "seed": 5}
    assert (request.target_growth, request.tolerance, request.timeout_seconds) == (0.04, 0.002, 60.0)
    assert request.tune == ("cola_rate@2027", "merit_rate_level_1")
    assert request.lock == ("promotion_raise_level_1", "cola_rate@2028")
    assert (request.stagnation, request.seeds, request.workers, request.by_year) == (9, 30, 2, True)
    assert OptimizeRequest.model_validate_json(request.model_dump_json()) == request
    assert json.loads(request.model_dump_json())["constraints"] == ["merit_monotone", "raise<=20%"]


def test_the_options_help_and_defaults_are_those_of_the_request(capsys):
    app = App(result_action="return_value")
    app.command(command.optimize, name="optimize")
    app("optimize --help", console=(console := Console(width=20_000, record=True, file=StringIO())))
    text = console.export_text()
    for name, field in OptimizeRequest.model_fields.items():
        option = option_of(name, field)
        assert option is None or (option in text and str(field.description) in text)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("--stagnation 0", r"--stagnation must be at least 1 \(got 0\)"),
        ("--timeout 0", "--timeout must be above 0"),
        ("--target-growth 3", "--target-growth must be at least -0.5 and at most 0.5"),
        ("--constraint payrol<=3", "Unknown constraint"),
        ("--seed=-1", "--seed must be at least 0"),
    ],
)
def test_a_value_outside_its_bounds_is_refused_with_its_option_limit_and_remedy(options, says):
    app = App(result_action="return_value")
    app.command(command.optimize, name="optimize")
    with pytest.raises(InputError, match=says):
        app(["optimize", *options.split()], exit_on_error=False, print_error=False)


def test_a_value_of_another_type_is_a_usage_error_that_names_its_option(capsys):
    assert run(["optimize", "--timeout", "x", "--trials", "y"]) == UsageError.exit_code
    shown = capsys.readouterr().err
    assert 'Invalid value for --timeout: "x". Input should be a valid number' in shown
    assert 'Invalid value for --trials: "y". Input should be a valid integer' in shown
    assert "pydantic" not in shown and "OptimizeRequest" not in shown
