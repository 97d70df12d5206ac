from math import log, sqrt

import numpy as np
import pandas as pd
import pytest
from calibration_worlds import census, person

from planwise.calibration import rates as bands
from planwise.calibration.parameters_from_estimates import Overrides
from planwise.calibration.rates import (
    band_shares,
    headcount,
    hire_pay,
    level_shares,
    multipliers,
    ratio,
    same_year_exit_rate,
    share,
)
from planwise.calibration.years import transition


def test_wilson_interval_of_a_textbook_case():
    # 5 of 10: centre 1/2, half-width z √(p(1-p)/n + z²/4n²) / (1 + z²/n), z = 1.959964
    z = 1.959964
    half = z * sqrt(0.25 / 10 + z**2 / 400) / (1 + z**2 / 10)
    found = share(5, 10)
    assert (found.rate, found.low, found.high) == (0.5, pytest.approx(0.5 - half), pytest.approx(0.5 + half))
    assert found.thin and not share(5, 30).thin


def test_a_share_of_nobody_is_not_a_number_but_nothing():
    assert share(0, 0).rate is None


def test_ratio_of_sums_and_its_error():
    old, new = pd.Series([100.0, 100.0, 200.0]), pd.Series([110.0, 100.0, 210.0])
    # ratio 420/400 = 1.05; residuals 5, -5, 0; error √(3/2 · 50)/400; t(2, .975) = 4.302653
    found = ratio(old, new)
    assert found.value == pytest.approx(0.05)
    assert found.high - 0.05 == pytest.approx(4.302653 * sqrt(75) / 400, rel=1e-6)
    assert (ratio(old[:1], new[:1]).low, ratio(old[:0], new[:0]).value) == (None, None)


def people(*cells):
    """Return heads by (tenure band, level, heads, events)."""
    rows = [
        {"tenure_band": t, "age_band": "not available", "level_id": level, "left": k < events}
        for t, level, heads, events in cells
        for k in range(heads)
    ]
    return pd.DataFrame(rows)


def test_shares_for_everyone_each_band_and_each_year():
    a, b = people(("under_1", 1, 4, 2), ("over_10", 2, 6, 0)), people(("under_1", 1, 6, 1))
    found = {(r.dimension, r.band, r.year): r.share for r in band_shares({"a": a, "b": b}, "left")}

    assert found["everyone", "everyone", "all years"].events == 3
    assert found["tenure", "under_1", "all years"].rate == 0.3
    assert found["tenure", "over_10", "a"].rate == 0
    assert ("tenure", "over_10", "b") not in found
    assert found["level", "1", "b"].heads == 6


def test_a_single_dimension_is_the_rate_of_the_band_drawn_towards_the_mean():
    # 40 of 100 and 20 of 300: the mean is 0.15, expected 15 and 45; (40+5)/(15+5) and (20+5)/(45+5)
    found = multipliers(people(("under_1", 1, 100, 40), ("over_10", 1, 300, 20)), "left", ("tenure",))
    raw = {"under_1": 45 / 20, "over_10": 25 / 50}
    mean = (100 * raw["under_1"] + 300 * raw["over_10"]) / 400

    assert {m.band: m.value for m in found} == pytest.approx({k: v / mean for k, v in raw.items()})
    assert [(m.heads, m.events) for m in found] == [(100, 40), (300, 20)]


def test_dimensions_that_go_together_are_told_apart(monkeypatch):
    monkeypatch.setattr(bands, "PRIOR_EVENTS", 0.0)
    # rates are 0.1 × (3 under a year) × (2 in level 2) exactly; tenure and level go together
    frame = people(
        ("under_1", 1, 300, 90), ("under_1", 2, 50, 30), ("over_10", 1, 100, 10), ("over_10", 2, 400, 80)
    )
    found = {(m.dimension, m.band): m.value for m in multipliers(frame, "left", ("tenure", "level"))}

    assert found["tenure", "under_1"] / found["tenure", "over_10"] == pytest.approx(3)
    assert found["level", "2"] / found["level", "1"] == pytest.approx(2)


def test_dimensions_that_nobody_has_are_left_out():
    found = multipliers(people(("under_1", 1, 10, 3)), "left", ("tenure", "age", "level"))
    assert {m.dimension for m in found} == {"tenure", "level"}


def test_exits_of_the_year_of_hire():
    # a quarter leaves within a year: λ = -ln 0.75, hired evenly over the year 1 - 0.25/λ leave in it
    assert same_year_exit_rate(0.25) == pytest.approx(1 - 0.25 / -log(0.75))
    assert same_year_exit_rate(0.25) == pytest.approx(0.131, abs=5e-4)
    # by simulation: exits at a constant hazard after a uniform day of hire
    generator = np.random.default_rng(1)
    hired, stayed = generator.random(200_000), generator.exponential(-1 / log(0.75), 200_000)
    assert same_year_exit_rate(0.25) == pytest.approx(np.mean(hired + stayed < 1), abs=0.003)
    assert (same_year_exit_rate(0), same_year_exit_rate(1)) == (0, 1)


def hires(*pays):
    before = census(2020, person("old", 40_000), person("gone", 40_000))
    rows = [person(f"new{k}", pay, level=level) for k, (pay, level) in enumerate(pays)]
    return transition(before, census(2021, person("old", 40_000), *rows))


def test_position_of_hires_in_the_range():
    # level 1 is 30 to 50 thousand, level 2 is 50 to 80: (4 + 12) / (20 + 30) = 0.32
    found = hire_pay([hires((34_000, 1), (62_000, 2))])
    assert (found.position, found.adjustment) == (pytest.approx(0.32), 1.0)
    # positions 0.2 and 0.4: standard deviation 0.1, a uniform draw ± √3 of it
    assert found.spread == pytest.approx(sqrt(3) * 0.1)


def test_hires_above_the_range_move_the_factor():
    found = hire_pay([hires((55_000, 1), (60_000, 1))])
    assert (found.position, found.spread) == (1.0, 0.0)
    assert found.adjustment == pytest.approx(57_500 / 50_000)
    assert found.position_seen == pytest.approx(1.375)


def test_heads_balance_and_levels_of_hires():
    step = hires((34_000, 1), (36_000, 1), (62_000, 2))
    heads = headcount(step)
    assert (heads.opening, heads.exits, heads.entrants, heads.closing, heads.growth) == (2, 1, 3, 4, 1.0)
    assert {k: s.events for k, s in level_shares([step]).items()} == {1: 2, 2: 1, 3: 0}


def test_estimates_are_clipped_and_said():
    out = Overrides()
    out.put("cola_rate", 0.002)
    out.put("termination_rate", 0.1234567)
    out.put("merit_rate_level_1", None, "nobody there")

    assert out.levers() == {"cola_rate": 0.01}
    assert out.assumptions() == {"termination_rate": 0.123457}
    assert [(c.name, c.estimated, c.used) for c in out.clips] == [("cola_rate", 0.002, 0.01)]
    assert out.not_estimated == [("merit_rate_level_1", "nobody there")]


def test_shares_sum_to_one_to_the_last_digit():
    out = Overrides()
    out.put_shares("new_hire_level_share_", {1: 1, 2: 1, 3: 1}, (1, 2, 3, 4, 5))
    values = list(out.values.values())
    assert round(sum(values), 12) == 1
    assert values == [0.333334, 0.333333, 0.333333, 0.0, 0.0]
