"""What effective parameters answer."""

import dataclasses

import pytest

from planwise.errors import InputError
from planwise.parameters import Chain, ParameterRow, catalogue, resolve

YEARS = (2026, 2027)


def test_rows_are_complete_and_sorted():
    rows = resolve(YEARS, scenario={"merit_rate_level_3@2027": 0.04}).rows()
    assert [(row.parameter, row.year or 0) for row in rows] == sorted(
        (name, year)
        for name, parameter in catalogue().parameters.items()
        for year in (YEARS if parameter.yearly else (0,))
    )
    assert ParameterRow("merit_rate_level_3", 3, 2027, 0.04, "scenario") in rows
    assert ParameterRow("seed", None, None, 42, "default") in rows


def test_a_value_that_is_one_for_all_years_needs_no_year():
    effective = resolve(YEARS, scenario={"cola_rate@2027": 0.04})
    assert effective.value("merit_rate_level_1") == 0.033
    assert effective.value("seed", 2026) == effective.seed == 42
    with pytest.raises(InputError, match="cola_rate differs by year"):
        effective.value("cola_rate")


@pytest.mark.parametrize("name", ["cola_rate", "seed"])
def test_a_year_that_is_not_simulated_is_refused(name):
    with pytest.raises(InputError, match="2031 is not simulated"):
        resolve(YEARS, scenario={}).value(name, 2031)


def test_an_unknown_name_is_refused():
    with pytest.raises(InputError, match="Unknown parameter"):
        resolve(YEARS, scenario={}).value("bonus")


def test_a_null_value_is_a_value():
    assert resolve(YEARS, scenario={}).value("range_adjustment", 2026) is None


def test_the_digest_follows_every_parameter():
    base = resolve(YEARS, scenario={})
    seen = {base.digest}
    shares = {f"new_hire_level_share_{level}" for level in range(1, 6)}
    for name, parameter in catalogue().parameters.items():
        if name in shares or name == "years":
            continue
        value = {"month_day": "11-30", "flag": True, "count": 7}.get(parameter.unit)
        if value is None:
            low, high = parameter.bounds
            value = low + (high - low) * 0.137
        seen.add(resolve(YEARS, scenario={name: value}).digest)
    assert len(seen) == len(catalogue().parameters) - len(shares) - 1 + 1


def test_the_digest_follows_the_years_and_not_how_they_are_said():
    assert resolve(YEARS, scenario={}).digest != resolve((2026,), scenario={}).digest
    assert resolve(YEARS, scenario={"years": 2}) == resolve(YEARS, scenario={"years": "2026-2027"})


def test_the_digest_of_a_chain_follows_that_chain_only():
    base = resolve(YEARS, scenario={})
    study = resolve(YEARS, scenario={"target_growth": 0.05})
    pay = resolve(YEARS, scenario={"cola_rate": 0.03})
    promoted = resolve(YEARS, scenario={"promotion_probability_level_1": 0.2})
    simulated = (Chain.DYNAMICS, Chain.PAY)
    assert study.digest != base.digest
    assert study.digest_of(*simulated) == base.digest_of(*simulated)
    assert pay.digest_of(*simulated) != base.digest_of(*simulated)
    assert pay.digest_of(Chain.DYNAMICS) == base.digest_of(Chain.DYNAMICS)
    assert promoted.digest_of(Chain.DYNAMICS) != base.digest_of(Chain.DYNAMICS)


def test_with_levers_sets_every_year_and_keeps_the_rest():
    effective = resolve(YEARS, scenario={"cola_rate@2027": 0.05, "seed": 9}, dynamic={"cola_rate": 0.02})
    changed = effective.with_levers({"cola_rate": 0.03})
    assert [changed.value("cola_rate", year) for year in YEARS] == [0.03, 0.03]
    assert changed.seed == 9
    assert changed.overrides() == {"cola_rate": 0.03, "seed": 9}
    assert effective.value("cola_rate", 2027) == 0.05
    one_year = effective.with_levers({"cola_rate@2026": 0.04})
    assert [one_year.value("cola_rate", year) for year in YEARS] == [0.04, 0.05]


def test_with_levers_refuses_what_resolve_refuses():
    effective = resolve(YEARS, scenario={})
    with pytest.raises(InputError, match="hard bounds"):
        effective.with_levers({"cola_rate": 0.5})
    with pytest.raises(InputError, match="not a lever"):
        effective.with_levers({"seed": 1})
    assert effective.with_assumptions({"seed": 1}).seed == 1


def test_overrides_resolve_to_the_same_again():
    effective = resolve(YEARS, scenario={"cola_rate": "3%", "merit_rate_level_2@2027": 0.05})
    assert resolve(YEARS, scenario=effective.overrides()) == effective


def test_effective_parameters_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        resolve(YEARS, scenario={}).years = (2026,)


def test_numbers_are_floats_and_other_values_are_rejected():
    effective = resolve(YEARS, scenario={"cola_rate@2027": 0.05})
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
