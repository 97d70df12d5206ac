"""Every page in both themes and two sizes: whole, silent, usable by everyone. One visit walks over them."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.accessibility import violations
from tests.browser.conftest import visiting
from tests.browser.looking import is_dark, settle, sticks_out
from tests.browser.pages.navigation import go
from ui.pages import PAGES

SMALL, LARGE = {"width": 1024, "height": 768}, {"width": 1440, "height": 900}


@pytest.fixture(scope="module")
def visitor(browser, served):
    with visiting(browser) as visit:
        yield visit(f"{served}/?page={PAGES[-1].key}", "main h1:visible")


def use(page, theme):
    if is_dark(page) != (theme == "dark"):
        before = page.evaluate("getComputedStyle(document.body).backgroundColor")
        page.get_by_role("button", name="Toggle theme").click()
        page.wait_for_function(
            "before => getComputedStyle(document.body).backgroundColor != before", arg=before
        )


@pytest.mark.parametrize("info", PAGES, ids=lambda info: info.key)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_page_is_whole_and_usable(visitor, theme, info):
    page = visitor
    page.set_viewport_size(LARGE)
    use(page, theme)
    go(page, info.title)
    expect(page).to_have_title(re.compile(f"^{info.title} · (.* · )?PlanWise$"))
    expect(page.get_by_role("main").get_by_role("heading", level=1)).to_have_count(1)
    settle(page)
    assert is_dark(page) == (theme == "dark")
    expect(page.get_by_role("main")).to_have_count(1)
    expect(page.get_by_role("main").get_by_role("heading", level=1)).to_have_count(1)
    expect(page.get_by_role("navigation", name="Pages").locator("[aria-current=page]")).to_have_count(1)
    found = violations(page)
    assert not found, "\n".join(found)
    assert sticks_out(page) == (0, [])
    if theme == "light":  # the widths are the same in the dark
        page.set_viewport_size(SMALL)
        settle(page)
        assert sticks_out(page) == (0, [])


def test_an_unknown_page_is_said_to_be_unknown(visit, served):
    page = visit(f"{served}/?page=nowhere", ".kpi:visible")
    notice = page.get_by_role("alert").filter(has_text="There is no page “nowhere”")
    expect(notice).to_be_visible()
    notice.get_by_role("button", name="Close").click()
    expect(notice).to_have_count(0)
