"""A preview's pay of every person is a plan's int_pay, to the cent, whatever was previewed before."""

import pandas as pd
import pytest
from worlds import effective_for, employee, shared

from planwise.census import generate_census
from planwise.engine.preview import Preview
from planwise.engine.warehouse import Warehouse
from planwise.errors import InputError

COLUMNS = [
    "employee_id",
    "simulation_year",
    "level_id",
    "gender",
    "department",
    "is_active",
    "is_hire",
    "base_pay",
]
LEVERS = {"cola_rate": 0.031, "merit_rate_level_2": 0.05}
MOVED = {"promotion_probability_level_1": 0.2, "new_hire_salary_adjustment": 1.25}


@pytest.fixture(scope="module")
def census():
    return generate_census(shared().settings, employees=300, seed=11)


@pytest.fixture(scope="module")
def planned(census):
    """Return a function from parameters to the int_pay of a plan, in the columns of a preview."""
    warehouse = Warehouse(":memory:", shared().settings)

    def of(effective):
        warehouse.plan("pay", census, effective).apply()
        columns = ", ".join(COLUMNS[:-1])
        query = (
            f"SELECT {columns}, CAST(base_pay AS DOUBLE) AS base_pay "
            "FROM planwise.intermediate__pay.int_pay ORDER BY simulation_year, employee_id"
        )
        return warehouse._cursor().execute(query).df()

    yield of
    warehouse.close()


def test_the_pay_of_a_preview_is_the_plans(census, planned):
    preview = Preview(shared().settings, census)
    base = effective_for(census, {"years": 3})
    try:
        for levers in (LEVERS, MOVED, {}):
            effective = base.with_levers(levers)
            kpis = preview.evaluate(effective).kpis
            pay = preview.pay(effective)
            pd.testing.assert_frame_equal(pay, planned(effective))
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
        assert not preview.evaluate(base).dynamics_kept
    finally:
        preview.close()


def test_pay_needs_no_evaluation_before_it(census, planned):
    effective = effective_for(census, {"years": 2, "merit_date": "02-01", "promotion_date": "09-01"})
    preview = Preview(shared().settings, census)
    try:
        pd.testing.assert_frame_equal(preview.pay(effective), planned(effective))
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
