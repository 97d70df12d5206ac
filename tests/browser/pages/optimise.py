import re

from playwright.sync_api import expect

STUDY_MILLISECONDS, LOOK_MILLISECONDS = 180_000, 100


class Optimise:
    """Ask for a target, watch a study, make a trial a scenario."""

    def __init__(self, page):
        self.page = page

    def ask(self, target, seeds=0):
        self._field("Target growth, % a year", target)
        self._field("Other seeds", seeds)

    def start(self):
        button = self.page.get_by_role("button", name="Start the study")
        expect(button).to_be_enabled(timeout=180_000)
        button.click()

    def _field(self, label, value):
        field = self.page.get_by_role("textbox", name=re.compile(f"^{re.escape(label)}"))
        field.press("Control+a")
        field.press_sequentially(str(value))
        field.press("Tab")
        expect(field).to_have_value(re.compile(rf"^{re.escape(str(value))}(\.0+)?$"))

    def wait_until_it_converges(self):
        """Wait for the end of the study; return how many trials were seen at each look."""
        seen, trials = [], self.page.get_by_text(re.compile(r"^\d+ trials? · \d+ plans?"))
        done = self.page.get_by_text("Converged", exact=True)
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
