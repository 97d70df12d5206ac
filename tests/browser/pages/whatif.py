import re

from playwright.sync_api import expect

from tests.browser.pages.navigation import percent


class WhatIf:
    """Read the figures of a what-if."""

    def __init__(self, page):
        self.page = page

    def wait_for_figures(self, employees):
        exact = self.page.get_by_text(f"{employees:,} of {employees:,} employees")
        expect(exact.first).to_be_visible(timeout=180_000)

    def tile(self, label):
        """Return what the tile of a figure says."""
        name = self.page.locator("dt:visible", has_text=label)
        return name.locator("xpath=..").inner_text()

    def growth(self):
        """Return growth a year and its difference from the base, in per cent."""
        lines = self.tile("Growth a year,").splitlines()
        change = next((line for line in lines if "from baseline" in line), "")
        points = re.search(r"([+−-][\d.]+) pp", change)
        return percent(" ".join(lines[1:])), float(points[1].replace("−", "-")) if points else 0.0

    def save_and_run(self):
        self.page.get_by_role("button", name="Save as scenario and run").click()
