"""Strategies: which questions they answer, which one is chosen, and what they propose."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest
from study_worlds import (
    BASE,
    LEVELS,
    LEVERS,
    MERITS,
    SPACE,
    YEARS,
    Searched,
    World,
    drive,
    exact,
    growth,
    problem_in,
    trial_of,
)

from benchmarks import analytic
from planwise.errors import InputError
from planwise.study import STRATEGIES
from planwise.study.optuna_storage import load_study
from planwise.study.post_analysis import BEYOND_POLICY
from planwise.study.problem import problem_of
from planwise.study.space import extreme, start_of, tuned_levers
from planwise.study.strategies import STRATEGY_INFO, check_spec, markdown, sampling, strategy_info
from planwise.study.strategies.auto import AUTO_FRONT_TRIALS, choose
from planwise.study.strategies.heuristic import AGGRESSIVE, BALANCED, CONSERVATIVE, adjusted
from planwise.study.strategies.preview_objective import ask_tell
from planwise.study.strategies.sampling import population, trials_of
from planwise.study.trial import Proposal, TrialPurpose, finished_trials

FRONT = (("cost", None), ("equity", None))
WEIGHTED = (("cost", 0.5), ("equity", 0.5))
SOUGHT = {"start", "sample", "iteration", "point", "verify"}


def test_the_table_has_every_strategy_once():
    assert sorted(one.name for one in STRATEGY_INFO) == sorted(STRATEGIES)
    assert all(strategy.name == name for name, strategy in STRATEGIES.items())


@pytest.mark.parametrize("name", sorted(set(STRATEGIES) - {"gp"}))
def test_every_strategy_takes_a_target(name):
    check_spec(exact(target_growth=0.03, strategy=name))


@pytest.mark.parametrize("name", sorted(set(STRATEGIES) - {"gp"}))
def test_a_spec_that_a_strategy_cannot_answer_is_rejected(name):
    for objectives, answers in ((WEIGHTED, {"objective", "front"}), (FRONT, {"front"})):
        question = exact(target_growth=0.03, strategy=name, objectives=objectives)
        if strategy_info(name).answers in answers:
            check_spec(question)
        else:
            with pytest.raises(InputError, match="cost, equity") as refused:
                check_spec(question)
            assert "tpe" in refused.value.remedy


def test_cmaes_has_no_constraints_and_no_single_lever():
    with pytest.raises(InputError, match="payroll<=1000000"):
        check_spec(exact(target_growth=0.03, strategy="cmaes", constraints=("payroll<=1e6",)))
    with pytest.raises(InputError, match="two levers"):
        check_spec(exact(target_growth=0.03, strategy="cmaes", tune=("cola_rate",)))
    check_spec(exact(target_growth=0.03, strategy="cmaes", tune=("cola_rate",), by_year=True))


@pytest.mark.parametrize("there", [False, True])
def test_gp_needs_torch(monkeypatch, there):
    monkeypatch.setattr(sampling, "has_torch", lambda: there)
    if there:
        check_spec(exact(target_growth=0.03, strategy="gp"))
    else:
        with pytest.raises(InputError, match="PyTorch") as refused:
            check_spec(exact(target_growth=0.03, strategy="gp"))
        assert "tpe" in refused.value.remedy


def test_gp_without_torch_makes_no_sampler(monkeypatch):
    monkeypatch.setattr(sampling, "has_torch", lambda: False)
    with pytest.raises(InputError, match="PyTorch"):
        sampling.GP.make(0, 10)


def test_an_unknown_strategy_names_the_nearest():
    with pytest.raises(InputError, match="differential") as refused:
        check_spec(exact(target_growth=0.03, strategy="differential_evolution"))
    assert "differential-evolution" in refused.value.remedy


def test_the_table_in_the_docs_is_this_one():
    docs = Path(__file__).parents[3] / "docs" / "studies.md"
    assert markdown() in docs.read_text(encoding="utf-8")


AUTO = STRATEGIES["auto"]
THREE_PARTS = (("cost", 0.5), ("equity", 0.3), ("targets", 0.2))
RAISES = tuple(f"promotion_raise_level_{level}" for level in (1, 2, 3, 4))


def chosen(levers=LEVERS, **question):
    return choose(problem_in(analytic.World(levers), strategy="auto", **question))


def test_a_plain_target_is_solved():
    assert chosen().strategy == "solve" and "2 plans" in chosen().reason


def test_few_levers_and_nothing_noisy_take_gradients():
    found = chosen(objectives=THREE_PARTS)
    assert found.strategy == "slsqp" and "7 levers" in found.reason and "no constraint" in found.reason
    assert "1 constraint," in chosen(objectives=THREE_PARTS, constraints=("payroll<=1e9",)).reason


def test_many_constraints_take_quadratic_models():
    found = chosen(objectives=THREE_PARTS, constraints=("payroll<=1e9", "merit_monotone", "raise<=0.3"))
    assert found.strategy == "cobyqa" and "3 constraints" in found.reason


@pytest.mark.parametrize(
    ("levers", "question", "figure"),
    [
        ((*LEVERS, *RAISES), {}, "11 levers"),
        (LEVERS, {"constraints": ("payroll<=1e9", "payroll_risk<=0.05")}, "20 seeds"),
        ((*LEVERS, "promotion_probability_level_1"), {}, "promotion_probability_level_1"),
    ],
)
def test_many_levers_and_noise_take_a_population(levers, question, figure):
    found = chosen(levers, objectives=THREE_PARTS, **question)
    assert found.strategy == "differential-evolution" and figure in found.reason


def test_where_time_does_not_last_for_a_population_gradients_are_taken():
    problem = problem_in(analytic.World((*LEVERS, *RAISES)), objectives=THREE_PARTS, timeout_seconds=10.0)
    assert problem.baseline is not None
    slow = replace(problem, baseline=replace(problem.baseline, seconds=0.5))
    quick = replace(problem, baseline=replace(problem.baseline, seconds=0.05))
    assert choose(slow).strategy == "slsqp" and "10 s do not last" in choose(slow).reason
    assert choose(quick).strategy == "differential-evolution"


def test_a_front_is_left_to_generations_only_where_there_are_trials_for_some():
    few = chosen(objectives=FRONT, trials=60)
    many = chosen(objectives=FRONT, trials=AUTO_FRONT_TRIALS)
    assert (few.strategy, many.strategy) == ("tpe", "nsga2")
    assert "60 trials" in few.reason and "2 objectives" in many.reason


def test_what_is_picked_is_what_runs_and_what_is_said():
    problem = problem_in(analytic.World(MERITS), strategy="auto", objectives=THREE_PARTS)
    assert AUTO.reason(problem) == choose(problem).reason
    assert AUTO.sampler(problem, 0) is None
    found = Searched(AUTO, problem, analytic.World(MERITS))
    picked = Searched(STRATEGIES["slsqp"], problem, analytic.World(MERITS))
    assert [t.levers for t in found.trials] == [t.levers for t in picked.trials]
    front = problem_in(analytic.World(MERITS), strategy="auto", objectives=FRONT, trials=20)
    assert type(AUTO.sampler(front, 0)).__name__ == "TPESampler"


SAMPLERS = ("tpe", "nsga2", "cmaes", "random")
SEVEN_LEVERS = analytic.World(LEVERS)


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_search_is_one_batch_with_all_its_trials_and_begins_with_the_levers_as_they_are(name):
    problem = problem_in(SEVEN_LEVERS, kind="real", strategy=name, trials=12)
    search = STRATEGIES[name].propose(problem, problem.baseline)
    batch = next(search)
    assert len(batch) == 12 and {proposal.kind for proposal in batch} == {"real"}
    assert batch[0].levers == start_of(problem.space) and batch[0].purpose == "start"
    assert all(proposal.levers is None and proposal.purpose == "sample" for proposal in batch[1:])
    assert [proposal.iteration for proposal in batch] == list(range(1, 13))
    with pytest.raises(StopIteration, match="trials"):
        search.send(())


def test_a_front_begins_with_the_least_and_the_most_pay_as_well():
    problem = problem_in(SEVEN_LEVERS, strategy="nsga2", trials=12, objectives=FRONT)
    batch = next(STRATEGIES["nsga2"].propose(problem, problem.baseline))
    begun = [proposal.levers for proposal in batch if proposal.levers is not None]
    ends = [extreme(problem.space, highest=highest) for highest in (False, True)]
    assert begun == [start_of(problem.space), *ends] and len(batch) == 12
    few = problem_in(SEVEN_LEVERS, strategy="nsga2", trials=2, objectives=FRONT)
    assert len(next(STRATEGIES["nsga2"].propose(few, few.baseline))) == 2


def test_the_number_of_trials_is_given_or_recommended():
    assert trials_of(problem_in(SEVEN_LEVERS, trials=7)) == 7
    assert trials_of(problem_in(SEVEN_LEVERS)) == 100  # seven levers are a moderate problem
    assert trials_of(problem_in(analytic.World(LEVERS[:2]))) == 50
    assert trials_of(problem_in(SEVEN_LEVERS, single_iteration=True)) == 2


@pytest.mark.parametrize(("trials", "members"), [(20, 10), (200, 20), (2000, 50)])
def test_a_population_lives_through_ten_generations_where_it_can(trials, members):
    assert population(trials) == members


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_sampler_is_made_from_the_seed_and_what_is_there(name):
    problem = problem_in(SEVEN_LEVERS, strategy=name, sampler_seed=4)
    kinds = [type(STRATEGIES[name].sampler(problem, past)) for past in (0, 10)]
    assert kinds[0] is kinds[1]


TARGET = 0.05


@pytest.mark.parametrize(
    ("heuristic", "factor"), [(CONSERVATIVE, 0.10), (BALANCED, 0.30), (AGGRESSIVE, 0.50)]
)
def test_an_adjustment_is_gap_times_factor_times_four_fifths_to_the_iteration(heuristic, factor):
    assert heuristic.adjustment(0.02, 1) == pytest.approx(0.02 * factor)
    assert heuristic.adjustment(0.02, 4) == pytest.approx(0.02 * factor * 0.8**3)


def test_every_lever_takes_its_share_of_the_adjustment():
    levers = adjusted(SPACE, start_of(SPACE), 0.01)
    assert levers["cola_rate"] == pytest.approx(0.025 + 0.01)
    for level in LEVELS:
        assert levers[f"merit_rate_level_{level}"] == pytest.approx(0.033 + 0.01 * (1.2 - 0.1 * level))
    assert levers["new_hire_salary_adjustment"] == pytest.approx(1.15 + 0.005)
    assert levers["promotion_raise_level_1"] == 0.085  # the loop leaves it alone


@pytest.mark.parametrize(("adjustment", "cola", "merit"), [(1.0, 0.08, 0.10), (-1.0, 0.0, 0.0)])
def test_levers_stop_at_their_hard_bounds(adjustment, cola, merit):
    levers = adjusted(SPACE, start_of(SPACE), adjustment)
    assert (levers["cola_rate"], levers["merit_rate_level_5"]) == (cola, merit)


def test_the_first_two_steps_of_balanced_by_hand(world):
    world.study(TARGET, strategy="balanced")
    first = 0.30 * (TARGET - growth({}))
    assert world.real.calls[0] == start_of(SPACE)
    assert world.real.calls[1]["cola_rate"] == pytest.approx(0.025 + first, abs=1e-6)
    second = 0.30 * 0.8 * (TARGET - growth(world.real.calls[1]))
    assert world.real.calls[2]["cola_rate"] == pytest.approx(0.025 + first + second, abs=2e-6)
    assert world.real.calls[2]["merit_rate_level_3"] == pytest.approx(
        0.033 + 0.9 * (first + second), abs=2e-6
    )


def test_the_loop_stops_within_tolerance_and_every_adjustment_was_a_real_evaluation(world):
    result = world.study(TARGET, strategy="aggressive")
    assert result.converged and result.stopped == "converged" and result.kind == "real"
    assert abs(result.gap_pp) <= 0.1
    assert result.real_plans == len(world.real.calls) == result.iterations + 1  # and the start


def test_the_loop_stops_after_the_iterations_it_was_given(world):
    result = world.study(TARGET, strategy="conservative", max_iterations=3)
    assert (result.converged, result.stopped, result.iterations) == (False, "iterations", 3)
    assert result.reachable and result.gap_pp == pytest.approx(100 * (TARGET - growth(result.levers)))


def test_a_single_iteration_is_one_adjustment(world):
    result = world.study(TARGET, strategy="conservative", single_iteration=True)
    assert result.iterations == 1 and len(world.real.calls) == 2


def test_levers_that_are_not_tuned_stay(world):
    result = world.study(0.03, strategy="aggressive", tune=("cola_rate",))
    assert set(result.levers) == set(result.changes) == {"cola_rate"}


def test_a_lever_that_differs_by_year_starts_at_its_mean_and_says_what_it_was(tmp_path):
    base = BASE.with_levers({"cola_rate@2026": 0.035, "cola_rate@2027": 0.02})
    world = World(tmp_path, base=base)
    result = world.study(0.05, strategy="balanced")
    mean = (0.035 + 0.02 + 3 * 0.025) / 5
    assert tuned_levers(base, LEVELS, ("cola_rate",))[0].start == pytest.approx(mean)
    assert result.changes["cola_rate"]["old"] == pytest.approx(mean)
    assert result.changes["cola_rate"]["old_by_year"][2026] == 0.035


def test_all_years_of_a_lever_move_alike_and_locked_levers_stay():
    question = exact(target_growth=TARGET, strategy="balanced", by_year=True, lock=("merit_rate_level_1",))
    space = problem_of(question, BASE, LEVELS, "real").space
    moved = adjusted(space, start_of(space), 0.01)
    assert {moved[f"cola_rate@{year}"] for year in YEARS} == {0.035}
    assert {moved[f"merit_rate_level_2@{year}"] for year in YEARS} == {0.043}
    assert not any(name.startswith("merit_rate_level_1") for name in moved)


def test_a_loop_on_target_outside_a_constraint_says_so_and_is_not_converged(world):
    result = world.study(TARGET, strategy="aggressive", constraints=("merit_monotone",))
    assert not result.converged and result.stopped == "on target, but not within merit_monotone"
    assert result.feasible and abs(result.gap_pp) > 0.1  # the best that keeps it is not on target


def point(number):
    return Proposal({"cola_rate": number / 100}, "preview", TrialPurpose.POINT, number)


def search_threads():
    return [thread for thread in threading.enumerate() if thread.name == "scipy-search"]


def counting(ask):
    seen = [ask((point(n), point(n + 1)))[1].iteration for n in (1, 3)]
    return f"saw {seen}"


def test_proposals_are_yielded_and_the_return_value_is_returned():
    search = ask_tell(counting)
    assert [one.iteration for one in next(search)] == [1, 2]
    search.close()
    assert drive(ask_tell(counting), trial_of)[0] == "saw [2, 4]" and not search_threads()


def test_an_exception_of_the_function_is_raised():
    def broken(ask):
        ask((point(1),))
        raise ValueError("no direction of descent")

    with pytest.raises(ValueError, match="descent"):
        drive(ask_tell(broken), trial_of)
    assert not search_threads()


def test_closing_ends_the_thread_and_runs_its_finally_blocks():
    closed = []

    def patient(ask):
        try:
            while True:
                ask((point(1),))
        except Exception:  # what SciPy may catch on the way
            return "swallowed"
        finally:
            closed.append(True)

    search = ask_tell(patient)
    next(search)
    assert len(search_threads()) == 1
    search.close()
    assert not search_threads() and closed == [True]


def test_a_search_that_is_never_begun_starts_no_thread():
    ask_tell(counting).close()
    assert not search_threads()


BANDED = ("new_hire_salary_adjustment", "promotion_raise_level_1", "promotion_raise_level_2")


@pytest.mark.parametrize("name", ["balanced", "slsqp", "differential-evolution", "tpe", "cmaes", "nsga2"])
def test_a_search_stays_within_policy_unless_that_cannot_meet_the_target(world, name):
    """Of the banded levers growth within policy ends well below growth at the hard bounds."""
    space = tuned_levers(BASE, LEVELS, BANDED)
    inside = tuple(lever.within_policy() for lever in space)
    highest, furthest = (growth(extreme(levers, highest=True)) for levers in (inside, space))
    assert furthest - highest > 0.003
    near = (growth({}) + highest) / 2
    for target, within in ((near, True), ((highest + furthest) / 2, False)):
        study = f"within_{within}".lower()
        result = world.study(target, study, strategy=name, tune=BANDED, trials=15, seeds=0)
        tried = [t for t in finished_trials(load_study(world.settings, study)) if t.purpose in SOUGHT]
        outside = [
            trial
            for trial in tried
            for lever in inside
            if not lever.low <= trial.levers.get(lever.name, lever.start) <= lever.high
        ]
        assert tried and not (outside if within else name != "balanced" and not outside)
        assert (BEYOND_POLICY in result.warnings) is not within


def test_trade_offs_with_a_limit_outside_policy_are_refused(world):
    with pytest.raises(InputError, match="within policy"):
        world.study(0.03, objectives=FRONT, strategy="random", constraints=("increase>=0.06",))


@pytest.mark.parametrize("name", ["slsqp", "cobyqa", "differential-evolution"])
def test_where_previews_decide_a_search_of_scipy_has_round_values_too(world, name):
    result = world.study(
        growth({}) + 0.01, strategy=name, tune=("cola_rate",), grid="on", preview=True, seeds=0
    )
    assert result.converged and result.levers["cola_rate"] in (0.0345, 0.035)
