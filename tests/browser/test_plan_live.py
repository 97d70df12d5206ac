"""Live figures of Plan in the browser: they are what a preview of the same parameters gives."""

import re

import pytest
from playwright.sync_api import expect

from planwise import formatting
from planwise.census import load_census
from planwise.governance import effective_parameters, open_ledger
from tests.browser.page_objects import csv_rows, download

ANSWERED = ".live .exact:has-text(' of ')"
COLA = "Cost-of-living raise"
PATIENCE = 120_000  # how busy the machine is must not decide: workers take seconds to be ready


@pytest.fixture(scope="module")
def simulated(published_home):
    """Simulates edits of the baseline by itself, without the dashboard."""
    from planwise.engine.preview import Preview

    census = load_census(published_home)
    preview = Preview(published_home, census)

    def simulate(changes):
        with open_ledger(published_home) as ledger:
            found = ledger.scenarios.get("baseline")
            effective = effective_parameters(ledger, found, census.first_year, changes)
        return preview.evaluate(effective).kpis

    yield simulate
    preview.close()


@pytest.fixture
def open_page(visit):
    def opened(url):
        page = visit(url, ready=".live")
        page.set_default_timeout(PATIENCE)
        page.locator(ANSWERED).wait_for()
        return page

    return opened


@pytest.fixture
def plan(open_page, served):
    return open_page(f"{served}/?page=plan")


def figure(page, label):
    name = page.locator("dt", has_text=re.compile(f"^{re.escape(label)},"))
    return page.locator(".live .kpi").filter(has=name).locator(".figure")


def expect_figures(page, kpis, base):
    """The strip has the figures of the first year, and their differences from the base's."""
    first, before = kpis[0], base[0]
    for label, text in {
        "Increase budget": formatting.percent(first["increase_rate"], 2),
        "Change in average pay": formatting.percent(first["growth_compound"], 2),
        "Annual payroll": formatting.money_short(first["payroll"]),
        "Growth of those who stay": formatting.percent(first["growth_continuing"], 2),
        "Headcount": formatting.count(first["headcount"]),
        "Compa-ratio": formatting.ratio(first["mean_compa_ratio"], 3),
    }.items():
        expect(figure(page, label)).to_have_text(text, timeout=PATIENCE)
    gap = formatting.points(first["increase_rate"] - before["increase_rate"])
    change = page.locator(".live .kpi").first.locator(".change")
    expect(change).to_have_text(
        "no change from the base" if "0.00" in gap else f"{gap} from the base", timeout=PATIENCE
    )


def table_of(page, name):
    page.get_by_role("button", name=f"Show {name} as a table or a chart").click()
    return page.get_by_role("table", name=re.compile(f"^{name}", re.IGNORECASE))


def test_a_typed_number_simulates_everybody_and_a_link_reproduces_it(plan, open_page, simulated):
    base, edited = simulated({}), simulated({"cola_rate": 0.041})
    expect_figures(plan, base, base)
    number = plan.get_by_label(f"{COLA}, %")
    number.fill("4.1")
    number.press("Enter")
    expect_figures(plan, edited, base)
    expect(plan.locator(".badge")).to_contain_text("300 of 300 employees")
    plan.wait_for_url(re.compile("set=cola_rate"))
    again = open_page(plan.url)
    expect_figures(again, edited, base)
    expect(again.locator(".badge")).to_contain_text("from cache")
    expect(again.get_by_label(f"{COLA}, %")).to_have_value("4.1", timeout=PATIENCE)
    own = plan.get_by_label("Budget: 3.5% or 24m")
    own.fill("3%")
    own.press("Enter")
    over = plan.locator(".live .kpi").filter(has_text="Over the budget")
    expect(over.locator(".figure")).to_have_text(
        formatting.points(edited[0]["increase_rate"] - 0.03, sign=False)
    )
    plan.wait_for_url(re.compile("budget=3%25"))
    plan.get_by_role("button", name=f"Reset {COLA}").click()
    expect_figures(plan, base, base)
    expect(number).to_have_value("0", timeout=PATIENCE)
    plan.wait_for_url(re.compile("^(?!.*set=)"))


