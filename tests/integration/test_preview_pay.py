"""A preview's pay of every person is a plan's int_pay, to the cent, whatever was previewed before."""

import pandas as pd
import pytest
from worlds import STILL, effective_for, employee, shared

from planwise.census import generate_census
from planwise.engine.preview import PAY_NAMES, Preview
from planwise.engine.warehouse import Warehouse
from planwise.errors import InputError
from planwise.parameters.calibrated_rates import store_rates

COLUMNS = list(PAY_NAMES)
LEVERS = {"cola_rate": 0.031, "merit_rate_level_2": 0.05}
MOVED = {"promotion_probability_level_1": 0.2, "new_hire_salary_adjustment": 1.25}


@pytest.fixture(scope="module")
def census():
    return generate_census(shared().settings, employees=300, seed=11)


@pytest.fixture(scope="module")
def planned(census):
    """Return a function from parameters to the int_pay and the budget by group of a plan."""
    warehouse = Warehouse(":memory:", shared().settings)

    def of(effective):
        warehouse.plan("pay", census, effective).apply()
        columns = ", ".join(COLUMNS[:-1])
        query = (
            f"SELECT {columns}, CAST(base_pay AS DOUBLE) AS base_pay "
            "FROM planwise.intermediate__pay.int_pay ORDER BY simulation_year, employee_id"
        )
        cursor = warehouse.cursor()
        budget = "SELECT * FROM planwise.marts__pay.fct_increase_budget ORDER BY ALL"
        return cursor.execute(query).df(), cursor.execute(budget).df()

    yield of
    warehouse.close()


def test_the_pay_of_a_preview_is_the_plans(census, planned):
    preview = Preview(shared().settings, census)
    departments = pd.read_parquet(census.census_file, columns=["department"])["department"].unique()
    part = pd.DataFrame({"dimension": "department", "key": departments, "multiplier": 2.0})
    part = part.assign(lower_bound=None, upper_bound=None, heads=1, events=1)
    part.loc[0, "multiplier"] = 0.25
    rates = store_rates(shared().settings, {"exit_multipliers": part})
    base = effective_for(census, {"years": 3, "calibrated_rates": rates, "termination_rate@2027": 0.2})
    try:
        for levers in (LEVERS, MOVED, {}):
            effective = base.with_levers(levers)
            kpis = preview.evaluate(effective).kpis
            pay = preview.pay(effective)
            pd.testing.assert_frame_equal(pay, planned(effective)[0])
            active = pay[pay.is_active]
            assert [len(active[active.simulation_year == row["simulation_year"]]) for row in kpis] == [
                row["headcount"] for row in kpis
            ]
        assert list(pay.columns) == COLUMNS
    finally:
        preview.close()


def test_dynamics_passed_by_without_tables_give_the_figures_of_tables(census):
    """And a seed stays a whole number in both, whatever holds it."""
    preview = Preview(shared().settings, census)
    base = effective_for(census, {"years": 3})
    other_seed = effective_for(census, {"years": 3, "seed": 2_147_483_647})
    try:
        preview.evaluate(base)
        assert preview.can_prepare
        preview.prepare()
        assert not preview.can_prepare
        for effective in (base.with_levers(MOVED), other_seed):
            passed, kept, reused = (preview.evaluate(effective) for _ in range(3))
            assert (passed.dynamics_kept, kept.dynamics_kept) == (False, True)
            assert [o.dynamics_reused for o in (passed, kept, reused)] == [False, False, True]
            assert passed.kpis == kept.kpis == reused.kpis
        back = preview.evaluate(base)
        again = [preview.evaluate(base, passing=True) for _ in range(2)]  # a draw of an ensemble
        assert [o.dynamics_kept for o in (back, *again)] == [False] * 3
        assert back.kpis == again[0].kpis == again[1].kpis
    finally:
        preview.close()


def test_pay_needs_no_evaluation_before_it(census, planned):
    effective = effective_for(census, {"years": 2, "merit_date": "02-01", "promotion_date": "09-01"})
    preview = Preview(shared().settings, census)
    try:
        pd.testing.assert_frame_equal(preview.pay(effective), planned(effective)[0])
    finally:
        preview.close()


def test_hires_cannot_enter_a_level_the_census_does_not_have():
    """The world's census has levels 1 to 3."""
    census = shared().census([employee(), employee("B", level_id=2, base_pay=70_000)])
    shares = {f"new_hire_level_share_{level}": 0.25 if level != 4 else 0 for level in (1, 2, 3, 4, 5)}
    effective = effective_for(census, {"years": 1, **shares})
    preview, warehouse = Preview(shared().settings, census), Warehouse(":memory:", shared().settings)
    try:
        for ask in (lambda: preview.evaluate(effective), lambda: warehouse.plan("x", census, effective)):
            with pytest.raises(InputError, match=r"new_hire_level_share_5 above 0: .* levels \[1, 2, 3\]"):
                ask()
        assert preview.evaluate(effective_for(census, {"years": 1})).kpis
    finally:
        preview.close()
        warehouse.close()


