"""The simulated years."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planwise.errors import InputError
from planwise.parameters import simulated_years


@given(st.integers(1, 10), st.integers(1990, 2100))
def test_a_count_and_the_range_it_means_are_the_same(count, first):
    expected = tuple(first + i for i in range(count))
    assert simulated_years(count, first) == expected
    assert simulated_years(str(count), first) == expected
    assert simulated_years(f"{first}-{first + count - 1}", first) == expected


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (0, "0 years, outside 1 to 10"),
        (11, "11 years, outside 1 to 10"),
        ("2026-2036", "11 years, outside 1 to 10"),
        ("2030-2026", "-3 years, outside 1 to 10"),
        ("2027-2029", "starts in 2027, but the first year after the census is 2026"),
        ("2.5", "whole number"),
        ("five", "not a number"),
        (None, "null"),
    ],
)
def test_other_horizons_are_refused(value, message):
    with pytest.raises(InputError, match=message):
        simulated_years(value, 2026)
