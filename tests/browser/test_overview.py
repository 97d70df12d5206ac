"""The overview in a browser: figures, scenarios, themes, files, an empty and a damaged home."""

import io
import json
import re
import shutil
from urllib.parse import quote

import pandas as pd
import pytest
from playwright.sync_api import expect

from planwise import formatting
from planwise.governance.publications import load_publication
from planwise.settings import Settings
from planwise.small_groups import small_groups
from tests.browser.conftest import visiting
from tests.browser.dashboards import dashboard, settle
from tests.browser.page_objects import choose, download

HOSTILE = '<img src=x onerror=alert(1)>{{7*7}}"=1+1'


def kpis(settings, scenario):
    return load_publication(settings, scenario).manifest["kpis"][0]


def shown(page):
    return page.locator(".kpis").inner_text()


def luminance(color):
    red, green, blue = (int(part) for part in re.findall(r"\d+", color)[:3])
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.fixture(scope="module")
def overview(browser, served):
    """The page of the baseline, for tests that change nothing."""
    with visiting(browser) as visit:
        yield visit(served)


@pytest.fixture(scope="module")
def changing(tmp_path_factory):
    """Settings and address of a home in which nothing is published yet."""
    settings = Settings(home=tmp_path_factory.mktemp("changing") / "nothing")
    with dashboard(settings.root) as url:
        yield settings, url


@pytest.fixture
def publish(changing, published_home):
    """Publish both scenarios in the home that changes, in place of what is there."""
    settings, _ = changing

    def publish():
        shutil.rmtree(settings.published_dir, ignore_errors=True)
        # The files are new ones to the dashboard, which keeps what it has read.
        shutil.copytree(published_home.published_dir, settings.published_dir, copy_function=shutil.copy)

    return publish


def test_the_page_shows_the_figures_of_the_manifest(overview, published_home):
    page = overview
    last = kpis(published_home, "baseline")
    text = shown(page)
    for figure in (
        formatting.count(last["headcount"]),
        formatting.percent(last["increase_rate"], 2),
        formatting.money_short(last["increase_cost"]),
        formatting.points(last["increase_rate"] - 0.035),
        formatting.percent(last["promotion_rate_of_payroll"], 2),
        formatting.money_short(last["payroll"]),
        formatting.money_short(last["payroll_change"], sign=True),
        formatting.percent(last["growth_continuing"], 2),
        formatting.percent(last["growth_all"], 2),
        formatting.percent(last["turnover_total"]),
    ):
        assert figure.replace("\u00a0", " ") in text.replace("\u00a0", " ")
    page.locator(".chart .main-svg").first.wait_for()
    expect(page.locator(".chart:visible")).to_have_count(4)
    assert "Market 3.5%" in page.locator(".chart").first.inner_text()
    assert "Target" not in page.locator(".chart").nth(1).inner_text()  # no one set one
    page.get_by_role("button", name="Source of the figures").click()
    fingerprint = load_publication(published_home, "baseline").fingerprint
    page.get_by_text(fingerprint).wait_for()


def test_another_scenario_changes_the_figures_and_the_address(visit, served, published_home):
    page = visit(served)
    before = shown(page)
    choose(page, "Scenario", "higher_cola")
    page.wait_for_url(re.compile(r"[?&]scenario=higher_cola"))
    page.get_by_role("heading", name="higher_cola", exact=True).wait_for()
    payroll = formatting.money_short(kpis(published_home, "higher_cola")["payroll"])
    expect(page.locator(".kpis")).to_contain_text(payroll)  # the figures may come after the heading
    assert shown(page) != before


def test_a_deep_link_opens_its_scenario_and_year(visit, served, published_home):
    page = visit(f"{served}/?scenario=higher_cola&year=2027")
    second = load_publication(published_home, "higher_cola").manifest["kpis"][1]
    expect(page.locator("h1")).to_have_text("higher_cola")
    assert "Increase budget 2027" in shown(page)
    assert formatting.percent(second["growth_all"], 2) in shown(page)


def test_an_unknown_scenario_in_the_address_is_said_to_be_unknown(visit, served):
    page = visit(f"{served}/?scenario=nowhere&year=1999")
    page.locator(".notice:visible").nth(1).wait_for()
    notices = page.locator(".notice:visible").all_inner_texts()
    assert any("'nowhere' is not published; baseline is shown" in notice for notice in notices)
    assert any("does not simulate 1999" in notice for notice in notices)


