"""The front against pairs compared by hand, and against fronts of known shape."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planwise.errors import InputError
from planwise.study.pareto import diverse, front, knee

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


def test_ragged_and_missing_values_are_refused():
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
