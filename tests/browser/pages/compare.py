import csv
import io

import openpyxl
from playwright.sync_api import expect

from tests.browser.pages.navigation import downloaded, percent


class Compare:
    """Read differences between scenarios and take them away as a workbook."""

    def __init__(self, page):
        self.page = page

    def wait_for(self, *scenarios):
        heading = self.page.get_by_role("heading", level=1)
        for scenario in scenarios:
            expect(heading).to_contain_text(scenario)
        expect(self.figures()).to_be_visible(timeout=180_000)

    def figures(self):
        return self.page.get_by_role("table").filter(has_text="Compound growth a year since the census")

    def growth(self):
        """Return compound growth of each scenario, in the order of the columns, in per cent."""
        row = self.figures().get_by_role("row").filter(has_text="Compound growth a year since the census")
        return [percent(text) for text in row.get_by_role("cell").all_inner_texts()]

    def workbook(self):
        """Return the workbook, opened."""
        return openpyxl.load_workbook(io.BytesIO(downloaded(self.page, "Excel workbook").path().read_bytes()))

    def figures_csv(self):
        """Return the rows of the table of figures."""
        text = downloaded(self.page, "Download the table of figures").path().read_text(encoding="utf-8-sig")
        return list(csv.DictReader(io.StringIO(text)))
