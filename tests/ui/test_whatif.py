"""The What-if page without a browser: what its editors say and take, and what its figures are."""

import asyncio
from types import SimpleNamespace

import pytest

from planwise.errors import InputError
from planwise.parameters import resolve
from ui.draft import Draft
from ui.selection import Selection
from ui.values.previewed import Affected, Impact, LevelYear, Previewed
from ui.views.whatif import charts, findings, levers, people, strip
from ui.views.whatif.page import WhatIf
from ui.views.whatif.strip import Side

YEARS = (2026, 2027)
BASE = resolve(YEARS, scenario={"merit_rate_level_1@2027": 0.05})


def kpi(year, **more):
    figures = dict(
        simulation_year=year, headcount=310, opening_headcount=300, hires=60, promotions=12,
        experienced_terminations=30, growth_all=0.04, growth_compound=0.04, mean_base_pay=80_000.0,
        median_base_pay=75_000.0, payroll=25_000_000.0, prorated_payroll=24_000_000.0, termination_rate=0.1,
        mean_compa_ratio=1.0, below_minimum=1, above_maximum=2, adjusted_gap_max=0.02, bridge_exits=0.01,
        bridge_cola=0.02, bridge_merit=0.02, bridge_promotion=0.01, bridge_hires=-0.02,
    )  # fmt: skip
    return figures | more


OLD = Side([kpi(2026), kpi(2027)])
NEW = Side([
    kpi(2026, prorated_payroll=24_500_000.0),
    kpi(2027, growth_compound=0.0451, growth_all=0.05, payroll=26_200_000.0, headcount=308,
        prorated_payroll=25_000_000.0, adjusted_gap_max=0.015, bridge_cola=0.03),
])  # fmt: skip


# ------------------------------------------------------------------------------------------------ editors


def test_the_editors_have_all_fifteen_levers_and_the_main_assumptions():
    board = levers.board(BASE, None, {})
    names = [lever["name"] for group in board["groups"] for lever in group["levers"]]
    assert sorted(names[:15]) == sorted(BASE.declared.levers)
    assert names[15:] == list(levers.REACH)
    assert board["years"] == list(YEARS)
    assert [group["folded"] for group in board["groups"]] == [False] * 5 + [True]
    merit = board["groups"][1]["levers"][0]
    assert (merit["low"], merit["high"], merit["unit"]) == (1.0, 10.0, "%")
    assert merit["recommended"] == pytest.approx([2.5, 4.5])
    assert merit["aria"] == "Merit raise a year, L1 Staff"


def test_a_locked_lever_says_who_locked_it():
    board = levers.board(BASE, None, {"cola_rate": "Locked by ann: agreed"})
    cola = board["groups"][0]["levers"][0]
    assert cola["locked"] == cola["hint"] == "Locked by ann: agreed"
    assert not board["groups"][1]["levers"][0]["locked"]


def test_values_are_in_the_units_that_are_typed_beside_the_base():
    new = BASE.with_levers({"cola_rate": 0.0315, "new_hire_salary_adjustment": 1.2})
    values = levers.values(BASE, new, None, None)
    assert values["cola_rate"]["value"] == 3.15
    assert values["cola_rate"]["base_text"] == "2.5%"
    assert values["cola_rate"]["changed"]
    assert values["new_hire_salary_adjustment"]["value"] == 1.2
    assert values["new_hire_salary_adjustment"]["base_text"] == "1.15×"
    assert not values["merit_rate_level_2"]["changed"]
    assert values["payroll_budget"]["value"] is None
    assert values["payroll_budget"]["base_text"] == "none"


def test_a_value_that_differs_by_year_varies_until_a_year_is_chosen():
    every = levers.values(BASE, BASE, None, None)["merit_rate_level_1"]
    assert (every["value"], every["varies"], every["base_text"]) == (None, True, "varies")
    assert every["position"] == pytest.approx((3.3 + 5) / 2)
    last = levers.values(BASE, BASE, 2027, None)["merit_rate_level_1"]
    assert (last["value"], last["varies"], last["base_text"]) == (5.0, False, "5%")


def test_a_problem_stands_at_its_lever():
    values = levers.values(BASE, BASE, None, levers.Problem("cola_rate", "too much"))
    assert values["cola_rate"]["problem"] == "too much"
    assert values["merit_rate_level_1"]["problem"] == ""


