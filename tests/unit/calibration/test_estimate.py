"""A whole calibration of ten people, worked out by hand."""

from dataclasses import replace

import pytest
import yaml
from calibration_worlds import RANGES, census, person

from planwise.app.calibrate import save_as_scenario
from planwise.calibration import calibrate, calibration_json, calibration_markdown, options, parameters_yaml
from planwise.census import load_census
from planwise.errors import InputError
from planwise.governance import open_ledger
from planwise.parameters import resolve
from planwise.parameters.calibrated_rates import list_rates
from planwise.settings import Settings

# Of ten people two leave (one in the first year of service), one is promoted, seven stay; one joins.
BEFORE = census(
    2020,
    *(person(f"c{k}", 40_000, title="Clerk") for k in range(5)),
    *(person(f"o{k}", 60_000, title="Officer", level=2) for k in range(3)),
    person("fresh", 38_000, hired="2020-09-01"),
    person("old", 45_000, hired="2001-01-01"),
)
AFTER = census(
    2021,
    *(person(f"c{k}", 41_200, title="Clerk") for k in range(1, 5)),  # + 3 %
    person("c0", 55_000, title="Officer", level=2),
    *(person(f"o{k}", 61_200, title="Officer", level=2) for k in range(3)),  # + 2 %
    person("new", 35_000, hired="2021-05-01"),
    ranges=RANGES.assign(minimum=RANGES["minimum"] * 1.01, maximum=RANGES["maximum"] * 1.01),
)


@pytest.fixture(scope="module")
def found():
    return calibrate((BEFORE, AFTER))


def test_counts(found):
    assert (found.headcounts[0].exits, found.headcounts[0].entrants) == (2, 1)
    assert found.promotion_counts[0].promotions == 1
    assert found.raises[0].heads == 7
    assert found.raises[0].common == 0.03  # 4 of 7


def test_assumptions_and_levers(found):
    values = {**found.assumptions, **found.levers}

    assert values["termination_rate"] == 0.2
    assert values["headcount_growth"] == -0.1
    assert values["new_hire_termination_rate"] == 0.9  # the only one seen left: 100 %, clipped to the bound
    assert values["market_movement"] == values["range_adjustment"] == 0.01
    # "new" gets 35,000; in level 1 "fresh" alone is recent, with 38,000, moved by 1 %: under the bound of 1
    assert values["new_hire_salary_adjustment"] == pytest.approx(1.15 * 35_000 / (38_000 * 1.01), abs=1e-6)
    assert [values[f"new_hire_level_share_{k}"] for k in range(1, 6)] == [1, 0, 0, 0, 0]


def test_too_few_people_for_rates_by_level_is_said(found):
    # 4 × 1,200 + 3 × 1,200 on 4 × 40,000 + 3 × 60,000
    total = 8_400 / 340_000
    why = dict(found.not_estimated)

    assert (1 + found.levers["cola_rate"]) * (1 + found.levers["merit_rate_level_1"]) - 1 == pytest.approx(
        total, abs=2e-6
    )
    assert "all levels' mean raise is used" in why["merit_rate_level_1"]
    assert found.levers["promotion_probability_level_1"] == pytest.approx(
        1 / 8
    )  # eligible: 5 clerks, 3 officers
    assert "under 30 eligible stayers" in why["promotion_probability_level_1"]
    assert why["promotion_raise_level_1"] == "1 promoted, under 5"
    assert why["termination_multiplier_age_*"] == "not in the censuses"
    assert why["termination_multiplier_tenure_1"] == "no employees in the band"


def test_all_of_it_can_be_simulated(found):
    effective = resolve((2022,), scenario={**found.levers, **found.assumptions})
    assert effective.value("termination_rate", 2022) == 0.2


def test_report_says_counts_clips_and_gaps(found):
    text = calibration_markdown(found)

    assert "| everyone* | 10 | 2 | 20.0% | 5.7–51.0% | 20.0% | - |" in text
    assert "- new_hire_termination_rate: 1.0000 estimated, 0.9 used (its bound)" in text
    assert "- promotion_raise_level_1: 1 promoted, under 5" in text
    assert "are in none of the files" in text
    assert "--assume termination_rate=0.2" in options(found)


def test_json_and_yaml_hold_the_same_parameters(found):
    plain, text = calibration_json(found), yaml.safe_load(parameters_yaml(found))

    assert plain["levers"] == text["levers"] == dict(found.levers)
    assert plain["assumptions"] == text["assumptions"]
    assert plain["exits"][0] == {
        "dimension": "everyone",
        "band": "everyone",
        "label": "everyone",
        "year": "all years",
        "heads": 10,
        "events": 2,
        "rate": 0.2,
        "low": pytest.approx(0.0567, abs=1e-4),
        "high": pytest.approx(0.5098, abs=1e-4),
    }


def test_the_last_year_alone(found):
    third = census(2022, *(person(f"c{k}", 42_000) for k in range(5)), ranges=AFTER.ranges)
    last = calibrate((BEFORE, AFTER, third), basis="last")
    both = calibrate((BEFORE, AFTER, third))

    assert last.assumptions["termination_rate"] == pytest.approx(4 / 9, abs=1e-6)
    assert both.assumptions["termination_rate"] == pytest.approx((2 / 10 + 4 / 9) / 2, abs=1e-6)
    assert both.assumptions["headcount_growth"] == pytest.approx((-0.1 - 4 / 9) / 2, abs=1e-6)


def test_a_stated_cola_outside_its_bounds(found):
    with pytest.raises(InputError, match=r"outside 0\.0 to 0\.08"):
        calibrate((BEFORE, AFTER), cola=0.5)


def test_kept_as_a_scenario_with_the_census_it_goes_on_from(found, tmp_path):
    settings = Settings(home=tmp_path)
    kept = save_as_scenario(settings, found, "measured")

    assert (kept.name, kept.census) == ("measured", "y2021")  # a census of the home: as it is
    with open_ledger(settings) as ledger:
        overrides = ledger.scenarios.get("measured").overrides
    assert overrides["termination_rate"] == 0.2
    assert list_rates(settings) == (overrides["calibrated_rates"],)
    with pytest.raises(InputError, match="The scenario measured exists already"):
        save_as_scenario(settings, found, "measured")


def test_levels_read_anew_are_kept_in_a_census_of_its_own(tmp_path):
    by_pay = "pay-quantiles (asked for)"
    years = (
        census(2020, *(person(f"c{k}", 40_000 + 2_000 * k) for k in range(6)), levels_from=by_pay),
        census(2021, *(person(f"c{k}", 41_000 + 2_000 * k) for k in range(6)), levels_from=by_pay),
    )
    settings = Settings(home=tmp_path)
    kept = save_as_scenario(settings, calibrate(tuple(replace(y, currency="EUR") for y in years)), "measured")

    stored = load_census(settings, kept.census)
    assert (kept.census, stored.rows, str(stored.as_of)) == ("measured_census", 6, "2021-12-31")
    assert stored.currency == "EUR"
    assert stored.levels_from.startswith("levels by pay: the ranges of y2020")
