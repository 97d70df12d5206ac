import pytest

from planwise.parameters import catalogue, resolve, validate
from planwise.parameters.presets import PresetSetting, presets

YEARS = (2026, 2027, 2028)
MERIT = [f"merit_rate_level_{level}" for level in range(1, 6)]
NAMED = {preset.name: preset for preset in presets()}


def changes(name, *, scenario=None, dynamic=None):
    return NAMED[name].changes(resolve(YEARS, scenario=scenario or {}, dynamic=dynamic or {}))


def test_the_market_survey_budget_is_split_and_adds_up():
    assert changes("market_survey") == {"cola_rate": 0.015, **dict.fromkeys(MERIT, 0.02)}
    assert changes("market_survey", scenario={"market_budget": 0.04}) == {
        "cola_rate": 0.017,
        **dict.fromkeys(MERIT, 0.023),
    }
    effective = resolve(YEARS, scenario={"market_budget": 0.04})
    assert NAMED["market_survey"].title(effective) == "Market survey budget (4.0% in total)"


def test_flat_and_progressive_merit():
    assert changes("flat_merit") == dict.fromkeys(MERIT, 0.033)
    assert list(changes("progressive_merit").values()) == [0.04, 0.037, 0.033, 0.03, 0.027]


def test_bounds_and_recommended_middles_are_those_declared():
    lower, middle = changes("freeze"), changes("recommended_middle")
    assert set(lower) == set(middle) == set(catalogue().levers)
    assert (lower["cola_rate"], lower["new_hire_salary_adjustment"]) == (0.01, 1.0)
    assert (middle["cola_rate"], middle["promotion_probability_level_1"]) == (0.0275, 0.105)
    assert validate(resolve(YEARS, scenario=middle)) == []


def test_the_baseline_is_what_was_released_by_year():
    found = changes("baseline", scenario={"cola_rate": 0.08}, dynamic={"cola_rate@2027": 0.03})
    assert [found[f"cola_rate@{year}"] for year in YEARS] == [0.025, 0.03, 0.025]
    assert found["merit_rate_level_1"] == 0.033
    assert len(found) == 15 + 2


@pytest.mark.parametrize("preset", presets(), ids=lambda preset: preset.name)
def test_every_preset_can_be_resolved(preset):
    effective = resolve(YEARS, scenario={})
    assert preset.title(effective)
    again = effective.with_levers(preset.changes(effective))
    assert preset.changes(again) == preset.changes(effective)


@pytest.mark.parametrize(
    ("setting", "why"),
    [
        ({"levers": "cola_rate"}, "exactly one of"),
        ({"levers": "cola_rate", "value": 0.03, "to": "lower_bound"}, "exactly one of"),
        ({"levers": "colas", "value": 0.03}, "unknown lever"),
        ({"levers": "merit_rate_level_*", "value": {1: 0.03}}, "each of the levels"),
    ],
)
def test_a_bad_declaration_is_refused(setting, why):
    with pytest.raises(ValueError, match=why):
        PresetSetting(**setting)