@pytest.mark.parametrize(
    ("name", "typed", "raw"),
    [
        ("cola_rate", 3.15, 0.0315),
        ("payroll_budget", 1e6, 1e6),
        ("cola_rate", "x", "x"),
        ("cola_rate", True, True),
    ],
)
def test_a_typed_number_is_what_the_parameter_calls_it(name, typed, raw):
    assert levers.raw_value(BASE.declared, name, typed) == (pytest.approx(raw) if raw == 0.0315 else raw)


# ------------------------------------------------------------------------------------------------ figures


def tile(label, effective=BASE, year=2027):
    return next(t for t in strip.tiles(OLD, NEW, effective, year) if t.label.startswith(label))


def test_key_figures_say_the_difference_from_the_base():
    growth = tile("Growth a year, 2026–2027")
    assert (growth.figure, growth.change) == ("4.51%", "+0.51\N{NO-BREAK SPACE}pp")
    assert (growth.verdict, growth.note) == ("1.51\N{NO-BREAK SPACE}pp", "above the 3.00% target")
    assert tile("Annual payroll").change == "+$1.2\N{NO-BREAK SPACE}M"
    paid = tile("Base pay paid")  # 49.5 against 48 million
    assert (paid.figure, paid.change) == ("$49.5\N{NO-BREAK SPACE}M", "+$1.5\N{NO-BREAK SPACE}M")
    assert paid.note == "+3.12% in all; prorated"
    assert tile("Headcount").change == "−2"
    assert tile("Turnover").change == strip.NO_CHANGE
    assert tile("Adjusted gap").change == "−0.50\N{NO-BREAK SPACE}pp"


@pytest.mark.parametrize(
    ("target", "verdict", "tone"),
    [(0.0451, "on target", "good"), (0.045, "on target", "good"), (0.06, "1.49\N{NO-BREAK SPACE}pp", "warn")],
)
def test_growth_is_judged_against_the_target(target, verdict, tone):
    effective = BASE.with_assumptions({"target_growth": target})
    found = tile("Growth a year", effective)
    assert (found.verdict, found.tone) == (verdict, tone)


def test_payroll_is_judged_against_the_budget_in_its_highest_year():
    over = tile("Annual payroll", BASE.with_assumptions({"payroll_budget": 26_000_000}))
    assert (over.verdict, over.tone) == ("$200,000 over", "bad")
    assert over.note.endswith("budget in 2027")
    under = tile("Annual payroll", BASE.with_assumptions({"payroll_budget": 27_200_000}))
    assert (under.verdict, under.tone) == ("$1.0\N{NO-BREAK SPACE}M under", "good")


def test_a_gap_that_cannot_be_estimated_is_not_available():
    side = Side([kpi(2026, adjusted_gap_max=None)])
    found = next(t for t in strip.tiles(side, side, resolve((2026,), scenario={}), 2026) if "gap" in t.label)
    assert (found.figure, found.change, found.note) == ("n/a", strip.NO_CHANGE, "too few to estimate")


def answer(**more):
    given = dict(kpis=list(NEW.kpis), seconds=0.048, employees=10_000, from_cache=False, waited_seconds=0.05)
    return Previewed(**(given | more), key="k")


def test_the_badge_says_that_everybody_was_simulated_and_how_long_it_took():
    badge = strip.badge(answer(), "plan")
    assert "10,000 of 10,000 employees" in badge
    assert "simulated in 48\N{NO-BREAK SPACE}ms" in badge
    assert "from cache" not in badge
    assert "from cache" in strip.badge(answer(from_cache=True), "plan")


def test_names_that_people_typed_are_text():
    html = strip.figures("<b>x</b>", OLD, NEW, BASE, 2027, answer())
    assert "<b>x</b>" not in html
    assert "&lt;b&gt;x&lt;/b&gt;" in html


def test_tables_behind_charts_have_both_sides_and_differences():
    growth = charts.growth("plan", OLD, NEW, 0.03).frame
    assert list(growth["difference_pp"].round(9)) == [0.0, 1.0]
    payroll = charts.payroll("plan", OLD, NEW, None).frame
    assert list(payroll["difference"]) == [0.0, 1_200_000.0]
    bridge = charts.bridge("plan", OLD, NEW, 2027, None)
    rows = bridge.frame[bridge.frame["simulation_year"] == 2027].set_index("part")
    assert rows.loc["COLA", "difference_pp"] == pytest.approx(1.0)
    assert bridge.figure["data"][1]["y"][-1] == 0  # a total is summed by the chart
    assert bridge.figure["data"][1]["text"][-1] == "5.00%"


