"""Calibrated rates as files: stored by content, private, checked when they are read."""

import stat

import pandas as pd
import pytest

from planwise.errors import DamagedStore, InputError
from planwise.parameters import catalogue, resolve
from planwise.parameters.calibrated_rates import (
    anything_drifts,
    list_rates,
    rates_dir,
    rates_files,
    rates_key,
    read_rates,
    store_rates,
)
from planwise.parameters.values import canonical
from planwise.settings import Settings

EXITS = pd.DataFrame(
    {
        "dimension": ["department", "department_tenure"],
        "key": ["Fire", "Fire"],
        "lower_bound": pd.array([None, 0], dtype="Int64"),
        "upper_bound": pd.array([None, 1], dtype="Int64"),
        "multiplier": [0.5, 1.23456789],
        "heads": [1200, 100],
        "events": [60, 12],
    }
)


@pytest.fixture
def settings(tmp_path):
    return Settings(home=tmp_path / "home")


def test_equal_rates_have_one_key_and_are_stored_once(settings):
    key = store_rates(settings, {"exit_multipliers": EXITS})

    assert (
        store_rates(settings, {"exit_multipliers": EXITS[::-1]})
        == key
        == rates_key({"exit_multipliers": EXITS})
    )
    assert list_rates(settings) == (key,)
    assert rates_key({}) != key != rates_key({"exit_multipliers": EXITS.assign(events=1)})
    found = read_rates(settings, key)
    assert found["exit_multipliers"]["multiplier"].tolist() == [0.5, 1.234568]
    assert found["exit_multipliers"]["lower_bound"].isna().tolist() == [True, False]
    assert found["drift_donors"].empty


def test_only_the_owner_can_read_them(settings):
    key = store_rates(settings, {"exit_multipliers": EXITS})

    assert stat.S_IMODE((rates_dir(settings) / key).stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in rates_files(settings, key).values()} == {0o600}


def test_what_is_missing_damaged_or_unknown_is_said(settings):
    key = store_rates(settings, {"exit_multipliers": EXITS})
    with pytest.raises(InputError, match="no such rates") as missing:
        rates_files(settings, "0" * 16)
    assert "calibrated_rates=null" in str(missing.value)
    rates_files(settings, key)["exit_multipliers"].write_bytes(b"another content")
    with pytest.raises(DamagedStore, match="its content is not what was written"):
        rates_files(settings, key)
    with pytest.raises(InputError, match="missing columns heads, events"):
        store_rates(settings, {"exit_multipliers": EXITS.drop(columns=["heads", "events"])})
    with pytest.raises(InputError, match="Unknown part"):
        store_rates(settings, {"exits": EXITS})


def test_a_scenario_names_them_by_their_key():
    parameter = catalogue().assumptions["calibrated_rates"]

    assert canonical(parameter, " 0123456789ABCDEF ") == "0123456789abcdef"
    assert canonical(parameter, "") is None
    with pytest.raises(InputError, match="16 digits and letters"):
        canonical(parameter, "rates of 2026")


def test_a_rate_for_one_year_is_another_plan_than_the_same_rate_for_all():
    """The first is scaled to the people of that year, the second to those of the census."""
    everywhere = resolve((2026, 2027), scenario={"termination_rate": 0.1})
    stated = resolve((2026, 2027), scenario={"termination_rate": 0.1, "termination_rate@2027": 0.1})

    assert (stated.states("termination_rate", 2027), stated.states("termination_rate", 2026)) == (True, False)
    assert stated != everywhere and stated.value("termination_rate", 2027) == 0.1


def test_pay_drifts_only_where_rates_have_donors(settings):
    donors = pd.DataFrame({"award_group": [""], "tenure_band": ["1"], "level_id": [1], "drift": [0.01]})
    keys = [store_rates(settings, parts) for parts in ({"exit_multipliers": EXITS}, {"drift_donors": donors})]
    assert [anything_drifts(settings, key) for key in (None, *keys)] == [False, False, True]
