"""Least change against the closed form: linear models, reachability, constraints."""

import math
import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from study_worlds import (
    BASE,
    LEVELS,
    SPACE,
    YEARS,
    World,
    closed_form,
    drive,
    evaluation,
    exact,
    grown,
    growth,
    trial_of,
)

from planwise.parameters import resolve
from planwise.risk.worlds import replicate_seeds
from planwise.study import Evaluation, StudySpec
from planwise.study.alternatives import OUTSIDE, OWN, WITHIN, find_alternatives
from planwise.study.linear_model import MARGIN, Cut, Model, Region, furthest, least_change, least_excess
from planwise.study.problem import Problem, problem_of
from planwise.study.reachability import evaluate_bounds, reachability_of, with_answer
from planwise.study.result import bounds_in_words
from planwise.study.space import change_of, extreme, start_of
from planwise.study.strategies.solve import SOLVE
from planwise.study.trial import Proposal, Trial, TrialPurpose

LOWEST, HIGHEST = (growth(extreme(SPACE, highest=side)) for side in (False, True))


def test_one_lever_is_the_closed_form(world):
    """(1 + cola)(1 + merit) − 1 + hires + promotions − drag = target, solved for cola."""
    target = 0.04
    others = growth({}) - (1.025 * 1.033 - 1)
    result = world.study(target, tune=("cola_rate",))
    assert result.levers["cola_rate"] == pytest.approx((1 + target - others) / 1.033 - 1, abs=2e-5)
    assert result.converged and result.real_plans == 1


def test_the_change_is_the_smallest_that_meets_the_target(world):
    """No other optimiser finds a smaller one on the closed form itself."""
    target = 0.05
    result = world.study(target)
    names = [lever.name for lever in SPACE]
    start = np.array([lever.start for lever in SPACE])
    scale = np.array([lever.scale for lever in SPACE])

    def at(z):
        return dict(zip(names, (start + scale * z).tolist(), strict=True))

    reference = minimize(
        lambda z: float(z @ z),
        np.zeros(len(SPACE)),
        method="SLSQP",
        bounds=[
            ((lever.low - lever.start) / lever.scale, (lever.high - lever.start) / lever.scale)
            for lever in SPACE
        ],
        constraints={"type": "eq", "fun": lambda z: closed_form(at(z).__getitem__) - target},
        options={"ftol": 1e-12},
    )
    assert reference.success
    assert change_of(SPACE, result.levers) <= float(reference.x @ reference.x) * 1.01


def test_two_hundred_random_reachable_targets_within_a_tenth_of_a_point_in_three_plans():
    """The strategy alone, without a journal, which would wait for the disk six thousand times."""
    rng = random.Random(20261120)
    for _ in range(200):
        target = rng.uniform(max(0.01, LOWEST), min(0.06, HIGHEST))
        stopped, trials = drive(
            evaluate_bounds(Problem(exact(target_growth=target), SPACE, "real"), SOLVE), answered
        )
        plans = [trial.evaluation for trial in trials if trial.kind == "real"]
        assert stopped == "converged" and len(plans) == 1, "previews come so near that one plan is enough"
        assert abs(plans[0].growth - target) <= 0.01 * 0.001


def test_a_growth_that_jumps_over_the_target_is_not_called_met():
    """Where no preview comes within the tolerance, no plan is made, and the nearest growth is named."""
    target = 0.05

    def jumping(proposal):
        levers = start_of(SPACE) | dict(proposal.levers)
        smooth = closed_form(levers.__getitem__)
        return trial_of(
            proposal,
            grown(Evaluation(levers, [], 0.0, "preview"), smooth + (0.004 if smooth > target - 0.002 else 0)),
        )

    stopped, trials = drive(
        evaluate_bounds(Problem(exact(target_growth=target), SPACE, "real"), SOLVE), jumping
    )
    assert stopped.startswith("no preview meets target and constraints: the nearest is off by ")
    assert all(trial.kind == "preview" for trial in trials)


def answered(proposal):
    levers = start_of(SPACE) | dict(proposal.levers)
    found = Evaluation(levers, [], 0.0, proposal.kind)
    return trial_of(proposal, grown(found, closed_form(levers.__getitem__)))


