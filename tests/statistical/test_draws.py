"""The draws are uniform and independent of each other: across people, years, streams and seeds."""

from itertools import combinations

import numpy as np
import pytest
from draws import PEOPLE, STREAMS, draws
from reference.rules import lanes
from scipy import stats

YEARS = range(2026, 2036)
SEEDS = (0, 1, 41, 42, 43, 1_000_042)
P_MIN = 1e-4  # dozens of tests are made of one fixed set of draws: none may be that unlikely
CORRELATION_MAX = 4 / PEOPLE**0.5


def correlation(a, b):
    return abs(float(np.corrcoef(a, b)[0, 1]))


@pytest.mark.parametrize("stream", STREAMS)
def test_the_macro_is_the_md5_that_it_says_it_is(stream):
    """Bit for bit what hashlib gives: 32 bits of md5('seed|year|block|id') at the stream's lane."""
    block = STREAMS[stream]
    lane = [name for name, of in STREAMS.items() if of == block].index(stream)
    expected = [lanes(42, 2026, block, f"EMP-{n:06d}")[lane] for n in range(1, 501)]

    assert draws(stream)[:500].tolist() == expected


@pytest.mark.parametrize("stream", STREAMS)
def test_uniform(stream):
    """Kolmogorov-Smirnov, and no draw at either end."""
    u = draws(stream)

    assert stats.kstest(u, "uniform").pvalue > P_MIN
    assert u.min() > 0 and u.max() < 1 and len(np.unique(u)) > PEOPLE * 0.9999


@pytest.mark.parametrize("year", YEARS)
def test_uniform_in_every_year_and_seed(year):
    for seed in SEEDS:
        assert stats.kstest(draws("termination", seed=seed, year=year), "uniform").pvalue > P_MIN


def test_years_are_uncorrelated():
    by_year = [draws("termination", year=year) for year in YEARS]
    assert max(correlation(a, b) for a, b in combinations(by_year, 2)) < CORRELATION_MAX


def test_streams_are_uncorrelated():
    by_stream = [draws(stream) for stream in STREAMS]
    assert max(correlation(a, b) for a, b in combinations(by_stream, 2)) < CORRELATION_MAX


def test_seeds_are_uncorrelated():
    by_seed = [draws("promotion", seed=seed) for seed in SEEDS]
    assert max(correlation(a, b) for a, b in combinations(by_seed, 2)) < CORRELATION_MAX


@pytest.mark.parametrize("stream", STREAMS)
def test_neighbouring_ids_are_uncorrelated(stream):
    u = draws(stream)
    for lag in (1, 2, 10, 100, 1000):
        assert correlation(u[:-lag], u[lag:]) < CORRELATION_MAX


def test_seed_and_year_do_not_trade_places():
    """seed|year is a text key: one more seed and one year less is another draw."""
    assert correlation(draws("termination", seed=42, year=2027), draws("termination", seed=43, year=2026)) < (
        CORRELATION_MAX
    )


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ({"stream": "termination"}, {"stream": "promotion"}),
        ({"stream": "termination"}, {"stream": "termination_date"}),
        ({"stream": "termination"}, {"stream": "termination", "year": 2027}),
        ({"stream": "termination"}, {"stream": "termination", "seed": 43}),
        ({"stream": "level"}, {"stream": "range_position"}),
        ({"stream": "new_hire_termination"}, {"stream": "hire_date"}),
        ({"stream": "drift_donor"}, {"stream": "termination"}),
        ({"stream": "drift_donor"}, {"stream": "drift_donor", "year": 2027}),
    ],
)
def test_joint_chi_square(a, b):
    """Ten by ten cells of equal expectation."""
    x, y = (draws(**kind) for kind in (a, b))
    observed = np.histogram2d(x, y, bins=10, range=[[0, 1], [0, 1]])[0]

    assert stats.chisquare(observed.ravel()).pvalue > P_MIN


def test_three_years_in_a_row_are_jointly_uniform():
    """Two hundred and sixteen cells: pairs may look right where triples do not."""
    triple = np.column_stack([draws("termination", year=year) for year in (2026, 2027, 2028)])
    observed = np.histogramdd(triple, bins=6, range=[[0, 1]] * 3)[0]

    assert stats.chisquare(observed.ravel()).pvalue > P_MIN


def test_five_year_survival_at_twelve_percent():
    """(1 - .12)^5 = .528 within three sigma; correlated years would give .75."""
    stays = np.all([draws("termination", year=year) >= 0.12 for year in range(2026, 2031)], axis=0)
    sigma = (0.528 * 0.472 / PEOPLE) ** 0.5

    assert abs(stays.mean() - 0.88**5) < 3 * sigma
