"""A result's fields, its front and its scenario against hand-computed answers, on the closed-form world."""

import json
import math
import random
from dataclasses import replace
from types import SimpleNamespace

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from study_worlds import BASE, LEVELS, FakeEvaluator, exact, grown, growth, reaching

from planwise.errors import InputError
from planwise.risk.assessment import wilson
from planwise.study import Evaluation, scenario_from_trial
from planwise.study.pareto import answer_of, best_of, diverse, front, knee
from planwise.study.post_analysis import NotComputed, analysis_proposals, analyze_answer
from planwise.study.problem import problem_of
from planwise.study.reachability import Reachability
from planwise.study.result import quality_score, study_result
from planwise.study.space import extreme
from planwise.study.trial import GATE_FAILED, Trial, TrialPurpose

LEVERS = ("cola_rate", "merit_rate_level_1")
BETTER = {"cola_rate": 0.03, "merit_rate_level_1": 0.033}
BEST = {"cola_rate": 0.035, "merit_rate_level_1": 0.033}
OVER = {"cola_rate": 0.04, "merit_rate_level_1": 0.04}


class Study:
    """Trials by hand: evaluated by the fake preview, numbered in order."""

    def __init__(self, target=None, kind="preview", **question):
        target = growth(BEST) if target is None else target
        spec = exact(target_growth=target, tune=LEVERS, **{"strategy": "solve", "seeds": 4, **question})
        self.evaluator = FakeEvaluator("preview")
        self.trials = []
        problem = problem_of(spec, BASE, LEVELS, kind)
        self.problem = problem
        frame = [self.add(levers, purpose) for levers, purpose in self._frame()]
        self.reach = Reachability(*(trial.evaluation for trial in frame))
        self.problem = problem.with_baseline(self.reach.baseline)

    def _frame(self):
        yield {}, TrialPurpose.BASELINE
        yield extreme(self.problem.space, highest=False), TrialPurpose.LOWEST
        yield extreme(self.problem.space, highest=True), TrialPurpose.HIGHEST

    def add(self, levers, purpose="step", *, seed=None, **changes):
        found = self.evaluator.evaluate(levers, number=len(self.trials), seed=seed)
        rate = changes.pop("growth", None)
        found = replace(found if rate is None else grown(found, rate), **changes)
        trial = Trial(len(self.trials), found.kind, purpose, 1, dict(levers), "", found, seed=seed)
        self.trials.append(trial)
        return trial

    def close(self, best, *, only=None, **changes):
        for proposal in analysis_proposals(self.problem, best)[:only]:
            self.add(proposal.levers, proposal.purpose, seed=proposal.seed, **changes)

    def result(self, stopped="converged", **more):
        return study_result(
            "s",
            "baseline",
            self.problem,
            BASE,
            self.reach,
            tuple(self.trials),
            stopped=stopped,
            seconds=1.0,
            **more,
        )


@pytest.fixture
def study():
    found = Study()
    found.add(BETTER)
    found.best = found.add(BEST)
    return found


def test_the_post_analysis_evaluates_neighbours_each_lever_alone_and_other_seeds(study):
    (batch,) = list(analyze_answer(study.problem, study.best.evaluation))
    purposes = [proposal.purpose for proposal in batch]
    assert (
        purposes == [TrialPurpose.SENSITIVITY] * 3 + [TrialPurpose.ALONE] * 1 + [TrialPurpose.ROBUSTNESS] * 4
    )
    assert {proposal.kind for proposal in batch} == {"preview"}
    assert batch[0].levers == BEST and batch[3].levers == {"cola_rate": 0.035}
    seeds = [proposal.seed for proposal in batch if proposal.purpose == TrialPurpose.ROBUSTNESS]
    assert len(set(seeds)) == 4 and BASE.seed not in seeds


def test_trials_of_the_post_analysis_never_become_the_answer(study):
    before = best_of(study.problem, study.trials)
    study.close(study.best.evaluation)
    study.add(BEST, "seed", seed=3)
    assert best_of(study.problem, study.trials) is before is study.best.evaluation


