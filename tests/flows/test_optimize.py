"""The optimize command: options to request, request to specification, the study and what is read about it."""

import io
import json
import shlex
from io import StringIO

import pandas as pd
import pytest
from cyclopts import App
from rich.console import Console

from planwise.app.optimize import optimize, refuse_taken_name, summary
from planwise.app.requests import SimulateRequest
from planwise.app.simulate import SimulationBlocked, resolve_scenario, simulate
from planwise.app.trial_workers import KEPT_ENVIRONMENTS, best_real_trials, keep_environments
from planwise.census import load_census, register_census
from planwise.cli import optimize as command
from planwise.cli.commands import UsageError, run
from planwise.cli.study_tables import lever_table, print_findings
from planwise.engine.warehouse import open_warehouse
from planwise.errors import Busy, InputError
from planwise.formatting import in_currency
from planwise.governance import open_ledger
from planwise.governance.publications import list_publications, load_publication
from planwise.governance.request import option_of
from planwise.governance.scenarios import FOUND_BY
from planwise.parameters import Finding, Risk, resolve, simulated_years
from planwise.risk.assessment import Assessment, Spread
from planwise.risk.impact import (
    AmountChange,
    Cost,
    CostImpact,
    ImpactGroup,
    Parts,
    PayDifferences,
    PeopleImpact,
)
from planwise.study import OptimizeRequest, StudyResult
from planwise.study.alternatives import OTHER, OUTSIDE, WITHIN
from planwise.study.evaluators import trial_environment
from planwise.study.post_analysis import NotComputed, ParameterImpact, Robustness
from planwise.study.problem import require_groups
from planwise.study.space import expanded
from planwise.study.study_files import hold_study
from tests.worlds import AS_OF, employee, levels_frame

pytestmark = pytest.mark.long

TARGET = 0.04  # an increase budget within policy
YEARS = "2"  # fewer models to run than the default's five


def asked(**request):
    return OptimizeRequest(years=YEARS, **request)


@pytest.fixture(scope="module")
def found(settings):
    from tests.flows.conftest import Recorder

    run = Recorder()
    return optimize(settings, asked(target=f"increase={TARGET}", save_as="found"), run), run


def test_the_winner_is_on_target_and_published_as_its_scenario(settings, found):
    report, _ = found
    answer = report.as_json()
    assert answer["converged"] and answer["reachable"] and answer["kind"] == "real"
    assert abs(answer["gap_pp"]) <= 0.1 and answer["real_plans"] == 1
    assert answer["target"] == {"measure": "increase", "value": TARGET} and answer["answers"] == []
    assert {round(value / 0.0005, 6) % 1 for value in answer["levers"].values()} == {0}  # round values
    assert answer["within_policy"] and answer["risk"]["level"] == "OK"
    assert answer["real_plans"] <= 3
    published = load_publication(settings, "found")
    assert str(published.folder) == answer["published"]
    assert published.manifest["kpis"][0]["increase_rate"] == pytest.approx(TARGET, abs=0.001)
    with open_ledger(settings) as ledger:
        overrides = ledger.scenarios.get("found").overrides
    changes = {name: change["new"] for name, change in answer["changes"].items()}
    assert overrides == changes | {"years": 2}


def test_every_real_trial_is_a_step_and_the_study_leaves_a_page(found):
    report, run = found
    assert sum(step.startswith("trial_") for step in run.steps) == report.result.real_plans
    assert "converged" in run.pages["study-baseline"]
    assert any("%  trial" in message for message in run.logged)


def test_its_own_warehouse_is_gone(settings, found):
    assert list(settings.workers_dir.iterdir()) == []


def test_simulating_what_was_found_runs_no_model(settings, found, run):
    again = simulate(settings, SimulateRequest(scenario="found"), run)
    assert again.outcome.models_run == ()
    assert again.outcome.fingerprint == found[0].simulation.outcome.fingerprint


def test_a_later_study_replaces_what_a_study_found(settings, found, run):
    report = optimize(settings, asked(target=f"increase={TARGET + 0.003}", save_as="found"), run)
    assert load_publication(settings, "found").fingerprint == report.simulation.outcome.fingerprint