def test_a_target_near_the_reach_drives_levers_to_their_bounds_and_names_them(world):
    result = world.study(HIGHEST - 0.002)
    assert result.converged and "cola_rate" in result.binding
    assert all(lever.low <= result.levers[lever.name] <= lever.high for lever in SPACE)


def test_what_the_plan_says_otherwise_moves_the_aim(tmp_path):
    """Should plan and preview ever differ, the second plan makes up for it."""
    result = World(tmp_path, bias=0.004).study(0.05)
    assert result.converged and result.real_plans == 2
    assert result.growth == pytest.approx(0.05, abs=1e-4)


def test_no_more_than_two_plans_even_when_they_never_agree(tmp_path):
    world = World(tmp_path)
    drift = iter((0.01, 0.03, 0.06, 0.1))
    honest = world.real.evaluate

    def drifting(levers, *, number, seed=None):
        world.real.bias = next(drift)
        return honest(levers, number=number, seed=seed)

    world.real.evaluate = drifting
    result = world.study(0.05)
    assert (result.converged, result.real_plans, result.stopped) == (False, 2, "real plans")
    assert result.kind == "real"


@pytest.mark.parametrize(("target", "side"), [(0.30, True), (-0.10, False)])
def test_an_unreachable_target_is_said_at_once(world, target, side):
    result = world.study(target)
    assert (result.reachable, result.converged, result.stopped) == (False, False, "unreachable")
    assert result.nearest_growth == pytest.approx(HIGHEST if side else LOWEST)
    assert result.binding == [lever.name for lever in SPACE]
    assert result.kind == "preview" and not world.real.calls
    assert [answer["name"] for answer in result.answers] == [WITHIN, OUTSIDE]  # every pay lever is tuned
    assert not any(answer["met"] for answer in result.answers)
    targets = [answer["risk"]["target"] for answer in result.answers]
    assert targets == [None, None]  # who misses a target does not run its risk


def test_a_preview_study_says_that_it_is_one(world):
    result = world.study(0.04, preview=True)
    assert result.converged and result.kind == "preview" and result.real_plans == 0
    assert not world.real.calls


def test_a_target_that_is_met_already_changes_nothing(world):
    result = world.study(growth({}))
    assert result.converged and result.objective["change"] == pytest.approx(0, abs=1e-9)
    assert result.changes == {}


def test_a_linear_model_without_slopes_stays_where_it_is():
    zero = np.zeros(len(SPACE))
    model = Model(zero, np.array([0.02]), np.zeros((1, len(SPACE))))
    region = Region.of(Problem(exact(target_growth=0.05), SPACE, "real"))
    assert least_change(region, model, 0.05).tolist() == zero.tolist()


PROMOTION = "promotion_probability_level_1"


def growth_at(levers):
    """Promotions lower the mean here: those promoted are replaced by cheap hires."""
    effective = BASE.with_levers(levers)
    fixed = closed_form(lambda name: effective.number(name, 2026))
    return fixed - 0.05 * effective.number(PROMOTION, 2026)


def found_at(levers, seed=None, nervous=0.0):
    """Payroll is 100 (1 + growth); with nerves, other seeds pay more, more yet with more merit."""
    found = growth_at(levers)
    merit = levers.get("merit_rate_level_1", 0.033)
    payroll = 100 * (1 + found) + (400 * (merit - 0.033) if nervous else 0.0)
    place = 0 if seed is None else replicate_seeds(0, 11).index(seed)  # 1 to 10, as the seeds are derived
    payroll *= 1 + 0.001 * place * (1 + nervous * (merit / 0.033) ** 2)
    return replace(evaluation(levers, growth=found, payroll=(100.0, payroll)), seed=seed)


def searched(problem, nervous=0.0):
    return drive(
        evaluate_bounds(problem, SOLVE), lambda one: trial_of(one, found_at(one.levers, one.seed, nervous))
    )


def problem(target, **question):
    return problem_of(exact(target_growth=target, **question), BASE, LEVELS, "preview")


AT_BASELINE = growth_at({})


def test_a_lever_that_acts_against_its_declaration_is_not_claimed_out_of_reach():
    """With promotions at their declared best the target is out of bounds; the slopes say that it is not."""
    posed = problem(0, tune=(PROMOTION, "cola_rate"))
    declared = growth_at(extreme(posed.space, highest=True))
    most = growth_at({PROMOTION: 0.0, "cola_rate": 0.08})
    assert declared < most
    target = (declared + most) / 2 + 0.002
    stopped, trials = searched(problem(target, tune=(PROMOTION, "cola_rate")))
    assert stopped == "converged" and trials[-1].evaluation.growth == pytest.approx(target, abs=1e-4)


