"""The Run page in a browser: edits become a scenario, its run is watched, its gate and figures are shown."""

import re
import shutil

import pytest
from playwright.sync_api import expect

from tests.browser.dashboards import come_back, dashboard

RUN_MILLISECONDS = 120_000
EDITED = "/?page=run&set=cola_rate=0.03"


@pytest.fixture(scope="module")
def address(published_home, tmp_path_factory):
    """A dashboard on a copy of the home, warehouse included, so that runs here show nowhere else."""
    home = tmp_path_factory.mktemp("run") / "home"
    shutil.copytree(published_home.root, home)
    with dashboard(home) as url:
        yield url


def test_edits_are_saved_run_and_compared(visit, address):
    page = visit(address + EDITED, ready="text=Before it runs")
    expect(page.get_by_text("Cost-of-living raise").first).to_be_visible()
    expect(page.get_by_text(re.compile(r"\d+ models rebuild, \d+ reused"))).to_be_visible(
        timeout=RUN_MILLISECONDS
    )
    name = page.get_by_label("Name of the scenario")
    expect(name).to_have_value("baseline_2")
    name.fill("<img src=x onerror=alert(1)>")
    page.get_by_role("button", name="Save and run").click()
    expect(page.get_by_text("'<img src=x onerror=alert(1)>' cannot name a scenario.")).to_be_visible()
    name.fill("raise_3")
    page.get_by_role("button", name="Save and run").click()
    job = page.locator("section.job")
    expect(job.get_by_text("Simulate raise_3")).to_be_visible()
    expect(job.get_by_role("progressbar")).to_be_visible()
    expect(job.locator(".chip")).to_have_text("Done", timeout=RUN_MILLISECONDS)
    expect(job.locator(".steps li.done")).to_have_count(7)
    expect(job.get_by_text("Ran in a worker process on this machine.")).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("kpi_years"))).not_to_have_count(0)
    expect(page.get_by_role("row", name=re.compile("Mean base pay")).first).to_contain_text("$")
    assert re.search(r"job=\d{8}T\d{9}-simulate-\w{6}", page.url)
    come_back(page)
    expect(page.locator("section.job .chip")).to_have_text("Done", timeout=RUN_MILLISECONDS)
    page.get_by_role("link", name="Compare with the baseline").click()
    compared = re.compile(r"page=compare.*compare=baseline%2Craise_3")
    expect(page).to_have_url(compared, timeout=RUN_MILLISECONDS)


def test_a_run_is_cancelled_with_the_keyboard(visit, address):
    page = visit(f"{address}/?page=run&scenario=baseline", ready="text=Before it runs")
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