def test_a_scenario_that_a_person_made_is_never_replaced(settings, run):
    with open_ledger(settings) as ledger:
        ledger.scenarios.create("mine", {"cola_rate": 0.02})
    with pytest.raises(InputError, match="mine"):
        optimize(settings, OptimizeRequest(target=f"increase={TARGET}", save_as="mine"), run)
    assert not [step for step in run.steps if step.startswith("trial_")]


def test_a_scenario_of_a_study_is_the_persons_once_it_is_edited(settings):
    request = OptimizeRequest(save_as="earlier")
    with open_ledger(settings) as ledger:
        ledger.scenarios.create(
            "earlier", {"cola_rate": 0.02}, description=f"{FOUND_BY}s1.", parent="baseline"
        )
        refuse_taken_name(settings, request)
        edited = ledger.scenarios.set("earlier", {"cola_rate": 0.03})
    assert edited.description == f"Edited. {FOUND_BY}s1."
    with pytest.raises(InputError, match="not the unchanged result of a study of baseline"):
        refuse_taken_name(settings, request)


def test_an_unreachable_target_publishes_nothing(settings, run):
    before = [publication.scenario for publication in list_publications(settings)]
    report = optimize(settings, asked(target_growth=0.3, save_as="never"), run)
    answer = report.as_json()
    assert not answer["reachable"] and not answer["converged"]
    assert answer["nearest"] == answer["nearest_growth"] < 0.3
    assert [one["name"] for one in answer["answers"]] == [WITHIN, OUTSIDE, OTHER]
    assert answer["binding"]
    assert answer["published"] is False
    assert [publication.scenario for publication in list_publications(settings)] == before


@pytest.mark.parametrize(
    ("target", "risk", "allowed"), [(0.05, "MEDIUM", False), (0.07, "HIGH", False), (0.07, "HIGH", True)]
)
def test_an_answer_outside_policy_is_published_only_when_that_is_allowed(
    settings, run, target, risk, allowed
):
    """Three answers, of which the study's own is outside policy: merit moves, COLA does not."""
    name = f"asked_{risk}_{allowed}".lower()
    request = asked(target=f"increase={target}", seeds=0, save_as=name, allow_risk=allowed)
    answer = optimize(settings, request, run).as_json()
    assert answer["converged"] and not answer["within_policy"] and answer["risk"]["level"] == risk
    assert (answer["saved_as"], bool(answer["published"])) == ((name, True) if allowed else (None, False))
    within, outside, other = answer["answers"]
    assert (within["met"], outside["met"], other["met"]) == (False, True, False)
    assert within["reached"] == pytest.approx(0.045, abs=5e-4) and within["risk"]["level"] == "OK"
    assert [row["increase"] for row in outside["who"]] == pytest.approx([target] * 5, abs=1e-3)
    assert {row["cola"] for one in (within, outside) for row in one["who"]} == {0.0}  # as in force
    assert outside["payroll"] > within["payroll"]


def test_trade_offs_need_a_floor_and_stay_within_policy(settings):
    with pytest.raises(InputError, match="need a floor"):
        spec_of(settings, objectives="cost,equity")
    by_target = spec_of(settings, objectives="cost,equity", target="increase=0.035")
    assert tuple(map(str, by_target.limits)) == ("increase>=0.034",)
    own = spec_of(settings, objectives="cost,equity", constraints=("growth>=3%",))
    assert tuple(map(str, own.limits)) == ("growth>=0.03",)


def test_a_blocked_winner_is_not_published(settings, run, strict_gate):
    request = asked(target=f"increase={TARGET}", save_as="blocked", strategy="solve")
    try:
        report = optimize(settings, request, run)
    except SimulationBlocked:
        pass
    else:  # the trial gate found every plan infeasible first
        assert not report.result.feasible
    assert "blocked" not in [publication.scenario for publication in list_publications(settings)]


def test_resuming_with_another_question_is_rejected(settings, found, run):
    study = found[0].result.study
    with pytest.raises(InputError, match=r"target increase=0\.04"):
        optimize(settings, OptimizeRequest(resume=study, target="increase=0.02"), run)


