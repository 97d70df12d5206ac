"""The tuning loops against the table, by hand."""

import pytest
from study_worlds import BASE, LEVELS, SPACE, YEARS, World, growth

from planwise.study.problem import problem_of
from planwise.study.space import start_of, tuned_levers
from planwise.study.spec import StudySpec
from planwise.study.strategies.heuristic import AGGRESSIVE, BALANCED, CONSERVATIVE, adjusted

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


@pytest.mark.parametrize(("adjustment", "cola", "merit"), [(1.0, 0.08, 0.10), (-1.0, 0.01, 0.01)])
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
    question = StudySpec(
        target_growth=TARGET, strategy="balanced", by_year=True, lock=("merit_rate_level_1",)
    )
    space = problem_of(question, BASE, LEVELS, "real").space
    moved = adjusted(space, start_of(space), 0.01)
    assert {moved[f"cola_rate@{year}"] for year in YEARS} == {0.035}
    assert {moved[f"merit_rate_level_2@{year}"] for year in YEARS} == {0.043}
    assert not any(name.startswith("merit_rate_level_1") for name in moved)


def test_a_loop_on_target_outside_a_constraint_says_so_and_is_not_converged(world):
    result = world.study(TARGET, strategy="aggressive", constraints=("merit_monotone",))
    assert not result.converged and result.stopped == "on target, but not within merit_monotone"
    assert result.feasible and abs(result.gap_pp) > 0.1  # the best that keeps it is not on target
