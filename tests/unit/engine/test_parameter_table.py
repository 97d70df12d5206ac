"""The parameters of a simulation as the engine has them: variables, bindings and tables."""

import json
from decimal import Decimal

import duckdb
import pytest

from planwise.engine.preview_sql import BINDINGS, CURRENT_SLOT, BoundNumbers
from planwise.engine.project import CATALOG
from planwise.engine.variables import (
    bindings,
    dynamics_blueprints,
    market_index,
    parameters_key,
    pay_basis_blueprints,
    pay_response,
    range_index,
    sqlmesh_variables,
)
from planwise.parameters import resolve

YEARS = (2026, 2027, 2028)


def effective(**scenario):
    return resolve(YEARS, scenario=scenario)


def test_indices_compound_from_the_census():
    found = effective(market_movement=0.03, cola_rate=0.02, range_adjustment=None, **{"cola_rate@2027": 0.05})
    assert market_index(found, 2026) == Decimal("1.03000000")
    assert market_index(found, 2028) == Decimal("1.09272700")  # 1.03 ** 3
    assert range_index(found, 2027) == Decimal("1.07100000")  # 1.02 x 1.05: ranges follow the COLA
    assert range_index(effective(range_adjustment=0), 2028) == 1
    assert range_index(effective(cola_rate=0.02), 2027) == Decimal("1.06090000")  # by their own 3 %


def test_groups_are_bound_as_numbers_are():
    def unbound(**scenario):
        found = sqlmesh_variables(effective(**scenario), census_hash="c", as_of="2025-12-31", bound=False)
        return {name: value for name, value in found.items() if name != "parameters_key"}

    groups = {"merit_groups@2027": "location: B=+0.005; A=x1.1"}
    assert unbound(**groups) == unbound() | {"grouped_raises": '["merit"]'}  # which are looked up at all
    found = bindings(effective(**groups))
    parts = ("attribute", "names", "factors", "points")
    assert [found[f"merit_group_{part}_2026"] for part in parts] == [0, [], [], []]
    assert [found[f"merit_group_{part}_2027"] for part in parts] == [3, ["A", "B"], [1.1, 1.0], [0.0, 0.005]]


def test_turnover_ignores_pay_without_an_elasticity():
    levers = effective(cola_rate=0.08)
    assert [pay_response(levers, 1, year) for year in YEARS] == [1, 1, 1]
    assert dynamics_blueprints(levers) == dynamics_blueprints(effective(cola_rate=0.01))


def test_turnover_answers_to_the_pay_position_at_the_opening():
    found = effective(
        turnover_pay_elasticity=2, cola_rate=0.02, merit_rate_level_1=0.03, market_movement=0.01
    )
    position = 1.02 * 1.03 / 1.01
    assert pay_response(found, 1, 2026) == 1  # nothing has been paid yet
    assert pay_response(found, 1, 2027) == pytest.approx(position**-2, abs=1e-8)
    assert pay_response(found, 1, 2028) == pytest.approx(position**-4, abs=1e-7)


def test_raises_are_ordered_by_date_and_eligibility_goes_back_whole_months():
    found = effective(
        merit_date="03-31", promotion_date="02-01", cola_date="10-01", merit_min_tenure_years=1 / 12
    )
    first = pay_basis_blueprints(found)[0].fixed
    assert first["first_raise_date"] == "'2026-02-01'"
    assert first["second_raise_date"] == "'2026-03-31'"
    assert first["third_raise_date"] == "'2026-10-01'"
    assert first["merit_hired_by"] == "'2026-02-28'"  # 31 March less a month
    assert json.loads(variables(found)["raise_order"]) == ["promotion", "merit", "cola"]


def test_raises_of_one_day_keep_the_order_cola_promotion_merit():
    found = effective(merit_date="04-01", promotion_date="04-01", cola_date="04-01")
    assert json.loads(variables(found)["raise_order"]) == ["cola", "promotion", "merit"]


def test_every_placeholder_has_a_value_and_a_late_lever_moves_no_early_one():
    base, changed = effective(), effective(**{"merit_rate_level_1@2028": 0.04})
    moved = {name for name, value in bindings(base).items() if bindings(changed)[name] != value}
    assert moved == {"merit_rate_level_1_2028"}
    assert variables(base)["pay_years"] == variables(changed)["pay_years"]


def test_tiers_are_recorded_but_change_no_model():
    default = effective()
    said = effective(cola_rate=default.value("cola_rate", 2026))
    assert parameters_key(default) != parameters_key(said)
    different = {name for name, value in variables(default).items() if variables(said)[name] != value}
    assert different == {"parameters_key"}


def variables(found):
    return sqlmesh_variables(found, census_hash="abc", as_of="2025-12-31")


class Interrupted:
    """A database that breaks at the next statement on demand."""

    def __init__(self):
        self.inner, self.breaks = duckdb.connect(":memory:"), False
        self.inner.execute(f"ATTACH ':memory:' AS {CATALOG}")

    def execute(self, sql):
        if self.breaks:
            self.breaks = False
            raise RuntimeError("Query interrupted")
        return self.inner.execute(sql)

    def current(self):
        found = self.inner.execute(f"SELECT cola, seed_a FROM {BINDINGS} WHERE slot = {CURRENT_SLOT}")
        return tuple(map(float, found.fetchone()))


def test_the_current_row_has_the_values_of_the_last_evaluation():
    database = Interrupted()
    numbers = BoundNumbers(database, ["cola", "seed_a", "cola"])
    numbers.put({"cola": 0.025, "seed_a": 42, "other": 1})
    assert database.current() == (0.025, 42)
    numbers.put({"cola": 0.03, "seed_a": 42})
    assert database.current() == (0.03, 42)


def test_an_update_that_was_interrupted_is_made_again():
    database = Interrupted()
    numbers = BoundNumbers(database, ["cola", "seed_a"])
    numbers.put({"cola": 0.025, "seed_a": 42})
    database.breaks = True
    with pytest.raises(RuntimeError):
        numbers.put({"cola": 0.03, "seed_a": 42})
    numbers.put({"cola": 0.03, "seed_a": 42})
    assert database.current() == (0.03, 42)
