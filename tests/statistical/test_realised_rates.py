"""Invariant 10: what happened against what was stated, within binomial bounds, overall and by band.

The stated probabilities are recomputed by the reference implementation, not read from the engine.
"""

from collections import defaultdict
from datetime import date

import pytest
from reference.compare import simulate
from reference.rules import AGE_BANDS, TENURE_BANDS, band, completed_years
from worlds import effective_for, shared

from planwise.census import generate_census

SIGMAS = 4  # some sixty bounds are tested on one fixed seed


@pytest.fixture(scope="module")
def world():
    census = generate_census(shared().settings, employees=10_000)
    effective = effective_for(census, {"years": 3})
    return shared().run(census, effective, audits=False), simulate(census, effective), effective


def grouped(simulation, year):
    """Return people at risk by group: everyone, and each band of tenure and age and each level."""
    first = date(year, 1, 1)
    found = defaultdict(list)
    for person in simulation.rows[year]:
        if person["is_hire"]:
            continue
        found["everyone"].append(person)
        found[f"tenure {band(completed_years(person['hire_date'], first), TENURE_BANDS)}"].append(person)
        found[f"age {band(completed_years(person['birth_date'], first), AGE_BANDS)}"].append(person)
        found[f"level {person['opening_level_id']}"].append(person)
    return found


def outside(groups, probability, happened):
    """Return the groups whose count is outside the bounds of a sum of independent draws."""
    broken = []
    for name, people in groups.items():
        at_risk = [p for p in people if p[probability] is not None]
        mean = sum(p[probability] for p in at_risk)
        sigma = sum(p[probability] * (1 - p[probability]) for p in at_risk) ** 0.5
        count = sum(p["employee_id"] in happened for p in at_risk)
        if abs(count - mean) > SIGMAS * sigma + 0.5:
            broken.append(f"{name}: {count} of {len(at_risk)}, expected {mean:.1f} +- {sigma:.1f}")
    return broken


@pytest.mark.parametrize(
    ("reason", "probability"), [("voluntary", "termination_chance"), ("promotion", "promotion_probability")]
)
def test_i10_realised_rates(world, reason, probability):
    result, simulation, effective = world
    for year in effective.years:
        for person in simulation.rows[year]:
            person["termination_chance"] = None if person["is_hire"] else person["termination_probability"]
        events = result.events[
            (result.events.simulation_year == year) & (result.events.event_reason == reason)
        ]
        assert outside(grouped(simulation, year), probability, set(events.employee_id)) == []


def test_i10_the_stated_rates_are_the_means_of_the_probabilities(world):
    """Head-weighted: termination over all of the first year, promotion over the eligible of each level."""
    _, simulation, effective = world
    for year in effective.years:
        groups = grouped(simulation, year)
        chances = [p["termination_probability"] for p in groups["everyone"]]
        mean, stated = sum(chances) / len(chances), effective.value("termination_rate", year)
        if year == effective.years[0]:
            assert mean == pytest.approx(stated, abs=1e-9)
        else:  # composition acts: other people, at the scale of the first year's
            assert mean != pytest.approx(stated, abs=1e-6) and mean == pytest.approx(stated, rel=0.15)
        for level in (1, 2, 3, 4):
            eligible = [p["promotion_probability"] for p in groups[f"level {level}"] if p["eligible"]]
            stated = effective.value(f"promotion_probability_level_{level}", year)
            assert sum(eligible) / len(eligible) == pytest.approx(stated, abs=1e-9)


def test_i10_relative_hazards_show_in_the_rates(world):
    """A likelier band leaves more often: under one year against ten to fourteen."""
    result, simulation, effective = world
    rates = {}
    for name in ("tenure under_1", "tenure 10_to_14"):
        left = at_risk = 0
        for year in effective.years:
            people = grouped(simulation, year)[name]
            gone = set(
                result.events.query("simulation_year == @year and event_reason == 'voluntary'").employee_id
            )
            left, at_risk = left + sum(p["employee_id"] in gone for p in people), at_risk + len(people)
        rates[name] = left / at_risk
    assert 2 < rates["tenure under_1"] / rates["tenure 10_to_14"] < 4.5


def test_new_hires_leave_at_their_stated_rate(world):
    """By construction: the count is exact, so that the closing is the target."""
    result, _, _ = world
    kpis = result.scenario_kpis
    assert (kpis.new_hire_terminations / kpis.hires).tolist() == pytest.approx([0.12] * 3, abs=0.002)
