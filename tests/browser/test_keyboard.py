"""The main story without a mouse: every step is a key, and one always sees where one is.

On its way edits become a scenario, whose run is watched, and its gate and figures are shown.
"""

import re

import openpyxl
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import EMPLOYEES
from tests.browser.dashboards import come_back
from tests.browser.page_objects import COLA, RUN_MILLISECONDS, Compare, Plan

STOPS_MAX = 120
HOSTILE = "<img src=x onerror=alert(1)>"

FOCUSED = """() => {
  let element = document.activeElement
  while (element?.shadowRoot?.activeElement) { element = element.shadowRoot.activeElement }
  if (!element || element === document.body) { return null }
  const outlined = (style) => style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0
  let seen = outlined(getComputedStyle(element)) || getComputedStyle(element).boxShadow !== "none"
  // The mark may be on the part around an input.
  for (let near = element, steps = 0; near && steps < 4; near = near.parentElement, steps += 1) {
    seen ||= outlined(getComputedStyle(near))
      || near.matches(".Mui-focusVisible, .Mui-focused, :focus-visible .MuiTouchRipple-ripplePulsate")
  }
  const stops = window.__stops ??= {known: new WeakMap(), count: 0}
  if (!stops.known.has(element)) { stops.known.set(element, stops.count += 1) }
  const labels = element.labels?.length ? [...element.labels].map((label) => label.innerText).join(" ") : ""
  const spoken = (node) => node.nodeType === 3 ? node.data
    : node.nodeType !== 1 || node.getAttribute("aria-hidden") === "true" ? ""
    : [...node.childNodes].map(spoken).join("")
  const name = element.getAttribute("aria-label") || labels || spoken(element) || element.title || ""
  const box = element.getBoundingClientRect()
  return {id: stops.known.get(element), tag: element.tagName.toLowerCase(), name: name.trim(), seen,
    shown: box.width > 0 && box.height > 0, role: element.getAttribute("role") ?? ""}
}"""

IN_MAIN = """() => { let e = document.activeElement
  while (e?.shadowRoot?.activeElement) { e = e.shadowRoot.activeElement }
  for (; e; e = e.parentElement ?? e.getRootNode().host) { if (e.tagName === "MAIN") { return true } }
  return false }"""


class Keyboard:
    """Presses keys, and remembers stops at which one could not see where the focus is."""

    def __init__(self, page):
        self.page = page
        self.unseen = []

    def focused(self):
        return self.page.evaluate(FOCUSED)

    def tab(self, key="Tab"):
        """Go to the next stop; return it. It is another one than before."""
        before = self.focused()
        self.page.keyboard.press(key)
        now = self.focused()
        assert now is None or before is None or now["id"] != before["id"], f"trapped at {now}"
        if now and not now["seen"]:
            self.unseen.append(f"{now['tag']} {now['name'][:60]!r}")
        return now

    def wait_for(self, name):
        """Wait until the focus comes to what has this name by itself."""
        self.page.wait_for_function(f"name => ({FOCUSED})()?.name === name", arg=name)

    def tab_to(self, name, tag=None, key="Tab", exact=False):
        """Go on until what has this name (or, unless `exact`, begins with it) is focused."""
        passed = []
        for _ in range(STOPS_MAX):
            stop = self.tab(key)
            passed.append(stop["name"][:40] if stop else "page")
            named = stop and (stop["name"] == name if exact else stop["name"].startswith(name))
            if named and tag in (None, stop["tag"]):
                return stop
        raise AssertionError(f"Tab does not come to {name!r}; it came to {passed}")

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)

    def type(self, text):
        """Replace what is in the focused field."""
        self.press("Control+a")
        self.page.keyboard.type(text)


pytestmark = pytest.mark.long


def test_the_keyboard_reaches_content_and_pages(visit, served):
    page = visit(f"{served}/?page=learn", "main h1:visible")
    keys = Keyboard(page)
    stop = keys.tab()
    assert stop["name"] == "Skip to the content" and stop["shown"]
    keys.press("Enter")
    assert keys.focused()["tag"] == "main"
    inside = keys.tab()
    assert page.evaluate(IN_MAIN), inside
    assert keys.unseen == []
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Overview").focus()
    assert keys.tab()["name"] == "Plan"
    keys.press("Enter")
    expect(page).to_have_title(re.compile("^Plan · "))
    assert keys.focused()["name"] == "Plan"  # still where one was


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


def watch_the_run(page, name):
    """Wait for the end of a scenario's run; its steps, gate and figures are there, and after a reload."""
    job = page.locator("section.job")
    expect(job.get_by_text(f"Simulate {name}")).to_be_visible()
    expect(job.get_by_role("progressbar")).to_be_visible()
    expect(job.locator(".chip")).to_have_text("Done", timeout=RUN_MILLISECONDS)
    expect(job.locator(".steps li.done")).to_have_count(7)
    expect(job.get_by_text("Ran in a worker process on this machine.")).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("kpi_years"))).not_to_have_count(0)
    expect(page.get_by_role("row", name=re.compile("Annual payroll")).first).to_contain_text("$")
    assert re.search(r"job=\d{8}T\d{9}-simulate-\w{6}", page.url)
    come_back(page)
    expect(page.locator("section.job .chip")).to_have_text("Done", timeout=RUN_MILLISECONDS)


@pytest.mark.timeout(600)
def test_the_story_by_keyboard_alone(visit, office):
    _, url = office
    page = visit(f"{url}/?page=overview&set=years%3D2", ".kpi:visible")
    keys, plan, compare = Keyboard(page), Plan(page), Compare(page)

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
    expect(page.get_by_label("Name of the scenario")).to_have_value("baseline_2")
    expect(page.get_by_text(COLA).locator("visible=true").first).to_be_visible()
    rebuilt = page.get_by_text(re.compile(r"\d+ models rebuild, \d+ reused"))
    expect(rebuilt).to_be_visible(timeout=RUN_MILLISECONDS)

    keys.tab_to("Name of the scenario", "input")
    keys.type(HOSTILE)
    keys.tab_to("Save and run")
    keys.press("Enter")
    expect(page.get_by_text(f"'{HOSTILE}' cannot name a scenario.")).to_be_visible()
    keys.tab_to("Name of the scenario", "input", key="Shift+Tab")
    keys.type("by_keyboard")
    keys.tab_to("Save and run")
    keys.press("Enter")
    watch_the_run(page, "by_keyboard")
    keys.tab_to("Compare with the baseline", "a")
    keys.press("Enter")
    expect(page).to_have_url(re.compile(r"page=compare.*compare=baseline%2Cby_keyboard"))
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
    keys.tab_to("Target, %", "input")
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


def test_a_run_is_cancelled_with_the_keyboard(visit, office):
    page = visit(f"{office[1]}/?page=run&scenario=baseline", ready="text=Before it runs")
    page.get_by_role("button", name="Run", exact=True).press("Enter")
    cancel = page.get_by_role("button", name="Cancel Simulate baseline")
    cancel.focus()
    page.keyboard.press("Enter")
    asked, state = page.get_by_role("alertdialog"), page.locator("section.job .chip")
    cancelled = state.filter(has_text="Cancelled")
    expect(asked.or_(cancelled).first).to_be_visible(timeout=RUN_MILLISECONDS)
    if asked.is_visible():  # of a run that has taken a while already
        page.keyboard.press("Enter")
    expect(state).to_have_text("Cancelled", timeout=RUN_MILLISECONDS)
    expect(cancel).to_be_hidden()
