"""The What-if page in the browser: what it shows is what a preview of the same parameters gives."""

import csv
import io
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from planwise.census import load_census
from planwise.governance import effective_parameters, open_ledger
from ui.values import formatting

ANSWERED = ".live .exact:has-text(' of ')"
COLA = "Cost of living, All levels"
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
def what_if(open_page, served):
    return open_page(f"{served}/?page=whatif")


def figure(page, label):
    return page.locator(".live .kpi").filter(has=page.locator("dt", has_text=label)).locator(".figure")


def expect_figures(page, kpis, base):
    """The strip has the figures of the last year, and their differences from the base's."""
    last, before = kpis[-1], base[-1]
    for label, text in {
        "Growth a year": formatting.percent(last["growth_compound"], 2),
        "Annual payroll": formatting.money_short(last["payroll"]),
        "Base pay paid": formatting.money_short(sum(kpi["prorated_payroll"] for kpi in kpis)),
        "Mean base pay": formatting.money(last["mean_base_pay"]),
        "Headcount": formatting.count(last["headcount"]),
        "Turnover": formatting.percent(last["termination_rate"], 2),
        "Compa-ratio": formatting.ratio(last["mean_compa_ratio"], 3),
    }.items():
        expect(figure(page, label)).to_have_text(text, timeout=PATIENCE)
    gap = formatting.points(last["growth_compound"] - before["growth_compound"])
    growth = page.locator(".live .kpi").first.locator(".change")
    expect(growth).to_have_text(
        "no change from the base" if "0.00" in gap else f"{gap} from the base", timeout=PATIENCE
    )


def table_of(page, name):
    page.get_by_role("button", name=f"Show {name} as a table or a chart").click()
    return page.get_by_role("table")


def test_a_typed_number_simulates_everybody_and_a_link_reproduces_it(what_if, open_page, simulated):
    base, edited = simulated({}), simulated({"cola_rate": 0.041})
    expect_figures(what_if, base, base)
    number = what_if.get_by_label(f"{COLA}, %")
    number.fill("4.1")
    number.press("Enter")
    expect_figures(what_if, edited, base)
    expect(what_if.locator(".badge")).to_contain_text("300 of 300 employees")
    what_if.wait_for_url(re.compile("set=cola_rate"))
    again = open_page(what_if.url)
    expect_figures(again, edited, base)
    expect(again.locator(".badge")).to_contain_text("from cache")
    expect(again.get_by_label(f"{COLA}, %")).to_have_value("4.1", timeout=PATIENCE)
    what_if.get_by_role("button", name=f"Reset {COLA}").click()
    expect_figures(what_if, base, base)
    expect(number).to_have_value("2.5", timeout=PATIENCE)
    what_if.wait_for_url(re.compile("^(?!.*set=)"))


def test_a_slider_is_answered_while_it_moves_and_edits_when_it_is_let_go(what_if, simulated):
    base = simulated({})
    slider = what_if.get_by_label(f"{COLA}, slider")
    slider.hover()  # waits until it stands still
    box = slider.bounding_box()
    what_if.mouse.move(box["x"] + box["width"] / 3, box["y"] + box["height"] / 2)
    what_if.mouse.down()
    what_if.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + box["height"] / 2, steps=6)
    value = float(slider.input_value())
    assert value > 4
    expect_figures(what_if, simulated({"cola_rate": round(value / 100, 6)}), base)
    assert "set=" not in what_if.url
    what_if.mouse.up()
    what_if.wait_for_url(re.compile(f"set=cola_rate%3D{round(value / 100, 6)}"))
    slider.press("ArrowRight")
    stepped = float(slider.input_value())
    assert stepped == pytest.approx(value + 0.1)
    expect_figures(what_if, simulated({"cola_rate": round(stepped / 100, 6)}), base)
    what_if.get_by_role("button", name="Reset all").click()
    expect_figures(what_if, base, base)


def test_one_year_is_edited_and_the_tables_say_both_sides(what_if, simulated):
    changes = {"merit_rate_level_1@2027": 0.08, "promotion_probability_level_1": 0.25}
    base, edited = simulated({}), simulated(changes)
    what_if.get_by_role("button", name="2027", exact=True).click()
    merit = what_if.get_by_label("Merit raise a year, L1 Staff, %")
    merit.fill("8")
    merit.press("Tab")
    what_if.wait_for_url(re.compile("merit_rate_level_1%402027"))
    what_if.get_by_role("button", name="All years", exact=True).click()
    expect(merit).to_have_attribute("placeholder", "varies", timeout=PATIENCE)
    probability = what_if.get_by_label("Promotion probability a year, L1 Staff, %")
    probability.fill("25")
    probability.press("Enter")
    expect_figures(what_if, edited, base)
    rows = table_of(what_if, "growth by year").locator("tbody tr")
    expect(rows).to_have_count(len(base))
    expect(rows.nth(1)).to_contain_text(formatting.percent(edited[1]["growth_all"], 2))
    with what_if.expect_download() as download:
        what_if.get_by_role("button", name="Download the table of growth by year").click()
    text = Path(download.value.path()).read_text(encoding="utf-8-sig")
    lines = list(csv.DictReader(io.StringIO(text)))
    assert [float(line["what_if"]) for line in lines] == [kpi["growth_all"] for kpi in edited]
    assert [float(line["base"]) for line in lines] == [kpi["growth_all"] for kpi in base]
    lead = what_if.get_by_text(re.compile("[0-9]+ earn more"))
    expect(lead.first).to_be_visible(timeout=PATIENCE)


def test_what_cannot_be_is_said_at_the_lever_and_changes_nothing(what_if, simulated):
    number = what_if.get_by_label(f"{COLA}, %")
    number.fill("50")
    number.press("Enter")
    expect(what_if.get_by_role("alert").filter(has_text="hard bounds")).to_be_visible(timeout=PATIENCE)
    expect(number).to_have_attribute("aria-invalid", "true")
    base = simulated({})
    expect_figures(what_if, base, base)
    assert "set=" not in what_if.url
    expect(what_if.locator(".live")).to_have_attribute("aria-busy", "false", timeout=PATIENCE)
