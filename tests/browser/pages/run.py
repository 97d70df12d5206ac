from playwright.sync_api import expect

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
