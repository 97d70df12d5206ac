"""The declared parameters and presets: names, values, expansion, and invalid declarations."""

import shutil

import pytest
import yaml
from pydantic import ValidationError

from planwise.errors import InputError
from planwise.parameters import Assumption, Chain, Lever, Risk, catalogue, resolve, validate
from planwise.parameters.catalogue import HERE, load_catalogue
from planwise.parameters.presets import PresetSetting, presets

LEVERS = {
    *(f"merit_rate_level_{level}" for level in range(1, 6)),
    "cola_rate",
    "new_hire_salary_adjustment",
    *(f"promotion_probability_level_{level}" for level in range(1, 5)),
    *(f"promotion_raise_level_{level}" for level in range(1, 5)),
}
HARD_BOUNDS = {
    "merit_rate": (0.0, 0.10),
    "cola_rate": (0.0, 0.08),
    "new_hire_salary_adjustment": (1.0, 1.4),
    "promotion_probability": (0.0, 0.30),
    "promotion_raise": (0.05, 0.30),
}
DEFAULTS = {
    "cola_rate": 0.0,
    "new_hire_salary_adjustment": 1.15,
    "merit_rate_level_5": 0.033,
    "promotion_probability_level_1": 0.10,
    "promotion_probability_level_4": 0.06,
    "promotion_raise_level_2": 0.087,
    "headcount_growth": 0.03,
    "termination_rate": 0.14,
    "new_hire_termination_rate": 0.23,
    "market_movement": 0.03,
    "range_adjustment": 0.03,
    "seed": 42,
    "years": 5,
    "cola_date": "01-01",
    "promotion_date": "04-01",
    "merit_date": "07-01",
    "range_maximum_cap": True,
    "promotion_raise_max": 0.15,
    "termination_multiplier_tenure_under_1": 2.0,
    "termination_multiplier_age_over_69": 1.6,
    "promotion_multiplier_tenure_2": 1.2,
    "merit_multiplier_rating_1": 0.0,
    "merit_multiplier_quartile_above_range": 0.5,
    "new_hire_level_share_5": None,
}


def test_the_levers_are_the_fifteen_of_the_design():
    assert set(catalogue().levers) == LEVERS
    assert len(LEVERS) == 15


@pytest.mark.parametrize("lever", sorted(LEVERS))
def test_hard_bounds_are_those_of_the_design(lever):
    family = next(family for family in HARD_BOUNDS if lever.startswith(family))
    assert catalogue().levers[lever].bounds == HARD_BOUNDS[family]


@pytest.mark.parametrize(("name", "default"), DEFAULTS.items())
def test_defaults(name, default):
    found = catalogue().parameters[name].default
    assert found == default
    assert type(found) is type(default)


def test_only_promotion_probability_changes_who_is_promoted():
    dynamics = {lever.name for lever in catalogue().levers.values() if lever.chain is Chain.DYNAMICS}
    assert dynamics == {f"promotion_probability_level_{level}" for level in range(1, 5)}


def test_families_expand_to_named_parameters_with_their_level():
    declared = catalogue().parameters
    assert declared["merit_rate_level_3"].level_id == 3
    assert declared["termination_multiplier_level_5"].level_id == 5
    assert declared["termination_multiplier_age_25_to_34"].level_id is None
    assert declared["merit_multiplier_rating_5"].level_id is None
    assert "{" not in "".join(p.name + p.label for p in declared.values())


@pytest.mark.parametrize("family", ["tenure", "age", "quartile"])
def test_number_bands_have_no_gap_and_no_overlap(family):
    bands = [band for band in catalogue().bands[family].values() if band.start is not None]
    assert [band.start for band in bands[1:]] == [band.end for band in bands[:-1]]
    assert bands[0].start == 0


@pytest.mark.parametrize(
    ("name", "kind", "message", "remedy"),
    [
        ("cola_rat", None, "Unknown parameter 'cola_rat'", "cola_rate"),
        ("cola_rate", "assumption", "cola_rate is not an assumption but a lever", "--set"),
    ],
)
def test_a_wrong_name_or_kind_has_a_remedy(name, kind, message, remedy):
    with pytest.raises(InputError, match=message) as caught:
        catalogue().parameter(name, kind)
    assert remedy in caught.value.remedy


