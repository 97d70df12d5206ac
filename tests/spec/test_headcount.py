# ruff: noqa: E501 - arithmetic is read in one line
"""How many: the closing headcount is the target, whatever the exits; hires leave again; or posts are cut."""

import pytest
from worlds import STILL, employee, world

EIGHT = [employee(i) for i in "ABCDEFGH"]


def counts(result, year=2026):
    kpi = result.kpi(year)
    names = (
        "opening_headcount",
        "experienced_terminations",
        "hires",
        "new_hire_terminations",
        "reductions",
        "headcount",
    )
    return tuple(int(kpi[name]) for name in names)


def leavers(result, reason):
    return set(result.events[result.events.event_reason == reason].employee_id)


def test_enough_are_hired_that_the_target_is_met_after_the_new_hires_who_leave():
    """A quarter within twelve months is 1 + .25 / ln .75 = .131 in the year: ceil(4 / .869) = 5 hired, one leaves."""
    result = world(EIGHT, STILL | {"headcount_growth": 0.5, "new_hire_termination_rate": 0.25})

    assert counts(result) == (8, 0, 5, 1, 0, 12)
    assert leavers(result, "new_hire") == {"NEW-2026-0000002"}  # hired on 7 March, draw .057


def test_hires_leave_by_exposure():
    """3 / (1 - .609) = 7.7: 8 hired, 5 leave. Slot 7, of February, leaves at a draw of .67; slot 4, of August, stays at .48.

    -ln(1 - u) / days x 365 of slots 1 to 8: .19, .07, 2.4, 1.8, 2.7, .55, 1.3, .32.
    """
    result = world(EIGHT, STILL | {"headcount_growth": 0.375, "new_hire_termination_rate": 0.9})

    assert counts(result) == (8, 0, 8, 5, 0, 11)
    assert leavers(result, "new_hire") == {f"NEW-2026-000000{slot}" for slot in (1, 2, 6, 7, 8)}
    events = result.events[result.events.event_reason == "new_hire"].set_index("employee_id")
    assert events.probability["NEW-2026-0000007"] == pytest.approx(1 - 0.1 ** (314 / 365), abs=1e-12)


@pytest.mark.parametrize(
    ("quits", "hires"),
    [(0, 4), (0.2, 5), (0.5, 6), (0.9, 11)],  # same-year shares .104, .279, .609
)
def test_hires_are_the_need_over_the_share_that_stays_rounded_up(quits, hires):
    result = world(EIGHT, STILL | {"headcount_growth": 0.5, "new_hire_termination_rate": quits})

    assert counts(result) == (8, 0, hires, hires - 4, 0, 12)


def test_leavers_are_replaced():
    """D's draw of .032 is under a rate of 5 %, no other's is."""
    result = world(EIGHT, STILL | {"termination_rate": 0.05})

    assert leavers(result, "voluntary") == {"D"}
    assert counts(result) == (8, 1, 1, 0, 0, 8)


def test_posts_are_cut_by_the_lowest_reduction_draws():
    """Reduction draws: C .027, E .128, A .167, then .6 and over."""
    result = world(EIGHT, STILL | {"headcount_growth": -0.25})

    assert counts(result) == (8, 0, 0, 0, 2, 6)
    assert leavers(result, "reduction") == {"C", "E"}


def test_those_who_leave_of_themselves_count_towards_the_cut():
    result = world(EIGHT, STILL | {"headcount_growth": -0.25, "termination_rate": 0.05})

    assert counts(result) == (8, 1, 0, 0, 1, 6)
    assert leavers(result, "reduction") == {"C"}


@pytest.mark.parametrize(
    ("people", "growth", "target"), [(5, 0.1, 6), (1, 0.5, 2), (3, -0.5, 2), (7, 0.0357, 7)]
)
def test_the_target_rounds_half_up(people, growth, target):
    result = world(EIGHT[:people], STILL | {"headcount_growth": growth})

    assert result.kpi()["headcount"] == target


def test_the_target_of_a_year_is_from_the_closing_of_the_year_before():
    """5 -> 5.5 -> 6 -> 6.6 -> 7 -> 7.7 -> 8."""
    result = world(EIGHT[:5], STILL | {"headcount_growth": 0.1, "years": 3})

    assert list(result.scenario_kpis.sort_values("simulation_year").headcount) == [6, 7, 8]


def test_one_more_leaver_adds_a_hire_and_changes_no_other():
    few = world(EIGHT, STILL | {"headcount_growth": 0.25})
    more = world(EIGHT, STILL | {"headcount_growth": 0.25, "termination_rate": 0.05})

    hires = [
        r.snapshot[r.snapshot.employee_id.str.startswith("NEW-")].set_index("employee_id").sort_index()
        for r in (few, more)
    ]
    assert list(hires[1].index) == ["NEW-2026-0000001", "NEW-2026-0000002", "NEW-2026-0000003"]
    kept = ["hire_date", "level_id", "job_title", "gender", "base_pay", "prorated_pay"]
    assert hires[0][kept].equals(hires[1].loc[hires[0].index, kept])