def test_resuming_a_finished_study_plans_nothing_again(settings, found, run):
    study = found[0].result.study
    again = optimize(settings, OptimizeRequest(resume=study), run)
    assert again.result.levers == found[0].result.levers
    assert not [step for step in run.steps if step.startswith("trial_")]


def test_a_study_that_another_process_runs_is_busy(settings, found, run):
    study = found[0].result.study
    with hold_study(settings, study), pytest.raises(Busy, match=study):
        optimize(settings, OptimizeRequest(resume=study), run)


def test_the_best_plans_stay_as_environments_and_an_interrupted_runs_others_go(settings, found):
    study = found[0].result.study
    with open_warehouse(settings, "test") as warehouse:
        census = load_census(settings, None)
        base = resolve(simulated_years(int(YEARS), census.first_year), scenario={})
        best = best_real_trials(settings, study)
        assert expanded(best[0].levers) == found[0].result.levers and len(best) <= KEPT_ENVIRONMENTS
        warehouse.plan(trial_environment(study, 999), census, base, kpis_only=True).apply()
        kept = keep_environments(warehouse, census, base, study, best)
        own = {name for name in warehouse.environments() if name.startswith(f"trial_{study}_")}
    assert own == set(kept) == {trial_environment(study, trial.number) for trial in best}


def optimize_app():
    app = App(result_action="return_value")
    app.command(command.optimize, name="optimize")
    return app


def spec_of(settings, **request):
    given = OptimizeRequest(**request)
    resolved = resolve_scenario(settings, given)
    spec = given.for_scenario(resolved.effective)
    require_groups(spec, resolved.census)
    return spec


def test_without_options_a_market_budget_is_solved(settings):
    spec = spec_of(settings)
    assert (spec.target, spec.chosen_strategy, spec.limits) == ("increase=0.035", "solve", ())


def test_the_payroll_budget_of_the_scenario_is_a_constraint(settings):
    with open_ledger(settings) as ledger:
        ledger.scenarios.create("budgeted", {"payroll_budget": 5e7})
    assert tuple(map(str, spec_of(settings, scenario="budgeted").limits)) == ("payroll<=50000000",)
    both = spec_of(settings, scenario="budgeted", constraints=("payroll<=6e7", "merit_monotone"))
    assert tuple(map(str, both.limits)) == ("merit_monotone", "payroll<=50000000")
    risk = spec_of(settings, scenario="budgeted", constraints=("payroll_risk<=5%",))
    assert tuple(map(str, risk.limits)) == ("payroll<=50000000", "payroll_risk<=0.05")


def test_objectives_choose_auto_unless_a_strategy_is_named(settings):
    spec = spec_of(settings, objectives="cost=.4,equity=.3,targets=.3")
    assert spec.chosen_strategy == "auto" and spec.weights[0] == ("cost", 0.4)
    assert spec_of(settings, objectives="growth", strategy="tpe").chosen_strategy == "tpe"


