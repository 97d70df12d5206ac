import time

import numpy as np
import pandas as pd
import pytest

from planwise.census import SyntheticOptions, default_levels, generate_census
from planwise.census.registry import census_table, levels_table
from planwise.census.synthetic import synthetic_profile, synthetic_rows
from planwise.errors import InputError


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return synthetic_rows(100_000, 7, SyntheticOptions())


def test_same_seed_same_census_other_seed_another(settings):
    hashes = [
        generate_census(settings, employees=500, seed=s, name=n).content_hash
        for s, n in ((1, "a"), (1, "b"), (2, "c"))
    ]
    assert hashes[0] == hashes[1] != hashes[2]
    other = generate_census(
        settings, employees=500, seed=1, options=SyntheticOptions(gender_pay_gap_rate=0.0)
    )
    assert other.content_hash != hashes[0] and all(other.availability.values())


def test_the_mix_is_exact(rows):
    assert rows["level_id"].value_counts(normalize=True).sort_index().tolist() == [
        0.40,
        0.30,
        0.18,
        0.09,
        0.03,
    ]


def test_pay_is_in_its_level_s_half_open_range(rows):
    ranges = default_levels().set_index("level_id")
    assert (rows["base_pay"] >= rows["level_id"].map(ranges["minimum"])).all()
    assert (rows["base_pay"] < rows["level_id"].map(ranges["maximum"])).all()


def test_default_spreads_are_45_to_60_percent_and_contiguous():
    ranges = default_levels()
    assert (ranges["maximum"] / ranges["minimum"] - 1).between(0.45, 0.60).all()
    levels_table(ranges)


@pytest.mark.parametrize("gap", [0.03, 0.0, 0.10, -0.05])
def test_women_are_paid_less_by_the_gap_within_a_level(gap):
    rows = synthetic_rows(100_000, 3, SyntheticOptions(gender_pay_gap_rate=gap))
    means = rows.groupby(["level_id", "gender"])["base_pay"].mean().unstack()
    realised = 1 - means["F"] / means["M"]
    assert np.average(realised, weights=[0.40, 0.30, 0.18, 0.09, 0.03]) == pytest.approx(gap, abs=0.003)


def test_age_and_tenure_belong_together(rows):
    as_of = pd.Timestamp("2025-12-31")
    age = (as_of - rows["birth_date"]).dt.days / 365.25
    tenure = (as_of - rows["hire_date"]).dt.days / 365.25
    assert age.corr(tenure) > 0.4
    assert (age - tenure).min() >= 18 and age.max() <= 75 and tenure.min() >= 0
    assert tenure.groupby(rows["level_id"]).mean().is_monotonic_increasing


def test_titles_follow_department_and_level_and_part_timers_are_few(rows):
    assert (rows.groupby(["department", "level_id"])["job_title"].nunique() == 1).all()
    assert rows["department"].nunique() == 8
    assert 0.03 < (rows["fte"] < 1).mean() < 0.05
    assert set(rows["performance_rating"]) == {1, 2, 3, 4, 5}


def test_declared_shares_sum_to_one():
    profile = synthetic_profile()
    shares = [profile["level_mix"], profile["rating_mix"], list(profile["ethnicity_mix"].values())]
    shares.append([d["share"] for d in profile["departments"].values()])
    assert [round(sum(s), 9) for s in shares] == [1, 1, 1, 1]


@pytest.mark.parametrize("employees", [1, 2, 3, 7, 99])
def test_small_worlds(employees):
    assert census_table(synthetic_rows(employees, 1, SyntheticOptions())).num_rows == employees


@pytest.mark.parametrize(("employees", "seed"), [(0, 1), (-1, 1), (1_000_001, 1), (5, -1)])
def test_limits(employees, seed):
    with pytest.raises(InputError):
        synthetic_rows(employees, seed, SyntheticOptions())
    with pytest.raises(InputError, match="outside"):
        SyntheticOptions(gender_pay_gap_rate=0.5)


def test_a_hundred_thousand_take_about_a_second(settings):
    start = time.perf_counter()
    generate_census(settings, employees=100_000)
    assert time.perf_counter() - start < 5  # 0.3 s alone on two cores; the bound is for a busy machine
