# ruff: noqa: E501 - arithmetic is read in one line
"""Pay gaps in log pay: raw, and within level x department x tenure band; small groups are not shown."""

from math import isnan, log

import pytest
from worlds import STILL, employee, world


def people(group, count, pay, department="Ops", **facts):
    start = 1000 * (department == "Lab") + 2000 * "MFX".index(group)
    return [
        employee(f"E{start + n}", gender=group, base_pay=pay, department=department, **facts)
        for n in range(count)
    ]


def gaps(rows, year=0, attribute="gender"):
    equity = world(rows, STILL).pay_equity
    return equity[(equity.simulation_year == year) & (equity.attribute == attribute)].set_index("group")


MIXED = [
    *people("M", 6, 50_000),
    *people("F", 4, 45_000),
    *people("M", 5, 58_000, "Lab"),
    *people("F", 6, 55_000, "Lab"),
]


def test_raw_and_adjusted_gap():
    """Ops: 6 and 4 people, weight 24 / 10; Lab: 5 and 6, weight 30 / 11."""
    women = gaps(MIXED).loc["F"]

    men = (6 * log(50_000) + 5 * log(58_000)) / 11
    assert women.raw_gap == pytest.approx(men - (4 * log(45_000) + 6 * log(55_000)) / 10, abs=1e-11)
    ops, lab = log(50_000 / 45_000), log(58_000 / 55_000)
    assert women.adjusted_gap == pytest.approx((2.4 * ops + 30 / 11 * lab) / (2.4 + 30 / 11), abs=1e-7)
    assert (women.headcount, women.mean_base_pay) == (10, 51_000.00)


@pytest.mark.parametrize(
    ("attribute", "names", "reference"),
    [
        ("gender", "MF", "M"),
        ("gender", "FM", "M"),  # men, although they are fewer
        ("gender", "XF", "X"),
        ("ethnicity", "FM", "F"),
    ],
)
def test_the_reference_is_men_and_otherwise_the_largest_group_and_has_no_gap(attribute, names, reference):
    larger, smaller = names
    rows = [employee(f"E{n}", **{attribute: larger if n < 12 else smaller}) for n in range(22)]
    found = gaps(rows, attribute=attribute)
    other = names.replace(reference, "")

    assert found.loc[reference][["raw_gap", "adjusted_gap"]].isna().all()
    assert found.loc[reference].adjusted_gap_reason == "reference"
    assert tuple(found.loc[other][["raw_gap", "adjusted_gap"]]) == pytest.approx((0, 0), abs=1e-9)


@pytest.mark.parametrize(("comparable", "reason"), [(10, None), (9, "few_comparable"), (0, "few_comparable")])
def test_a_gap_needs_ten_comparable_people_of_both_groups(comparable, reason):
    """Only Ops has both; in Lab, where women earn more, there are no men. The same with the groups' parts exchanged."""
    there, elsewhere = people("F", comparable, 45_000), people("F", 12, 55_000, "Lab")
    women = gaps([*people("M", 11, 50_000), *there, *elsewhere]).loc["F"]
    swapped = {"M": "F", "F": "M"}
    rows = [*people("M", 11, 50_000), *there, *elsewhere]
    other = gaps([row | {"gender": swapped[row["gender"]]} for row in rows]).loc["F"]

    for found, sign in ((women, 1), (other, -1)):
        assert found.adjusted_gap_reason == reason
        if reason is None:
            assert found.adjusted_gap == pytest.approx(sign * log(50_000 / 45_000), abs=1e-9)
        else:
            assert isnan(found.adjusted_gap) and not isnan(found.raw_gap)


def test_tenure_bands_separate():
    """Equal pay within each band; the raw gap comes from tenure only."""
    recent = {"hire_date": "2025-06-01"}
    rows = [*people("M", 9, 58_000), *people("F", 4, 58_000)]
    rows += [*people("M", 2, 42_000, "Lab", **recent), *people("F", 6, 42_000, "Lab", **recent)]
    rows = [row | {"department": "Ops"} for row in rows]
    women = gaps(rows).loc["F"]

    assert women.adjusted_gap == pytest.approx(0, abs=1e-12)
    assert women.raw_gap > 0.1


@pytest.mark.parametrize(("women", "shown"), [(9, False), (10, True)])
def test_groups_under_ten_are_not_shown(women, shown):
    rows = [*people("M", 12, 50_000), *people("F", women, 45_000)]

    assert ("F" in gaps(rows).index) is shown


def test_without_ten_of_the_reference_group_there_is_no_gap():
    """The thirteen men, all recent and thus certain to leave, are the census's largest group and gone at the close."""
    rows = [*people("M", 13, 50_000, hire_date="2025-06-01"), *people("F", 12, 45_000)]
    leaving = {"termination_rate": 13 / 25, "headcount_growth": -13 / 25}
    leaving |= {"termination_multiplier_tenure_under_1": 20, "termination_multiplier_tenure_5_to_6": 0.01}
    tables = world(rows, STILL | leaving).pay_equity
    after = tables[tables.simulation_year == 2026].set_index("group")

    assert list(after.index) == ["F"] and after.loc["F"].headcount == 12
    assert after[["raw_gap", "adjusted_gap"]].isna().all(axis=None)
    assert after.loc["F"].adjusted_gap_reason == "small_group"


