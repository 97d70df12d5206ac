"""From an empty home to people in use, without a shell: file, columns, level names, use; then a sample."""

import re

import pytest
from playwright.sync_api import expect

from planwise.census import load_census
from planwise.enrichment.decisions import MatchDecisions
from planwise.governance import open_ledger
from planwise.settings import Settings
from tests.browser.dashboards import dashboard, settle, sticks_out, violations
from tests.browser.page_objects import Census, go

pytestmark = pytest.mark.long

LEVELS = ("Support", "Professional", "Senior", "Lead", "Executive")


def payroll():
    rows = [
        f"P{n:03},{1 + n % 12:02}/{13 + n % 15}/2015,{40_000 + 900 * n},Clerk {n % 4},{'AB'[n % 2]}"
        for n in range(90)
    ]
    return "\n".join(["Badge,Begun,Salary,Title,Team", *rows, "P001,05/17/2012,50000,Clerk,A"]).encode()


@pytest.mark.timeout(600)
def test_an_empty_home_gets_its_people(visit, tmp_path):
    with dashboard(tmp_path / "home") as url:
        page = visit(f"{url}/", "main h1:visible")
        expect(page.get_by_role("heading", level=1)).to_have_text("Census")
        go(page, "Plan")
        page.get_by_role("button", name="Go to Census").click()
        census = Census(page)

        census.bring("Payroll 2025.csv", payroll())
        expect(page.get_by_text("The required columns").first).to_be_visible()
        census.choose("Employee ID *", "Badge")
        census.choose("Hire date *", "Begun")
        census.fill("Census date", "2025-12-31")
        expect(page.get_by_text("Nothing was registered")).to_be_visible()  # two rows share an id
        census.fill("Keep only rows where", "Title <> 'Clerk'")
        for level, name in enumerate(LEVELS, start=1):
            census.fill(f"Name of level {level}", name, check=False)
        census.wait_until_checked()
        settle(page)
        assert violations(page) == [] and sticks_out(page) == (0, [])
        census.use()
        expect(page.get_by_text("payroll_2025: 90 people as of 2025-12-31")).to_be_visible()
        stored = load_census(Settings(home=tmp_path / "home"))
        assert (stored.name, stored.rows) == ("payroll_2025", 90)
        assert not any((tmp_path / "home" / "uploads").iterdir())

        page.get_by_role("button", name="payroll_2025").click()
        expect(page.get_by_label("Name of level 5")).to_have_value("Executive")
        settle(page)
        assert violations(page) == [] and sticks_out(page) == (0, [])

        page.get_by_role("button", name="Match the titles").click()
        page.get_by_role("button", name="Decide on Clerk").first.click(timeout=120_000)
        accept = page.get_by_role("button", name=re.compile("^Accept .* for Clerk")).first
        expect(accept).to_be_visible()
        page.set_viewport_size({"width": 1024, "height": 768})
        settle(page)
        assert violations(page) == [] and sticks_out(page) == (0, [])
        accept.focus()
        page.keyboard.press("Enter")  # one key decides, and it lasts
        expect(page.get_by_text("1 decision since the last run")).to_be_visible()
        with open_ledger(Settings(home=tmp_path / "home")) as ledger:
            (decision,) = MatchDecisions(ledger).list("market")
        assert decision.name.startswith("Clerk") and decision.matched_id

        page.get_by_role("button", name="Generate a sample").click()
        expect(page.get_by_text(re.compile("synthetic_1000: 1,000 people"))).to_be_visible(timeout=120_000)
        expect(page.get_by_role("button", name="Run the baseline")).to_be_enabled()