def group(dimension, member, compared=50, winners=20, losers=5, median=1000.0):
    amounts = [None, None, None, None] if median is None else [500.0, median, 2000.0, 0.02]
    return Affected(dimension, member, compared, winners, losers, *amounts)


IMPACT = Impact(
    year=2027,
    levels=(
        LevelYear(2026, 1, 200, 200, 50_000.0, 50_500.0, 0.03, 0.04),
        LevelYear(2027, 1, 200, 198, 51_000.0, 52_000.0, 0.02, 0.03),
        LevelYear(2027, 5, 4, 4, None, None, None, None),
    ),
    everybody=group("everybody", "", 254),
    groups=(group("level", "1"), Affected("level", "5", *[None] * 7), group("gender", "<i>F</i>")),
    only_before=3,
    only_after=4,
    seconds=0.1,
    from_cache=False,
    key="k",
)


def test_levels_and_people_leave_small_groups_out():
    table = people.levels("plan", IMPACT, 2027).frame
    assert list(table["headcount_difference"]) == [0, -2, 0]
    assert table["mean_base_pay"].isna().tolist() == [False, False, True]
    content = people.affected("plan", IMPACT, "level")
    assert list(content.frame["group"]) == ["Everybody", "L1 Staff", "L5 VP"]
    assert content.frame["people_compared"].isna().tolist() == [False, False, True]
    assert len(content.figure["data"][0]["x"]) == 2
    assert '<b class="good">20 earn more</b>' in content.lead
    assert "229 the same" in content.lead
    assert "3 are active in the base only and 4 in the what-if only" in content.lead


def test_a_group_s_name_is_text_in_the_chart():
    figure = people.affected("plan", IMPACT, "gender").figure
    assert figure["data"][0]["y"][1] == "&lt;i&gt;F&lt;/i&gt;"


def test_findings_are_about_levers_target_and_budget_the_worst_first():
    effective = BASE.with_levers({"cola_rate": 0.08}).with_assumptions({"payroll_budget": 26_000_000})
    from planwise.parameters import validate

    found = findings.found(validate(effective), effective, NEW)
    assert found[0].parameter in {"payroll_budget", "cola_rate"}
    assert {"payroll_budget", "cola_rate"} <= {finding.parameter for finding in found}
    ranks = [finding.risk.rank for finding in found]
    assert ranks == sorted(ranks, reverse=True)
    assert "<script" not in findings.as_html(found)


# -------------------------------------------------------------------------------------------------- page


class FakePreviews:
    """Says of every question what it was asked, and answers with made-up figures."""

    def __init__(self):
        self.asked, self.error = [], None

    async def kpis(self, scenario, changes, *, purpose=""):
        self.asked.append((purpose, scenario, dict(changes)))
        await asyncio.sleep(0)
        if self.error:
            raise self.error
        return answer(kpis=list((NEW if changes else OLD).kpis))

    async def impact(self, scenario, changes, *, purpose=""):
        return IMPACT


async def offload(work, *args):
    return work(*args)


def make_session(may_edit=True):
    plans = SimpleNamespace(
        get=lambda name: SimpleNamespace(census=None),
        census=lambda name: SimpleNamespace(name="people", rows=10_000, as_of="2025-12-31"),
        list=lambda: [SimpleNamespace(name=name) for name in ("baseline", "other")],
    )
    selection = Selection()
    selection.page = "whatif"
    session = SimpleNamespace(
        store=SimpleNamespace(plans=plans),
        draft=Draft(lambda name: BASE),
        selection=selection,
        previews=FakePreviews(),
        may_edit=may_edit,
    )
    session.offload = offload
    session.go = lambda page, **chosen: selection.param.update(page=page, **chosen)
    return session


@pytest.fixture
def session():
    return make_session()


def edit(page, name, value, *, live=False, number=1):
    page._message({"kind": "edit", "name": name, "value": value, "live": live, "number": number})


def asked(session):
    return [changes for purpose, _, changes in session.previews.asked if purpose == "what-if"]


def shown(page):
    return page._parts.figures.shown


def test_the_page_opens_with_the_figures_of_the_draft(session):
    session.draft.set("cola_rate", 0.04)
    page = WhatIf(session)
    assert asked(session) == [{"cola_rate": 0.04}]
    assert "10,000 of 10,000 employees" in shown(page)["html"]
    assert "4.51%" in shown(page)["html"]