def test_a_gap_needs_a_census_with_groups(settings, tmp_path):
    rows = pd.DataFrame([employee("A"), employee("B")])
    register_census(settings, "groupless", rows, levels_frame(), as_of=AS_OF, use=False)
    with pytest.raises(InputError, match="has no gender"):
        spec_of(settings, census="groupless", constraints=("adjusted_gap<=0.02",))
    with pytest.raises(InputError, match="has no gender"):
        spec_of(settings, census="groupless", objectives="cost,adjusted_gap", target="increase=0.03")
    assert tuple(map(str, spec_of(settings, constraints=("adjusted_gap<=0.02",)).limits)) == (
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
    app = optimize_app()
    options = (
        "--target-growth 0.04 --strategy solve --constraint merit_monotone --constraint 'raise<=20%' "
        "--tolerance 0.002 --levers 'cola_rate@2027, merit_rate_level_1' --by-year --stagnation 9 --seeds 30 "
        "--lock promotion_raise_level_1,cola_rate@2028 --workers 2 --timeout 60 --set cola_rate=0.03 "
        "--assume termination_rate=0.08 --years 3 --seed 5 --json"
    )
    app(["optimize", *shlex.split(options), "--home", str(settings.home)])
    request = seen["request"]
    assert request.changes() == {"cola_rate": 0.03, "termination_rate": 0.08, "years": 3, "seed": 5}
    assert (request.target, request.tolerance, request.timeout_seconds) == ("growth=0.04", 0.002, 60.0)
    assert request.tune == ("cola_rate@2027", "merit_rate_level_1")
    assert request.lock == ("promotion_raise_level_1", "cola_rate@2028")
    assert (request.stagnation, request.seeds, request.workers, request.by_year) == (9, 30, 2, True)
    assert OptimizeRequest.model_validate_json(request.model_dump_json()) == request
    assert json.loads(request.model_dump_json())["constraints"] == ["merit_monotone", "raise<=20%"]


def test_the_options_help_and_defaults_are_those_of_the_request(capsys):
    app = optimize_app()
    app("optimize --help", console=(console := Console(width=20_000, record=True, file=StringIO())))
    text = console.export_text()
    for name, field in OptimizeRequest.model_fields.items():
        option = option_of(name, field)
        assert option is None or (option in text and str(field.description) in text)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("--stagnation 0", r"--stagnation must be at least 1 .*\(got 0\)"),
        ("--timeout 0", "--timeout must be above 0"),
        ("--target-growth 3", "must be at least -0.5 and at most 0.5"),
        ("--constraint payrol<=3", "Unknown constraint"),
        ("--seed=-1", "--seed must be at least 0"),
    ],
)
def test_a_value_outside_its_bounds_is_rejected_with_its_option_limit_and_remedy(options, says):
    app = optimize_app()
    with pytest.raises(InputError, match=says):
        app(["optimize", *options.split()], exit_on_error=False, print_error=False)


def test_a_value_of_another_type_is_a_usage_error_that_names_its_option(capsys):
    assert run(["optimize", "--timeout", "x", "--trials", "y"]) == UsageError.exit_code
    shown = capsys.readouterr().err
    assert 'Invalid value for --timeout: "x". Input should be a valid number' in shown
    assert 'Invalid value for --trials: "y". Input should be a valid integer' in shown
    assert "pydantic" not in shown and "OptimizeRequest" not in shown


def test_what_a_command_needs_is_named_as_its_help_does(capsys):
    for tokens, says in (
        (["papers", "7"], "`planwise papers` needs --output.\nSee `planwise papers --help`."),
        (["papers", "7", "--output"], "--output needs a value.\nSee `planwise papers --help`."),
        (["user", "add"], "`planwise user add` needs NAME."),
        (["audit", "verfy"], "See `planwise audit --help`."),
    ):
        assert run(tokens) == UsageError.exit_code
        assert says in capsys.readouterr().err


def test_a_value_without_its_option_is_named(capsys):
    assert run(["ensemble", "baseline"]) == UsageError.exit_code
    assert "does not take 'baseline' at this place" in capsys.readouterr().err


AMOUNTS = PayDifferences(low=-10.0, p10=-10.0, median=20.0, p90=30.0, high=40.0, mean=20.0)
RATES = PayDifferences(low=-0.01, p10=-0.01, median=0.02, p90=0.03, high=0.04, mean=0.02)


