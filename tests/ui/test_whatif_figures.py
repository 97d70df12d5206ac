"""What the What-if page makes of two simulations."""

import pytest

from planwise.parameters import resolve
from tests.ui.whatif_sides import BASE, IMPACT, NEW, OLD, answer, kpi
from ui.views.whatif import charts, findings, people, strip
from ui.views.whatif.strip import Side


def tile(label, effective=BASE, year=2027):
    return next(t for t in strip.tiles(OLD, NEW, effective, year) if t.label.startswith(label))


def test_key_figures_say_the_difference_from_the_base():
    growth = tile("Growth a year, 2026–2027")
    assert (growth.figure, growth.change) == ("4.51%", "+0.51\N{NO-BREAK SPACE}pp")
    assert (growth.verdict, growth.note) == ("1.51\N{NO-BREAK SPACE}pp", "above target 3.0%")
    assert tile("Annual payroll").change == "+$1.2\N{NO-BREAK SPACE}M"
    paid = tile("Base pay paid")  # 49.5 against 48 million
    assert (paid.figure, paid.change) == ("$49.5\N{NO-BREAK SPACE}M", "+$1.5\N{NO-BREAK SPACE}M")
    assert paid.note == "+3.12% in all; prorated"
    assert tile("Headcount").change == "−2"
    assert tile("Turnover").change == strip.NO_CHANGE
    assert tile("Pay gap").change == "−0.50\N{NO-BREAK SPACE}pp"


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
