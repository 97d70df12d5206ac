"""Live simulation with real worker processes on a census of 300 people."""

import asyncio

import pytest

from planwise.census import load_census
from planwise.errors import InputError
from tests.ui.live_preview_home import EMPLOYEES, effective_of, home_with_a_scenario, run
from ui.live_preview import open_previews

EDITS = (
    {"cola_rate": 0.04},
    {"merit_rate_level_2@2027": 0.06, "promotion_raise_level_1": 0.12},
    {"promotion_probability_level_1": 0.2},
    {"termination_rate": 0.2, "new_hire_salary_adjustment": 1.3},
)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return home_with_a_scenario(tmp_path_factory.mktemp("previews") / "home")


@pytest.fixture(scope="module")
def service(home):
    service = open_previews(home)
    service.prewarm()
    yield service
    service.close()


def test_figures_are_those_of_preview_and_plan_to_the_last_bit(home, service):
    from planwise.engine.preview import Preview
    from planwise.engine.warehouse import open_warehouse

    preview, previews = Preview(home, load_census(home)), service.session()
    for scenario, changes in (*(("baseline", edit) for edit in EDITS), ("generous", EDITS[0])):
        census, effective = effective_of(home, scenario, changes)
        found = run(previews.kpis(scenario, changes))
        assert found.kpis == preview.evaluate(effective).kpis
        assert (found.employees, found.from_cache) == (EMPLOYEES, False)
        assert found.waited_seconds >= found.seconds > 0
    with open_warehouse(home, "test") as warehouse:  # the last one: three years, as a scenario has it
        planned = warehouse.plan("trial_preview", census, effective, kpis_only=True)
        assert planned.apply().kpis == found.kpis
    preview.close()


def test_what_was_answered_is_told_to_come_from_the_cache_and_is_shared(home, service):
    changes = {"cola_rate": 0.0311}
    first = run(service.session().kpis("baseline", changes))
    again = run(service.session().kpis("baseline", changes))
    goal = run(service.session().kpis("baseline", {**changes, "target_growth": 0.05}))
    assert [answer.from_cache for answer in (first, again, goal)] == [False, True, True]
    assert first.kpis == again.kpis == goal.kpis
    assert first.key == again.key == goal.key


def test_bad_questions_raise_what_is_wrong_with_them(service):
    with pytest.raises(InputError, match="hard bounds"):
        run(service.session().kpis("baseline", {"cola_rate": 0.5}))
    with pytest.raises(InputError, match="Unknown scenario 'nowhere'"):
        run(service.session().impact("nowhere", {}))


def test_the_newest_question_of_a_session_is_answered(service):
    async def ask():
        previews = service.session()
        rates = [0.0401 + 0.0001 * number for number in range(30)]
        answers = await asyncio.gather(*(previews.kpis("baseline", {"cola_rate": rate}) for rate in rates))
        return answers, await previews.kpis("baseline", {"cola_rate": rates[-1]})

    answers, last = run(ask())
    assert answers[-1].kpis == last.kpis
    assert sum(answer is None for answer in answers) >= len(answers) - 3  # at most what had begun already


def test_different_purposes_of_a_session_do_not_replace_each_other(service):
    async def ask():
        previews = service.session()
        return await asyncio.gather(
            *(previews.kpis("baseline", {"cola_rate": 0.05}, purpose=name) for name in ("one", "two"))
        )

    assert all(run(ask()))


def test_twenty_sessions_at_once_are_all_answered_with_their_own_figures(home, service):
    rates = [0.021 + 0.0013 * number for number in range(20)]

    async def ask():
        return await asyncio.gather(
            *(service.session().kpis("baseline", {"cola_rate": rate}) for rate in rates)
        )

    answers = run(ask())
    growths = [answer.kpis[-1]["growth_compound"] for answer in answers]
    assert growths == sorted(growths)
    assert len(set(growths)) == len(rates)


def test_the_event_loop_goes_on_while_workers_work(service):
    async def ask():
        ticks = 0
        question = asyncio.ensure_future(
            service.session().kpis(
                "baseline", {"promotion_probability_level_2": 0.133, "termination_rate": 0.11}
            )
        )
        while not question.done():
            await asyncio.sleep(0.002)
            ticks += 1
        return ticks, await question

    ticks, answer = run(ask())
    assert ticks >= 3
    assert not answer.from_cache


def test_impact_counts_people_and_sums_up_levels(home, service):
    from planwise.engine.preview import Preview
    from planwise.risk.impact import people_impact

    changes = {"merit_rate_level_1": 0.08, "merit_rate_level_3": 0.02}
    census, before = effective_of(home, "baseline", {})
    _, after = effective_of(home, "baseline", changes)
    preview = Preview(home, census)
    old, new = preview.pay(before), preview.pay(after)
    preview.close()
    impact = run(service.session().impact("baseline", changes))
    whole = people_impact(old, new)
    assert impact.year == whole.year == before.years[-1]
    assert (impact.everybody.winners, impact.everybody.losers) == (
        whole.everybody.winners,
        whole.everybody.losers,
    )
    assert impact.everybody.winners and impact.everybody.losers
    assert impact.everybody.median == whole.everybody.difference.median
    for group in impact.groups:
        if group.dimension == "level":
            expected = whole.by_level[int(group.member)]
            small = expected.compared < 10
            assert group.compared == (None if small else expected.compared)
            assert small or group.winners == expected.winners
    for dimension in ("department", "gender"):
        counts = [g.compared for g in impact.groups if g.dimension == dimension]
        assert counts
        assert sum(c for c in counts if c) <= whole.everybody.compared
    last = new[(new["simulation_year"] == impact.year) & new["is_active"]]
    for row in (row for row in impact.levels if row.simulation_year == impact.year):
        pay = last.loc[last["level_id"] == row.level_id, "base_pay"]
        assert row.headcount == len(pay)
        expected = pay.mean() if len(pay) >= 10 else None
        assert row.mean_base_pay == (None if expected is None else pytest.approx(expected, rel=1e-12))
    assert {row.simulation_year for row in impact.levels} == set(before.years)


def test_an_impact_of_no_change_touches_nobody(service):
    impact = run(service.session().impact("generous", {}))
    assert (impact.everybody.winners, impact.everybody.losers, impact.everybody.median) == (0, 0, None)
    assert all(row.growth == row.growth_before for row in impact.levels)


def test_slopes_are_differences_of_growth(home, service):
    slopes = run(service.session().slopes("baseline", {}))
    assert len(slopes) == 15
    base = run(service.session().kpis("baseline", {})).kpis[-1]["growth_compound"]
    moved = run(service.session().kpis("baseline", {"cola_rate": 0.0265})).kpis[-1]["growth_compound"]
    assert slopes["cola_rate"] == pytest.approx((moved - base) / 0.0015, rel=0.02)  # pp of growth per pp
