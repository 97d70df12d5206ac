"""Every page as a link opens it, in both themes and two sizes: whole, silent, usable by everyone."""

import pytest
from playwright.sync_api import expect

from tests.browser.accessibility import violations
from tests.browser.looking import is_dark, settle, sticks_out
from ui.pages import PAGES

SMALL, LARGE = {"width": 1024, "height": 768}, {"width": 1440, "height": 900}


@pytest.mark.parametrize("info", PAGES, ids=lambda info: info.key)
def test_a_link_opens_a_whole_page(visit, served, info):
    page = visit(f"{served}/?page={info.key}", "main h1:visible")
    settle(page)
    assert info.title in page.title() and "PlanWise" in page.title()
    expect(page.get_by_role("main")).to_have_count(1)
    expect(page.get_by_role("main").get_by_role("heading", level=1)).to_have_count(1)
    expect(page.get_by_role("navigation", name="Pages").locator("[aria-current=page]")).to_have_count(1)
    for theme in ("light", "dark"):
        if theme == "dark":
            page.get_by_role("button", name="Toggle theme").click()
            page.wait_for_function("getComputedStyle(document.body).backgroundColor != 'rgb(255, 255, 255)'")
            settle(page)
        assert is_dark(page) == (theme == "dark")
        found = violations(page)
        assert not found, "\n".join([theme, *found])
        for size in (SMALL, LARGE):
            page.set_viewport_size(size)
            page.wait_for_timeout(300)  # charts follow the width
            assert sticks_out(page) == (0, []), (theme, size)


def test_an_unknown_page_is_said_to_be_unknown(visit, served):
    page = visit(f"{served}/?page=nowhere", ".kpi:visible")
    expect(page.get_by_role("alert").get_by_text("There is no page “nowhere”")).to_be_attached()
