"""The scenarios of the ledger."""

from datetime import UTC, datetime

import pytest

from planwise.errors import InputError
from planwise.governance import effective_parameters, open_ledger
from planwise.parameters import BASELINE
from planwise.settings import Settings

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
YEARS = (2026, 2027, 2028)


@pytest.fixture
def ledger(tmp_path):
    with open_ledger(Settings(home=tmp_path), actor="anna", clock=lambda: NOON) as opened:
        yield opened


def test_a_scenario_is_stored_canonical_with_author_and_time(ledger):
    ledger.scenarios.create("raise_all", {"cola_rate": "3%", "seed": "7"}, description="more for all")
    found = ledger.scenarios.get("raise_all")
    assert found.overrides == {"cola_rate": 0.03, "seed": 7}
    assert type(found.overrides["seed"]) is int
    assert (found.created_by, found.created_at, found.description) == ("anna", NOON, "more for all")
    assert found.created_at.tzinfo is UTC


def test_it_is_there_for_who_opens_the_ledger_next(tmp_path):
    with open_ledger(Settings(home=tmp_path)) as first:
        first.scenarios.create("kept", {"cola_rate": 0.03})
    with open_ledger(Settings(home=tmp_path)) as second:
        assert second.scenarios.get("kept").overrides == {"cola_rate": 0.03}


def test_the_baseline_is_always_there_and_first(ledger):
    ledger.scenarios.create("a", {})
    assert [scenario.name for scenario in ledger.scenarios.list()] == [BASELINE, "a"]
    assert ledger.scenarios.get(BASELINE).overrides == {}


@pytest.mark.parametrize("act", ["create", "delete", "set"])
def test_the_baseline_cannot_be_changed(ledger, act):
    with pytest.raises(InputError, match=BASELINE):
        getattr(ledger.scenarios, act)(BASELINE)


@pytest.mark.parametrize("name", ["", "A", "_a", "a-b", "a b", "a" * 49, "a/../b", "a\n", "prod"])
def test_bad_names_are_refused(ledger, name):
    with pytest.raises(InputError, match="name"):
        ledger.scenarios.create(name)
    assert len(ledger.scenarios.list()) == 1


def test_a_name_of_48_is_the_longest(ledger):
    assert ledger.scenarios.create("a" * 48).name == "a" * 48


def test_a_taken_name_is_refused_and_the_first_stays(ledger):
    ledger.scenarios.create("a", {"cola_rate": 0.03})
    with pytest.raises(InputError, match="The scenario a exists already"):
        ledger.scenarios.create("a", {"cola_rate": 0.04})
    assert ledger.scenarios.get("a").overrides == {"cola_rate": 0.03}


def test_an_unknown_name_gives_the_nearest(ledger):
    ledger.scenarios.create("raise_all")
    with pytest.raises(InputError, match="Unknown scenario 'raise_al'") as caught:
        ledger.scenarios.get("raise_al")
    assert "raise_all" in caught.value.remedy


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"cola_rate": 0.5}, "hard bounds"),
        ({"cola_rate@2031": 0.03}, "not a simulated year"),
        ({"nonsense": 1}, "Unknown parameter"),
        ({"new_hire_level_share_1": 1}, "new_hire_level_share"),
    ],
)
def test_what_could_not_be_resolved_is_not_stored(ledger, overrides, message):
    with pytest.raises(InputError, match=message):
        ledger.scenarios.create("bad", overrides, years=YEARS)
    assert [scenario.name for scenario in ledger.scenarios.list()] == [BASELINE]


def test_a_clone_copies_and_changes_without_touching_its_source(ledger):
    ledger.scenarios.create("a", {"cola_rate@2027": 0.05, "seed": 1}, census="acme")
    clone = ledger.scenarios.clone("a", "b", {"cola_rate": 0.03})
    assert (clone.overrides, clone.parent, clone.census) == ({"cola_rate": 0.03, "seed": 1}, "a", "acme")
    assert ledger.scenarios.get("a").overrides == {"cola_rate@2027": 0.05, "seed": 1}
    assert ledger.scenarios.get("b") == clone


def test_set_changes_and_unsets(ledger):
    ledger.scenarios.create("a", {"cola_rate": 0.03, "seed": 1})
    changed = ledger.scenarios.set("a", {"merit_rate_level_1": 0.04}, unset=["seed"])
    assert changed.overrides == {"cola_rate": 0.03, "merit_rate_level_1": 0.04}
    assert ledger.scenarios.get("a") == changed
    with pytest.raises(InputError, match="does not override seed"):
        ledger.scenarios.set("a", unset=["seed"])


def test_a_deleted_scenario_is_gone_and_its_name_free(ledger):
    ledger.scenarios.create("a", {"seed": 1})
    ledger.scenarios.delete("a")
    with pytest.raises(InputError, match="Unknown scenario 'a'"):
        ledger.scenarios.delete("a")
    assert ledger.scenarios.create("a").overrides == {}


def test_effective_parameters_take_all_tiers(ledger):
    ledger.dynamic_levers.replace({"cola_rate": 0.03, "merit_rate_level_1": 0.04})
    scenario = ledger.scenarios.create("a", {"cola_rate": 0.05, "years": 2})
    found = effective_parameters(ledger, scenario, 2026, {"seed": 3})
    assert found.years == (2026, 2027)
    tiers = [found.tier(name) for name in ("cola_rate", "merit_rate_level_1", "merit_rate_level_2", "seed")]
    assert tiers == ["scenario", "dynamic", "default", "scenario"]
    assert found.seed == 3
    assert "seed" not in ledger.scenarios.get("a").overrides
