"""SciPy's methods against closed forms; the whole of a search, but no journal and no engine."""

import threading

import numpy as np
import pytest
from scipy.optimize import linprog
from study_worlds import MERITS, Searched, exact, problem_in

from benchmarks.analytic import AnalyticEvaluator, World
from planwise.settings import Settings
from planwise.study import STRATEGIES, run_study
from planwise.study.space import bounds_of, scaled
from planwise.study.strategies.preview_objective import PreviewObjective, ask_tell
from planwise.study.strategies.scipy_methods import SCIPY_METHODS

LEVERS = ("cola_rate", *MERITS[:3])
SLOPES = np.array([0.006, 0.005, 0.004, 0.012])  # growth by unit, in the order of the space
LINEAR = World(LEVERS, growth=lambda z: 0.03 + float(SLOPES @ z), cost=lambda z: 1 + 0.1 * float(z.sum()))
METHODS = [method.name for method in SCIPY_METHODS]
GRADIENT = ("slsqp", "l-bfgs-b", "tnc")


def searched(method, world=LINEAR, target=0.04, kind="preview", **question):
    problem = problem_in(world, target, kind, strategy=method, **question)
    return problem, Searched(STRATEGIES[method], problem, world)


@pytest.mark.parametrize("method", METHODS)
def test_least_change_on_a_linear_growth_is_its_closed_form(method):
    """Σz² smallest where slopes·z = gap: z = slopes · gap / slopes²."""
    problem, found = searched(method)
    best = found.best(problem)
    expected = SLOPES * 0.01 / (SLOPES @ SLOPES)
    assert found.stopped == "converged" and problem.on_target(best)
    assert problem.change(best.levers) == pytest.approx(expected @ expected, rel=0.05)
    if method in GRADIENT:
        assert scaled(problem.space, best.levers) == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("method", METHODS)
def test_a_payroll_limit_is_kept_and_the_target_met_another_way(method):
    """Cost is the same for every lever, so the limit moves the change to the steepest one."""
    problem, found = searched(method, constraints=("payroll<=104.42e6",))
    best = found.best(problem)
    assert problem.feasible(best) and problem.on_target(best)
    assert best.kpis[-1]["payroll"] == pytest.approx(104.42e6, rel=5e-4)


@pytest.mark.parametrize("method", METHODS)
def test_merit_does_not_fall_with_level_under_merit_monotone(method):
    """Slopes fall with level, so that least change alone would give the most to level 1."""
    problem, found = searched(method, constraints=("merit_monotone",))
    merits = [found.best(problem).levers[name] for name in MERITS[:3]]
    assert merits == sorted(merits) and problem.on_target(found.best(problem))
    assert problem.feasible(found.best(problem))


@pytest.mark.parametrize("method", METHODS)
def test_every_evaluation_is_a_proposal_and_none_is_repeated(method):
    _, found = searched(method, trials=60)
    points = [tuple(trial.levers.values()) for trial in found.trials]
    assert len(points) == len(set(points)) <= 60
    assert all(trial.kind == "preview" for trial in found.trials)


@pytest.mark.parametrize("method", GRADIENT)
def test_a_gradient_is_one_batch_of_neighbours(method):
    _, found = searched(method)
    batches = [batch for batch in found.batches if batch[0].purpose == "slope"]
    assert batches and all(len(batch) <= len(LEVERS) for batch in batches)
    assert len(batches[0]) == len(LEVERS)


def test_a_generation_is_one_batch():
    _, found = searched("differential-evolution", trials=80)
    assert max(len(batch) for batch in found.batches) >= 8


@pytest.mark.parametrize("method", METHODS)
def test_the_best_preview_is_verified_by_one_plan(method):
    problem, found = searched(method, kind="real")
    (plan,) = found.of("verify")
    assert plan.kind == "real" and found.stopped == "converged"
    assert dict(plan.levers) == dict(found.best(problem).levers)


def test_a_plan_that_breaks_is_followed_by_the_next_best_at_most_three_times():
    problem = problem_in(LINEAR, 0.04, "real", strategy="cobyla")
    broken = Searched(
        STRATEGIES["cobyla"], problem, LINEAR, breaks=lambda proposal, number: proposal.kind == "real"
    )
    plans = [tuple(trial.levers.values()) for trial in broken.of("verify")]
    assert len(plans) == len(set(plans)) == 3
    assert broken.stopped.startswith("failed")


def test_a_preview_that_breaks_ends_a_gradient_and_what_was_seen_is_verified():
    problem = problem_in(LINEAR, 0.04, "real", strategy="slsqp")
    found = Searched(STRATEGIES["slsqp"], problem, LINEAR, breaks=lambda proposal, number: number == 12)
    assert found.stopped == "converged" or "failed" in found.stopped
    assert len(found.of("verify")) == 1


def test_a_population_goes_on_without_those_that_break():
    problem = problem_in(LINEAR, 0.04, strategy="differential-evolution", trials=200)
    found = Searched(
        STRATEGIES["differential-evolution"],
        problem,
        LINEAR,
        breaks=lambda proposal, number: number > 10 and number % 4 == 0,
    )
    assert problem.on_target(found.best(problem)) and len(found.trials) > 100


