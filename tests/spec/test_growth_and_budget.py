# ruff: noqa: E501 - arithmetic is read in one line
"""Growth, the bridge that explains it, and the budget: every figure of one small year by hand."""

import pytest
from worlds import STILL, employee, world

# D leaves (draw .032 of a rate of 5 %) and is replaced by a hire at 50,000 who copies D, the only recent hire.
PEOPLE = [
    employee("A", base_pay=50_000, fte=0.5),
    employee("B", base_pay=55_000),
    employee("C", base_pay=45_000),
    employee("D", base_pay=58_000, hire_date="2024-01-01"),
]
LEVERS = STILL | {
    "termination_rate": 0.05,
    "cola_rate": 0.02,
    "merit_rate_level_1": 0.04,
    "hire_range_position": 0.5,
    "hire_range_spread": 0,
    "new_hire_salary_adjustment": 1,
}


@pytest.fixture(scope="module")
def result():
    return world(PEOPLE, LEVERS)


def test_growth_and_its_bridge(result):
    """Means: 52,000 at the opening; of A, B, C 50,000, then + 1,000 + 2,040 = 53,040; of all at the close 52,280."""
    year = result.compensation_growth.set_index("simulation_year").loc[2026]

    assert (year.headcount, year.mean_base_pay) == (4, 52_280.00)
    assert year.growth_all == pytest.approx(280 / 52_000, abs=1e-15)
    assert year.growth_continuing == pytest.approx(3_040 / 50_000, abs=1e-15)
    bridge = {part: year[f"bridge_{part}"] for part in ("exits", "cola", "merit", "promotion", "hires")}
    assert bridge == pytest.approx(
        {
            "exits": -2_000 / 52_000,
            "cola": 1_000 / 52_000,
            "merit": 2_040 / 52_000,
            "promotion": 0,
            "hires": -760 / 52_000,  # 52,280 against 53,040
        },
        abs=1e-15,
    )


def test_budget_is_weighted_by_fte(result):
    """A works half time: COLA 500 + 1,100 + 900 + 1,160 of D, merit 1,020 + 2,244 + 1,836; D leaves before it."""
    year = result.budget.set_index("simulation_year").loc[2026]

    parts = year[["cola_cost", "merit_cost", "promotion_cost", "hire_cost", "exit_savings", "payroll_change"]]
    assert parts.to_dict() == {
        "cola_cost": 3_660.00,
        "merit_cost": 5_100.00,
        "promotion_cost": 0,
        "hire_cost": 50_000.00,
        "exit_savings": 59_160.00,  # D's pay after the COLA
        "payroll_change": -400.00,
    }
    payroll = result.compensation_growth.set_index("simulation_year").payroll
    assert (payroll[0], payroll[2026]) == (183_000.00, 182_600.00)


def test_year_zero_is_the_census(result):
    year = result.compensation_growth.set_index("simulation_year").loc[0]

    assert (year.headcount, year.mean_base_pay, year.payroll) == (4, 52_000.00, 183_000.00)
    assert year[["growth_all", "growth_continuing", "growth_prorated", "bridge_exits"]].isna().all()
    assert year.prorated_payroll == 183_000.00


def test_kpis_say_the_same(result):
    kpi = result.kpi()

    assert kpi["growth_compound"] == pytest.approx(280 / 52_000, abs=1e-15)
    assert kpi["median_base_pay"] == 51_520.00  # 47,736, 50,000, 53,040, 58,344
    assert (kpi["raise_min"], kpi["raise_max"]) == pytest.approx((0.0608, 0.0608), abs=1e-12)
    assert (kpi["termination_rate"], kpi["promotion_rate"]) == (0.25, 0)
    assert kpi["mean_compa_ratio"] == pytest.approx(52_280 / 50_000, abs=1e-9)


def test_compound_growth_is_a_year_over_the_horizon():
    """Two years of 1.02 x 1.04 on one person: 1.0608 a year."""
    result = world([employee()], LEVERS | {"years": 2, "termination_rate": 0})

    assert result.pay("A", 2027) == 56_264.83  # 53,040 x 1.02 = 54,100.80, x 1.04 = 56,264.832
    assert result.kpi(2027)["growth_compound"] == pytest.approx((56_264.83 / 50_000) ** 0.5 - 1, abs=1e-15)


def test_an_empty_company_has_no_growth():
    result = world([employee()], LEVERS | {"headcount_growth": -1})

    year = result.compensation_growth.set_index("simulation_year").loc[2026]
    assert year.headcount == 0 and year.payroll == 0
    assert year[["mean_base_pay", "growth_all", "growth_continuing", "bridge_exits"]].isna().all()
    assert result.budget.exit_savings[0] == 51_000 and result.budget.payroll_change[0] == -50_000


def test_total_cash_and_employer_cost_are_rates_by_level_on_the_payroll():
    """50,000 at half time and 30 % on top of a bonus of 10 %; 80,000 with neither."""
    rates = {"bonus_rate_level_1": 0.1, "employer_cost_rate_level_1": 0.3, "merit_rate_level_1": 0.01}
    people = [employee("A", base_pay=50_000, fte=0.5), employee("B", level_id=2, base_pay=80_000)]
    levers = STILL | rates | {"cola_rate": 0.02, "merit_rate_level_2": 0.01}
    with_rates, without = (world(people, levers | {"bonus_rate_level_1": bonus}) for bonus in (0.1, 0))
    payroll = without.kpi()["payroll"]

    low, high = 25_755.00, 82_416.00  # 2 % and 1 % more
    assert payroll == low + high
    kpi, year = with_rates.kpi(), with_rates.budget.iloc[0]
    assert (kpi["total_cash"], kpi["employer_cost"]) == pytest.approx((low * 1.1 + high, low * 1.43 + high))
    assert (year.total_cash, year.employer_cost) == (kpi["total_cash"], kpi["employer_cost"])
    assert without.kpi()["total_cash"] == payroll
    assert without.kpi()["employer_cost"] == pytest.approx(low * 1.3 + high)
