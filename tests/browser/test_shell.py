import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import visiting
from tests.browser.dashboards import come_back, come_to, dashboard


def heading(page, title):
    expect(page).to_have_title(re.compile(f"^{title} · "))


def pages(page):
    return page.get_by_role("navigation", name="Pages")


def background(page):
    return page.evaluate("getComputedStyle(document.body).backgroundColor")


def test_pages_have_addresses_titles_and_a_way_back(visit, served):
    page = visit(f"{served}/?scenario=higher_cola")
    heading(page, "Overview · higher_cola")
    for title, key in (("Plan", "plan"), ("Learn", "learn")):
        pages(page).get_by_role("link", name=title, exact=True).click()
        heading(page, title)
        assert f"page={key}" in page.url and "scenario=higher_cola" in page.url
        expect(pages(page).locator("[aria-current=page]")).to_have_text(re.compile(title))
    page.go_back()
    heading(page, "Plan")
    page.go_back()
    heading(page, "Overview")
    page.go_forward()
    heading(page, "Plan")
    come_back(page)
    heading(page, "Plan")


def test_an_unknown_page_says_so_and_shows_the_overview(visit, served):
    page = visit(f"{served}/?page=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E")
    notice = page.get_by_role("alert").filter(has_text="There is no page “<img src=x")
    expect(notice).to_be_visible()
    notice.get_by_role("button", name="Close").click()
    expect(notice).to_have_count(0)
    heading(page, "Overview")
    expect(page).to_have_url(re.compile("/$"))
    bell = page.get_by_role("button", name="Notifications, 1 unread")
    bell.click()
    expect(page.get_by_role("region", name="Notifications")).to_contain_text("The overview is shown instead")
    page.keyboard.press("Escape")
    expect(page.get_by_role("region", name="Notifications")).to_be_hidden()
    expect(page.get_by_role("button", name="Notifications", exact=True)).to_be_focused()


@pytest.fixture(scope="module")
def overview(browser, served):
    """A page for tests that leave it as they found it."""
    with visiting(browser) as visit:
        yield visit(served)


def test_a_link_to_a_page_opens_in_a_tab_of_its_own(overview):
    page = overview
    with page.context.expect_page() as opened:
        pages(page).get_by_role("link", name="Learn").click(modifiers=["Control"])
    heading(opened.value, "Learn")
    opened.value.close()
    heading(page, "Overview")


def test_the_names_of_the_pages_can_be_hidden_and_stay_so(visit, served):
    page = visit(served)
    wide = page.locator("main").bounding_box()["width"]
    page.get_by_role("button", name="Hide names of the pages").click()
    page.wait_for_function("document.cookie.includes('planwise-nav=rail')")
    expect(page.get_by_role("button", name="Show the names of the pages")).to_be_visible()
    come_back(page)
    expect(page.get_by_role("button", name="Show the names of the pages")).to_be_visible()
    assert page.locator("main").bounding_box()["width"] > wide + 100
    expect(pages(page).get_by_role("link", name="Plan", exact=True)).to_be_visible()


def test_the_theme_is_the_systems_until_one_chooses(visit, served):
    page = visit(served)
    toggle = page.get_by_role("button", name="Toggle theme")

    def seen_under(system):
        page.emulate_media(color_scheme=system, reduced_motion="reduce")
        come_back(page)
        toggle.wait_for()
        return "light" if background(page) == "rgb(255, 255, 255)" else "dark"

    def choose(theme):
        toggle.click()
        page.wait_for_function("theme => document.cookie.includes(`planwise-theme=${theme}`)", arg=theme)

    toggle.wait_for()
    assert background(page) == "rgb(255, 255, 255)"  # a system is light unless it says otherwise
    assert seen_under("dark") == "dark"
    choose("light")
    assert seen_under("dark") == "light"
    choose("dark")
    assert seen_under("light") == "dark"


def test_the_account_says_that_sign_in_is_off(overview):
    page = overview
    page.get_by_role("button", name=re.compile("^Account: .*, admin$")).click()
    expect(page.get_by_role("region", name="Account")).to_contain_text("Sign-in is off")
    expect(page.get_by_role("link", name="Sign out")).to_have_count(0)


def test_a_server_that_restarts_is_said_and_the_page_comes_back(browser, home):
    context = browser.new_context()
    context.set_default_timeout(30_000)
    page = context.new_page()
    with dashboard(home.root) as url:
        come_to(page, f"{url}/?scenario=higher_cola&set=cola_rate%3D0.04")
        page.locator(".kpi:visible").first.wait_for()
    port = int(url.rpartition(":")[2])
    expect(page.get_by_role("alert").filter(has_text="connection to the server is lost")).to_be_visible()
    expect(page.get_by_role("button", name="Reload now")).to_be_visible()
    with dashboard(home.root, port=port):
        page.locator("#connection-lost").wait_for(state="detached")
        page.locator(".kpi:visible").first.wait_for()
        heading(page, r"Overview · higher_cola \(deleted\)")  # this home has its result only
    context.close()