def test_on_target_counts_as_met_then_the_lower_score():
    """Two within the tolerance: the one that is nearer but changes far more loses to the other."""
    study = Study(target=growth(BEST), tolerance=0.01)
    study.add({"cola_rate": 0.08, "merit_rate_level_1": 0.033})
    near = study.add({"cola_rate": 0.0345, "merit_rate_level_1": 0.033})
    assert best_of(study.problem, study.trials) is near.evaluation


def test_the_requested_kind_comes_first_then_feasibility():
    study = Study(kind="real")
    study.add(BEST)
    gated = study.add(BEST, kind="real", gate_status="failed")
    assert best_of(study.problem, study.trials) is gated.evaluation
    passed = study.add(BETTER, kind="real")
    assert best_of(study.problem, study.trials) is passed.evaluation


def test_quality_is_the_share_of_the_gap_that_is_closed(study):
    base, half = study.reach.baseline, growth({}) + (growth(BEST) - growth({})) / 2
    assert quality_score(study.problem, base, study.best.evaluation) == pytest.approx(1)
    assert quality_score(study.problem, base, grown(base, half)) == pytest.approx(0.5)
    away = grown(base, base.growth - 0.05)
    assert quality_score(study.problem, base, away) == 0
    failed = replace(study.best.evaluation, gate_status="failed")
    assert quality_score(study.problem, base, failed) == 0


def test_quality_where_the_scenario_was_on_target_already():
    study = Study(target=growth({}))
    base = study.reach.baseline
    assert quality_score(study.problem, base, base) == 1
    assert quality_score(study.problem, base, grown(base, 0.0)) == 0


def test_quality_needs_a_target():
    study = Study(objectives=(("cost", 1.0),), strategy="tpe")
    assert quality_score(study.problem, study.reach.baseline, study.reach.baseline) is None


def test_robustness_is_the_share_of_other_seeds_within_the_tolerance(study):
    at = study.problem.spec.goal.value
    for seed, off in zip(study.problem.replicate_seeds, (0.0, 0.0005, 0.002, -0.003), strict=True):
        study.add(BEST, TrialPurpose.ROBUSTNESS, seed=seed, growth=at + off)
    study.add(
        BETTER, TrialPurpose.ROBUSTNESS, seed=study.problem.replicate_seeds[0], growth=0.9
    )  # of a former best
    found = study.result().robustness
    assert (found.seeds, found.seeds_asked, found.share_within_tolerance) == (4, 4, 0.5)
    assert found.reached.p50 == pytest.approx(at + 0.00025)
    assert found.payroll.p50 == 1e6 and found.share_over_payroll is None


def test_robustness_knows_the_payroll_limit():
    study = Study(constraints=("payroll<=1000000",))
    study.add(BEST)
    for seed, payroll in zip(study.problem.replicate_seeds, (9e5, 1e6, 1.1e6, 1.2e6), strict=True):
        kpis = [{**row, "payroll": payroll} for row in study.reach.baseline.kpis]
        study.add(BEST, TrialPurpose.ROBUSTNESS, seed=seed, kpis=kpis)
    assert study.result().robustness.share_over_payroll == 0.5


def test_what_is_not_computed_says_why(study):
    cut = study.result(stopped="cancelled")
    for field in ("robustness", "employee_impact", "parameter_impact"):
        assert getattr(cut, field) == NotComputed("cancelled")
        assert cut.as_json()[field] == "not computed: cancelled"
    assert cut.sensitivity.by_lever == NotComputed("cancelled")
    assert cut.as_json()["sensitivity"]["by_lever"] == "not computed: cancelled"
    assert study.result().employee_impact == NotComputed("these previews have no pay by employee")
    assert Study(seeds=0).result().robustness == NotComputed("no seeds were requested")
    far = Study(target=0.4).result()
    assert not far.reachable and far.robustness == NotComputed("the target is out of reach")
    assert far.nearest_growth == far.growth


def test_a_post_analysis_cut_short_reports_its_number_of_seeds(study):
    study.close(study.best.evaluation, only=-3)
    assert study.result(stopped="timeout").robustness.seeds == 1


