"""Scaled parts by hand: the baseline's payroll goes from 100 to 110 to 121."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kpi_rows import evaluation, kpis
from study_worlds import SPACE

from planwise.errors import InputError
from planwise.study.objectives import (
    PRESETS,
    adjusted_gap_part,
    cost_part,
    equity_part,
    parse_objectives,
    targets_part,
)
from planwise.study.problem import Problem
from planwise.study.spec import StudySpec

BASELINE = kpis()


def test_cost_is_the_payroll_change_over_the_baselines():
    assert cost_part(kpis(payroll_change=(12.0, 12.6)), BASELINE) == pytest.approx(24.6 / 21)
    assert cost_part(BASELINE, BASELINE) == 1


def test_a_payroll_that_hardly_moves_is_measured_by_a_hundredth_of_its_opening():
    still = kpis(payroll=(100.0, 100.1), payroll_change=(0.0, 0.1))
    assert cost_part(kpis(payroll_change=(1.0, 1.0)), still) == pytest.approx(2.0 / 1.0)
    shrinking = kpis(payroll=(90.0, 81.0), payroll_change=(-10.0, -9.0))
    assert cost_part(shrinking, shrinking) == -1


def test_equity_and_gap_are_the_last_years_over_the_baselines():
    assert equity_part(kpis(within_level_cv=(0.9, 0.22)), BASELINE) == pytest.approx(1.1)
    assert adjusted_gap_part(kpis(adjusted_gap_max=(0.9, 0.024)), BASELINE) == pytest.approx(0.8)
    assert equity_part(kpis(within_level_cv=(0, 0.02)), kpis(within_level_cv=(0, 0.0))) == pytest.approx(2)
    assert adjusted_gap_part(kpis(adjusted_gap_max=(0, 0.002)), kpis(adjusted_gap_max=(0, 0.0))) == 2
    assert adjusted_gap_part(kpis(adjusted_gap_max=(0.0, None)), BASELINE) == pytest.approx(1 / 0.03)


def test_targets_is_the_squared_gap_in_tolerances():
    assert targets_part(0.027, 0.03, 0.001) == pytest.approx(9)


def test_a_weighted_objective_is_the_weighted_sum_of_its_parts():
    problem = Problem(StudySpec(target_growth=0.03, objectives=PRESETS["balanced"]), SPACE, "preview")
    problem = problem.with_baseline(evaluation())
    found = evaluation(growth=0.028, payroll_change=(12.0, 12.6), within_level_cv=(0.2, 0.18))
    by_hand = 0.4 * 24.6 / 21 + 0.3 * 0.9 + 0.3 * 4
    assert problem.score(found) == pytest.approx(by_hand)
    assert problem.values(found) == (problem.score(found),)
    assert problem.parts(found) == pytest.approx({"cost": 24.6 / 21, "equity": 0.9, "targets": 4})


def test_a_front_has_one_value_an_objective_and_ranks_by_their_sum():
    question = StudySpec(target_growth=0.03, objectives=parse_objectives("cost,equity"))
    problem = Problem(question, SPACE, "preview").with_baseline(evaluation())
    found = evaluation(payroll_change=(12.0, 12.6), within_level_cv=(0.2, 0.18))
    assert question.multi_objective and not question.seeks_target
    assert problem.values(found) == pytest.approx((24.6 / 21, 0.9))
    assert problem.score(found) == pytest.approx(24.6 / 21 + 0.9)
    assert problem.on_target(evaluation(growth=0.5))  # no target is sought


def test_the_default_is_the_gap_and_a_hundredth_of_the_change():
    problem = Problem(StudySpec(target_growth=0.03), SPACE, "preview")
    found = evaluation({"cola_rate": 0.04}, growth=0.028)  # one recommended width of .015
    assert problem.parts(found) == pytest.approx({"targets": 4, "change": 0.01})
    assert problem.score(found) == pytest.approx(4.01)


def test_before_the_baseline_is_known_an_evaluation_is_scaled_by_itself():
    problem = Problem(
        StudySpec(target_growth=0.03, objectives=parse_objectives("cost,equity")), SPACE, "preview"
    )
    assert problem.values(evaluation(payroll_change=(12.0, 12.6))) == (1, 1)


def test_what_objectives_spell():
    assert parse_objectives("cost=.4, equity=.3,targets=0.3") == PRESETS["balanced"]
    assert parse_objectives("cost,adjusted_gap") == (("cost", None), ("adjusted_gap", None))
    assert parse_objectives("growth") == PRESETS["growth"]
    assert all(sum(weight for _, weight in preset) == pytest.approx(1) for preset in PRESETS.values())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("costs", "Did you mean cost"),
        ("balance", "Did you mean balanced"),
        ("cost=.4,equity", "some have none"),
        ("cost=.4,cost=.6", "twice"),
        ("cost=0", "not above 0"),
        ("cost=much", "not a number"),
        ("cost=nan", "not above 0"),
        ("", "Unknown objective"),
    ],
)
def test_objectives_that_make_no_sense_are_refused(text, says):
    with pytest.raises(InputError, match=says):
        parse_objectives(text)


@given(st.floats(0.1, 10), st.floats(0.01, 100))
def test_scaled_parts_do_not_know_the_currency(factor, currency):
    changes = tuple(value * factor * currency for value in (10.0, 11.0))
    baseline = kpis(
        payroll=tuple(value * currency for value in (110.0, 121.0)),
        payroll_change=tuple(value * currency for value in (10.0, 11.0)),
    )
    assert cost_part(kpis(payroll_change=changes), baseline) == pytest.approx(factor)