def test_beyond_what_the_slopes_promise_it_is_out_of_reach_and_says_how_far_it_goes():
    posed = problem(0.2, tune=(PROMOTION, "cola_rate"))
    stopped, trials = searched(posed)
    nearest = reachability_of(trials).nearest(posed)
    assert stopped == "unreachable"
    assert nearest.growth == pytest.approx(growth_at({PROMOTION: 0.0, "cola_rate": 0.08}))
    assert posed.binding(nearest) == ["cola_rate", PROMOTION]


def test_a_budget_cuts_the_reach_where_it_should():
    """Payroll is 100 (1 + growth) here, so a limit of 103 is a growth of 3 %."""
    posed = problem(0.05, constraints=("payroll<=103",))
    stopped, trials = searched(posed)
    nearest = reachability_of(trials).nearest(posed)
    assert stopped == "unreachable" and "payroll" in posed.binding(nearest)
    assert nearest.growth == pytest.approx(0.03, abs=1e-4) and nearest.growth <= 0.03
    assert searched(problem(0.029, constraints=("payroll<=103",)))[0] == "converged"


def test_a_constraint_that_no_lever_meets_is_named_with_what_comes_nearest():
    posed = problem(0.05, constraints=("payroll<=90", "raise<=0.2"))
    stopped, trials = searched(posed)
    assert stopped == "infeasible: payroll cannot be met, even without the target"
    lowest = growth_at(extreme(posed.space, highest=False))
    assert reachability_of(trials).nearest(posed).growth == pytest.approx(lowest, abs=1e-6)


def test_a_limit_that_answers_only_far_from_the_start_is_met_there(monkeypatch):
    """Raises are 30 % wherever promotion raises are above 6 %, so that no slope at 8.5 % shows the way."""

    def cliff(levers, seed=None, nervous=0.0):
        raised = 0.3 if levers.get("promotion_raise_level_1", 0.085) > 0.06 else 0.1
        return evaluation(levers, growth=growth_at(levers), raise_max=(raised, raised))

    monkeypatch.setitem(globals(), "found_at", cliff)
    levers = ("promotion_raise_level_1", "cola_rate")
    posed = problem(AT_BASELINE, constraints=("raise<=0.2",), tune=levers)
    stopped, trials = searched(replace(posed, space=unjudged(posed.space)))
    assert stopped == "converged" and trials[-1].evaluation.kpis[-1]["raise_max"] == 0.1


def unjudged(space):
    """The space where policy has no ranges, and a change of COLA counts double."""
    free = tuple(replace(lever, policy=(-math.inf, math.inf)) for lever in space)
    return tuple(replace(one, scale=0.015) if one.name == "cola_rate" else one for one in free)


def test_a_target_is_not_looked_at_when_none_is_sought():
    posed = problem(0.4, objectives=(("cost", None), ("equity", None)))
    baseline = found_at({})
    trials = [
        Trial(0, "preview", p, 0, {}, "", baseline)
        for p in (TrialPurpose.BASELINE, TrialPurpose.LOWEST, TrialPurpose.HIGHEST)
    ]
    assert reachability_of(trials).nearest(posed) is None


def test_payroll_over_under_other_seeds_is_sought_again_with_what_they_paid():
    """The seeds pay more the more merit there is, so the first answer is over where the baseline is not.

    Least change moves merit to 3.784 %: payroll is 100 (1 + target) + 1.94, the ninth seed's 4.45 % more. The
    baseline's ninth is 3.6 % more. A limit of 4.1 % more lets the first answer by, until its seeds are posed.
    """
    target, nervous, seeds = AT_BASELINE + 0.01, 3.0, 10
    limit = (100 * (1 + target) + 1.94) * 1.041
    limits = (f"payroll<={limit}", "payroll_risk<=0.1")
    posed = problem(target, constraints=limits, seeds=seeds, tune=("cola_rate", "merit_rate_level_1"))
    posed = replace(posed, own_seed=0, space=unjudged(posed.space))
    stopped, trials = searched(posed, nervous)
    assert stopped == "converged"
    answer = trials[-1].evaluation

    def over(levers):
        paid = [found_at(levers, seed, nervous).kpis[-1]["payroll"] for seed in posed.replicate_seeds]
        return sum(one > limit for one in paid)

    first = next(trial for trial in trials if trial.purpose == "seed" and trial.levers)
    assert over(first.levers) > 1 >= over(answer.levers)  # of ten, one may be over
    assert len([trial for trial in trials if trial.purpose == "seed"]) == 3 * seeds  # baseline, first, answer