def test_sensitivity_is_the_slope_of_growth(study):
    """∂growth/∂cola = 1 + mean merit; ∂growth/∂merit₁ = .35 (1 + cola)."""
    study.close(study.best.evaluation)
    found = study.result().sensitivity
    assert found.by_lever["cola_rate"].slope == pytest.approx(1.033)
    assert found.by_lever["merit_rate_level_1"].slope == pytest.approx(0.35 * 1.035)
    assert found.importance.method == "linear" and "distinct trials" in found.importance.reason
    assert sum(found.importance.shares.values()) == pytest.approx(1)


def test_parameter_impact_sums_to_the_whole(study):
    study.problem = study.problem.with_baseline(study.reach.baseline)
    study.best = study.add(OVER)
    study.close(study.best.evaluation)
    spec = exact(target_growth=growth(OVER), tune=LEVERS, seeds=4)
    study.problem = replace(study.problem, spec=spec, rules=())
    figures = study.result().parameter_impact.figures
    found = figures["growth_compound"]
    assert figures["target"] == found  # growth is what this study is judged by
    assert found.alone["cola_rate"] == pytest.approx(0.015 * 1.033)
    assert found.alone["merit_rate_level_1"] == pytest.approx(0.35 * 0.007 * 1.025)
    assert found.remainder == pytest.approx(0.015 * 0.35 * 0.007)  # the product of both
    assert sum(found.alone.values()) + found.remainder == pytest.approx(found.total, abs=1e-15)


def test_the_objective_has_its_parts_and_weights(study):
    found = study.result().objective
    assert found["value"] == pytest.approx(found["targets"] + found["change"])
    assert found["weights"] == {"targets": 1.0, "change": 1.0}
    assert found["change"] == pytest.approx(0.01 * ((0.035 - 0.025) / 0.03) ** 2)


def test_employees_are_compared_where_previews_know_their_pay(study):
    class Payroll:
        def pay(self, levers):
            amounts = [100.0, 200.0] if not levers else [105.0, 200.0]
            return pd.DataFrame(
                {
                    "employee_id": ["a", "b"],
                    "simulation_year": 2030,
                    "level_id": 1,
                    "is_active": True,
                    "base_pay": amounts,
                }
            )

    found = study.result(preview=Payroll()).employee_impact
    assert (found.everybody.compared, found.everybody.differ, found.everybody.difference.median) == (2, 1, 5)


def test_a_pay_frame_that_breaks_does_not_lose_the_result(study):
    class Broken:
        def pay(self, levers):
            raise MemoryError("too many")

    assert study.result(preview=Broken()).employee_impact == NotComputed("MemoryError: too many")


def test_the_result_says_how_it_was_made(study):
    class Auto:
        def reason(self, problem):
            return "two levers and a smooth objective"

    found = study.result(strategy=Auto())
    assert found.strategy_reason == "two levers and a smooth objective"
    assert found.trial == study.best.number and found.quality_score == pytest.approx(1)
    assert {"python", "planwise", "duckdb"} <= set(found.versions)
    assert found.advice["budget"]["problem_class"] == "simple"
    assert found.risk.levers["cola_rate"] == "OK" and found.risk.target


def test_a_result_is_plain_json(study):
    study.close(study.best.evaluation)
    shown = json.loads(json.dumps(study.result().as_json(), allow_nan=False))
    assert shown["changes"] == {"cola_rate": {"old": 0.025, "new": 0.035, "change": 0.01}}


@pytest.mark.parametrize(("growth_of", "missing"), [(BETTER, 1), (OVER, -1)])
def test_the_gap_is_positive_when_pay_has_to_grow_more(growth_of, missing):
    found = Study()
    found.add(growth_of)
    result = found.result()
    assert result.growth == growth(growth_of)
    assert result.gap_pp == pytest.approx(100 * (result.target["value"] - result.growth))
    assert result.gap_pp * missing > 0.1


@pytest.mark.parametrize(
    ("beyond", "side"), [(0.0009, None), (0.0011, "highest"), (-0.0009, None), (-0.0011, "lowest")]
)
def test_a_target_is_beyond_the_bounds_by_more_than_the_tolerance(beyond, side):
    reach = Study().reach
    target = (reach.highest if beyond > 0 else reach.lowest).growth + beyond
    found = reach.beyond(Study(target).problem)
    assert found is (None if side is None else getattr(reach, side))