def test_nothing_is_said_where_the_census_knows_nothing():
    assert len(world([employee(f"E{n}") for n in range(20)], STILL).pay_equity) == 0


def test_the_kpi_is_the_largest_adjusted_gap_in_either_direction():
    """Women 5 % more: the gap is negative, the KPI its size."""
    rows = [*people("M", 11, 50_000), *people("F", 10, 52_500)]
    result = world(rows, STILL)

    assert result.kpi()["adjusted_gap_max"] == pytest.approx(log(1.05), abs=1e-6)


def test_the_median_gap_is_the_share_of_mens_median():
    """Men 48,000, 50,000 x 10, 60,000; women 40,000 x 6, 46,000 x 6: medians 50,000 and 43,000, .14 less."""
    men = [*people("M", 10, 50_000), *people("M", 1, 48_000, "Lab"), *people("M", 1, 60_000, "Law")]
    men = [row | {"employee_id": f"M{n}"} for n, row in enumerate(men)]
    rows = [*men, *people("F", 6, 40_000), *people("F", 6, 46_000, "Lab")]
    kpi = world(rows, STILL).kpi()  # everyone is raised by the same rates

    assert kpi["median_gap"] == pytest.approx(0.14, abs=1e-6) and kpi["median_gap_reason"] is None


def both(women, **facts):
    """Return 36 men in Ops at 60,000, and these women at 40,000."""
    return [*people("M", 36, 60_000), *people("F", women, 40_000, **facts)]


def known_ethnicity(rows):
    """Return the rows with two ethnicities that can be compared in every cell."""
    return [
        row | {"ethnicity": "AB"[n % 2], "base_pay": row["base_pay"] + n % 2} for n, row in enumerate(rows)
    ]


UNMEASURED = [
    ("one sex", people("F", 40, 50_000), {}, "one_group", "one_group"),
    ("four women among forty", both(4), {}, "small_group", "small_group"),
    ("nine men", people("F", 40, 50_000) + people("M", 9, 50_000), {}, "small_group", "small_group"),
    ("no gender", [employee(f"E{n}") for n in range(40)], {}, "no_groups", "no_gender"),
    ("no one in the same department", both(20, department="Lab"), {}, "few_comparable", None),
    ("nobody of one level", both(20, level_id=2), {}, "few_comparable", None),
    ("nobody of one tenure", both(20, hire_date="2025-06-01"), {}, "few_comparable", None),
    ("everyone gone", both(20), {"termination_rate": 1, "headcount_growth": -1}, "no_people", "no_people"),
    ("four women, other genders", both(4) + people("X", 12, 60_000), {}, "small_group", "small_group"),
    (
        "no gender known",
        known_ethnicity([employee(f"E{n}") for n in range(40)]),
        {},
        "no_gender",
        "no_gender",
    ),
    *(
        (f"{name}, ethnicity known", known_ethnicity(rows), changes, adjusted, medians)
        for name, rows, changes, adjusted, medians in [
            ("one sex", people("F", 40, 50_000), {}, "one_group", "one_group"),
            ("four women", both(4), {}, "small_group", "small_group"),
            ("no one in the same department", both(20, department="Lab"), {}, "few_comparable", None),
        ]
    ),
    (
        "neither women nor men",
        [row | {"gender": "X" if row["gender"] == "F" else "Y"} for row in both(20)],
        {},
        None,
        "one_group",
    ),
]


@pytest.mark.parametrize(
    ("rows", "changes", "adjusted", "of_medians"),
    [case[1:] for case in UNMEASURED],
    ids=[c[0] for c in UNMEASURED],
)
def test_a_gap_that_cannot_be_measured_is_null_and_says_why(rows, changes, adjusted, of_medians):
    kpi = world(rows, STILL | changes).kpi()

    for gap, value, reason in (
        ("adjusted_gap", "adjusted_gap_max", adjusted),
        ("median_gap", "median_gap", of_medians),
    ):
        assert kpi[f"{gap}_reason"] == reason
        assert isnan(kpi[value]) is (reason is not None)


def test_cells_of_thousands_have_a_gap_too():
    """Weight 2,000 x gap .51 has more digits than 18 at the scales that are summed."""
    rows = [employee(f"M{n}", gender="M") for n in range(4_001)]
    rows += [employee(f"F{n}", gender="F", base_pay=30_000) for n in range(4_000)]

    assert gaps(rows).loc["F"].adjusted_gap == pytest.approx(log(50_000 / 30_000), abs=1e-9)
