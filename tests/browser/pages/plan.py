import re

from playwright.sync_api import expect

from tests.browser.pages.navigation import percent

COLA = "Cost-of-living raise"
CHANGE = re.compile(r"([+−][\d.]+)\spp from ")


class Plan:
    """Edit levers and assumptions, and read the live figures."""

    READY = ".board .lever input:visible"
    GRID_READY = "td[tabindex='0']:visible"

    def __init__(self, page):
        self.page = page

    def open_tab(self, name):
        self.page.get_by_role("tab", name=name, exact=True).click()

    def number(self, lever, unit="%", years=""):
        """Return the field of a lever's number."""
        when = f", {years}" if years else ""
        return self.page.get_by_role("textbox", name=f"{lever}{when}, {unit}", exact=True)

    def slider(self, lever):
        return self.page.get_by_role("slider", name=f"{lever}, slider", exact=True)

    def cell(self, lever, year="all years"):
        return self.page.get_by_role("gridcell", name=re.compile(f"^{re.escape(lever)}, {year}:"))

    def set(self, lever, number):
        field = self.number(lever)
        field.fill(str(number))
        field.press("Enter")
        self.page.wait_for_url(re.compile("set="))

    def wait_for_figures(self, employees):
        exact = self.page.get_by_text(f"{employees:,} of {employees:,} employees")
        expect(exact.first).to_be_visible(timeout=60_000)

    def tile(self, label):
        """Return the tile of a figure."""
        return self.page.locator("dt:visible", has_text=label).locator("xpath=..")

    def growth(self):
        """Return annual growth and its difference from the base, in per cent."""
        tile = self.tile("Annual growth (CAGR)")
        expect(tile).to_contain_text(CHANGE, timeout=30_000)
        text = tile.inner_text()
        return percent(text.partition("\n")[2]), float(CHANGE.search(text)[1].replace("−", "-"))

    def save_and_run(self):
        self.page.get_by_role("button", name="Save and run").click()
