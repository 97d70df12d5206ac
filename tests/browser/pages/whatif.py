import re

from playwright.sync_api import expect

from tests.browser.pages.navigation import percent

CHANGE = re.compile(r"([+−][\d.]+)\spp from ")


class WhatIf:
    """Read the figures of a what-if."""

    def __init__(self, page):
        self.page = page

    def wait_for_figures(self, employees):
        exact = self.page.get_by_text(f"{employees:,} of {employees:,} employees")
        expect(exact.first).to_be_visible(timeout=60_000)

    def tile(self, label):
        """Return the tile of a figure."""
        return self.page.locator("dt:visible", has_text=label).locator("xpath=..")

    def growth(self):
        """Return growth a year and its difference from the base, in per cent."""
        tile = self.tile("Growth a year,")
        expect(tile).to_contain_text(CHANGE, timeout=30_000)
        text = tile.inner_text()
        return percent(text), float(CHANGE.search(text)[1].replace("−", "-"))

    def save_and_run(self):
        self.page.get_by_role("button", name="Save as scenario and run").click()
