"""Rates, intervals and raises of small populations, worked out by hand."""

from math import sqrt

import numpy as np
import pandas as pd
import pytest
from calibration_worlds import census, person
from scipy.stats import nbinom
from statsmodels.genmod import families
from statsmodels.genmod.generalized_linear_model import GLM

from planwise.calibration.exits import Multiplier, exit_multiplier_rows, fit_multipliers, prior_events
from planwise.calibration.parameters_from_estimates import Overrides
from planwise.calibration.raises import (
    lowest_spike,
    merit_by_level,
    promotion_counts,
    promotion_raise,
    raise_summary,
    split,
    with_promotions,
)
from planwise.calibration.rates import (
    band_shares,
    headcount,
    hire_pay,
    level_shares,
    ratio,
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
    a, b = people(("under_1", 1, 4, 2), ("10_to_14", 2, 6, 0)), people(("under_1", 1, 6, 1))
    found = {(r.dimension, r.band, r.year): r.share for r in band_shares({"a": a, "b": b}, "left")}

    assert found["everyone", "everyone", "all years"].events == 3
    assert found["tenure", "under_1", "all years"].rate == 0.3
    assert found["tenure", "10_to_14", "a"].rate == 0
    assert ("tenure", "10_to_14", "b") not in found
    assert found["level", "1", "b"].heads == 6


def test_a_single_dimension_is_the_rate_of_the_band_drawn_towards_the_mean():
    # 40 of 100 and 20 of 300: the mean is 0.15, expected 15 and 45; (40+5)/(15+5) and (20+5)/(45+5)
    found = fit_multipliers(people(("under_1", 1, 100, 40), ("10_to_14", 1, 300, 20)), "left", ("tenure",))
    raw = {"under_1": 45 / 20, "10_to_14": 25 / 50}
    mean = (100 * raw["under_1"] + 300 * raw["10_to_14"]) / 400

    assert {m.band: m.value for m in found} == pytest.approx({k: v / mean for k, v in raw.items()})
    assert [(m.heads, m.events) for m in found] == [(100, 40), (300, 20)]


def test_dimensions_that_go_together_are_told_apart():
    none = {"tenure": 0.0, "level": 0.0}
    # rates are 0.1 × (3 under a year) × (2 in level 2) exactly; tenure and level go together
    frame = people(
        ("under_1", 1, 300, 90), ("under_1", 2, 50, 30), ("10_to_14", 1, 100, 10), ("10_to_14", 2, 400, 80)
    )
    found = {
        (m.dimension, m.band): m.value
        for m in fit_multipliers(frame, "left", ("tenure", "level"), priors=none)
    }

    assert found["tenure", "under_1"] / found["tenure", "10_to_14"] == pytest.approx(3)
    assert found["level", "2"] / found["level", "1"] == pytest.approx(2)


def test_dimensions_that_nobody_has_are_left_out():
    found = fit_multipliers(people(("under_1", 1, 10, 3)), "left", ("tenure", "age", "level"))
    assert {m.dimension for m in found} == {"tenure", "level"}


def test_the_prior_is_the_likeliest_of_a_negative_binomial():
    generator = np.random.default_rng(5)
    expected = generator.uniform(5, 60, 400)
    events = generator.poisson(expected * generator.gamma(12.0, 1 / 12.0, 400)).astype(float)
    found = prior_events(events, expected, 20.0)

    likelihood = {
        k: nbinom.logpmf(events, k, k / (k + expected)).sum() for k in (found, found * 0.97, found * 1.03)
    }
    assert max(likelihood, key=likelihood.get) == found and 8 < found < 18
    assert prior_events(expected.round(), expected, 20.0) == pytest.approx(
        2000
    )  # no group differs: the bound
    assert (prior_events(events[:2], expected[:2], 20.0), prior_events(0 * events, expected, 20.0)) == (
        20,
        20,
    )


def test_a_glm_without_shrinkage_finds_the_same():
    generator = np.random.default_rng(3)
    count = 20_000
    frame = pd.DataFrame(
        {
            "tenure_band": generator.choice(["under_1", "1", "2", "3_to_4"], count),
            "level_id": generator.choice([1, 2, 3], count),
            "department": generator.choice(["A", "B", "C", "D", "E"], count, p=[0.4, 0.3, 0.15, 0.1, 0.05]),
        }
    )
    rate = 0.1 * frame["tenure_band"].map({"under_1": 2, "1": 1.5, "2": 1, "3_to_4": 0.7})
    rate = rate * frame["department"].map(dict(zip("ABCDE", (1, 0.6, 1.4, 1, 2), strict=True)))
    frame["left"] = generator.random(count) < rate
    dimensions = ("tenure", "level", "department")
    none = dict.fromkeys(dimensions, 0.0)
    found = {(m.dimension, m.band): m.value for m in fit_multipliers(frame, "left", dimensions, priors=none)}
    columns = pd.get_dummies(frame[["tenure_band", "level_id", "department"]].astype(str), dtype=float)
    columns = columns.drop(columns=["tenure_band_1", "level_id_1", "department_A"]).assign(const=1.0)
    glm = GLM(frame["left"].astype(float), columns, family=families.Poisson()).fit()

    assert found["department", "E"] / found["department", "A"] == pytest.approx(
        np.exp(glm.params["department_E"]), rel=1e-6
    )
    assert found["tenure", "2"] / found["tenure", "1"] == pytest.approx(
        np.exp(glm.params["tenure_band_2"]), rel=1e-6
    )
    assert found["level", "3"] / found["level", "1"] == pytest.approx(
        np.exp(glm.params["level_id_3"]), rel=1e-6
    )


def test_a_large_department_has_a_tenure_curve_around_everybodys():
    """Both bands leave at .2 in all; in Fire only the recent do. Its curve: above 1 there, below 1 later."""
    rows = [
        ("Fire", "under_1", 600, 240),
        ("Fire", "10_to_14", 600, 0),
        ("Law", "under_1", 300, 0),
        ("Law", "10_to_14", 300, 90),
    ]
    frame = pd.DataFrame(
        [
            {
                "department": f"{d} ({k % 3})" if k % 2 else d,
                "tenure_band": t,
                "level_id": 1,
                "left": k < events,
            }
            for d, t, heads, events in rows
            for k in range(heads)
        ]
    )
    found = fit_multipliers(frame, "left", ("tenure", "department_tenure"))
    curve = {(m.department, m.band): m.value for m in found if m.dimension == "department_tenure"}

    assert set(curve) == {("Fire", "under_1"), ("Fire", "10_to_14")}
    assert curve["Fire", "under_1"] > 1 > curve["Fire", "10_to_14"]
    stored = exit_multiplier_rows(found, {"Fire", "Fire (12)"}).set_index(["dimension", "key", "lower_bound"])
    assert stored.loc[("department_tenure", "Fire (12)", 10), "upper_bound"] == 15
    assert stored.loc[("tenure", "under_1", 0), "heads"] == 900


def test_few_of_the_longest_service_share_a_multiplier_with_the_band_before():
    cells = [("under_1", 1, 200, 20), ("30_to_34", 1, 100, 30), ("over_34", 1, 60, 0)]
    found = {m.band: m for m in fit_multipliers(people(*cells), "left", ("tenure",))}

    assert found["over_34"].value == found["30_to_34"].value
    assert (found["over_34"].heads, found["over_34"].events) == (60, 0)
    assert isinstance(found["over_34"], Multiplier)


def hires(*pays):
    before = census(2020, person("old", 40_000), person("gone", 40_000))
    rows = [person(f"new{k}", pay, level=level) for k, (pay, level) in enumerate(pays)]
    return transition(before, census(2021, person("old", 40_000), *rows))


def test_pay_of_hires_beside_that_of_recent_hires_of_their_level():
    # level 1 is 30 to 50 thousand, level 2 is 50 to 80: (4 + 12) / (20 + 30) = 0.32
    found = hire_pay([hires((34_000, 1), (62_000, 2))])
    assert found.position_seen == pytest.approx(0.32)
    # positions 0.2 and 0.4: standard deviation 0.1, a uniform draw ± √3 of it
    assert found.spread_seen == pytest.approx(sqrt(3) * 0.1)
    # nobody of level 2 is known, and none of level 1 is recent: 34,000 of the level's mean of 40,000
    assert found.adjustment == pytest.approx(1.15 * 34 / 40)


def test_heads_balance_and_levels_of_hires():
    step = hires((34_000, 1), (36_000, 1), (62_000, 2))
    heads = headcount(step)
    assert (heads.opening, heads.exits, heads.entrants, heads.closing, heads.growth) == (2, 1, 3, 4, 1.0)
    assert {k: s.events for k, s in level_shares([step]).items()} == {1: 2, 2: 1, 3: 0}


def test_estimates_are_clipped_and_said():
    out = Overrides()
    out.put("cola_rate", -0.002)
    out.put("termination_rate", 0.1234567)
    out.put("merit_rate_level_1", None, "nobody there")

    assert out.levers() == {"cola_rate": 0.0}
    assert out.assumptions() == {"termination_rate": 0.123457}
    assert [(c.name, c.estimated, c.used) for c in out.clips] == [("cola_rate", -0.002, 0.0)]
    assert out.not_estimated == [("merit_rate_level_1", "nobody there")]


def test_shares_sum_to_one_to_the_last_digit():
    out = Overrides()
    out.put_shares("new_hire_level_share_", {1: 1, 2: 1, 3: 1}, (1, 2, 3, 4, 5))
    values = list(out.values.values())
    assert round(sum(values), 12) == 1
    assert values == [0.333334, 0.333333, 0.333333, 0.0, 0.0]


BEFORE = census(
    2020,
    person("rises", 48_000, title="Clerk", level=1),
    person("drifts", 49_500, title="Clerk", level=1),
    person("retitled", 49_000, title="Clerk", level=1),
    person("recent", 48_000, title="Clerk", level=1, hired="2020-06-01"),
    person("top", 100_000, title="Chief", level=3),
    person("plain", 40_000, title="Cook", level=1),
    person("same", 60_000, title="Nurse", level=2),
)
AFTER = census(
    2021,
    person("rises", 55_000, title="Officer", level=2),  # +14.6 %
    person("drifts", 51_000, title="Clerk", level=2),  # the boundary crossed by an ordinary raise
    person("retitled", 51_500, title="Senior clerk", level=2),  # another title, +5.1 %
    person("recent", 56_000, title="Officer", level=2, hired="2020-06-01"),
    person("top", 101_000, title="Chief", level=3),
    person("plain", 40_400, title="cook", level=1),
    person("same", 60_600, title="Nurse", level=2),
)


def found(by_pay):
    step = transition(BEFORE, AFTER)
    stayers = with_promotions(step, by_pay)
    return stayers, promotion_counts(step, stayers)


def test_with_levels_by_pay_a_rise_needs_a_title_and_a_raise():
    stayers, counts = found(by_pay=True)

    # the median raise is 3.0 % (drifts); retitled is 2.0 points above it, less than 5 %
    assert stayers.index[stayers["promoted"]].tolist() == ["recent", "rises"]
    assert (counts.level_rises, counts.promotions, counts.promotions_before_eligible) == (4, 1, 1)
    assert (counts.rises_not_counted, counts.title_changes) == (2, 3)


def test_with_given_levels_every_rise_counts():
    stayers, counts = found(by_pay=False)
    assert stayers.index[stayers["promoted"]].tolist() == ["drifts", "recent", "retitled", "rises"]
    assert (counts.promotions, counts.rises_not_counted) == (3, 0)


def test_eligible_are_those_with_a_year_of_service_on_the_first_of_april_below_the_top():
    stayers, _ = found(by_pay=False)
    assert stayers.index[~stayers["eligible"]].tolist() == ["recent", "top"]


def test_a_renamed_title_promotes_nobody():
    before = census(2020, *(person(f"e{k}", 48_000, title="Firefighter") for k in range(8)))
    after = census(
        2021,
        *(person(f"e{k}", 56_000, title="Firefighter Suppression", level=2) for k in range(6)),
        person("e6", 48_000, title="Firefighter"),
        person("e7", 56_000, title="Captain", level=2),
    )
    # e7 alone went elsewhere; 6 of 8 got one new title. The median raise is theirs, so none stands out.
    stayers = with_promotions(transition(before, after), by_pay=True)
    assert stayers["renamed"].tolist() == [True] * 6 + [False] * 2
    assert not stayers["promoted"].any()


def promoted(*pairs, floor, cola, merit):
    """Return the promoted of level 1 whose new range begins at `floor`, in the first quarter of it."""
    frame = pd.DataFrame(pairs, columns=["base", "new"]).astype(float)
    base = frame["base"] * (1 + cola)
    return frame.assign(
        base=base,
        lift=base * 1.15,
        low=float(floor),
        high=1e9,
        stop=1e9,
        rating=1.0,
        merit=merit,
        neutral=1 / 1.2,
    )


@pytest.mark.parametrize(
    ("pays", "floor", "cola", "merit", "expected"),
    [
        ([(40_000, 40_000 * 1.02 * 1.10 * 1.03)], 1.0, 0.02, 0.03, 0.10),
        # with 10 %: 40,000 → 44,000, lifted by 15 % to 46,000; 48,000 → 52,800
        ([(40_000, 46_000), (48_000, 52_800)], 50_000, 0.0, 0.0, 0.10),
        # the same, lifted to 50,000: no limit on the lift was applied
        ([(40_000, 50_000), (48_000, 52_800)], 50_000, 0.0, 0.0, 0.10),
        ([(40_000, 45_000)], 50_000, 0.0, 0.0, 0.0),  # the floor alone gives more
        ([], 50_000, 0.0, 0.0, None),
    ],
)
def test_promotion_raise_with_the_floor_of_the_new_range(pays, floor, cola, merit, expected):
    found = promotion_raise(promoted(*pays, floor=floor, cola=cola, merit=merit))
    assert found == (None if expected is None else pytest.approx(expected))


def raised(*pairs, promoted=()):
    frame = pd.DataFrame(pairs, columns=["base_pay", "base_pay_after"]).astype(float)
    return frame.assign(
        raise_rate=frame["base_pay_after"] / frame["base_pay"] - 1,
        level_id=1,
        promoted=[k in promoted for k in range(len(frame))],
    )


def test_the_common_raise_is_the_mode_and_the_promoted_are_left_out():
    people = raised((100, 102), (200, 204), (100, 105), (100, 99), (100, 150), (100, 300), promoted=(4,))
    s = raise_summary("y", people)

    assert (s.heads, s.left_out, s.common, s.common_is_mode) == (4, 1, 0.02, True)  # +200 % is not comparable
    assert s.overall.value == pytest.approx(510 / 500 - 1)
    assert (s.fall_share, s.no_raise_share) == (0.25, 0)
    assert s.by_level[1].value == s.overall.value


def test_cola_is_the_lowest_raise_that_two_in_a_hundred_share():
    """Two of 100 got 2.49 %, nobody less but one; forty got 5 %, which is COLA and merit."""
    rates = pd.Series([0.0] + [0.0249] * 2 + [0.05] * 40 + [0.03 + k / 2000 for k in range(57)])
    assert lowest_spike(rates) == pytest.approx(0.0249)
    assert lowest_spike(pd.Series([k / 500 for k in range(100)])) is None


def test_merit_that_the_range_maximum_turned_into_a_lump_sum_is_part_of_the_rate():
    """Range 40,000 to 60,000, weights .9, .75 and .5, scale 169,000 / 119,000 = 1.4202. With 4 %, 50,000 gets
    5.1126 %; 58,000 would get 4.2605 %, which stops at 60,000; that of 61,000 is a lump sum."""
    people = raised((50_000, 0), (58_000, 60_000), (61_000, 61_000)).assign(performance_rating=3)
    scale = 169_000 / (50_000 * 0.9 + 58_000 * 0.75 + 61_000 * 0.5)
    people.loc[0, "base_pay_after"] = 50_000 * (1 + 0.04 * 0.9 * scale)
    ranges = pd.DataFrame({"level_id": [1], "minimum": [40_000.0], "maximum": [60_000.0]})
    merits, scales, predicted = merit_by_level(people.assign(awarded=people["base_pay"]), ranges, capped=True)

    assert (merits[1], scales[1]) == (pytest.approx(0.04), pytest.approx(scale))
    assert predicted.tolist() == pytest.approx(people["base_pay_after"].tolist())


def test_without_a_common_raise_the_median_stands_in():
    s = raise_summary("y", raised(*((1000, 1000 + 3 * k) for k in range(1, 22))))
    assert not s.common_is_mode
    assert s.common == pytest.approx(0.033)


@pytest.mark.parametrize(
    ("common", "totals", "cola", "merit", "moved"),
    [
        (0.02, {1: 0.0506, 2: 0.0404}, 0.02, {1: 0.03, 2: 0.02}, None),
        # level 1 leaves no room over 2.5 %, which is enough for level 2: 1.12/1.025 - 1 = 9.27 %
        (0.03, {1: 0.025, 2: 0.12}, 0.025, {1: 0.0, 2: 1.12 / 1.025 - 1}, "3.00% → 2.50%"),
        # level 1 leaves no room over 1.5 %, level 2 needs 1.12/1.10 - 1 = 1.82 %; level 1 is clipped later
        (
            0.03,
            {1: 0.015, 2: 0.12},
            1.12 / 1.10 - 1,
            {1: 1.015 / (1.12 / 1.10) - 1, 2: 0.10},
            "3.00% → 1.82%",
        ),
        # everybody got 2.5 %: no merit is left
        (0.025, {1: 0.025}, 0.025, {1: 0.0}, None),
    ],
)
def test_merit_is_the_rest_and_cola_moves_as_far_as_merit_needs(common, totals, cola, merit, moved):
    found = split(common, totals)
    assert (found.cola, found.merit) == (pytest.approx(cola), pytest.approx(merit))
    assert found.moved is None if moved is None else moved in found.moved
