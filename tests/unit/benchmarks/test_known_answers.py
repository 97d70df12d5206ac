"""The quick studies of known answer meet their bars, and the measures of a front are right by hand."""

import math

import numpy as np
import pytest

from benchmarks.fronts import distance, hypervolume
from benchmarks.known_answers import Answer, answers, report
from benchmarks.known_worlds import filled, fonseca, quadratics
from planwise.study.pareto import front


def test_quick_studies_meet_their_bars():
    found = list(answers(quick=True))
    assert len({one.study for one in found}) == 6
    assert [one for one in found if one.verdict == "missed"] == []
    assert report(found).row_count == len(found)


def test_a_bar_that_is_missed_says_so():
    assert Answer("s", "solve", "1", "2", 0.5, "of it", 0.1, 3).verdict == "missed"
    assert Answer("s", "solve", "1", "2", 0.5, "of it", None, 3).verdict == ""


def test_hypervolume_is_the_area_of_the_staircase():
    assert hypervolume([(1, 2), (2, 1)], (3, 3)) == 3
    assert hypervolume([(1, 2), (2, 1), (2, 2), (5, 0)], (3, 3)) == 3  # dominated, and beyond
    assert hypervolume([], (3, 3)) == 0


def test_hypervolume_of_the_convex_front_is_its_integral():
    """√f₁ + √f₂ = √2 on 0..2: reference² less what lies under the front, 2² / 6, beside its end at 2."""
    _, known = quadratics()
    assert hypervolume(known.tolist(), (2.0, 2.0)) == pytest.approx(4 - 4 / 6, rel=5e-3)


def test_distance_is_the_mean_to_the_nearest():
    assert distance([(0, 0), (1, 0)], np.array([[0, 1], [1, 0]])) == 0.5


@pytest.mark.parametrize("made", [quadratics, fonseca])
def test_known_fronts_are_fronts_of_their_worlds(made):
    world, known = made()
    assert len(front(known.tolist())) == len(known)
    rng = np.random.default_rng(3)
    for z in rng.uniform(-1.0, 1.5, (300, 3)):
        point = (world.cost(z), world.equity(z))
        beaten = np.all(known <= np.array(point) + 0.02, axis=1)
        assert beaten.any() or min(point) > known.max()


def test_least_change_within_bounds_by_hand():
    """Slopes 1 and 2 for a gap of 5: free it is (1, 2); with the second held at 1.5 the first makes up."""
    slopes, low = np.array([1.0, 2.0]), np.array([-9.0, -9.0])
    assert filled(slopes, 5.0, low, np.array([9.0, 9.0])) == pytest.approx([1, 2])
    assert filled(slopes, 5.0, low, np.array([9.0, 1.5])) == pytest.approx([2, 1.5])
    assert math.isclose(slopes @ filled(slopes, -5.0, low, np.array([9.0, 9.0])), -5.0)
