"""Plan without a browser: live figures, their charts."""

import pytest

from planwise.errors import InputError
from planwise.parameters import resolve, validate
from tests.ui.plan_world import BASE, IMPACT, NEW, OLD, FakeSession, Scenarios, answer, figures, kpi
from ui.components.differences import finding_list, warnings_of
from ui.pages.plan import charts, live_figures
from ui.pages.plan.page import TABS, PlanPage
from ui.pages.plan.tiles import RaiseBudget, Side, left_of, tiles, typed_budget


@pytest.fixture
def session():
    return FakeSession(Scenarios(horizon=2))


def edit(page, name, value, *, live=False, number=1):
    page._editor._handle_msg({"kind": "edit", "name": name, "value": value, "live": live, "number": number})


def requested(session):
    return [changes for purpose, _, changes in session.previews.requests if purpose == "plan"]


def shown(page):
    return page._preview.figures.shown


def test_the_page_opens_with_the_figures_of_the_draft(session):
    session.draft.set("cola_rate", 0.04)
    page = PlanPage(session)
    assert requested(session) == [{"cola_rate": 0.04}]
    assert "10,000 of 10,000 employees" in shown(page)["html"]
    assert "4.51%" in shown(page)["html"]


def test_a_final_edit_changes_the_draft_and_answers_its_number(session):
    page = PlanPage(session)
    edit(page, "cola_rate", 4.1, number=7)
    assert session.draft.changes == {"cola_rate": 0.041}
    assert requested(session)[-1] == {"cola_rate": 0.041}
    assert shown(page)["number"] == 7
    assert page._editor.values["cola_rate"]["text"] == "4.1"


def test_a_moving_slider_is_simulated_without_editing_the_draft(session):
    page = PlanPage(session)
    edit(page, "cola_rate", 4.1, live=True, number=3)
    assert session.draft.is_empty
    assert requested(session)[-1] == {"cola_rate": 0.041}
    assert shown(page)["number"] == 3
    before = len(session.previews.requests)
    edit(page, "cola_rate", 4.1, number=4)  # the hand lets go: the same question is not asked again
    assert session.draft.changes == {"cola_rate": 0.041}
    assert len(session.previews.requests) == before
    assert shown(page)["number"] == 4


def test_an_edit_of_one_year_changes_that_year(session):
    page = PlanPage(session)
    page._editor._handle_msg({"kind": "years", "years": [2027]})
    assert page._editor.board["chosen"] == [2027]
    edit(page, "cola_rate", 4)
    assert session.draft.changes == {"cola_rate@2027": 0.04}
    edit(page, "target_growth", 5)  # one value for all years, whatever year is chosen
    assert session.draft.changes == {"cola_rate@2027": 0.04, "target_growth": 0.05}
    page._editor._handle_msg({"kind": "reset", "name": "cola_rate", "number": 9})
    assert session.draft.changes == {"target_growth": 0.05}
    page._discard.clicks += 1
    assert session.draft.is_empty
    assert "no change from the base" in shown(page)["html"]


def test_a_value_out_of_bounds_is_refused_at_its_lever_and_changes_nothing(session):
    page = PlanPage(session)
    edit(page, "cola_rate", 50, number=5)
    assert session.draft.is_empty
    assert "hard bounds" in page._editor.values["cola_rate"]["problem"]
    assert shown(page)["number"] == 5  # no edit waits for it
    edit(page, "cola_rate", 4, number=6)
    assert page._editor.values["cola_rate"]["problem"] == ""


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"kind": "edit", "name": "seed", "value": 1},
        {"kind": "edit", "name": ["cola_rate"], "value": 1},
        {"kind": "edit", "name": "cola_rate", "value": {"a": 1}, "number": "x"},
        {"kind": "edit", "name": "cola_rate", "value": "<script>", "number": 1, "live": True},
        {"kind": "years", "years": "2027; DROP TABLE"},
        {"kind": "reset", "name": None},
    ],
)
def test_malformed_messages_change_nothing(session, message):
    page = PlanPage(session)
    page._editor._handle_msg(message)
    assert session.draft.is_empty
    assert page._editor.board["chosen"] is None


def test_a_locked_lever_is_not_edited_on_the_way_either(session):
    session.draft.lock(["cola_rate"], by="ann")
    page = PlanPage(session)
    edit(page, "cola_rate", 4, live=True)
    edit(page, "cola_rate", 4)
    assert session.draft.is_empty
    assert "locked by ann" in page._editor.values["cola_rate"]["problem"]