def test_a_final_edit_changes_the_draft_and_answers_its_number(session):
    page = WhatIf(session)
    edit(page, "cola_rate", 4.1, number=7)
    assert session.draft.changes == {"cola_rate": 0.041}
    assert asked(session)[-1] == {"cola_rate": 0.041}
    assert shown(page)["number"] == 7
    assert page._parts.board.values["cola_rate"]["value"] == 4.1


def test_a_slider_on_its_way_is_asked_and_leaves_the_draft_alone(session):
    page = WhatIf(session)
    edit(page, "cola_rate", 4.1, live=True, number=3)
    assert session.draft.is_empty
    assert asked(session)[-1] == {"cola_rate": 0.041}
    assert shown(page)["number"] == 3
    before = len(session.previews.asked)
    edit(page, "cola_rate", 4.1, number=4)  # the hand lets go: the same question is not asked again
    assert session.draft.changes == {"cola_rate": 0.041}
    assert len(session.previews.asked) == before
    assert shown(page)["number"] == 4


def test_an_edit_of_one_year_changes_that_year(session):
    page = WhatIf(session)
    page._message({"kind": "year", "year": 2027})
    assert page._parts.board.board["year"] == 2027
    edit(page, "cola_rate", 4)
    assert session.draft.changes == {"cola_rate@2027": 0.04}
    edit(page, "target_growth", 5)  # one value for all years, whatever year is chosen
    assert session.draft.changes == {"cola_rate@2027": 0.04, "target_growth": 0.05}
    page._message({"kind": "reset", "name": "cola_rate", "number": 9})
    assert session.draft.changes == {"target_growth": 0.05}
    page._message({"kind": "clear", "number": 10})
    assert session.draft.is_empty
    assert shown(page)["number"] == 10


def test_a_value_out_of_bounds_is_refused_at_its_lever_and_changes_nothing(session):
    page = WhatIf(session)
    edit(page, "cola_rate", 50, number=5)
    assert session.draft.is_empty
    assert "hard bounds" in page._parts.board.values["cola_rate"]["problem"]
    assert shown(page)["number"] == 5  # nobody waits for it
    edit(page, "cola_rate", 4, number=6)
    assert page._parts.board.values["cola_rate"]["problem"] == ""


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"kind": "edit", "name": "seed", "value": 1},
        {"kind": "edit", "name": ["cola_rate"], "value": 1},
        {"kind": "edit", "name": "cola_rate", "value": {"a": 1}, "number": "x"},
        {"kind": "edit", "name": "cola_rate", "value": "<script>", "number": 1, "live": True},
        {"kind": "year", "year": "2027; DROP TABLE"},
        {"kind": "reset", "name": None},
    ],
)
def test_what_a_browser_should_not_say_changes_nothing(session, message):
    page = WhatIf(session)
    page._message(message)
    assert session.draft.is_empty
    assert page._parts.board.board["year"] is None


def test_a_locked_lever_is_not_edited_on_the_way_either(session):
    session.draft.lock(["cola_rate"], by="ann")
    page = WhatIf(session)
    edit(page, "cola_rate", 4, live=True)
    edit(page, "cola_rate", 4)
    assert session.draft.is_empty
    assert "locked by ann" in page._parts.board.values["cola_rate"]["problem"]


def test_an_error_of_the_simulation_is_shown_with_its_remedy_and_can_be_asked_again(session):
    page = WhatIf(session)
    session.previews.error = InputError("It broke.", remedy="Do <b>this</b>.")
    edit(page, "cola_rate", 4, number=2)
    assert "It broke." in page._parts.notices.object
    assert "Do &lt;b&gt;this&lt;/b&gt;." in page._parts.notices.object
    assert shown(page)["number"] == 2
    session.previews.error = None
    page.refresh()
    assert page._parts.notices.object == ""


def test_nothing_is_asked_while_the_page_is_hidden(session):
    page = WhatIf(session)
    session.selection.page = "levers"
    before = len(session.previews.asked)
    session.draft.set("cola_rate", 0.04)
    assert len(session.previews.asked) == before
    session.selection.page = "whatif"
    page.refresh()
    assert asked(session)[-1] == {"cola_rate": 0.04}


def test_showing_the_page_again_asks_nothing_that_was_answered(session):
    page = WhatIf(session)
    before = len(session.previews.asked)
    page.refresh()
    assert len(session.previews.asked) == before


def test_save_and_run_leads_to_the_run_page_and_is_for_those_who_may(session):
    page = WhatIf(session)
    page._parts.save.clicks += 1
    assert session.selection.page == "run"
    assert WhatIf(make_session(may_edit=False))._parts.save.disabled
