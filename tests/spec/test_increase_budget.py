# ruff: noqa: E501 - arithmetic is read in one line
"""The increase budget, the promotion budget and the turnovers: every figure of small years by hand."""

from datetime import date

import pytest
from worlds import STILL, employee, world

LEVERS = STILL | {
    "cola_rate": 0.02,
    "merit_rate_level_1": 0.04,
    "merit_rate_level_2": 0.06,
    "merit_min_tenure_years": 1,
    "range_maximum_cap": True,
}
# K leaves on 20 April, between the COLA and the merit date, U on 24 October, after both; two hires replace them.
PEOPLE = [
    employee("B", base_pay=50_000, fte=0.5),
    employee("C", base_pay=58_000, department="Field"),  # level 1 ends at 60,000
    employee("E", base_pay=40_000, hire_date=date(2025, 10, 1)),  # not eligible for merit on 1 July
    employee("K", base_pay=45_000),
    employee("U", base_pay=48_000, department="Field"),
]
COLA = {"B": 500.00, "C": 1_160.00, "E": 800.00, "K": 900.00, "U": 960.00}  # 2 % x FTE
MERIT = {"B": 1_020.00, "C": 840.00, "U": 1_958.40}  # 4 % of 51,000 at half time, 59,160 up to 60,000, 48,960
LUMP_SUM = 1_526.40  # the rest of C's 2,366.40
IN_YEAR = (
    COLA["B"] + COLA["C"] + COLA["E"] + LUMP_SUM
    + (COLA["K"] * 110 + COLA["U"] * 297 + (MERIT["B"] + MERIT["C"]) * 184 + MERIT["U"] * 116) / 365
)  # fmt: skip


@pytest.fixture(scope="module")
def result():
    return world(PEOPLE, LEVERS | {"termination_rate": 0.3})


def by_group(result, attribute):
    rows = result.increase_budget[result.increase_budget.attribute == attribute]
    return rows.set_index("group").sort_index()


def test_increase_budget(result):
    """COLA 4,320 of 216,000 at the opening; merit 3,818.40 and a lump sum, of 174,420 employed on 1 July."""
    year = result.budget.iloc[0]

    assert (year.cola_cost, year.merit_cost, year.lump_sum_cost) == (4_320.00, 3_818.40, LUMP_SUM)
    assert year.increase_cost == 9_664.80
    assert year.increase_rate == pytest.approx(0.02 + 5_344.80 / 174_420, abs=1e-15)
    assert year.opening_payroll == 216_000.00
    assert year.increase_share_of_opening_payroll == pytest.approx(9_664.80 / 216_000, abs=1e-15)
    assert year.increase_cost_in_year == pytest.approx(IN_YEAR, abs=1e-6)


def test_payroll_change_is_explained_by_the_same_costs(result):
    """K leaves with 45,900.00, U with 50,918.40, raises of the year included."""
    year = result.budget.iloc[0]

    assert year.exit_savings == 96_818.40
    assert year.payroll_change == pytest.approx(4_320 + 3_818.40 + year.hire_cost - 96_818.40, abs=1e-6)


def test_a_group_has_its_own_budget(result):
    """Field: C and U, 106,000 at the opening and 108,120 on both dates."""
    departments = by_group(result, "department")
    field = departments.loc["Field"]

    assert list(departments.index) == ["Field", "Ops"]
    assert (field.headcount, field.opening_payroll) == (2, 106_000.00)
    assert field.increase_cost == 6_444.80  # COLA of C and U, merit and lump sum of C, merit of U
    assert field.increase_rate == pytest.approx(0.02 + 0.04, abs=1e-15)  # both are eligible
    assert departments.increase_cost.sum() == pytest.approx(9_664.80, abs=1e-9)


def test_kpis_say_the_same(result):
    kpi, year = result.kpi(), result.budget.iloc[0]

    for name in (
        "increase_rate",
        "increase_cost",
        "increase_cost_in_year",
        "lump_sum_cost",
        "promotion_cost",
    ):
        assert kpi[name] == year[name]
    assert kpi["turnover_total"] == pytest.approx(2 / 5, abs=1e-15)
    assert kpi["turnover_voluntary"] == pytest.approx(2 / 5, abs=1e-15)
    assert (kpi["hires"], kpi["turnover_first_year"]) == (2, 0)


def test_a_merit_lever_reads_as_the_budget_where_all_are_eligible():
    result = world([employee("A"), employee("B", base_pay=42_000)], LEVERS | {"cola_rate": 0.01})

    assert result.kpi()["increase_rate"] == pytest.approx(0.01 + 0.04, abs=1e-15)


def test_promotions_are_a_budget_of_their_own():
    """F rises on 1 April: 51,000 x 1.085 = 55,335, lifted to 60,000; its merit is then of level 2."""
    levers = LEVERS | {"promotion_probability_level_1": 0.05, "promotion_raise_level_1": 0.085}
    result = world([employee("F"), employee("B", level_id=2, base_pay=70_000)], levers)
    budget, levels = result.budget.iloc[0], by_group(result, "level")

    assert (budget.promotion_cost, budget.opening_payroll) == (9_000.00, 120_000.00)
    assert budget.promotion_rate_of_payroll == pytest.approx(9_000 / 120_000, abs=1e-15)
    assert list(levels.promotions) == [1, 0] and list(levels.promotion_cost) == [9_000.00, 0]
    assert list(levels.cola_cost) == [1_000.00, 1_400.00]
    assert list(levels.merit_cost) == [0, 7_884.00]  # 6 % of 60,000 and 71,400
    assert levels.increase_rate.to_dict() == pytest.approx({"1": 0.02, "2": 0.08}, abs=1e-15)


def test_first_year_turnover_counts_the_first_twelve_months():
    """K was hired on 1 May 2025 and leaves on 20 April 2026; a day later it would be in its second year."""
    levers = LEVERS | {"termination_rate": 0.5}
    found = [
        world([employee("B"), employee("K", hire_date=day)], levers, as_of=date(2025, 12, 31)).kpi()
        for day in (date(2025, 4, 21), date(2025, 4, 20))
    ]

    assert [kpi["turnover_first_year"] for kpi in found] == [1, 0]


def test_without_incumbents_there_is_no_budget():
    result = world([employee()], LEVERS | {"headcount_growth": -1, "years": 2})
    empty = result.budget.set_index("simulation_year").loc[2027]

    assert empty.increase_cost == empty.increase_cost_in_year == empty.promotion_cost == 0
    rates = ["increase_rate", "increase_share_of_opening_payroll", "promotion_rate_of_payroll"]
    assert empty[rates].isna().all()
    assert (
        result.scenario_kpis.set_index("simulation_year")
        .loc[2027, ["turnover_total", "turnover_first_year"]]
        .isna()
        .all()
    )
