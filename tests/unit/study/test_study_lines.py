"""Constraints that are the highest of several lines: each line is kept where it was found."""

import numpy as np
import pytest

from planwise.study.linear_model import Cut, Model


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


def test_an_excess_that_no_line_told_of_is_another_line_and_curvature_is_not():
    here = model([0.0, 0.0], [0.0, -0.1], [[1, 1], [0.05, 0.0]])
    assert here.misses(np.array([1.0, 0.0]), np.array([1.0, 0.5]))
    assert not here.misses(np.array([3.0, 0.0]), np.array([1.0, 0.06]))
    assert not here.misses(np.array([1.0, 0.0]), np.array([1.0, -0.01]))


def test_a_line_of_a_ratio_moves_with_its_limit():
    cut = Cut(1, np.array([0.5, 0.0]), -0.1)
    moved = model([0.0, 0.0], [0.0, -0.1], [[1, 1], [0.5, 0.0]], (cut,)).scaled(1, 1.2)
    assert moved.cuts[0].origin == pytest.approx(0.9 * 1.2 - 1)
    assert moved.cuts[0].slopes.tolist() == pytest.approx([0.6, 0])