def test_a_front_has_a_knee_and_picks():
    """Cost against the target: the middle of three is the knee of a front that bulges towards the ideal."""
    study = Study(objectives=(("cost", None), ("targets", None)), strategy="nsga2")
    for cola, change in ((0.03, 100.0), (0.033, 120.0), (0.035, 200.0), (0.034, 300.0)):
        base = study.reach.baseline.kpis
        levers = {"cola_rate": cola, "merit_rate_level_1": 0.033}
        kpis = [{**row, "payroll_change": change, **reaching(growth(levers))} for row in base]
        study.add(levers, "sample", kpis=kpis)
    study.problem = replace(
        study.problem,
        baseline=replace(
            study.reach.baseline,
            kpis=[{**row, "payroll_change": 100.0} for row in study.reach.baseline.kpis],
        ),
    )
    study.trials[0] = replace(study.trials[0], evaluation=study.problem.baseline)
    del study.trials[1:3]  # the bounds have no payroll change in this world
    found = study.result()
    assert [point["trial"] for point in found.front] == [3, 4, 5]  # 6 is dominated by 5
    assert found.picks == {"knee": 4, "diverse": [3, 4, 5]} and found.trial == 4
    assert answer_of(study.problem, study.trials) is study.trials[2].evaluation


def test_few_seeds_within_the_tolerance_are_a_warning(study):
    assert study.result().warnings == []
    for seed in study.problem.replicate_seeds:
        study.add(BEST, TrialPurpose.ROBUSTNESS, seed=seed, growth=0.08)
    (shown,) = study.result().warnings
    assert shown.startswith("Only 0 of 4 other draws of rates and luck are within 0.10 pp of the target")


def test_wilsons_interval():
    """18 of 20: .699 to .972 (Wilson 1927; R's prop.test without correction gives the same)."""
    assert wilson(18, 20) == pytest.approx([0.6990, 0.9721], abs=1e-4)
    assert wilson(0, 20)[0] == 0 and wilson(20, 20)[1] == 1


CONVEX = [(i / 20, (1 - math.sqrt(i / 20)) ** 2) for i in range(21)]  # √x + √y = 1, bulging to the ideal
CONCAVE = [(i / 20, 1 - (i / 20) ** 2) for i in range(21)]


def dominates(one, other):
    return all(a <= b for a, b in zip(one, other, strict=True)) and tuple(one) != tuple(other)


def test_the_front_of_six_points_by_hand():
    points = [(3, 3), (1, 5), (2, 2), (5, 1), (4, 4), (2, 6)]
    assert front(points) == (1, 2, 3)


def test_a_point_equal_in_one_objective_and_worse_in_the_other_is_dominated():
    assert front([(1, 2), (1, 1), (2, 1)]) == (1,)


def test_of_points_that_are_the_same_the_first_stays():
    assert front([(1, 2), (2, 1), (1, 2), (1 + 1e-13, 2)]) == (0, 1)


def test_one_point_and_none():
    assert front([(1, 1)]) == (0,) and knee([(1, 1)]) == 0 and diverse([(1, 1)]) == (0,)
    assert front([]) == ()
    for pick in (knee, diverse):
        with pytest.raises(InputError, match="no point"):
            pick([])


def test_feasible_points_come_before_better_ones_that_are_not():
    points = [(0, 0), (2, 1), (1, 2), (3, 3)]
    assert front(points, violations=[0.5, 0, -1, 0]) == (2, 1)


def test_without_a_feasible_point_those_that_violate_least_are_left():
    assert front([(0, 0), (2, 1), (3, 3)], violations=[0.5, 0.2, 0.2]) == (1,)


def test_the_knee_of_a_convex_front_is_where_its_slope_is_that_of_the_chord():
    """√x + √y = 1 is farthest from x + y = 1 at x = y = 1/4."""
    assert CONVEX[knee(CONVEX)] == (0.25, 0.25)


def test_the_knee_does_not_depend_on_units():
    payroll = [(1e8 + 4e6 * x, 0.3 + 0.01 * y) for x, y in CONVEX]
    assert knee(payroll) == knee(CONVEX)