def test_an_error_of_the_simulation_is_shown_with_its_remedy_and_can_be_tried_again(session):
    page = PlanPage(session)
    session.previews.error = InputError("It broke.", remedy="Do <b>this</b>.")
    edit(page, "cola_rate", 4, number=2)
    assert "It broke." in page._notices.object
    assert "Do &lt;b&gt;this&lt;/b&gt;." in page._notices.object
    assert shown(page)["number"] == 2
    session.previews.error = None
    page.refresh()
    assert page._notices.object == ""


def test_nothing_is_simulated_while_the_page_is_hidden(session):
    page = PlanPage(session)
    session.selection.page = "overview"
    before = len(session.previews.requests)
    session.draft.set("cola_rate", 0.04)
    assert len(session.previews.requests) == before
    session.selection.page = "plan"
    page.refresh()
    assert requested(session)[-1] == {"cola_rate": 0.04}


def test_showing_the_page_again_simulates_nothing_anew(session):
    page = PlanPage(session)
    before = len(session.previews.requests)
    page.refresh()
    assert len(session.previews.requests) == before


def test_save_and_run_leads_to_the_run_page_for_roles_that_can_edit(session):
    page = PlanPage(session)
    page._run.clicks += 1
    assert session.selection.page == "run"
    assert PlanPage(FakeSession(can_edit=False))._run.disabled


def tile(label, effective=BASE, year=2027, budget=None):
    return next(t for t in tiles(OLD, NEW, effective, year, budget) if label in t.label)


def test_key_figures_say_the_difference_from_the_base():
    first, left = tiles(OLD, NEW, BASE, 2026, None)[:2]
    assert (first.label, first.figure) == ("Increase budget, 2026", "3.30%")
    assert first.note == "792,000 a year; 396,000 in 2026's books"
    assert (left.figure, left.note) == ("n/a", "no budget: type one above")
    growth = tile("Change in average pay, 2026–2027")
    assert (growth.figure, growth.change) == ("4.51%", "+0.51\N{NO-BREAK SPACE}pp")
    assert growth.note == "mean 80,000, median 75,000"  # no target is set
    assert tile("Annual payroll").change == "+1.2\N{NO-BREAK SPACE}M"
    assert tile("Headcount").change == "−2"
    assert "all exits" in tile("Headcount").about.lower()
    assert tile("Pay gap").change == "−0.50\N{NO-BREAK SPACE}pp"


@pytest.mark.parametrize(
    ("text", "budget"),
    [
        ("3.5", ("rate", 0.035)), ("3,5 %", ("rate", 0.035)), ("4%", ("rate", 0.04)),
        ("24m", ("amount", 24e6)), ("$1,250,000", ("amount", 1_250_000.0)), ("$40", ("amount", 40.0)),
        ("€2m", ("amount", 2e6)), ("CHF 9k", ("amount", 9e3)),
        ("850 k", ("amount", 850_000.0)),
        ("3.5 pounds", None), ("$3%", None), ("-2", None), ("1,23,4", None),
    ],
)  # fmt: skip
def test_a_typed_budget_is_a_share_or_an_amount(text, budget):
    if budget is None:
        with pytest.raises(InputError, match="is no budget"):
            typed_budget(text)
    else:
        kind, size = budget
        assert getattr(typed_budget(text), kind) == pytest.approx(size)


@pytest.mark.parametrize(
    ("budget", "more", "left"),
    [
        (dict(rate=0.035), {}, (0.002, 48_000.0)),  # pay 792,000 / 3.3 % = 24 million
        (dict(amount=600_000.0), {}, (-0.008, -192_000.0)),
        # a freeze: of the payroll at the opening, 25 - 1 million
        (dict(rate=0.035), dict(increase_rate=0.0, increase_cost=0.0), (0.035, 840_000.0)),
        (dict(rate=0.035), dict(increase_rate=None, increase_cost=0.0), None),
    ],
)
def test_what_is_left_of_a_budget_by_hand(budget, more, left):
    found = left_of(RaiseBudget("your budget", **budget), kpi(2026, **more))
    assert found == (None if left is None else pytest.approx(left))


def test_over_the_budget_is_said_in_words():
    over = tile("the budget", year=2026, budget=RaiseBudget("your budget", rate=0.03))
    assert (over.label, over.figure, over.verdict) == (
        "Over the budget",
        "0.30\N{NO-BREAK SPACE}pp",
        "over the budget",
    )
    assert over.note == "72,000 over your budget, 3.0%"
    spent = tile("the budget", year=2026, budget=RaiseBudget("the market's budget", rate=0.033))
    assert spent.verdict == "spent to the point"


