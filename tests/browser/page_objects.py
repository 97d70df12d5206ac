"""What a person does on each page, in roles and labels; nothing here knows how a page is made."""

import csv
import io
import re

import openpyxl
from playwright.sync_api import expect

GOOD = "correct horse battery"  # a password that is long enough


def sign_in(page, url, name, password=GOOD):
    """Go to an address and sign in, which leads there."""
    page.goto(url)
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.keyboard.press("Enter")


def go(page, title):
    """Follow the navigation to another page."""
    page.get_by_role("navigation", name="Pages").get_by_role("link", name=title, exact=True).click()
    expect(
        page.get_by_role("navigation", name="Pages").get_by_role("link", name=title, exact=True)
    ).to_have_attribute("aria-current", "page")


def percent(text):
    """Return the first percentage in a text, as a number."""
    return float(re.search(r"([−-]?[\d.]+)\s?%", text)[1].replace("−", "-"))


def download(page, name, exact=False):
    """Press a button that makes a file; return its content and its name."""
    with page.expect_download() as file:
        page.get_by_role("button", name=name, exact=exact).locator("visible=true").first.click()
    return file.value.path().read_bytes(), file.value.suggested_filename


def csv_rows(content):
    """Return the rows of a CSV file, by the names of its columns."""
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def choose(page, label, option):
    """Choose an option of a menu."""
    page.get_by_label(label, exact=True).click()
    page.get_by_role("menuitem", name=option, exact=True).click()


class Census:
    """Bring in a file, state what was read wrongly, use it."""

    def __init__(self, page):
        self.page = page

    def bring(self, name, content):
        picker = self.page.locator("input[type=file]").first
        picker.set_input_files({"name": name, "mimeType": "text/csv", "buffer": content})
        expect(self.page.get_by_role("heading", name=name)).to_be_visible()
        self.wait_until_checked()

    def choose(self, label, option):
        choose(self.page, label, option)
        self.wait_until_checked()

    def fill(self, label, text, check=True):
        field = self.page.get_by_label(label, exact=True)
        field.fill(text)
        field.press("Tab")
        if check:
            self.wait_until_checked()

    def wait_until_checked(self):
        checking = self.page.get_by_text("Checking the file…")
        expect(checking).to_be_visible()
        expect(checking).to_be_hidden(timeout=120_000)

    def use(self):
        button = self.page.get_by_role("button", name="Use this census")
        button.click()
        expect(button).to_be_hidden(timeout=180_000)


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
        found = self.page.get_by_role("table").filter(
            has_text="Change in average pay a year since the census"
        )
        return found.first  # before that of the noise

    def growth(self):
        """Return compound growth of each scenario, in the order of the columns, in per cent."""
        row = (
            self.figures().get_by_role("row").filter(has_text="Change in average pay a year since the census")
        )
        return [percent(text) for text in row.get_by_role("cell").all_inner_texts()]

    def workbook(self):
        """Return the workbook, opened."""
        return openpyxl.load_workbook(io.BytesIO(download(self.page, "Excel workbook")[0]))

    def figures_csv(self):
        """Return the rows of the table of figures."""
        return csv_rows(download(self.page, "Download the table of figures")[0])


STUDY_MILLISECONDS, LOOK_MILLISECONDS = 180_000, 100


class Optimise:
    """Ask for a target, watch a study, make a trial a scenario."""

    def __init__(self, page):
        self.page = page

    def ask(self, target, seeds=0):
        self._field("Target, %", target)
        self._field("Other draws", seeds)

    def start(self):
        button = self.page.get_by_role("button", name="Start the study")
        expect(button).to_be_enabled(timeout=180_000)
        button.click()

    def _field(self, label, value):
        field = self.page.get_by_role("textbox", name=re.compile(f"^{re.escape(label)}"))
        field.press("Control+a")
        field.press_sequentially(str(value))
        field.press("Tab")
        zeros = "0*" if "." in str(value) else r"(\.0+)?"
        expect(field).to_have_value(re.compile(rf"^{re.escape(str(value))}{zeros}$"))

    def wait_until_it_converges(self):
        """Wait for the end of the study; return how many trials were seen at each look."""
        seen, trials = [], self.page.get_by_text(re.compile(r"^\d+ trials? · \d+ plans?"))
        done = self.page.get_by_text("Target met", exact=True)
        expect(trials.first.or_(done.first)).to_be_visible(timeout=STUDY_MILLISECONDS)
        for _ in range(STUDY_MILLISECONDS // LOOK_MILLISECONDS):
            if trials.first.is_visible():
                seen.append(int(trials.first.inner_text().split()[0]))
            if done.first.is_visible():
                return seen
            self.page.wait_for_timeout(LOOK_MILLISECONDS)
        raise AssertionError(f"The study did not converge; trials seen: {seen}")

    def open_the_answer(self):
        """Open the trial that a plan verified; return its number."""
        self.page.get_by_role("button", name="Open the answer").click()
        heading = self.page.get_by_role("heading", name=re.compile(r"^Trial \d+$"))
        expect(heading).to_be_visible()
        expect(heading.locator("xpath=..")).to_contain_text("plan · feasible")
        return int(heading.inner_text().split()[1])

    def make_scenario(self, name):
        field = self.page.get_by_role("textbox", name="Name of the scenario")
        field.fill(name)
        field.press("Tab")
        self.page.get_by_role("button", name="Save as scenario").click()

    def run_it(self):
        button = self.page.get_by_role("button", name="Run it")
        expect(button).to_be_visible(timeout=180_000)
        button.click()


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
        tile = self.tile("Change in average pay")
        expect(tile).to_contain_text(CHANGE, timeout=30_000)
        text = tile.inner_text()
        return percent(text.partition("\n")[2]), float(CHANGE.search(text)[1].replace("−", "-"))

    def save_and_run(self):
        self.page.get_by_role("button", name="Save and run").click()


RUN_MILLISECONDS = 180_000


class Run:
    """Save edits as a scenario, run it, wait for what comes of it."""

    def __init__(self, page):
        self.page = page

    def save_and_run(self, name):
        field = self.page.get_by_role("textbox", name="Name of the scenario")
        field.fill(name)
        field.press("Tab")
        self.page.get_by_role("button", name="Save and run").click()

    def run(self):
        self.page.get_by_role("button", name="Run", exact=True).click()

    def wait_until_published(self, name):
        expect(self.results_link(name)).to_be_visible(timeout=RUN_MILLISECONDS)

    def results_link(self, name):
        return self.page.get_by_role("link", name=f"Results of {name}", exact=True)

    def compare_with_the_baseline(self):
        self.page.get_by_role("link", name="Compare with the baseline").first.click()
