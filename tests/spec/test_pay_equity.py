# ruff: noqa: E501 - arithmetic is read in one line
"""Pay gaps in log pay: raw, and within level x department x tenure band; small groups are not shown."""

from math import log

import pytest
from worlds import STILL, employee, world


def people(group, count, pay, department="Ops", **facts):
    start = 1000 * (department == "Lab") + 2000 * (group == "F")
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


def test_the_largest_group_of_the_census_is_the_reference():
    men = gaps(MIXED).loc["M"]

    assert (men.headcount, men.raw_gap, men.adjusted_gap) == (11, 0, 0)


def test_a_cell_without_the_other_group_does_not_count():
    """Only Ops has both: the adjusted gap is that of Ops."""
    rows = [*people("M", 11, 50_000), *people("F", 4, 45_000), *people("F", 6, 55_000, "Lab")]

    assert gaps(rows).loc["F"].adjusted_gap == pytest.approx(log(50_000 / 45_000), abs=1e-9)


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
    leaving |= {"termination_multiplier_tenure_under_1": 20, "termination_multiplier_tenure_6_to_10": 0.01}
    tables = world(rows, STILL | leaving).pay_equity
    after = tables[tables.simulation_year == 2026].set_index("group")

    assert list(after.index) == ["F"] and after.loc["F"].headcount == 12
    assert after[["raw_gap", "adjusted_gap"]].isna().all(axis=None)


def test_nothing_is_said_where_the_census_knows_nothing():
    assert len(world([employee(f"E{n}") for n in range(20)], STILL).pay_equity) == 0


def test_the_kpi_is_the_largest_adjusted_gap_in_either_direction():
    """Women 5 % more: the gap is negative, the KPI its size."""
    rows = [*people("M", 11, 50_000), *people("F", 10, 52_500)]
    result = world(rows, STILL)

    assert result.kpi()["adjusted_gap_max"] == pytest.approx(log(1.05), abs=1e-6)


def test_cells_of_thousands_have_a_gap_too():
    """Weight 2,000 x gap .51 has more digits than 18 at the scales that are summed."""
    rows = [employee(f"M{n}", gender="M") for n in range(4_001)]
    rows += [employee(f"F{n}", gender="F", base_pay=30_000) for n in range(4_000)]

    assert gaps(rows).loc["F"].adjusted_gap == pytest.approx(log(50_000 / 30_000), abs=1e-9)
