"""The population stability index by hand and by its closed form, and drift against a release in the gate."""

import json
from math import log

import gate_worlds as worlds
import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from expectations import run_gate
from planwise.monitoring import drift
from planwise.monitoring.drift import (
    EMPTY_BIN_SHARE,
    NOTHING_RELEASED,
    ReleaseProfile,
    population_stability_index,
    release_profile,
    year_profile,
)
from planwise.settings import Settings

SNAPSHOT = "fct_workforce_snapshot"


def test_two_bins_by_hand() -> None:
    reference = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]  # the median 5.5 halves it
    current = [1, 2, 6, 7, 8, 9, 10, 11, 12, 13]  # two of ten below
    by_hand = (0.2 - 0.5) * log(0.2 / 0.5) + (0.8 - 0.5) * log(0.8 / 0.5)
    assert by_hand == pytest.approx(0.41589, abs=1e-5)
    assert population_stability_index(reference, current, bins=2) == pytest.approx(by_hand)


def test_the_same_sample_has_none_and_order_does_not_matter() -> None:
    pay = np.arange(1000.0)
    assert population_stability_index(pay, pay[::-1]) == 0


def test_an_empty_bin_counts_as_the_declared_share() -> None:
    low = EMPTY_BIN_SHARE
    by_hand = (low - 0.5) * log(low / 0.5) + (1 - 0.5) * log(1 / 0.5)
    assert population_stability_index([1, 2, 3, 4], [3, 4, 5, 6], bins=2) == pytest.approx(by_hand)


def test_equal_values_and_missing_values() -> None:
    assert population_stability_index([5, 5, 5], [5, 5], bins=10) == 0
    assert population_stability_index([5, np.nan, 5], [5, np.inf], bins=10) == 0


def test_nothing_to_compare() -> None:
    assert population_stability_index([], [1]) is None
    assert population_stability_index([1], [np.nan]) is None


def test_a_shifted_normal_distribution_has_the_index_of_its_closed_form() -> None:
    """The deciles of N(0, 1) have a tenth each; N(0.3, 1) has Φ(edge - 0.3) below each edge."""
    edges = norm.ppf(np.arange(0.1, 1, 0.1))
    shares = np.diff([0, *norm.cdf(edges - 0.3), 1])
    expected = float(np.sum((shares - 0.1) * np.log(shares / 0.1)))
    reference = norm.ppf((np.arange(200_000) + 0.5) / 200_000)
    assert expected == pytest.approx(0.0861, abs=0.0001)
    assert population_stability_index(reference, reference + 0.3) == pytest.approx(expected, abs=0.0005)


def test_two_samples_of_one_population_differ_by_chance_alone() -> None:
    """By chance the index is about (bins - 1) · (1/n + 1/m)."""
    draw = np.random.default_rng(5)
    found = [population_stability_index(draw.normal(size=2_000), draw.normal(size=1_000)) for _ in range(200)]
    assert np.mean(found) == pytest.approx(9 * (1 / 2_000 + 1 / 1_000), rel=0.1)


def people(
    pay: list[float], levels: list[int], departments: list[str | None], year: int = 2026
) -> pd.DataFrame:
    return pd.DataFrame(
        {"simulation_year": year, "employment_status": "continuous_active", "base_pay": pay,
         "level_id": levels, "department": departments}
    )  # fmt: skip


def test_levels_and_departments_by_hand() -> None:
    before = people([1.0] * 10, [1] * 5 + [2] * 5, ["a"] * 8 + [None] * 2)
    now = people([1.0] * 10, [1] * 4 + [2] * 6, ["a"] * 8 + [None] * 2)
    profile = year_profile(before)
    assert profile is not None
    (row,) = ReleaseProfile({2026: profile}).drift(now)
    by_hand = (0.4 - 0.5) * log(0.4 / 0.5) + (0.6 - 0.5) * log(0.6 / 0.5)
    assert (row["simulation_year"], row["population"], row["pay_psi"]) == (2026, 10, 0)
    assert row["level_id_psi"] == pytest.approx(by_hand) == pytest.approx(0.0405, abs=1e-4)
    assert (row["department_psi"], row["reason"]) == (0, "")