CENTRE = np.array([0.5, -0.3, 0.2, 1.0])
BOWL = World(
    LEVERS,
    cost=lambda z: 1 + 0.1 * float(z.sum()),
    equity=lambda z: 0.5 + float((z - CENTRE) @ (z - CENTRE)),
)
WEIGHTED = (("cost", 0.5), ("equity", 0.5))


@pytest.mark.parametrize("method", METHODS)
def test_a_weighted_objective_is_minimised(method):
    """Cost is 1 + .1 Σz, equity (z − c)² + .5 over its start e₀: half of each is least at z = c − .05 e₀."""
    problem, found = searched(method, BOWL, objectives=WEIGHTED, trials=300)
    answer = CENTRE - 0.05 * (0.5 + float(CENTRE @ CENTRE))
    assert scaled(problem.space, found.best(problem).levers) == pytest.approx(answer, abs=0.08)
    assert found.stopped in ("optimum", "trials")  # no target, so nothing to converge on


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.filterwarnings("error")
def test_a_single_iteration_is_one_step(method):
    limit = ("payroll<=103.9e6",)
    _, whole = searched(method, BOWL, objectives=WEIGHTED, constraints=limit)
    _, one = searched(method, BOWL, objectives=WEIGHTED, constraints=limit, single_iteration=True)
    assert len(one.trials) < len(whole.trials)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("after", [1, 7])
def test_a_stopped_search_leaves_no_thread(method, after):
    problem = problem_in(LINEAR, 0.04, strategy=method)
    found = Searched(STRATEGIES[method], problem, LINEAR, stop_after=after)
    assert found.stopped is None
    assert not [thread for thread in threading.enumerate() if thread.name == "scipy-search"]


@pytest.mark.parametrize("method", ["slsqp", "cobyqa", "differential-evolution"])
def test_a_killed_study_is_resumed_without_repeating_an_evaluation(tmp_path, method):
    whole, cut = Home(tmp_path / "whole"), Home(tmp_path / "cut")
    expected = whole.study(method)
    with pytest.raises(KeyboardInterrupt):
        cut.study(method, dies_after=20)
    assert len(cut.preview.found) == 20
    result = cut.study(method, resume=True)
    assert result.levers == expected.levers and result.evaluations == expected.evaluations
    assert len(cut.preview.found) == len(whole.preview.found)


class Home:
    """The linear world behind the study runner."""

    def __init__(self, home):
        self.settings = Settings(home=home)
        self.preview, self.real = AnalyticEvaluator(LINEAR, "preview"), AnalyticEvaluator(LINEAR, "real")

    def study(self, method, *, resume=False, dies_after=None):
        honest = self.preview.evaluate

        def mortal(levers, *, number, seed=None):
            if dies_after is not None and len(self.preview.found) >= dies_after:
                raise KeyboardInterrupt
            return honest(levers, number=number, seed=seed)

        self.preview.evaluate = mortal
        try:
            return run_study(
                self.settings,
                exact(target_growth=0.04, strategy=method, tune=LEVERS, trials=80, seeds=0),
                name="s",
                scenario="baseline",
                base=LINEAR.base,
                levels=(1, 2, 3, 4, 5),
                preview=self.preview,
                real=self.real,
                resume=resume,
            )
        finally:
            self.preview.evaluate = honest


def test_the_gradient_of_the_steep_part_is_that_of_its_formula():
    """(growth − target)² / tolerance² has the derivative 2 (growth − target) slopes / tolerance²."""
    problem = problem_in(LINEAR, 0.04, strategy="slsqp")
    found = []

    def look(ask):
        landscape = PreviewObjective(problem, ask, 100, [])
        found.append((landscape.slopes(landscape.origin), landscape.on_target()))
        return "done"

    class Look:
        def propose(self, problem, baseline):
            return ask_tell(look)

    Searched(Look(), problem, LINEAR)
    ((slopes, start),) = found
    assert slopes.reached == pytest.approx(SLOPES, rel=2e-3)  # levers are rounded to their last decimal
    assert slopes.value == pytest.approx(2 * (0.03 - 0.04) * SLOPES / 0.001**2, rel=2e-3)
    assert 0.03 + SLOPES @ start == pytest.approx(0.04, abs=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_where_the_budget_does_not_reach_the_target_the_nearest_within_it_is_found(method):
    """Every unit costs .1 and .2 is left: the most growth under Σz ≤ 2 is a linear program."""
    problem, found = searched(method, target=0.08, constraints=("payroll<=104.8e6",))
    best = found.best(problem)
    low, high = bounds_of(problem.space)
    most = linprog(-SLOPES, A_ub=np.ones((1, 4)), b_ub=[2.0], bounds=list(zip(low, high, strict=True)))
    assert problem.feasible(best) and not problem.on_target(best)
    assert best.growth == pytest.approx(0.03 - most.fun, abs=0.002)
