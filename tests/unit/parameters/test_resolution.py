"""Scenario > dynamic > default > fallback, value by value, and the parameters that result."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planwise.errors import InputError
from planwise.parameters import Chain, ParameterRow, catalogue, check_overrides, resolve

YEARS = (2026, 2027, 2028)
COLA = st.integers(10_000, 80_000).map(lambda micro: micro / 1e6)


def with_lever(name, **changes):
    declared = catalogue()
    changed = declared.levers[name].model_copy(update=changes)
    return dataclasses.replace(declared, levers={**declared.levers, name: changed})


def test_each_tier_gives_way_to_the_one_above():
    default = resolve(YEARS, scenario={})
    dynamic = resolve(YEARS, scenario={}, dynamic={"cola_rate": 0.03})
    scenario = resolve(YEARS, scenario={"cola_rate": 0.04}, dynamic={"cola_rate": 0.03})
    found = [(e.value("cola_rate", 2027), e.tier("cola_rate", 2027)) for e in (default, dynamic, scenario)]
    assert found == [(0.0, "default"), (0.03, "dynamic"), (0.04, "scenario")]


def test_a_lever_without_default_falls_back_and_says_so():
    found = resolve(YEARS, scenario={}, declared=with_lever("cola_rate", default=None))
    assert (found.value("cola_rate", 2026), found.tier("cola_rate", 2026)) == (0.0, "fallback")
    assert found.tier("merit_rate_level_1", 2026) == "default"


def test_every_lever_has_a_fallback_within_its_bounds():
    for name in catalogue().levers:
        found = resolve(YEARS, scenario={}, declared=with_lever(name, default=None))
        assert found.tier(name, 2026) == "fallback"
        low, high = catalogue().levers[name].bounds
        assert low <= found.value(name, 2026) <= high


def test_a_year_of_the_scenario_leaves_the_other_years_to_the_tiers_below():
    found = resolve(YEARS, scenario={"cola_rate@2027": 0.05}, dynamic={"cola_rate": 0.03})
    assert [found.tier("cola_rate", year) for year in YEARS] == ["dynamic", "scenario", "dynamic"]


def test_dynamic_levers_may_reach_beyond_the_horizon_but_a_scenario_may_not():
    assert resolve(YEARS, scenario={}, dynamic={"cola_rate@2030": 0.05}) == resolve(YEARS, scenario={})
    with pytest.raises(InputError, match="cola_rate@2030: not a simulated year") as caught:
        resolve(YEARS, scenario={"cola_rate@2030": 0.05})
    assert "2026, 2027, 2028" in caught.value.remedy


def test_dynamic_tier_has_levers_only():
    with pytest.raises(InputError, match="seed is not a lever"):
        resolve(YEARS, scenario={}, dynamic={"seed": 1})


def test_all_hard_bound_violations_are_reported_at_once():
    with pytest.raises(InputError) as caught:
        resolve(YEARS, scenario={"cola_rate": 0.09, "merit_rate_level_1@2027": -0.001, "seed": 5})
    assert "cola_rate = 0.09 is outside its hard bounds 0 to 0.08" in caught.value.what
    assert "merit_rate_level_1@2027 = -0.001 is outside its hard bounds 0 to 0.1" in caught.value.what
    assert "seed" not in caught.value.what
    assert caught.value.remedy


@pytest.mark.parametrize("name", sorted(catalogue().levers))
def test_hard_bounds_are_inclusive_and_end_there(name):
    low, high = catalogue().levers[name].bounds
    for bound in (low, high):
        assert resolve(YEARS, scenario={name: bound}).value(name, 2026) == bound
    for beyond in (low - 1e-6, high + 1e-6):
        with pytest.raises(InputError, match="hard bounds"):
            resolve(YEARS, scenario={name: beyond})


def test_a_locked_lever_refuses_only_what_differs():
    locked = with_lever("cola_rate", locked=True)
    assert resolve(YEARS, scenario={"cola_rate": 0}, declared=locked).value("cola_rate", 2026) == 0
    with pytest.raises(InputError, match=r"cola_rate is locked at 0.0 \(got 0.03\)"):
        resolve(YEARS, scenario={"cola_rate": 0.03}, declared=locked)
    with pytest.raises(InputError, match=r"cola_rate@2028 is locked at 0.03 \(got 0.025\)"):
        resolve(YEARS, scenario={"cola_rate@2028": 0.025}, dynamic={"cola_rate": 0.03}, declared=locked)


@pytest.mark.parametrize("shares", [[1.0], [0.2, 0.2, 0.2, 0.2, 0.3], [0.2, 0.2, 0.2, 0.4]])
def test_level_shares_of_hires_are_all_set_with_sum_1_or_none(shares):
    overrides = {f"new_hire_level_share_{level}": share for level, share in enumerate(shares, 1)}
    with pytest.raises(InputError, match="new_hire_level_share"):
        resolve(YEARS, scenario=overrides)


def test_complete_level_shares_are_accepted():
    shares = {f"new_hire_level_share_{level}": 0.2 for level in range(1, 6)}
    assert resolve(YEARS, scenario=shares).value("new_hire_level_share_5") == 0.2


def test_without_a_year_there_is_nothing_to_resolve():
    with pytest.raises(InputError, match="no simulated year"):
        resolve((), scenario={})


def test_stored_overrides_are_checked_without_years():
    assert check_overrides({"cola_rate@2099": "3%"}) == {"cola_rate@2099": 0.03}
    with pytest.raises(InputError, match="hard bounds"):
        check_overrides({"cola_rate@2099": 3})


@given(
    scenario=st.dictionaries(st.none() | st.sampled_from(YEARS), COLA),
    dynamic=st.dictionaries(st.none() | st.sampled_from(YEARS), COLA),
    year=st.sampled_from(YEARS),
)
def test_resolution_is_the_first_tier_that_says_anything(scenario, dynamic, year):
    def overrides(values):
        return {"cola_rate" if y is None else f"cola_rate@{y}": value for y, value in values.items()}

    found = resolve(YEARS, scenario=overrides(scenario), dynamic=overrides(dynamic))
    candidates = [
        (values[key], tier)
        for tier, values in (("scenario", scenario), ("dynamic", dynamic), ("default", {None: 0.0}))
        for key in (year, None)
        if key in values
    ]
    assert (found.value("cola_rate", year), found.tier("cola_rate", year)) == candidates[0]


@given(
    scenario=st.dictionaries(st.sampled_from(["cola_rate", "cola_rate@2027", "cola_rate@2028"]), COLA),
    dynamic=st.dictionaries(st.sampled_from(["cola_rate", "cola_rate@2026"]), COLA),
)
def test_equal_values_are_equal_parameters_whatever_their_tiers(scenario, dynamic):
    found = resolve(YEARS, scenario=scenario, dynamic=dynamic)
    respelled = resolve(YEARS, scenario={f"cola_rate@{y}": found.value("cola_rate", y) for y in YEARS})
    assert found == respelled
    assert found.digest == respelled.digest
    assert hash(found) == hash(respelled)


def test_rows_are_complete_and_sorted():
    rows = resolve(YEARS[:2], scenario={"merit_rate_level_3@2027": 0.04}).rows()
    assert [(row.parameter, row.year or 0) for row in rows] == sorted(
        (name, year)
        for name, parameter in catalogue().parameters.items()
        for year in (YEARS[:2] if parameter.yearly else (0,))
    )
    assert ParameterRow("merit_rate_level_3", 3, 2027, 0.04, "scenario") in rows
    assert ParameterRow("seed", None, None, 42, "default") in rows


def test_a_value_that_is_one_for_all_years_needs_no_year():
    effective = resolve(YEARS[:2], scenario={"cola_rate@2027": 0.04})
    assert effective.value("merit_rate_level_1") == 0.033
    assert effective.value("seed", 2026) == effective.seed == 42
    with pytest.raises(InputError, match="cola_rate differs by year"):
        effective.value("cola_rate")


@pytest.mark.parametrize(
    ("name", "year", "message"),
    [
        ("cola_rate", 2031, "2031 is not simulated"),
        ("seed", 2031, "2031 is not simulated"),
        ("bonus", None, "Unknown parameter"),
    ],
)
def test_a_value_that_is_not_there_is_an_error(name, year, message):
    with pytest.raises(InputError, match=message):
        resolve(YEARS[:2], scenario={}).value(name, year)


def test_a_null_value_is_a_value():
    assert resolve(YEARS[:2], scenario={"range_adjustment": None}).value("range_adjustment", 2026) is None


def test_the_digest_follows_every_parameter():
    base = resolve(YEARS[:2], scenario={})
    seen = {base.digest}
    shares = {f"new_hire_level_share_{level}" for level in range(1, 6)}
    for name, parameter in catalogue().parameters.items():
        if name in shares or name == "years":
            continue
        value = {
            "month_day": "11-30",
            "flag": not parameter.default,
            "count": 7,
            "groups": "department: Ops=x1.1",
            "rates": "0123456789abcdef",
            "awards": "department: Ops=0.03",
        }.get(parameter.unit)
        if value is None:
            low, high = parameter.bounds
            value = low + (high - low) * 0.137
        seen.add(resolve(YEARS[:2], scenario={name: value}).digest)
    assert len(seen) == len(catalogue().parameters) - len(shares) - 1 + 1


def test_the_digest_follows_the_years_and_not_how_they_are_said():
    assert resolve(YEARS[:2], scenario={}).digest != resolve((2026,), scenario={}).digest
    assert resolve(YEARS[:2], scenario={"years": 2}) == resolve(YEARS[:2], scenario={"years": "2026-2027"})


def test_the_digest_of_a_chain_follows_that_chain_only():
    base = resolve(YEARS[:2], scenario={})
    study = resolve(YEARS[:2], scenario={"target_growth": 0.05})
    pay = resolve(YEARS[:2], scenario={"cola_rate": 0.03})
    promoted = resolve(YEARS[:2], scenario={"promotion_probability_level_1": 0.2})
    simulated = (Chain.DYNAMICS, Chain.PAY)
    assert study.digest != base.digest
    assert study.digest_of(*simulated) == base.digest_of(*simulated)
    assert pay.digest_of(*simulated) != base.digest_of(*simulated)
    assert pay.digest_of(Chain.DYNAMICS) == base.digest_of(Chain.DYNAMICS)
    assert promoted.digest_of(Chain.DYNAMICS) != base.digest_of(Chain.DYNAMICS)


def test_with_levers_sets_every_year_and_keeps_the_rest():
    effective = resolve(YEARS[:2], scenario={"cola_rate@2027": 0.05, "seed": 9}, dynamic={"cola_rate": 0.02})
    changed = effective.with_levers({"cola_rate": 0.03})
    assert [changed.value("cola_rate", year) for year in YEARS[:2]] == [0.03, 0.03]
    assert changed.seed == 9
    assert changed.overrides() == {"cola_rate": 0.03, "seed": 9}
    assert effective.value("cola_rate", 2027) == 0.05
    one_year = effective.with_levers({"cola_rate@2026": 0.04})
    assert [one_year.value("cola_rate", year) for year in YEARS[:2]] == [0.04, 0.05]


def test_with_levers_refuses_what_resolve_refuses():
    effective = resolve(YEARS[:2], scenario={})
    with pytest.raises(InputError, match="hard bounds"):
        effective.with_levers({"cola_rate": 0.5})
    with pytest.raises(InputError, match="not a lever"):
        effective.with_levers({"seed": 1})
    assert effective.with_assumptions({"seed": 1}).seed == 1


def test_overrides_resolve_to_the_same_again():
    effective = resolve(YEARS[:2], scenario={"cola_rate": "3%", "merit_rate_level_2@2027": 0.05})
    assert resolve(YEARS[:2], scenario=effective.overrides()) == effective


def test_effective_parameters_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        resolve(YEARS[:2], scenario={}).years = (2026,)


def test_numbers_are_floats_and_other_values_are_rejected():
    effective = resolve(YEARS[:2], scenario={"cola_rate@2027": 0.05})
    assert effective.number("cola_rate", 2027) == 0.05
    seed = effective.number("seed")
    assert (seed, type(seed)) == (42.0, float)
    assert effective.number_or_none("payroll_budget") is None
    with pytest.raises(InputError, match="payroll_budget is not set"):
        effective.number("payroll_budget")
    for name in ("range_maximum_cap", "cola_date"):
        with pytest.raises(InputError, match=f"{name} is not a number"):
            effective.number(name)
    with pytest.raises(InputError, match="differs by year"):
        effective.number("cola_rate")