def lever(**changes):
    return Lever(
        **{
            "name": "x_rate",
            "unit": "rate",
            "label": "X",
            "description": "X.",
            "default": 0.05,
            "source": "test",
            "bounds": (0.0, 0.1),
            "recommended": (0.02, 0.06),
            "direction": "increasing",
            "chain": "pay",
            **changes,
        }
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"default": 0.2}, "outside its bounds"),
        ({"bounds": (0.1, 0.0)}, "not ascending"),
        ({"recommended": (0.05, 0.2)}, "not within"),
        ({"source": ""}, "source"),
        ({"name": "X Rate"}, "name"),
        ({"surprise": 1}, "surprise"),
        ({"nullable": True}, "null_means"),
    ],
)
def test_a_bad_declaration_is_rejected(changes, message):
    assert lever().name == "x_rate"
    with pytest.raises(ValidationError, match=message):
        lever(**changes)


def test_an_assumption_needs_a_default_or_null():
    with pytest.raises(ValidationError, match="needs a default"):
        Assumption(
            name="x", unit="flag", label="X", description="X.", source="test", chain="pay", default=None
        )


def test_a_name_declared_twice_is_rejected(tmp_path):
    for file in HERE.glob("*.yaml"):
        shutil.copy(file, tmp_path)
    levers = yaml.safe_load((HERE / "levers.yaml").read_text())
    cola = next(entry for entry in levers if entry["name"] == "cola_rate")
    (tmp_path / "levers.yaml").write_text(yaml.safe_dump([*levers, cola]))
    with pytest.raises(ValueError, match="declared more than once: cola_rate"):
        load_catalogue(tmp_path)


PRESET_YEARS = (2026, 2027, 2028)
MERIT = [f"merit_rate_level_{level}" for level in range(1, 6)]
NAMED = {preset.name: preset for preset in presets()}


def changes(name, *, scenario=None, dynamic=None):
    return NAMED[name].changes(resolve(PRESET_YEARS, scenario=scenario or {}, dynamic=dynamic or {}))


def test_the_market_survey_budget_is_split_and_adds_up():
    assert changes("market_survey") == {"cola_rate": 0.002, **dict.fromkeys(MERIT, 0.033)}
    assert changes("market_survey", scenario={"market_budget": 0.04}) == {
        "cola_rate": 0.002,
        **dict.fromkeys(MERIT, 0.038),
    }
    assert changes("cola_and_merit") == {"cola_rate": 0.015, **dict.fromkeys(MERIT, 0.02)}
    effective = resolve(PRESET_YEARS, scenario={"market_budget": 0.04})
    assert NAMED["market_survey"].title(effective) == "Market survey 2026 (4.0% in total)"


@pytest.mark.parametrize(
    ("preset", "cola", "merit"),
    [
        ("merit_only", 0, [0.033] * 5),
        ("progressive_merit", 0, [0.04, 0.037, 0.033, 0.03, 0.027]),
        ("lean", 0, [0.025] * 5),
        ("competitive", 0, [0.045] * 5),
        ("freeze", 0, [0] * 5),
    ],
)
def test_presets_set_cola_and_merit_only(preset, cola, merit):
    assert changes(preset) == {"cola_rate": cola, **dict(zip(MERIT, merit, strict=True))}


def test_a_preset_below_the_market_never_goes_below_the_bound():
    assert set(changes("lean", scenario={"market_budget": 0.005}).values()) == {0}


@pytest.mark.parametrize("preset", [name for name in NAMED if name != "freeze"])
def test_presets_warn_of_nothing(preset):
    assert {finding.risk for finding in validate(resolve(PRESET_YEARS, scenario=changes(preset)))} <= {
        Risk.OK
    }


def test_the_baseline_is_what_was_released_by_year():
    found = changes("baseline", scenario={"cola_rate": 0.08}, dynamic={"cola_rate@2027": 0.03})
    assert [found[f"cola_rate@{year}"] for year in PRESET_YEARS] == [0.0, 0.03, 0.0]
    assert found["merit_rate_level_1"] == 0.033
    assert len(found) == 15 + 2


@pytest.mark.parametrize("preset", presets(), ids=lambda preset: preset.name)
def test_every_preset_can_be_resolved(preset):
    effective = resolve(PRESET_YEARS, scenario={})
    assert preset.title(effective)
    again = effective.with_levers(preset.changes(effective))
    assert preset.changes(again) == preset.changes(effective)


@pytest.mark.parametrize(
    ("setting", "why"),
    [
        ({"levers": "cola_rate"}, "exactly one of"),
        ({"levers": "cola_rate", "value": 0.03, "to": "baseline"}, "exactly one of"),
        ({"levers": "colas", "value": 0.03}, "unknown lever"),
        ({"levers": "merit_rate_level_*", "value": {1: 0.03}}, "each of the levels"),
    ],
)
def test_an_invalid_preset_is_rejected(setting, why):
    with pytest.raises(ValueError, match=why):
        PresetSetting(**setting)