IN_GROUPS = {
    "people": "headcount",
    "increase_rate": "increase_rate",
    "merit_pool": "merit_pool",
    "below": "promoted_below_range",
}


def test_the_groups_of_a_preview_are_the_plans_budget_and_its_cells_sum_to_it(census, planned):
    base = effective_for(
        census, {"years": 2, "merit_groups": "department: Engineering=x1.5", "range_maximum_cap": True}
    )
    groups = "department: Finance=+0.5pp; Engineering=x0.9"
    other = base.with_assumptions({f"merit_groups@{base.years[-1]}": groups})
    preview = Preview(shared().settings, census)
    try:
        for effective in (base.with_levers(LEVERS), base.with_levers({"merit_rate_level_1": 0.0}), other):
            found = preview.detail(effective)
            groups = found[found["part"] == "group"].sort_values(["simulation_year", "attribute", "member"])
            budget = planned(effective)[1].sort_values(["simulation_year", "attribute", "group"])
            assert list(groups["member"]) == list(budget["group"])
            for ours, theirs in IN_GROUPS.items():
                assert groups[ours].tolist() == pytest.approx(budget[theirs].astype(float).tolist())
            spent = (budget["merit_cost"] + budget["lump_sum_cost"]).astype(float).tolist()
            assert groups["merit_spent"].tolist() == pytest.approx(spent)
            cells = found[found["part"] == "cell"].astype({"merit_spent": float})
            for attribute in ("all", "level"):
                of = budget[budget["attribute"] == attribute].groupby("simulation_year")
                wanted = of["merit_cost"].sum() + of["lump_sum_cost"].sum()
                which = cells["attribute"].eq("all") == (attribute == "all")
                sums = cells[which].groupby("simulation_year")["merit_spent"].sum()
                assert sums.tolist() == pytest.approx(wanted.astype(float).tolist())
    finally:
        preview.close()


def test_cells_and_ranges_by_hand():
    """The level of 40,000 to 60,000 in its quarters, as in test_merit: each cell has one person and its
    raise.

    H is rated 5 (x 1.4 of x 1) and half-time: 44,440 weighs 1.4 x 1.4 more beside the 246,702.50 of the
    others, so
    that all are scaled by 341,940 / 333,804.90; a fourth decimal of the rate is the engine's.
    """
    matrix = {"below_range": 2, "1": 1.4, "2": 1.1, "3": 0.7, "4": 0.35, "above_range": 0}
    levers = {f"merit_multiplier_quartile_{place}": factor for place, factor in matrix.items()}
    pay = {"A": 39_000, "B": 44_000, "C": 44_554.46, "D": 52_000, "E": 55_000, "G": 60_000}
    people = [employee(i, base_pay=amount) for i, amount in pay.items()]
    people.append(employee("H", base_pay=44_000, performance_rating=5, fte=0.5))
    census = shared().census(people)
    effective = effective_for(census, STILL | {"cola_rate": 0.01, "merit_rate_level_1": 0.04, **levers})
    preview = Preview(shared().settings, census)
    try:
        found = preview.detail(effective)
    finally:
        preview.close()
    cells = found[(found["part"] == "cell") & (found["attribute"] == "1")].set_index(["member", "position"])
    scale = 341_940 / (246_702.50 + 44_440 * 1.4 * 1.4)
    rate = {place: 0.04 * factor * scale for place, factor in enumerate(matrix.values())}
    by_hand = {
        ("3", place): (39_390, 44_440, 45_000, 52_520, 55_550, 60_600)[place] * rate[place] for place in rate
    }
    by_hand["5", 1] = 44_440 * 0.5 * rate[1] * 1.4
    assert {place: float(row.merit_spent) for place, row in cells.iterrows()} == pytest.approx(
        by_hand, abs=0.06
    )
    assert cells.loc[("5", 1), "raise_mean"] == pytest.approx(rate[1] * 1.4, abs=1e-6)
    assert set(cells["people"]) == {1}
    (levels,) = found[(found["part"] == "range") & (found["member"] == "1")].itertuples()
    assert (levels.people, levels.below, levels.at_or_over) == (
        7,
        0,
        1,
    )  # the ranges stay; A is paid 43,207.13