def test_a_slider_is_answered_while_it_moves_and_edits_when_it_is_let_go(plan, simulated):
    base = simulated({})
    slider = plan.get_by_label(f"{COLA}, slider")
    slider.hover()  # waits until it stands still
    box = slider.bounding_box()
    plan.mouse.move(box["x"] + box["width"] / 3, box["y"] + box["height"] / 2)
    plan.mouse.down()
    plan.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + box["height"] / 2, steps=6)
    value = float(slider.input_value())
    assert value > 4
    expect_figures(plan, simulated({"cola_rate": round(value / 100, 6)}), base)
    assert "set=" not in plan.url
    plan.mouse.up()
    plan.wait_for_url(re.compile(f"set=cola_rate%3D{round(value / 100, 6)}"))
    slider.press("ArrowRight")
    stepped = float(slider.input_value())
    assert stepped == pytest.approx(value + 0.05)
    expect_figures(plan, simulated({"cola_rate": round(stepped / 100, 6)}), base)
    plan.get_by_role("button", name="Discard changes").click()
    expect_figures(plan, base, base)


def test_one_year_is_edited_and_the_tables_say_both_sides(plan, simulated):
    changes = {"merit_rate_level_1@2027": 0.08, "promotion_probability_level_1": 0.25}
    base, edited = simulated({}), simulated(changes)
    plan.get_by_role("button", name="2027", exact=True).click()
    merit = plan.get_by_label("Merit rate, L1 Staff, 2027, %")
    merit.fill("8")
    merit.press("Tab")
    plan.wait_for_url(re.compile("merit_rate_level_1%402027"))
    plan.get_by_role("button", name="All years", exact=True).click()
    expect(plan.get_by_label("Merit rate, L1 Staff, %")).to_have_attribute(
        "placeholder", "varies", timeout=PATIENCE
    )
    probability = plan.get_by_label("Promotion probability, L1 Staff, %")
    probability.fill("25")
    probability.press("Enter")
    expect_figures(plan, edited, base)
    rows = table_of(plan, "growth by year").locator("tbody tr")
    expect(rows).to_have_count(len(base))
    expect(rows.nth(1)).to_contain_text(formatting.percent(edited[1]["growth_all"], 2))
    lines = csv_rows(download(plan, "Download the table of growth by year")[0])
    assert [float(line["draft"]) for line in lines] == [kpi["growth_all"] for kpi in edited]
    assert [float(line["base"]) for line in lines] == [kpi["growth_all"] for kpi in base]
    lead = plan.get_by_text(re.compile("[0-9]+ earn more"))
    expect(lead.first).to_be_visible(timeout=PATIENCE)


def test_what_cannot_be_is_said_at_the_lever_and_changes_nothing(plan, simulated):
    number = plan.get_by_label(f"{COLA}, %")
    number.fill("50")
    number.press("Enter")
    expect(plan.get_by_role("alert").filter(has_text="50.00% is above the highest")).to_be_visible(
        timeout=PATIENCE
    )
    expect(number).to_have_attribute("aria-invalid", "true")
    base = simulated({})
    expect_figures(plan, base, base)
    assert "set=" not in plan.url
    expect(plan.locator(".live")).to_have_attribute("aria-busy", "false", timeout=PATIENCE)


@pytest.mark.parametrize("earlier", ["levers", "whatif"])
def test_addresses_of_the_pages_before_lead_to_plan_with_all_they_say(open_page, served, earlier):
    query = "scenario=higher_cola&year=2027&set=merit_rate_level_1%3D0.04"
    page = open_page(f"{served}/?page={earlier}&{query}&lock=cola_rate=ana=agreed")
    page.wait_for_url(re.compile(r"page=plan&scenario=higher_cola&year=2027&set="))
    assert "lock=cola_rate" in page.url
    expect(page.get_by_role("heading", name="Plan on baseline")).to_be_visible()
    expect(page.get_by_label("Merit rate, L1 Staff, %")).to_have_value("4", timeout=PATIENCE)
    expect(page.get_by_label(f"{COLA}, %")).to_be_disabled()
    expect(page.get_by_text("Annual payroll, end of 2027")).to_be_visible()
