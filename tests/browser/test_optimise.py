"""Auto-optimise in a browser: start a study, choose trials, save one as a scenario, repeat the study."""

import shutil

import pytest
from playwright.sync_api import expect

from tests.browser.dashboards import dashboard

pytestmark = pytest.mark.long

READY = "role=tab[name='New study']"
START_SECONDS = 90


@pytest.fixture(scope="module")
def address(published_home, tmp_path_factory):
    """A dashboard on a home of its own: the census and what is published, no study yet."""
    from planwise.settings import Settings

    settings = Settings(home=tmp_path_factory.mktemp("optimise") / "home")
    shutil.copytree(published_home.censuses_dir, settings.censuses_dir)
    shutil.copytree(published_home.published_dir, settings.published_dir)
    with dashboard(settings.root) as url:
        yield url


@pytest.fixture(scope="module")
def studied(address):
    return {}


def test_a_study_runs_and_its_best_trial_becomes_a_scenario(visit, address, studied):
    page = visit(f"{address}/?page=optimise", ready=READY)
    page.get_by_role("button", name="Front of trade-offs").click()
    page.get_by_role("textbox", name="Trials at most").fill("16")
    page.get_by_role("textbox", name="Other draws").fill("0")
    page.get_by_role("textbox", name="Further constraints, with commas").fill("rise<=3")
    page.get_by_text("Unknown constraint 'rise'").first.wait_for()
    start = page.get_by_role("button", name="Start the study")
    expect(start).to_be_disabled()
    page.get_by_role("textbox", name="Further constraints, with commas").fill("raise<=300%")
    page.get_by_text("raise<=3", exact=True).wait_for()
    page.get_by_label("Preview only: nothing is verified or published").check()
    page.get_by_text("nothing is stored or published", exact=False).first.wait_for()
    start.click()
    page.wait_for_url("**study=baseline_auto_*", timeout=START_SECONDS * 1000)
    studied["name"] = page.url.partition("study=")[2].partition("&")[0]
    page.get_by_text("Best found", exact=True).wait_for(timeout=START_SECONDS * 1000)
    page.get_by_text("trade-offs found; the knee has growth", exact=False).wait_for()
    page.get_by_role("combobox", name="Show").wait_for()

    page.locator(".paged .mark", has_text="knee").first.locator("xpath=..").get_by_role("button").click()
    name = page.get_by_role("textbox", name="Name of the scenario")
    name.fill("Not a name")
    page.get_by_role("button", name="Save as scenario").click()
    page.get_by_text("cannot name a scenario", exact=False).wait_for()
    name.fill("best_of_front")
    page.get_by_role("button", name="Save as scenario").click()
    page.get_by_text("Scenario best_of_front is trial", exact=False).first.wait_for()
    page.get_by_role("button", name="Compare with baseline").wait_for()


def test_another_session_chooses_trials_downloads_the_report_and_repeats_the_study(visit, address, studied):
    page = visit(f"{address}/?page=optimise&study={studied['name']}", ready=READY)  # another session
    page.get_by_role("heading", name="Trade-offs").wait_for()
    chart = page.get_by_role("img", name="Trade-offs")
    chart.locator(".points path").first.wait_for()
    page.get_by_role("heading", name="Feasibility").wait_for()  # what is below is there: nothing moves now
    table = page.get_by_role("region", name="Trials of the study")
    area = chart.locator(".nsewdrag")
    box = area.bounding_box()
    area.hover(position={"x": 4, "y": 4})
    page.mouse.down()
    area.hover(position={"x": box["width"] / 2, "y": box["height"] / 2}, force=True)
    area.hover(position={"x": box["width"] - 4, "y": box["height"] - 4}, force=True)
    page.mouse.up()
    page.get_by_text("chosen are highlighted", exact=False).wait_for()
    chosen = table.get_by_role("checkbox", checked=True)
    assert chosen.count() > 2
    table.get_by_role("checkbox", name="Choose all rows of this page").focus()  # the same by keyboard
    page.get_by_role("button", name="Choose none").click()
    page.get_by_text("chosen are highlighted", exact=False).wait_for(state="detached")
    table.get_by_role("checkbox", name="Choose 3").press("Space")
    page.get_by_text("1 chosen are highlighted", exact=False).wait_for()
    for _ in range(2):  # a file comes each time it is asked for
        with page.expect_download() as download:
            page.get_by_role("button", name="Report (Markdown)").click()
        assert download.value.suggested_filename == f"evidence_{studied['name']}.md"
        assert "# Evidence report" in download.value.path().read_text()

    page.get_by_role("tab", name="Past studies").click()
    row = page.get_by_role("row", name=studied["name"])
    row.wait_for()
    assert "front of cost × spread within levels" in row.inner_text()
    row.get_by_role("button", name=studied["name"]).click()
    page.get_by_role("button", name="Use as a new study").click()
    page.get_by_text("raise<=3", exact=True).wait_for()
    expect(page.get_by_role("textbox", name="Trials at most")).to_have_value("16")
