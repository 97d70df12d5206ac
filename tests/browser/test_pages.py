"""Pages as a whole, silent and usable by everyone: in both themes and two sizes, empty, with dialogs open."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import visiting
from tests.browser.dashboards import (
    dashboard,
    is_dark,
    leave_out_pages_before,
    settle,
    sticks_out,
    violations,
)
from tests.browser.page_objects import Plan, go
from ui.pages import PAGES

pytestmark = pytest.mark.long

SMALL, LARGE = {"width": 1024, "height": 768}, {"width": 1440, "height": 900}


@pytest.fixture(scope="module")
def visitor(browser, served):
    with visiting(browser) as visit:
        yield visit(f"{served}/?page={PAGES[0].key}", "main h1:visible")


def use(page, theme):
    if is_dark(page) != (theme == "dark"):
        before = page.evaluate("getComputedStyle(document.body).backgroundColor")
        page.get_by_role("button", name="Toggle theme").click()
        page.wait_for_function(
            "before => getComputedStyle(document.body).backgroundColor != before", arg=before
        )


@pytest.mark.parametrize("info", PAGES, ids=lambda info: info.key)
def test_a_page_is_whole_and_usable_in_both_themes(visitor, info):
    """It is drawn in the theme in which the page before was left, so every other one in the dark."""
    page = visitor
    page.set_viewport_size(LARGE)
    go(page, info.title)
    expect(page).to_have_title(re.compile(f"^{info.title} · (.* · )?PlanWise$"))
    expect(page.get_by_role("main").get_by_role("heading", level=1)).to_have_count(1)
    leave_out_pages_before(page)
    themes = ("dark", "light") if is_dark(page) else ("light", "dark")
    for theme in themes:
        use(page, theme)
        settle(page)
        assert is_dark(page) == (theme == "dark")
        expect(page.get_by_role("main")).to_have_count(1)
        expect(page.get_by_role("main").get_by_role("heading", level=1)).to_have_count(1)
        expect(page.get_by_role("navigation", name="Pages").locator("[aria-current=page]")).to_have_count(1)
        found = violations(page, of_colours_alone=theme == themes[1])
        assert not found, "\n".join([theme, *found])
        assert sticks_out(page) == (0, [])
    page.set_viewport_size(SMALL)  # the widths are the same in both themes
    settle(page)
    assert sticks_out(page) == (0, [])


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
        leave_out_pages_before(page)
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
