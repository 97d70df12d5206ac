"""The population stability index against values worked out by hand."""

from math import log

import numpy as np
import pytest

from expectations.mart_expectations import EMPTY_BIN_SHARE, population_stability_index


def test_two_bins_by_hand() -> None:
    reference = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]  # the median 5.5 halves it
    current = [1, 2, 6, 7, 8, 9, 10, 11, 12, 13]  # two of ten below
    by_hand = (0.2 - 0.5) * log(0.2 / 0.5) + (0.8 - 0.5) * log(0.8 / 0.5)
    assert by_hand == pytest.approx(0.41589, abs=1e-5)
    assert population_stability_index(reference, current, bins=2) == pytest.approx(by_hand)


def test_the_same_sample_has_none_and_order_does_not_matter() -> None:
    pay = np.arange(1000.0)
    assert population_stability_index(pay, pay[::-1]) == 0


def test_an_empty_bin_counts_as_the_declared_share() -> None:
    low = EMPTY_BIN_SHARE
    by_hand = (low - 0.5) * log(low / 0.5) + (1 - 0.5) * log(1 / 0.5)
    assert population_stability_index([1, 2, 3, 4], [3, 4, 5, 6], bins=2) == pytest.approx(by_hand)


def test_equal_values_and_missing_values() -> None:
    assert population_stability_index([5, 5, 5], [5, 5], bins=10) == 0
    assert population_stability_index([5, np.nan, 5], [5, np.inf], bins=10) == 0


def test_nothing_to_compare() -> None:
    assert population_stability_index([], [1]) is None
    assert population_stability_index([1], [np.nan]) is None
