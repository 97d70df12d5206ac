import re

from playwright.sync_api import expect

COLA = "Cost-of-living raise"


class Levers:
    """Edit levers in the grid and its editor."""

    READY = "td[tabindex='0']:visible"

    def __init__(self, page):
        self.page = page

    def cell(self, lever, year="all years"):
        return self.page.get_by_role("gridcell", name=re.compile(f"^{re.escape(lever)}, {year}:"))

    def set(self, lever, percent, year="all years"):
        self.cell(lever, year).click()
        field = self.page.get_by_role("textbox", name=f"{lever}, {year}", exact=True)
        field.fill(str(percent))
        field.press("Enter")
        expect(self.cell(lever, year)).to_contain_text(f"{percent:.2f}%")

    def see_the_effect(self):
        self.page.get_by_role("button", name="See the effect").click()
