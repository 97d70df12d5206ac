"""The pay gap of a plan that changes nothing: it stays, but for chance."""

from math import sqrt
from statistics import mean, stdev

from worlds import effective_for, shared

from planwise.census import generate_census

EMPLOYEES, SEEDS, YEARS = 4_000, (1, 2, 3, 4, 5, 6), 5
# Raises that fall with the place in the range close a gap by policy: here everybody's are alike.
FLAT = {f"merit_multiplier_quartile_{place}": 1 for place in ("below_range", 1, 2, 3, 4, "above_range")}
FLAT |= {f"merit_multiplier_rating_{rating}": 1 for rating in (1, 2, 3, 4, 5)} | {"range_maximum_cap": False}


def gaps(seed):
    """Return the women's adjusted gap at the census and at the end of the last year."""
    census = generate_census(shared().settings, employees=EMPLOYEES, seed=100 + seed, name="gap", use=False)
    effective = effective_for(census, FLAT | {"seed": seed, "years": YEARS, "promotion_raise_max": None})
    tables = shared().run(census, effective, audits=False, marts=("fct_pay_equity",)).pay_equity
    women = tables[(tables.attribute == "gender") & (tables.group == "F")].set_index("simulation_year")
    return women.adjusted_gap.iloc[0], women.adjusted_gap.iloc[-1]


def test_the_adjusted_gap_of_an_untouched_plan_does_not_close_by_itself():
    """After five years half are hires: a drawn place in the range took the gap from .030 to .017."""
    found = [gaps(seed) for seed in SEEDS]
    before, drift = mean(a for a, _ in found), [b - a for a, b in found]

    assert before > 0.02
    assert abs(mean(drift)) < 3 * stdev(drift) / sqrt(len(drift)) + 0.001
    assert abs(mean(drift)) < 0.006