HIGHEST_ASKED = 0.12  # an increase budget that no limit here allows


def highest_within(chance, *, calmer=0.0, **question):
    """Ask for the highest increase budget whose payroll is over 1.045 with a chance.

    COLA costs 2 % more of payroll than merit. World j of ten pays 1 + .002 j times the scenario's own
    payroll, and less where pay has risen, should they be `calmer`.
    """
    base = resolve(YEARS, scenario={"seed": 0})
    spec = StudySpec(
        target=f"increase={HIGHEST_ASKED}",
        constraints=("payroll<=1.045", f"payroll_risk<={chance}"),
        seeds=10,
        grid="off",
        **question,
    )
    posed = problem_of(spec, base, LEVELS, "preview")
    (tied,) = (lever.name for lever in posed.space if lever.lever != "cola_rate")

    def previewed(proposal):
        levers = {tied: 0.033, "cola_rate": 0.0} | dict(proposal.levers)
        rate = levers["cola_rate"] + levers[tied]
        place = 0 if proposal.seed is None else replicate_seeds(0, 111).index(proposal.seed)
        luck = 0.002 * min(place, 10) * (1 - calmer * (rate - 0.033))
        payroll = (1 + levers[tied] + 1.02 * levers["cola_rate"] - 0.01) * (1 + luck)
        years = [{"increase_rate": rate, "growth_compound": rate, "payroll": payroll}] * 2
        found = Evaluation(levers if proposal.levers else {}, years, rate, proposal.kind, seed=proposal.seed)
        return trial_of(proposal, found)

    stopped, trials = drive(evaluate_bounds(posed, SOLVE), previewed)
    return posed, tied, stopped, trials


def test_the_highest_pay_that_a_chance_allows_is_not_at_a_bound_for_a_hair():
    """Merit alone reaches 3.665 %: (1.045 / 1.018 - .99), world 9 of 10 being the last that may not be over.

    As much but for .01 points comes with both levers moved, in the ratio of least change.
    """
    posed, tied, stopped, trials = highest_within(0.1)
    nearest = reachability_of(trials).nearest(posed)
    cola, merit = nearest.levers["cola_rate"], nearest.levers[tied]
    most = 1.045 / 1.018 - 0.99
    assert stopped == "unreachable" and most - 1.1e-4 < cola + merit <= most
    widths = {lever.name: lever.scale for lever in posed.space}
    assert cola / (merit - 0.033) == pytest.approx((widths["cola_rate"] / widths[tied]) ** 2, rel=0.02)
    informed = with_answer(posed.with_baseline(nearest), trials)
    assert informed.binding(nearest) == ["payroll", "payroll_risk"][1:] and not list(
        bounds_in_words(informed, nearest)
    )


@pytest.mark.parametrize("calmer", [-10.0, 10.0])
def test_a_chance_is_fitted_again_where_it_was_too_cautious_and_where_too_bold(calmer):
    """The allowed world's payroll is 1 + .018 (1 - calmer (rate - .033)) times the answer's own."""
    posed, _, _, trials = highest_within(0.1, calmer=calmer)
    nearest = reachability_of(trials).nearest(posed)
    rate, first = sum(nearest.levers.values()), 1.045 / 1.018 - 0.99
    most = 1.045 / (1 + 0.018 * (1 - calmer * (rate - 0.033))) - 0.99
    assert most - 2.5e-4 < rate <= most + 1e-7
    assert (rate - first) * calmer > 1e-4
    seeds = [trial for trial in trials if trial.purpose == "seed" and trial.levers == nearest.levers]
    assert sum(trial.evaluation.kpis[0]["payroll"] > 1.045 for trial in seeds) == 1 and len(seeds) == 10