def test_the_page_opens_at_the_first_year_and_follows_a_typed_budget(session):
    page = PlanPage(session)
    assert "Increase budget, 2026" in shown(page)["html"]
    assert "the market&#x27;s budget, 3.5%" in shown(page)["html"]
    page._budget.value = "3%"
    assert "Over the budget" in shown(page)["html"]
    page._budget.value = "three"
    assert session.selection.budget == "3%"
    assert "is no budget" in session.notices[-1][0]


def test_people_exchanged_under_the_page_are_announced_and_never_shown_as_the_old_ones(session):
    page = PlanPage(session)
    page._tabs.active = TABS.index("Merit")
    assert page._merit.part._parts.visible
    session.scenarios.employees = 9_000  # in use from now on; the page has not looked yet
    edit(page, "cola_rate", 4.1, number=2)
    assert "has changed" in session.notices[-1][0]
    assert page._preview.census == "9000"
    assert "9,000 employees" in page._heading.object
    assert "10,000" not in shown(page)["html"]  # no figures until the new people are simulated
    assert not page._merit.part._parts.visible and list(page._charts.objects) == [page._warnings]
    page.refresh()
    assert len(session.notices) == 1


@pytest.mark.parametrize(
    ("target", "verdict", "tone"),
    [
        (0.0451, "on target", "good"),
        (0.045, "on target", "good"),
        (0.06, "1.49\u00a0pp below", "warn"),
    ],
)
def test_growth_is_judged_against_the_target(target, verdict, tone):
    effective = BASE.with_assumptions({"target_growth": target})
    found = tile("Change in average pay", effective)
    assert (found.verdict, found.tone) == (verdict, tone)


def test_payroll_is_judged_against_the_budget_in_its_highest_year():
    over = tile("Annual payroll", BASE.with_assumptions({"payroll_budget": 26_000_000}))
    assert (over.verdict, over.tone) == ("200,000 over", "bad")
    assert over.note.endswith("budget in 2027")
    under = tile("Annual payroll", BASE.with_assumptions({"payroll_budget": 27_200_000}))
    assert (under.verdict, under.tone) == ("1.0\N{NO-BREAK SPACE}M under", "good")


def test_a_gap_that_cannot_be_estimated_is_not_available():
    side = Side([kpi(2026, adjusted_gap_max=None, adjusted_gap_reason="one_group")])
    found = next(t for t in tiles(side, side, resolve((2026,), scenario={}), 2026, None) if "gap" in t.label)
    assert (found.figure, found.change, found.note) == (
        "n/a",
        "",
        "by gender, there is one group only, and none to compare with",
    )


def test_the_badge_says_that_everybody_was_simulated_and_how_long_it_took():
    badge = live_figures.badge(answer(), "plan")
    assert "10,000 of 10,000 employees" in badge
    assert "simulated in 48\N{NO-BREAK SPACE}ms" in badge
    assert "from cache" not in badge
    assert "from cache" in live_figures.badge(answer(from_cache=True), "plan")


def test_names_that_people_typed_are_text():
    html = live_figures.key_figures(figures("<b>x</b>"), answer())
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


def test_levels_and_people_leave_small_groups_out():
    table = charts.levels("plan", IMPACT, 2027).frame
    assert list(table["headcount_difference"]) == [0, -2, 0]
    assert table["mean_base_pay"].isna().tolist() == [False, False, True]
    content = charts.affected("plan", IMPACT, "level")
    assert list(content.frame["group"]) == ["All employees", "L1 Staff", "L5 VP"]
    assert content.frame["people_compared"].isna().tolist() == [False, False, True]
    assert len(content.figure["data"][0]["x"]) == 2
    assert '<b class="good">20 earn more</b>' in content.lead
    assert "229 the same" in content.lead
    assert "3 are active in the base only and 4 in the draft only" in content.lead


def test_a_group_s_name_is_text_in_the_chart():
    figure = charts.affected("plan", IMPACT, "gender").figure
    assert figure["data"][0]["y"][1] == "&lt;i&gt;F&lt;/i&gt;"


def test_warnings_are_about_levers_target_and_budget_the_worst_first():
    effective = BASE.with_levers({"cola_rate": 0.08}).with_assumptions({"payroll_budget": 26_000_000})
    found = warnings_of(effective, validate(effective), payroll=26_200_000.0)
    assert {"payroll_budget", "market_budget"} <= {finding.parameter for finding in found}
    ranks = [finding.risk.rank for finding in found]
    assert ranks == sorted(ranks, reverse=True)
    without_figures = warnings_of(effective, validate(effective), payroll=None)
    assert "payroll_budget" not in {finding.parameter for finding in without_figures}
    assert "CRITICAL" in finding_list(found)
