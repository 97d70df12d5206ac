"""The main story without a mouse: every step is a key, and one always sees where one is."""

import re

import openpyxl
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import EMPLOYEES
from tests.browser.keyboard import Keyboard
from tests.browser.pages.compare import Compare
from tests.browser.pages.plan import COLA, Plan
from tests.browser.pages.run import Run

pytestmark = pytest.mark.long


def test_the_first_stop_skips_to_the_content(visit, served):
    page = visit(f"{served}/?page=learn", "main h1:visible")
    keys = Keyboard(page)
    stop = keys.tab()
    assert stop["name"] == "Skip to the content" and stop["shown"]
    keys.press("Enter")
    inside = keys.tab()
    in_main = """() => { let e = document.activeElement
      while (e?.shadowRoot?.activeElement) { e = e.shadowRoot.activeElement }
      for (; e; e = e.parentElement ?? e.getRootNode().host) { if (e.tagName === "MAIN") { return true } }
      return false }"""
    assert page.evaluate(in_main), inside
    assert keys.unseen == []


def test_a_dialog_takes_the_focus_and_gives_it_back(visit, served):
    page = visit(f"{served}/?page=plan&set=cola_rate%3D0.03", Plan.READY)
    keys = Keyboard(page)
    keys.tab_to("Save as scenario")
    keys.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    within = [stop["name"] for stop in (keys.tab() for _ in range(12)) if stop]
    assert {"Name", "What it is for (optional)", "Cancel"} <= set(within)
    assert not {"Plan", "PlanWise", "Overview"} & set(within), within
    keys.press("Escape")
    expect(dialog).to_be_hidden()
    keys.wait_for("Save as scenario…")


@pytest.mark.timeout(600)
def test_the_story_by_keyboard_alone(visit, office):
    _, url = office
    page = visit(f"{url}/?page=overview", ".kpi:visible")
    keys, plan, run, compare = Keyboard(page), Plan(page), Run(page), Compare(page)

    keys.tab_to("Plan", "a", exact=True)  # not the link of the product's name
    keys.press("Enter")
    page.locator(Plan.READY).first.wait_for()
    keys.tab_to(f"{COLA}, %", "input")
    keys.type("3.5")
    keys.press("Enter")
    page.wait_for_url(re.compile("set=cola_rate"))

    plan.wait_for_figures(EMPLOYEES)
    assert plan.growth()[1] > 0.5
    keys.tab_to("Save and run", key="Shift+Tab")
    keys.press("Enter")
    expect(page.get_by_label("Name of the scenario")).to_be_visible()

    keys.tab_to("Name of the scenario", "input")
    keys.type("by_keyboard")
    keys.tab_to("Save and run")
    keys.press("Enter")
    run.wait_until_published("by_keyboard")
    keys.tab_to("Compare with the baseline", "a")
    keys.press("Enter")
    compare.wait_for("by_keyboard", "baseline")
    keys.tab_to("Excel workbook")
    with page.expect_download() as download:
        keys.press("Enter")
    with download.value.path().open("rb") as file:
        assert "Summary" in openpyxl.load_workbook(file).sheetnames

    keys.tab_to("Auto-optimise", "a")
    keys.press("Enter")
    start = page.get_by_role("button", name="Start the study")
    expect(start).to_be_enabled()
    keys.tab_to("Target growth, % a year", "input")
    keys.type("3.5")
    keys.tab_to("Start the study")
    keys.press("Enter")
    page.wait_for_url(re.compile("study="))
    keys.tab_to("Cancel Study of")
    keys.press("Enter")
    question = page.get_by_role("alertdialog")
    ended = page.get_by_text(re.compile("^(Stopping|Cancelled)$"))
    expect(question.or_(ended).first).to_be_visible()
    if question.is_visible():  # of a study that has run for a while
        keys.press("Enter")
    expect(ended.first).to_be_visible()
    assert keys.unseen == []