def test_a_sharp_corner_is_the_knee():
    assert knee([(0, 10), (1, 1), (10, 0), (0.5, 6), (6, 0.5)]) == 1


def test_a_straight_front_has_its_middle_for_a_knee():
    assert knee([(i, 10 - i) for i in range(11)]) == 5


def test_a_front_that_bulges_away_has_the_least_largest_loss_for_a_knee():
    """y = 1 − x² meets y = x at x = (√5 − 1)/2 = .618: .6 loses .64, .65 loses .65."""
    assert CONCAVE[knee(CONCAVE)] == (0.6, 0.64)


def test_the_knee_of_three_objectives_is_the_smallest_sum_of_losses():
    assert knee([(0, 9, 9), (9, 0, 9), (9, 9, 0), (3, 3, 3), (2, 4, 5)]) == 3


def test_picks_are_both_ends_and_the_middle():
    line = [(i, 10 - i) for i in range(11)]
    assert diverse(line) == (0, 5, 10)
    assert diverse(line, k=2) == (0, 10)
    assert diverse(line[:2]) == (0, 1)


def test_dominated_points_are_never_picked():
    points = [(9, 9), (0, 10), (4, 6), (8, 8), (10, 0)]
    assert diverse(points, k=5) == (1, 2, 4)


def test_ragged_and_missing_values_are_rejected():
    with pytest.raises(InputError, match="number of objectives"):
        front([(1, 2), (1, 2, 3)])
    with pytest.raises(InputError, match="without a value"):
        front([(1, math.nan)])


def test_a_whole_known_front_is_found_among_points_above_it():
    rng = random.Random(5)
    above = [(x + rng.uniform(0.01, 1), y + rng.uniform(0.01, 1)) for x, y in CONVEX for _ in range(5)]
    assert front([*above, *CONVEX]) == tuple(range(len(above), len(above) + len(CONVEX)))


whole = st.integers(-5, 5).map(float)


@given(st.integers(1, 3).flatmap(lambda m: st.lists(st.tuples(*[whole] * m), min_size=1, max_size=40)))
def test_no_member_is_dominated_and_everything_else_is(points):
    members = front(points)
    assert members and not any(dominates(p, points[m]) for m in members for p in points)
    for index in set(range(len(points))) - set(members):
        assert any(dominates(points[m], points[index]) or points[m] == points[index] for m in members)
    assert knee(points) in members and set(diverse(points)) <= set(members)


def stored_trial(number, *, gate="passed", error=None):
    evaluation = Evaluation({}, [], 0.03, "real", gate_status=gate)
    return Trial(number, "real", TrialPurpose.STEP, 1, {}, "digest", None if error else evaluation, error)


@pytest.fixture
def stored_study(monkeypatch):
    trials = (stored_trial(0), stored_trial(1, error="out of memory"), stored_trial(2, gate=GATE_FAILED))
    view = SimpleNamespace(about={}, trials=trials)
    monkeypatch.setattr(scenario_from_trial, "load_view", lambda settings, name: view)
    return view


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (1, "Trial 1 of study s failed: out of memory"),
        (2, "Trial 2 of study s failed its gate"),
        (9, "has no finished trial 9; it has 0 to 2"),
    ],
)
def test_a_trial_that_gave_nothing_usable_is_rejected(stored_study, number, message):
    with pytest.raises(InputError, match=message) as error:
        scenario_from_trial.promote_trial(None, "s", number, "name")
    assert "planwise study show s" in error.value.remedy


def test_a_study_without_trials(stored_study):
    stored_study.trials = ()
    with pytest.raises(InputError, match="it has none"):
        scenario_from_trial.promote_trial(None, "s", 0, "name")


@pytest.mark.parametrize("text", ["study", "study:", ":3", "study:x", "study:-1"])
def test_what_names_no_trial(text):
    with pytest.raises(InputError, match="is not a trial"):
        scenario_from_trial.parse_trial(text)


def test_a_study_name_may_have_the_separator():
    assert scenario_from_trial.parse_trial("a:b:3") == ("a:b", 3)
