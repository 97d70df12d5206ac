"""States that a link does not show: an empty home, open dialogs, parts of pages. Pages: test_pages.py."""

import pytest
from playwright.sync_api import expect

from tests.browser.accessibility import violations
from tests.browser.looking import settle
from tests.browser.pages.plan import Plan
from tests.browser.serving import dashboard
from ui.pages import PAGES


def assert_usable(page, what):
    found = violations(page)
    assert not found, "\n".join([what, *found])


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    with dashboard(tmp_path_factory.mktemp("nothing")) as url:
        yield url


def test_every_page_of_an_empty_home(visit, empty):
    page = visit(f"{empty}/?page={PAGES[0].key}", "main h1:visible, main h2:visible")
    for info in PAGES:
        page.get_by_role("navigation", name="Pages").get_by_role("link", name=info.title, exact=True).click()
        settle(page)
        assert_usable(page, info.key)


def test_an_open_dialog(visit, served):
    page = visit(f"{served}/?page=plan&set=cola_rate%3D0.06", Plan.READY)
    settle(page)
    page.get_by_role("button", name="Save as scenario").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    settle(page)
    assert_usable(page, "save as scenario")


def test_the_parts_of_learn(visit, served):
    page = visit(f"{served}/?page=learn", "main h1:visible")
    for name in ("Readiness check", "Methods", "Glossary", "Troubleshooting", "Learning path"):
        page.get_by_role("navigation", name="Sections of Learn").get_by_role("link", name=name).click()
        settle(page)
        assert_usable(page, name)
    page.get_by_role("link", name="Reading growth", exact=True).click()
    expect(page.get_by_role("radiogroup")).to_be_visible()
    assert_usable(page, "a module")


def test_notifications_and_tables_behind_charts(visit, served):
    page = visit(f"{served}/?page=overview&scenario=nowhere", ".kpi:visible")
    for button in page.get_by_role("button", name="as a table or a chart").all():
        button.click()
    page.get_by_role("button", name="Notifications").click()
    settle(page)
    assert_usable(page, "tables and notifications")