def test_a_lever_at_its_bound_is_said_in_words():
    posed, tied, _, trials = highest_within(0.1, lock=("cola_rate",))
    assert not list(bounds_in_words(posed, reachability_of(trials).nearest(posed)))
    posed, tied, _, _ = highest_within(0.1)
    corner = Evaluation(
        {tied: 0.1, "cola_rate": 0.0}, [{"increase_rate": 0.1, "payroll": 1.0}], 0.1, "preview"
    )
    assert list(bounds_in_words(posed, corner)) == [
        "Merit of 5 levels is at its upper bound 10.00%: more of it would come nearer to the target.",
        "Cost-of-living raise (cola_rate) is at its lower bound 0.00%, as in the scenario: "
        "less of it would leave the limits' room to other levers.",
    ]


@pytest.mark.parametrize("bend", [0.0, 2.003e-6, 4e-5])  # the second ends a hair over the limit
@pytest.mark.parametrize(("target", "merit"), [(0.05, 0.045), (0.02, 0.025), (0.4, 0.045)])
def test_the_nearest_within_policy_moves_merit_and_leaves_cola(bend, target, merit):
    """Both reach as far: the increase budget may be a point from the market's 3.5 %, however it bends."""
    base = resolve(YEARS, scenario={})
    posed = problem_of(StudySpec(target=f"increase={target}"), base, LEVELS, "real")
    (tied,) = (lever.name for lever in posed.space if lever.lever != "cola_rate")

    def previewed(proposal):
        levers = {tied: 0.033, "cola_rate": 0.0} | dict(proposal.levers)
        rate = (1 + levers["cola_rate"]) * (1 + levers[tied] + bend * (levers[tied] > 0.04)) - 1
        years = [{"increase_rate": rate, "growth_compound": rate, "payroll": 1e6 * (1 + rate)}] * 2
        return trial_of(proposal, Evaluation(levers, years, rate, proposal.kind))

    posed = posed.with_baseline(previewed(Proposal({}, "preview", TrialPurpose.BASELINE)).evaluation)
    found, _ = drive(find_alternatives(posed, base, LEVELS, posed.baseline), previewed)
    within = next(one.evaluation for one in found if one.name == WITHIN)
    assert [one.name for one in found if one.evaluation is posed.baseline] == [OWN]  # it is within policy
    assert within.levers["cola_rate"] == 0.0
    assert within.levers[tied] == pytest.approx(merit, abs=1e-9)
    assert posed.is_within_policy(within)


def region(low=-3.0, high=3.0, size=4):
    return Region(np.full(size, low), np.full(size, high), np.zeros((0, size)), np.zeros(0))


vectors = st.lists(st.floats(0.05, 2), min_size=4, max_size=4).map(np.array)


@given(vectors, st.floats(-2, 2))
def test_the_least_change_on_one_linear_output_is_along_its_slopes(slopes, aim):
    """Lagrange: z = aim · s / (s·s), as long as no bound is in the way."""
    by_hand = aim * slopes / (slopes @ slopes)
    if np.abs(by_hand).max() > 2.9:
        return
    model = Model(np.zeros(4), np.array([0.0]), slopes[None, :])
    assert least_change(region(), model, aim) == pytest.approx(by_hand, abs=1e-5)


@settings(max_examples=12, deadline=None)
@pytest.mark.filterwarnings("ignore::UserWarning")  # of the other optimiser, about straight lines
@given(vectors, st.lists(st.floats(-1, 1), min_size=4, max_size=4).map(np.array), st.floats(0.1, 1))
def test_the_least_change_with_a_constraint_is_that_of_another_optimiser(slopes, others, aim):
    model = Model(np.zeros(4), np.array([0.0, -0.2]), np.array([slopes, others]))
    found = least_change(region(), model, aim)
    reference = minimize(
        lambda z: z @ z,
        np.full(4, 0.1),
        method="trust-constr",
        bounds=[(-3, 3)] * 4,
        constraints=[
            {"type": "eq", "fun": lambda z: slopes @ z - aim},
            {"type": "ineq", "fun": lambda z: 0.2 - MARGIN - others @ z},
        ],
        options={"maxiter": 500, "gtol": 1e-8},
    )
    if reference.constr_violation < 1e-6:
        assert found @ found <= float(reference.fun) * 1.001 + 1e-6
        assert slopes @ found == pytest.approx(aim, abs=1e-6) and others @ found <= 0.2 + 1e-7


