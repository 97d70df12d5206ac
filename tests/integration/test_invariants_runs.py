"""Invariants 11, 12, 14 and 16: between runs, threads, row orders, scenarios, and preview and plan."""

import hashlib
from random import Random

import pandas as pd
import pytest
from invariants import INVARIANTS
from reference.compare import GRAINS
from worlds import AS_OF, effective_for, shared

from planwise.census import SyntheticOptions, default_levels, generate_census, register_census
from planwise.census.synthetic import synthetic_rows
from planwise.engine.preview import Preview
from planwise.engine.warehouse import Warehouse
from planwise.parameters import catalogue
from planwise.parameters.calibrated_rates import store_rates
from planwise.settings import Settings

LEVER_SETS, BATCHES = 14, 2


def fingerprints(frames: dict[str, pd.DataFrame]) -> dict[str, str]:
    """Return a hash of every mart's values, bit for bit, in the order of its grain."""
    return {
        mart: hashlib.sha256(
            frame.sort_values(GRAINS[mart]).reset_index(drop=True).to_parquet(index=False)
        ).hexdigest()
        for mart, frame in frames.items()
    }


@pytest.fixture(scope="module")
def warehouse():
    found = Warehouse(":memory:", shared().settings)
    yield found
    found.close()


@pytest.fixture(scope="module")
def census():
    return generate_census(shared().settings, employees=400)


def test_i11_same_seed_same_bytes_whatever_the_threads():
    """More than 122,880 people are two row groups, which DuckDB gives to two threads."""
    large = generate_census(shared().settings, employees=130_000, name="large", use=False)
    effective = effective_for(large, {"years": 1})
    one, two = (
        fingerprints(shared().run(large, effective, audits=False, threads=threads).frames)
        for threads in (1, 2)
    )

    assert one == two


def test_i11_same_bytes_whatever_the_order_of_the_census_and_the_process(census, tmp_path):
    rows = synthetic_rows(400, 42, SyntheticOptions())
    shuffled = register_census(
        Settings(home=tmp_path),
        "shuffled",
        rows.sample(frac=1, random_state=1),
        default_levels(),
        as_of=AS_OF,
    )
    assert shuffled.content_hash == census.content_hash
    effective = effective_for(census, {"years": 2})

    first = shared().run(census, effective, audits=False)
    again = shared().run(shuffled, effective, audits=False)
    assert fingerprints(first.frames) == fingerprints(again.frames)


def test_i11_another_seed_is_another_world(census):
    first, other = (
        shared().run(census, effective_for(census, {"years": 2, "seed": seed}), audits=False)
        for seed in (42, 43)
    )

    assert set(first.events.event_id) != set(other.events.event_id)
    leavers = [set(r.events.query("event_reason == 'voluntary'").employee_id) for r in (first, other)]
    expected = 0.14 * len(leavers[0])  # independent draws share leavers by chance only
    assert len(leavers[0] & leavers[1]) < 3 * expected


def test_i12_a_scenario_changes_no_other(warehouse, census):
    default, changed = (
        effective_for(census, {"years": 2}),
        {"years": 2, "cola_rate": 0.05, "termination_rate": 0.3},
    )
    warehouse.plan("one", census, default).apply()
    before = fingerprints(warehouse.frames("one"))
    warehouse.plan("other", census, effective_for(census, changed)).apply()
    assert fingerprints(warehouse.frames("one")) == before
    assert fingerprints(warehouse.frames("other")) != before
    warehouse.drop("other")
    warehouse.collect()

    assert fingerprints(warehouse.frames("one")) == before


def test_i16_a_scenario_that_changes_nothing_is_the_baseline(warehouse, census):
    """Every lever set to what it is anyway: the same tables, none computed."""
    default = effective_for(census, {"years": 2})
    same = default.with_levers({name: default.value(name) for name in catalogue().levers})
    baseline = warehouse.plan("baseline", census, default).apply()
    unchanged = warehouse.plan("zero_change", census, same).apply()

    assert unchanged.fingerprint == baseline.fingerprint
    assert [name for name in unchanged.models_run if not name.endswith("int_effective_parameters")] == []
    assert fingerprints(warehouse.frames("zero_change")) == fingerprints(warehouse.frames("baseline"))


def lever_sets() -> list[dict[str, float]]:
    """Return random sets of levers within their hard bounds.

    Each lever is in six of them for all years and in four for each year alone.
    """
    random = Random(20261120)
    sets: list[dict[str, float]] = [{} for _ in range(LEVER_SETS)]
    for name, lever in sorted(catalogue().levers.items()):
        forms = ["", "@2026", "@2027"] * 4 + [""] * 2
        for levers, form in zip(random.sample(sets, len(forms)), forms, strict=True):
            levers[f"{name}{form}"] = round(random.uniform(*lever.bounds), 6)
    return sets


@pytest.mark.parametrize("batch", range(BATCHES))
def test_i14_preview_is_the_plan_exactly(warehouse, census, batch):
    """Every KPI of every year, equal to the last bit, for fourteen sets of levers."""
    base = effective_for(census, {"years": 2})
    preview = Preview(shared().settings, census)
    differ = []
    for number, levers in list(enumerate(lever_sets()))[batch::BATCHES]:
        effective = base.with_levers(levers)
        planned = warehouse.plan("trial", census, effective, kpis_only=True).apply().kpis
        previewed = preview.evaluate(effective).kpis
        if [repr(year) for year in planned] != [repr(year) for year in previewed]:
            differ.append((number, levers))
    preview.close()

    assert differ == []


@pytest.mark.parametrize(
    "assumptions",
    [
        {"seed": 7, "headcount_growth": -0.2},
        {"range_maximum_cap": True, "individual_raise_max": 0.03, "merit_date": "02-01"},
        {"turnover_pay_elasticity": 2, "market_movement": 0.05, "termination_rate": 1},
        {"headcount_growth@2027": -1},
    ],
)
def test_i14_preview_is_the_plan_for_assumptions_too(warehouse, census, assumptions):
    check_preview(warehouse, census, assumptions)


def test_i14_preview_is_the_plan_for_awards_and_drift_and_all_invariants_hold(warehouse, census):
    rows = [
        (group, "10_to_14", 1 + n % 5, (n % 40 - 15) / 500)
        for group in ("location: East", "")
        for n in range(90)
    ]
    donors = pd.DataFrame(rows, columns=["award_group", "tenure_band", "level_id", "drift"])
    key = store_rates(shared().settings, {"drift_donors": donors})
    drifting = {"calibrated_rates": key, "awards": "location: East=3.1%", "drift_shift_level_2@2027": 0.01}
    check_preview(warehouse, census, drifting)

    effective = effective_for(census, {"years": 2} | drifting)
    warehouse.plan("trial", census, effective).apply()
    frames = warehouse.frames("trial")
    assert (frames["fct_yearly_events"].event_reason == "DRIFT").sum() > 300
    assert {name: found for name, check in INVARIANTS.items() if (found := check(frames, effective))} == {}


def check_preview(warehouse, census, assumptions):
    effective = effective_for(census, {"years": 2} | assumptions)
    preview = Preview(shared().settings, census)
    planned = warehouse.plan("trial", census, effective, kpis_only=True).apply().kpis
    preview.evaluate(effective.with_levers({"promotion_probability_level_1": 0.2}))
    preview.prepare()  # first without tables of the dynamics, then with them
    both = [preview.evaluate(effective) for _ in range(2)]

    assert [outcome.dynamics_kept for outcome in both] == [False, True]
    for outcome in both:
        assert [repr(year) for year in planned] == [repr(year) for year in outcome.kpis]
    preview.close()
