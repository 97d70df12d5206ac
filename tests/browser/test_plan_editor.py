import io
import re
from urllib.parse import parse_qsl, urlsplit

import openpyxl
import pytest
from playwright.sync_api import expect

from tests.browser.dashboards import settle
from tests.browser.page_objects import Plan, csv_rows, download

HOSTILE = '<img src=x onerror=alert(1)>{{7*7}}"=1+1'
STEPS_MAX = 60  # of the Tab key, from the top of the page to the grid
IN_GRID = """() => {
  let at = document.activeElement
  while (at && at.shadowRoot && at.shadowRoot.activeElement) { at = at.shadowRoot.activeElement }
  return at && at.tagName == "TD"
}"""
PASTE = """(cell, text) => {
  const clipboardData = new DataTransfer()
  clipboardData.setData("text/plain", text)
  cell.dispatchEvent(new ClipboardEvent("paste", {clipboardData, bubbles: true, composed: true}))
}"""


@pytest.fixture
def plan(visit, served):
    def opened(query=""):
        return visit(f"{served}/?page=plan{query}", Plan.READY)

    return opened


@pytest.fixture
def grid(plan):
    def opened(query=""):
        page = plan(query)
        Plan(page).open_tab("By year")
        page.locator(Plan.GRID_READY).first.wait_for()
        return page

    return opened


def cell(page, name, year):
    return page.get_by_role("gridcell", name=re.compile(f"^{re.escape(name)}, {year}:"))


def said(cell, pattern):
    expect(cell).to_have_attribute("title", re.compile(pattern))


def edits(page):
    return [value for name, value in parse_qsl(urlsplit(page.url).query) if name == "set"]


def test_a_lever_is_edited_with_the_keyboard_alone(grid):
    page = grid()
    for _ in range(STEPS_MAX):
        page.keyboard.press("Tab")
        if page.evaluate(IN_GRID):
            break
    for key in ("ArrowDown", "ArrowRight", "ArrowRight", "4", ".", "5", "Enter"):
        page.keyboard.press(key)
    edited = cell(page, "Merit rate, L1 Staff", 2027)
    said(edited, "4.50%, edited, was 3.30%, tier default, risk OK")
    page.wait_for_url(re.compile("merit_rate_level_1"))
    assert edits(page) == ["merit_rate_level_1@2027=0.045"]
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Delete")
    said(edited, "3.30%, tier default")
    page.keyboard.press("Control+z")
    said(edited, "4.50%, edited")
    page.keyboard.press("F2")
    page.keyboard.type("99")
    page.keyboard.press("Escape")
    said(edited, "4.50%, edited")
    page.keyboard.press("ArrowUp")
    for key in ("9", "9", "Enter"):
        page.keyboard.press(key)
    told = page.get_by_text("99.00% is above the highest value allowed, 8.00%").first
    expect(told).to_be_visible()
    wrong = page.get_by_role("textbox", name="Cost-of-living raise, 2027: 0.00%")
    expect(wrong).to_be_focused()  # back where it was typed, to be put right
    expect(wrong).to_have_value("99")
    page.keyboard.press("Escape")
    expect(told).to_be_hidden()
    assert len(edits(page)) == 1


def test_slider_field_years_and_a_pasted_block(grid):
    page = grid()
    cola = cell(page, "Cost-of-living raise", 2028)
    cola.click()
    page.get_by_role("slider", name="Cost-of-living raise, 2028").press("ArrowRight")
    expect(cola).to_contain_text("0.05%")
    field = page.get_by_role("textbox", name="Cost-of-living raise, 2028, %", exact=True)
    field.fill("35")
    field.press("Enter")
    expect(page.get_by_role("alert").filter(has_text="35.00% is above the highest")).to_be_visible()
    expect(cola).to_contain_text("0.05%")
    field.fill("6.5%")
    field.press("Enter")
    expect(cola).to_contain_text("6.50%")
    expect(
        page.get_by_text(re.compile(r"2028: The increase budget of 9\.80% .* above the market's"))
    ).to_be_visible()
    cell(page, "Cost-of-living raise", 2027).click(modifiers=["Shift"])
    expect(page.get_by_role("textbox", name="Cost-of-living raise, 2027, 2028, %")).to_be_visible()
    start = cell(page, "Merit rate, L1 Staff", 2026)
    start.click()
    start.evaluate(PASTE, f"3.1\t{HOSTILE}\n4\t4.1")
    expect(page.get_by_text("is not a value of Merit rate, L1 Staff.").first).to_be_visible()
    expect(start).to_contain_text("3.30%")
    start.evaluate(PASTE, "3.1\t3.2\n4\t4.1%\n")
    expect(start).to_contain_text("3.10%")
    page.wait_for_url(re.compile("merit_rate_level_2"))
    assert len(edits(page)) == 5
    page.get_by_role("button", name="Undo").click()
    expect(start).to_contain_text("3.30%")