def test_a_year_that_the_release_has_not_says_so() -> None:
    profile = year_profile(people([1.0], [1], ["a"]))
    assert profile is not None
    (row,) = ReleaseProfile({2026: profile}).drift(people([1.0], [1], ["a"], year=2031))
    assert (row["pay_psi"], row["reason"]) == (None, "2031 is not a year of the release")


def profile_of(marts: dict[str, pd.DataFrame]) -> ReleaseProfile:
    rows = marts[SNAPSHOT]
    active = rows[rows["employment_status"].isin(drift.ACTIVE) & (rows["simulation_year"] > 0)]
    years = {int(year): year_profile(group) for year, group in active.groupby("simulation_year")}
    return ReleaseProfile({year: found for year, found in years.items() if found is not None})


def test_a_result_like_the_release_passes_and_one_that_moved_is_a_warning() -> None:
    marts = worlds.marts((1200, 1200, 1200))
    release = profile_of(marts)
    same = run_gate("simulation", marts, release=release)
    drifts = {check.expectation: check.observed for check in same.results if check.table == "release_drift"}
    assert set(map(tuple, drifts.values())) == {(0, 0)} and len(drifts) == 6
    moved = marts[SNAPSHOT].assign(department="Elsewhere", base_pay=marts[SNAPSHOT]["base_pay"] * 1.001)
    found = run_gate("simulation", {**marts, SNAPSHOT: moved}, release=release)
    failed = {check.expectation: check for check in found.failed if check.table == "release_drift"}
    assert set(failed) == {"release_department_moderate_drift", "release_department_major_drift"}
    assert {check.severity for check in failed.values()} == {"warning"}
    assert failed["release_department_major_drift"].sample[0]["simulation_year"] == 2026


def test_without_a_release_there_is_a_reason_and_no_figure(tmp_path) -> None:
    release = release_profile(Settings(home=tmp_path))
    assert (release.years, release.reason) == ({}, NOTHING_RELEASED)
    result = run_gate("simulation", worlds.marts((1200, 1200)), release=release)
    checks = [check for check in result.results if check.table == "release_drift"]
    assert {(check.observed, check.reason, check.success) for check in checks} == {
        (None, NOTHING_RELEASED, True)
    }
    assert f"observed nothing ({NOTHING_RELEASED})" in checks[0].summary()


def test_no_result_has_pay_of_a_person() -> None:
    secret = 98_765_432.1
    marts = worlds.marts((120, 120))
    snapshot = marts[SNAPSHOT].copy()
    snapshot.loc[snapshot.index[3], ["base_pay", "prorated_pay", "compa_ratio"]] = -secret
    events = marts["fct_yearly_events"].copy()
    events.loc[events.index[3], ["compensation_amount", "applied_rate"]] = -secret
    result = run_gate("simulation", {**marts, SNAPSHOT: snapshot, "fct_yearly_events": events})
    assert {"workforce_pay_positive", "event_pay_positive"} <= {check.expectation for check in result.failed}
    census = worlds.census().assign(base_pay=[-secret, *worlds.census()["base_pay"][1:]])
    blocked = run_gate("census", census, **worlds.CENSUS_CONTEXT)
    for found in (result, blocked):
        for content in (found.as_json(), found.as_table(), found.validations_json()):
            assert "98765432" not in (text := json.dumps(content, default=str)) and "9.87654" not in text
    (of_people,) = [one for one in blocked.validations if one["suite_name"] == "census"]
    rows = of_people["results"]
    (own,) = [r for r in rows if r["expectation_config"]["meta"]["rule"] == "base_pay_positive"]
    assert own["result"]["partial_unexpected_index_list"] == [{"employee_id": "E00000"}]
    assert own["result"]["unexpected_count"] == 1 and not own["success"]
    assert of_people["statistics"]["evaluated_expectations"] == len(rows)
