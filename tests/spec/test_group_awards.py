"""Awards: what groups get on the COLA date instead of the COLA."""

import pytest
from worlds import STILL, employee, world

from planwise.parameters.values import awards_text

LEVERS = STILL | {"cola_rate": 0.02, "merit_rate_level_1": 0}
PEOPLE = [
    employee("A", department="Police", location="East"),
    employee("B", department="Fire", fte=0.5),
    employee("C", department="Parks"),
]


def test_a_group_gets_its_award_and_everyone_else_the_cola():
    """50,000 x 1.035 = 51,750; x 1.00; x 1.02 = 51,000; the budget is 1,750 + 0 + 1,000 of 125,000."""
    result = world(PEOPLE, LEVERS | {"awards": "department: Police=3.5%; Fire=0"})

    assert [result.pay(i) for i in "ABC"] == [51_750.00, 50_000.00, 51_000.00]
    assert result.chain("A") == [("COLA", "2026-01-01", 51_750.00)]
    assert result.chain("B") == []
    cola = result.events.set_index("employee_id").applied_rate
    assert cola.to_dict() == {"A": 0.035, "C": 0.02}
    budget = result.budget.iloc[0]
    assert (budget.cola_cost, budget.increase_cost, budget.drift_cost) == (2_750.00, 2_750.00, 0)
    assert budget.increase_rate == pytest.approx(2_750 / 125_000)
    rows = result.increase_budget.set_index(["attribute", "group"])
    assert rows.increase_rate["department", "Police"] == pytest.approx(0.035)
    assert rows.increase_rate["department", "Fire"] == 0


def test_awards_differ_by_year():
    """52,500 after 5 %, then the COLA: 53,550."""
    result = world(PEOPLE, LEVERS | {"years": 2, "awards@2026": "location: East=5%"})

    assert [result.pay("A", year) for year in (2026, 2027)] == [52_500.00, 53_550.00]


def test_without_awards_nothing_differs():
    plain = world(PEOPLE, LEVERS)
    same = world(PEOPLE, LEVERS | {"awards": awards_text("department", {"Police": 0.02, "Fire": 0.02})})

    for mart, frame in plain.frames.items():
        assert frame.equals(same.frames[mart]), mart
