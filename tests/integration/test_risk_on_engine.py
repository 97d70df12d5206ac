"""Ensembles, slopes and impact on the real engine: a small census, previews only."""

import json

import pytest
from engines import Engine

from planwise.cli import commands
from planwise.risk.ensemble import run_ensemble, run_paired
from planwise.risk.impact import people_impact
from planwise.risk.noise import differences
from planwise.risk.worlds import LUCK, RATES_AND_LUCK
from planwise.settings import Settings

SEEDS = 4


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    return Engine(Settings(home=tmp_path_factory.mktemp("home")), employees=300, years=2)


def test_luck_alone_begins_with_the_scenario_and_draws_anew_for_each_seed(engine):
    ensemble = run_ensemble(engine.simulate, engine.base, SEEDS, drawn=LUCK)
    assert ensemble.runs[0] == engine.simulate(engine.base)
    last = ensemble.years[-1]
    assert len(set(ensemble.sample("growth_compound", last))) == SEEDS
    assert ensemble.spreads()["headcount"][last].sd == 0  # always the target headcount


def test_rates_and_luck_spread_what_luck_alone_cannot(engine):
    plan = engine.base.with_levers({"cola_rate": 0.02})  # which decides the raises
    both, alone = (
        run_ensemble(engine.simulate, plan, SEEDS, drawn=drawn) for drawn in (RATES_AND_LUCK, LUCK)
    )
    last = both.years[-1]
    headcount, payroll = (both.spreads()[name][last] for name in ("headcount", "payroll"))
    assert headcount.sd > 0 and payroll.sd > 2 * alone.spreads()["payroll"][last].sd
    assert len(set(both.sample("terminations", last))) > 1


def test_a_scenario_against_itself_differs_by_exactly_nothing_in_every_kpi_and_year(engine):
    same = engine.base.with_levers({"cola_rate": engine.base.value("cola_rate")})
    found = differences(*run_paired(engine.simulate, (same, engine.base), SEEDS))
    shown = [d for by_year in found.values() for d in by_year.values() if d is not None]
    assert len(shown) > 50 and {(d.mean, d.sd) for d in shown} == {(0.0, 0.0)}


def test_common_random_numbers_take_most_of_the_noise_out_of_a_pay_policy(engine):
    more = engine.base.with_levers({"cola_rate": 0.035})
    found = differences(*run_paired(engine.simulate, (more, engine.base), SEEDS))
    growth = found["growth_compound"][engine.base.years[-1]]
    assert growth.mean == pytest.approx(0.01 * 0.75, abs=0.003)  # hires dilute a full percentage point
    assert growth.noise_reduction > 50
    assert growth.policy_share > 0.99 > growth.policy_share_without_crn


def test_people_impact_of_cola_is_of_all_but_the_year_s_hires_and_sums_to_the_payroll(engine):
    more = engine.base.with_levers({"cola_rate": 0.035})
    found = people_impact(engine.preview.pay(engine.base), engine.preview.pay(more))
    whole = found.everybody
    assert (found.only_before, found.only_after) == (0, 0)
    last = engine.simulate(more)[-1]
    joined = last["hires"] - last["new_hire_terminations"]  # after COLA, which falls on January 1
    assert whole.compared == last["headcount"] and whole.winners == whole.compared - joined
    assert sum(group.total for group in found.by_level.values()) == pytest.approx(whole.total)
    mean_pay = [engine.simulate(each)[-1]["mean_base_pay"] for each in (engine.base, more)]
    assert whole.total == pytest.approx((mean_pay[1] - mean_pay[0]) * whole.compared, rel=1e-9)


def test_a_study_reports_cost_people_and_other_seeds_of_its_answer(engine):
    target = engine.simulate(engine.base)[-1]["growth_compound"] + 0.005
    result = engine.study("risk", target, seeds=SEEDS, tune=("cola_rate", "merit_rate_level_1"))
    assert result.converged and result.quality_score > 0.8
    assert result.robustness.seeds == SEEDS
    assert result.employee_impact.everybody.winners > 0.8 * result.employee_impact.everybody.compared
    assert result.cost_impact.horizon.payroll.difference > 0
    parts = result.parameter_impact.figures["growth_compound"]
    assert sum(parts.alone.values()) + parts.remainder == pytest.approx(parts.total, abs=1e-12)
    slope = result.sensitivity.by_lever["cola_rate"].slope
    assert 0.5 < slope < 1.1
    json.dumps(result.as_json(), allow_nan=False)


@pytest.mark.parametrize(
    ("tokens", "keys"),
    [
        (
            ("ensemble", "--seeds", "2", "--years", "1", "--against", "baseline"),
            {"seeds", "kpis", "against", "drawn", "rates", "luck_alone"},
        ),
        (("sensitivity", "--years", "1", "--levers", "cola_rate"), {"levers", "value", "kpi"}),
    ],
)
def test_the_commands_print_one_json_object(engine, capsys, tokens, keys):
    assert commands.run([*tokens, "--json", "--home", str(engine.settings.home)]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert keys <= answer.keys() and answer["scenario"] == "baseline" and not answer["stopped"]
    if "against" in keys:
        growth = answer["kpis"]["growth_compound"]["2026"]
        assert growth["p10"] <= growth["p50"] <= growth["p90"] and growth["n"] == 2
        assert answer["against"]["difference"]["payroll"]["2026"]["mean"] == 0


def test_a_kpi_that_is_not_there_is_named(engine, capsys):
    tokens = ["sensitivity", "--years", "1", "--kpi", "growth", "--json", "--home", str(engine.settings.home)]
    assert commands.run(tokens) == 2
    assert "growth_compound" in json.loads(capsys.readouterr().out)["error"]["remedy"]
