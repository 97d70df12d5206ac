"""Impact on people, cost and parameters, computed by hand."""

import pandas as pd
import pytest

from planwise.risk.impact import cost_impact, one_at_a_time, parameter_impact, people_impact


def frame(**pay):
    """Return a pay frame of two years; a name is person_level, a leading minus says not active."""
    rows = []
    for key, amount in pay.items():
        person, level = key.split("_")
        for year, factor in ((2026, 0.5), (2027, 1)):
            rows.append((person, year, int(level), amount > 0, False, abs(amount) * factor))
    columns = ["employee_id", "simulation_year", "level_id", "is_active", "is_hire", "base_pay"]
    return pd.DataFrame(rows, columns=columns)


BEFORE = frame(a_1=100.0, b_1=200.0, c_2=400.0, d_2=500.0, e_1=-90.0, f_2=50.0)
AFTER = frame(a_1=110.0, b_1=190.0, c_3=420.0, d_2=500.001, e_1=90.0, g_1=60.0)


def test_people_who_are_active_in_both_are_compared_in_the_last_year():
    found = people_impact(BEFORE, AFTER)
    assert (found.year, found.only_before, found.only_after) == (2027, 1, 2)  # f; e and g
    whole = found.everybody
    assert (whole.compared, whole.differ, whole.share) == (4, 3, 0.75)  # d: less than half a cent
    assert (whole.winners, whole.losers, whole.total) == (2, 1, 20.0)  # +10, −10, +20
    assert (whole.difference.low, whole.difference.median, whole.difference.high) == (-10, 10, 20)
    assert whole.difference.p10 == pytest.approx(-6) and whole.difference.p90 == pytest.approx(18)
    assert whole.difference_rate.low == pytest.approx(-0.05) and whole.difference_rate.high == 0.10
    assert whole.difference_rate.median == pytest.approx(0.05) and whole.difference.mean == 20 / 3


def test_people_by_level_are_by_the_level_they_had():
    levels = people_impact(BEFORE, AFTER).by_level
    assert sorted(levels) == [1, 2]
    assert (levels[1].compared, levels[1].winners, levels[1].losers) == (2, 1, 1)
    assert (levels[2].compared, levels[2].differ, levels[2].difference.median) == (2, 1, 20)


def test_the_same_twice_concerns_nobody():
    found = people_impact(BEFORE, BEFORE)
    assert (found.everybody.differ, found.everybody.difference, found.only_after) == (0, None, 0)
    told = found.as_json()
    assert told["share"] == 0 and told["by_level"][0]["level_id"] == 1


def test_people_impact_of_an_empty_workforce():
    empty = BEFORE[BEFORE["is_active"] & False]
    none = people_impact(BEFORE, empty.assign(simulation_year=2027))
    assert none.everybody.compared == 0 and none.everybody.share == 0


def year(number, payroll, change):
    return {"simulation_year": number, "payroll": payroll, "payroll_change": change}


def test_cost_by_year_and_over_the_horizon():
    before = [year(2026, 100.0, 10.0), year(2027, 120.0, 20.0)]
    found = cost_impact(before, [year(2026, 105.0, 15.0), year(2027, 129.0, 24.0)])
    assert found.as_json()["years"][1] == {
        "simulation_year": 2027,
        "payroll": {"before": 120, "after": 129, "difference": 9, "difference_rate": 0.075},
        "payroll_change": {"before": 20, "after": 24, "difference": 4, "difference_rate": 0.2},
    }
    assert found.horizon.payroll.difference == 14
    assert found.horizon.payroll_change.difference_rate == pytest.approx(9 / 30)
    assert found.highest_payroll.difference == 9


def test_a_rate_of_nothing_is_none_and_of_a_shrinking_payroll_keeps_its_sign():
    found = cost_impact([year(2026, 100.0, 0.0)], [year(2026, 90.0, -10.0)]).years[2026]
    assert found.payroll_change.difference_rate is None
    shrinking = cost_impact([year(2026, 100.0, -10.0)], [year(2026, 90.0, -20.0)]).years[2026]
    assert shrinking.payroll_change.difference_rate == -1  # twice the fall


def kpis(levers):
    """Growth a + b + 2ab: what both do together beyond their sum is the product."""
    a, b = levers.get("a", 0.0), levers.get("b", 0.0)
    return [{"growth_compound": a + b + 2 * a * b, "payroll": 1000 * (1 + a)}]


def test_parameter_impact_is_each_lever_alone_and_the_interaction():
    changed = {"a": 0.1, "b": 0.2}
    alone = {name: kpis(levers) for name, levers in one_at_a_time(changed).items()}
    found = parameter_impact(kpis({}), kpis(changed), alone)
    growth, payroll = found["growth_compound"], found["payroll"]
    assert growth.alone == {"a": 0.1, "b": 0.2} and growth.remainder == pytest.approx(0.04)
    assert payroll.alone == pytest.approx({"a": 100, "b": 0}) and payroll.remainder == pytest.approx(0)
    assert sum(growth.alone.values()) + growth.remainder == pytest.approx(growth.total, abs=1e-15)


def test_what_nobody_changed_has_no_impact():
    found = parameter_impact(kpis({}), kpis({}), {})
    assert found["growth_compound"].total == found["growth_compound"].remainder == 0