def test_saved_found_again_and_deleted(plan):
    page = plan("&set=cola_rate%3D0.03")
    settle(page)
    page.get_by_role("button", name="Save as scenario").click()
    dialog = page.get_by_role("dialog")
    save = dialog.get_by_role("button", name="Save as new scenario")
    dialog.get_by_label("Name").fill(HOSTILE)
    expect(page.get_by_text("cannot name a scenario")).to_be_visible()
    expect(save).to_be_disabled()
    dialog.get_by_label("Name").fill("from_the_browser")
    dialog.get_by_label("What it is for").fill(HOSTILE)
    save.click()
    page.get_by_role("heading", name="Plan on from_the_browser").wait_for()
    page.wait_for_url(re.compile("base=from_the_browser"))
    expect(page.locator("[data-lever=cola_rate] .base")).to_have_text("3%scenario")
    page.get_by_role("button", name="Delete scenario").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    page.get_by_role("heading", name="Plan on baseline").wait_for()


def test_locks_presets_files_and_assumptions(plan, tmp_path):
    page = plan()
    page.get_by_role("button", name="All levels", exact=True).click()
    page.get_by_label("Why (optional)").fill(HOSTILE)
    page.get_by_role("button", name="Lock", exact=True).click()
    page.get_by_role("button", name="Unlock", exact=True).wait_for()
    expect(page.get_by_text(HOSTILE).first).to_be_visible()
    page.get_by_role("tab", name="Presets").click()
    page.get_by_role("radio", name="Salary freeze").check()
    expect(page.get_by_text("not changed: Cost-of-living raise.")).to_be_visible()
    page.get_by_role("button", name="Apply preset").click()
    page.wait_for_url(re.compile("merit_rate_level_1"))
    assert not [text for text in edits(page) if text.startswith("cola_rate")]
    page.get_by_role("tab", name="Files").click()
    table, _ = download(page, "Download as CSV")
    row = next(row for row in csv_rows(table) if row["parameter"] == "merit_rate_level_1")
    assert (row["value"], row["tier"], row["risk"]) == ("0.0", "draft", "OK")
    book = openpyxl.load_workbook(io.BytesIO(download(page, "Download as Excel")[0]))
    assert book.sheetnames == ["Parameters", "Edits", "About"]
    file = tmp_path / "levers.csv"
    for rows, outcome in (
        (f"merit_rate_level_1,2027,3%\n{HOSTILE},,=1+1\n", "1 bad row. Nothing was changed."),
        ("merit_rate_level_1,2027,3%\n", "1 value read, 1 change to the draft."),
    ):
        file.write_text(f"parameter,year,value\n{rows}")
        page.locator("input[type=file]").set_input_files(str(file))
        expect(page.get_by_text(outcome)).to_be_visible()
    page.get_by_role("tab", name="Assumptions").click()
    page.get_by_label("Search assumptions").fill("day MERIT raises")
    expect(page.get_by_text(re.compile(r"^1 of \d+ assumptions"))).to_be_visible()
    cell(page, "Merit date", "all years").dblclick()
    page.keyboard.type("10-01")
    page.keyboard.press("Enter")
    expect(cell(page, "Merit date", "all years")).to_contain_text("1 October")
    page.get_by_role("tab", name="Merit").click()
    factor = page.get_by_role("textbox", name=re.compile("^Merit multiplier, performance rating 5"))
    factor.fill("1.6")
    factor.press("Enter")
    page.wait_for_url(re.compile("merit_multiplier_rating_5%3D1.6"))
    expect(page.get_by_text("Budget-neutral: the factors are scaled")).to_be_visible()
    group = page.get_by_role("textbox", name=re.compile("^Merit of Engineering"))
    group.fill("+0.5")
    group.press("Enter")
    page.wait_for_url(re.compile("merit_groups"))
    expect(group).to_be_focused()  # the table is drawn anew around it
    page.get_by_role("button", name="Undo").click()
    expect(group).to_have_value("1")
    page.get_by_role("tab", name="Pay ranges").click()
    widest = page.get_by_role("textbox", name="Maximum of level 1")
    widest.fill("1")
    widest.press("Enter")
    page.get_by_role("button", name="Save the ranges").click()
    expect(page.get_by_text("Level 1: the minimum")).to_be_visible()
    page.get_by_role("tab", name="Assumptions").click()
    page.get_by_label("Search assumptions").fill(HOSTILE)
    expect(page.get_by_text("No assumption has these words.")).to_be_visible()
    assert page.locator("img[src=x]").count() == 0


def test_a_wrong_address_is_told_and_effects_are_simulated(plan):
    page = plan("&set=cola_rate%3D%3Cscript%3E&set=nothing")
    expect(page.get_by_text("edits in the address are not used").first).to_be_attached()
    expect(page.get_by_role("heading", name="Plan on baseline")).to_be_visible()
    table = page.get_by_role("button", name="Download the table of effect of each lever on growth")
    expect(table).to_be_enabled(timeout=120_000)  # once every lever is simulated
    page.get_by_role("button", name="All levels", exact=True).click()
    expect(page.get_by_text(re.compile(r"of annual growth per \+1 pp")).first).to_be_visible()
