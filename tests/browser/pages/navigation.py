import re

from playwright.sync_api import expect


def go(page, title):
    """Follow the navigation to another page."""
    page.get_by_role("navigation", name="Pages").get_by_role("link", name=title, exact=True).click()
    expect(
        page.get_by_role("navigation", name="Pages").get_by_role("link", name=title, exact=True)
    ).to_have_attribute("aria-current", "page")


def percent(text):
    """Return the first percentage in a text, as a number."""
    return float(re.search(r"([−-]?[\d.]+)\s?%", text)[1].replace("−", "-"))


def downloaded(page, name):
    """Press a button that makes a file; return the file."""
    with page.expect_download() as download:
        page.get_by_role("button", name=name).first.click()
    return download.value