def full_result(**changes):
    """Return a result with everything in it."""
    payroll = AmountChange.of(2e6, 2.5e6)
    given = {
        "study": "s",
        "scenario": "baseline",
        "strategy": "solve",
        "target": {"measure": "growth", "value": 0.03},
        "tolerance": 0.001,
        "converged": True,
        "reachable": True,
        "feasible": True,
        "stopped": "converged",
        "kind": "real",
        "reached": 0.03,
        "baseline_reached": 0.05,
        "growth": 0.03,
        "baseline_growth": 0.05,
        "gap_pp": 0.0,
        "iterations": 1,
        "evaluations": 60,
        "real_plans": 1,
        "cache_hits": 2,
        "trials_failed": 0,
        "seconds": 3.0,
        "levers": {"cola_rate@2027": 0.01},
        "changes": {"cola_rate@2027": {"old": 0.025, "new": 0.01, "change": -0.015}},
        "kpis": [],
        "constraints": [
            {"name": "gate", "text": "gate", "actual": None, "limit": None, "value": 0.0, "satisfied": True},
            {
                "name": "raise_max",
                "text": "raise<=0.2",
                "actual": 0.3,
                "limit": 0.2,
                "value": 0.1,
                "satisfied": False,
            },
        ],
        "objective": {"value": 0.75, "cost": 0.9, "targets": 0.6, "weights": {"cost": 0.5, "targets": 0.5}},
        "binding": ["cola_rate@2027"],
        "nearest": None,
        "nearest_growth": None,
        "environment": None,
        "fingerprint": None,
        "quality_score": 1.0,
        "robustness": Robustness(
            seeds=20,
            seeds_asked=20,
            tolerance=0.001,
            share_within_tolerance=0.45,
            share_interval=[0.26, 0.66],
            reached=Spread(p10=0.027, p50=0.029, p90=0.031, mean=0.029, sd=0.001, n=20),
            reached_by_seed=[0.029] * 20,
            payroll=Spread(p10=2.4e6, p50=2.5e6, p90=2.6e6, mean=2.5e6, sd=1e5, n=20),
            payroll_limit=2.7e6,
            share_over_payroll=0.05,
            drawn="rates and luck",
        ),
        "cost_impact": CostImpact({}, Cost(payroll, payroll), payroll),
        "employee_impact": PeopleImpact(
            2030, 0, 0, ImpactGroup(100, 90, 0.9, 80, 10, 1800.0, AMOUNTS, RATES), by_level={}
        ),
        "parameter_impact": ParameterImpact(
            {"target": Parts(0.05, 0.03, -0.02, {"cola_rate@2027": -0.019}, -0.001)}
        ),
        "risk": Assessment(
            level=Risk.CRITICAL,
            added=Risk.CRITICAL,
            levers={"cola_rate": Risk.CRITICAL, "cola_rate@2027": Risk.HIGH},
            target=None,
            findings=[Finding("cola_rate", 2027, Risk.HIGH, f"finding [{place}]") for place in range(5)],
        ),
        "front": [
            {"trial": number, "values": {"cost": 1.0, "targets": 2.0}, "growth": 0.03} for number in (4, 5, 6)
        ],
        "picks": {"knee": 4, "diverse": [5]},
        "warnings": ["mind [this]"],
    }
    return StudyResult(**{**given, **changes})


def text_of(shown):
    text = io.StringIO()
    console = Console(file=text, width=200, highlight=False)
    if isinstance(shown, StudyResult):
        print_findings(console, shown)
    else:
        console.print(shown)
    return text.getvalue()


def test_the_answer_has_cost_people_other_seeds_constraints_and_risks():
    with in_currency("GBP"):
        text = text_of(full_result())
    assert "Objective 0.75 = cost 0.9 × 0.5 + targets 0.6 × 0.5" in text
    assert "payroll over the horizon £2.5 M, +£500,000 (+25.0%)" in text
    assert "in 2030 pay differs for 90 of 100, 80 earn more, 10 less; median +£20 (+2.0%)" in text
    assert "45% within the tolerance (95 %: 26% to 66%); 5% over the payroll limit" in text
    assert "violated" in text and "CRITICAL, 5 findings" in text and "and 2 more" in text
    assert "finding [0]" in text and "mind [this]" in text  # brackets are no markup
    assert "knee" in text and "pick" in text and "3 trade-offs" in text


def test_a_lever_has_the_risk_of_its_own_year_and_what_it_does_alone():
    text = text_of(lever_table(full_result()))
    assert "HIGH" in text and "-1.90 pp" in text and "interaction" in text


@pytest.mark.parametrize(
    "field", ["robustness", "cost_impact", "employee_impact", "parameter_impact", "risk", "sensitivity"]
)
def test_what_was_not_computed_says_why(field):
    lacking = full_result(**{field: NotComputed("cancelled")})
    text = text_of(lacking) + text_of(lever_table(lacking)) + summary(lacking)
    if field in ("robustness", "cost_impact", "employee_impact"):
        assert "not computed: cancelled" in text


def test_the_page_beside_the_run_has_the_same_in_short():
    page = summary(full_result())
    assert "100% of the gap closed" in page and "80 earn more, 10 less" in page and "Risk: CRITICAL" in page
    assert "mind [this]" in page
    assert "target" not in summary(full_result(quality_score=None)).splitlines()[2]
