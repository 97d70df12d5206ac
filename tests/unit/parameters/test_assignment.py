"""`name=value` and `name@year=value`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planwise.errors import InputError
from planwise.parameters import catalogue, merged_overrides, parse_assignments

NAMES = sorted(catalogue().levers)


def test_assignments_become_canonical_overrides():
    assert parse_assignments(["cola_rate=0.03", "merit_rate_level_3@2028 = 4%"], "lever") == {
        "cola_rate": 0.03,
        "merit_rate_level_3@2028": 0.04,
    }


def test_nothing_is_nothing():
    assert parse_assignments([]) == {}


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("cola_rate", None, "is not an assignment"),
        ("=0.03", None, "not a parameter name"),
        ("cola_rate@28=0.03", None, "not a parameter name"),
        ("cola_rate@=0.03", None, "not a parameter name"),
        ("merit_rate_level_6=0.03", None, "Unknown parameter 'merit_rate_level_6'"),
        ("seed=1", "lever", "seed is not a lever but an assumption"),
        ("cola_rate=0.03", "assumption", "cola_rate is not an assumption but a lever"),
        ("seed@2027=1", None, "one value for all years"),
        ("cola_rate=abc", None, "cola_rate = 'abc' is not a number"),
    ],
)
def test_what_cannot_be_assigned_is_refused(text, kind, message):
    with pytest.raises(InputError, match=message):
        parse_assignments([text], kind)


def test_a_parameter_set_twice_is_refused_but_not_its_years():
    with pytest.raises(InputError, match="cola_rate is set twice"):
        parse_assignments(["cola_rate=0.03", "cola_rate=0.04"])
    assert len(parse_assignments(["cola_rate=0.03", "cola_rate@2027=0.04", "cola_rate@2028=0.04"])) == 3


def test_an_all_years_override_drops_the_years_before_it():
    old = {"cola_rate": 0.02, "cola_rate@2027": 0.05, "seed": 1}
    assert merged_overrides(old, {"cola_rate": 0.03}) == {"cola_rate": 0.03, "seed": 1}
    assert merged_overrides(old, {"cola_rate@2028": 0.03}) == {**old, "cola_rate@2028": 0.03}


@given(
    st.dictionaries(
        st.tuples(st.sampled_from(NAMES), st.none() | st.integers(1000, 9999)),
        st.integers(0, 2_000_000).map(lambda micro: micro / 1e6),
    )
)
def test_what_is_written_is_what_is_read(wanted):
    keys = {key: name if year is None else f"{name}@{year}" for key in wanted for name, year in [key]}
    texts = [f"{keys[key]}={value!r}" for key, value in wanted.items()]
    assert parse_assignments(texts) == {keys[key]: value for key, value in wanted.items()}