def test_the_dark_theme_is_dark_and_readable(visit, served):
    page = visit(served)
    page.locator(".chart .main-svg").first.wait_for()

    def colors():
        return [
            page.locator(place).first.evaluate(f"element => getComputedStyle(element).{what}")
            for place, what in (
                ("main", "backgroundColor"),
                (".kpi .figure", "color"),
                (".chart .xtick text", "fill"),
            )
        ]

    paper, figure, tick = map(luminance, colors())
    assert paper > 240
    assert max(figure, tick) < 140
    page.get_by_role("button", name="Toggle theme").click()
    page.wait_for_function(
        "getComputedStyle(document.querySelector('body')).backgroundColor != 'rgb(255, 255, 255)'"
    )
    settle(page)
    paper, figure, tick = map(luminance, colors())
    assert paper < 40
    assert min(figure, tick) > 140


def test_the_download_of_the_level_table_is_the_mart(overview, published_home):
    page = overview
    page.get_by_role("button", name="Levels", exact=True).click()
    content, _ = download(page, "Download the table of levels")
    mart = load_publication(published_home, "baseline").frame("fct_level_summary")
    first = kpis(published_home, "baseline")["simulation_year"]
    mart = mart[mart["simulation_year"] == first].sort_values("level_id", ignore_index=True)
    small = small_groups(mart["headcount"].to_dict())
    pay = ["mean_base_pay", "median_base_pay", "cv", "mean_compa_ratio", "below_minimum", "above_maximum"]
    mart[pay] = mart[pay].astype(float)
    mart.loc[small, pay] = None
    pd.testing.assert_frame_equal(pd.read_csv(io.BytesIO(content)), mart, check_dtype=False)


def test_the_table_behind_a_chart_says_what_the_chart_shows(overview, published_home):
    page = overview
    page.get_by_role("button", name="Show growth bridge as a table or a chart").click()
    table = page.get_by_role("table").filter(has_text="Promotion, pp")
    table.wait_for()
    last = kpis(published_home, "baseline")
    cells = table.locator("tr.chosen td").all_inner_texts()
    parts = ("exits", "cola", "merit", "promotion", "hires")
    assert cells[:5] == [formatting.points(last[f"bridge_{part}"]) for part in parts]
    assert cells[5] == formatting.percent(last["growth_all"], 2)


def test_what_waits_leads_to_its_page_without_loading_the_application_again(visit, served, published_home):
    page = visit(served)
    page.evaluate("window.same = true")
    page.get_by_text("Since the sweep").or_(page.get_by_text("No sweep has run")).first.wait_for()
    page.get_by_role("link", name="Show higher_cola").first.click()
    page.wait_for_url(re.compile(r"[?&]scenario=higher_cola"))
    page.get_by_role("heading", name="higher_cola", exact=True).wait_for()
    assert page.evaluate("window.same")
    expect(page.get_by_text("No sweep has run in this home yet")).to_be_visible()
    expect(page.get_by_text("Latest study")).to_be_visible()


def test_an_empty_home_says_what_to_do_and_fills_by_itself(visit, changing, publish):
    page = visit(f"{changing[1]}/?page=overview")
    expect(page.get_by_role("heading", name="Nothing is published yet")).to_be_visible()
    expect(page.get_by_role("button", name="Go to Census")).to_be_visible()
    expect(page.locator(".kpi:visible")).to_have_count(0)
    publish()
    page.locator(".kpi:visible").first.wait_for()
    expect(page.get_by_role("heading", name="Nothing is published yet")).to_be_hidden()
    page.locator(".chart .main-svg").first.wait_for()


def test_a_damaged_result_is_named_and_the_others_are_shown(visit, changing, publish):
    settings, url = changing
    publish()
    load_publication(settings, "higher_cola").file("fct_scenario_kpis").write_bytes(b"not Parquet")
    page = visit(f"{url}/?scenario=higher_cola")
    notice = page.locator(".notice.bad:visible").inner_text()
    assert "'higher_cola' is damaged" in notice
    assert "planwise simulate --scenario higher_cola" in notice
    expect(page.locator("h1")).to_have_text("baseline")
    page.locator(".chart .main-svg").first.wait_for()


@pytest.mark.parametrize("address", ["", f"?scenario={quote(HOSTILE)}"], ids=["listed", "chosen"])
def test_what_people_name_things_is_text_and_nothing_else(visit, changing, publish, address):
    settings, url = changing
    publish()
    file = load_publication(settings, "baseline").folder / "manifest.json"
    manifest = json.loads(file.read_text())
    manifest["census"]["name"] = HOSTILE
    manifest["gate"]["results"][0]["expectation"] = HOSTILE
    file.write_text(json.dumps(manifest))
    page = visit(f"{url}/{address}")
    page.locator(".chart .main-svg").first.wait_for()
    settle(page)
    assert page.locator("img[src=x]").count() == 0
    expect(page.locator("table:visible").get_by_text(HOSTILE, exact=True).first).to_be_visible()
    if address:
        expect(page.locator(".notice:visible").get_by_text(HOSTILE).first).to_be_visible()