def test_the_furthest_point_keeps_constraints_and_an_empty_region_has_none():
    model = Model(np.zeros(2), np.array([0.0, -1.0]), np.array([[1.0, 1.0], [1.0, 0.0]]))
    two = region(size=2)
    assert furthest(two, model, highest=True).tolist() == [3, 3]
    assert furthest(two.with_constraints(model), model, highest=True) == pytest.approx([1, 3], abs=1e-5)
    broken = Model(np.zeros(2), np.array([0.0, 9.0]), np.array([[1.0, 1.0], [1.0, 0.0]]))
    assert furthest(two.with_constraints(broken), broken, highest=True) is None
    assert least_excess(two, broken)[0] == pytest.approx(-3)


def test_a_model_follows_new_evaluations():
    model = Model(np.zeros(2), np.array([0.0]), np.array([[1.0, 0.0]]))
    moved = model.moved(np.array([0.0, 2.0]), np.array([3.0]))  # it promised 0 there
    assert moved.reached(np.zeros(2)) == pytest.approx(0.0) and moved.slopes.tolist() == [[1.0, 1.5]]
    tight = Model(np.zeros(2), np.array([0.0, -0.1]), np.array([[1.0, 0.0], [0.5, 0.0]])).scaled(1, 1.2)
    assert tight.values[1] == pytest.approx(0.9 * 1.2 - 1) and tight.slopes[1, 0] == pytest.approx(0.6)


def test_levers_without_room_have_no_slope_and_do_not_stop_a_search():
    posed = problem(AT_BASELINE + 0.004, constraints=("change.merit_rate_level_1<=0.000001",))
    stopped, trials = searched(posed)
    assert stopped == "converged"
    assert abs(trials[-1].evaluation.levers["merit_rate_level_1"] - 0.033) <= 1.1e-6


def test_a_problem_on_a_space_starts_where_the_levers_are():
    assert (
        start_of(SPACE)["cola_rate"] == 0.025
        and Problem(exact(target_growth=0.03), SPACE, "real").change({}) == 0
    )


def model(at, values, slopes, cuts=()):
    return Model(np.array(at), np.array(values), np.array(slopes), cuts)


def test_a_line_holds_until_something_is_found_below_it():
    cut = Cut(1, np.array([1.0, 0.0]), -0.5)
    assert cut.value(np.array([2.0, 9.0])) == 1.5
    assert cut.holds(np.array([2.0, 0.0]), np.array([0.0, 1.6]))
    assert not cut.holds(np.array([2.0, 0.0]), np.array([0.0, 1.4]))


def test_earlier_lines_are_kept_unless_contradicted_and_where_two_meet_no_mixture_is():
    first = model([0.0, 0.0], [0.0, -1.0], [[1, 1], [1.0, 0.0]])
    first = model([0.0, 0.0], [0.0, -1.0], [[1, 1], [1.0, 0.0]], first.lines())
    other = model([0.0, 2.0], [2.0, 1.0], [[1, 1], [0.0, 1.0]])  # the line z2 - 1
    other = model([0.0, 2.0], [2.0, 1.0], [[1, 1], [0.0, 1.0]], other.lines()).after(first)
    assert [cut.slopes.tolist() for cut in other.cuts] == [[0.0, 1.0], [1.0, 0.0]]
    mixed = model([2.0, 2.0], [4.0, 1.0], [[1, 1], [1.0, 1.0]]).after(other)  # both are 1 there
    assert mixed.slopes[1].tolist() in ([1.0, 0.0], [0.0, 1.0])


def test_an_unexpected_excess_is_another_line_and_curvature_is_not():
    here = model([0.0, 0.0], [0.0, -0.1], [[1, 1], [0.05, 0.0]])
    assert here.misses(np.array([1.0, 0.0]), np.array([1.0, 0.5]))
    assert not here.misses(np.array([3.0, 0.0]), np.array([1.0, 0.06]))
    assert not here.misses(np.array([1.0, 0.0]), np.array([1.0, -0.01]))


def test_a_line_of_a_ratio_moves_with_its_limit():
    cut = Cut(1, np.array([0.5, 0.0]), -0.1)
    moved = model([0.0, 0.0], [0.0, -0.1], [[1, 1], [0.5, 0.0]], (cut,)).scaled(1, 1.2)
    assert moved.cuts[0].origin == pytest.approx(0.9 * 1.2 - 1)
    assert moved.cuts[0].slopes.tolist() == pytest.approx([0.6, 0])
