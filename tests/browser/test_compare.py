"""The compare page in a browser: figures, winners and losers, files, order, and what cannot be compared."""

import io
import json
import re
import shutil

import openpyxl
import pandas as pd
import pytest
from playwright.sync_api import expect

from planwise import formatting
from planwise.governance.publications import load_publication
from planwise.settings import Settings
from tests.browser.conftest import visiting
from tests.browser.dashboards import dashboard, settle
from tests.browser.page_objects import download

FIGURES = "table.compare:visible"


@pytest.fixture
def compare(visit, served):
    def opened(query="", ready=FIGURES):
        return visit(f"{served}/?page=compare{query}", ready)

    return opened


@pytest.fixture(scope="module")
def both(browser, served):
    """The page of both scenarios, for tests that change nothing."""
    with visiting(browser) as visit:
        yield visit(f"{served}/?page=compare&compare=baseline,higher_cola", FIGURES)


def kpi(settings, scenario):
    return load_publication(settings, scenario).manifest["kpis"][0]


def row(page, label):
    found = page.locator("table.compare:visible tr").filter(has_text=label).first
    found.wait_for()
    return [text.replace("\u00a0", " ") for text in found.locator("td").all_inner_texts()]


def test_figures_are_those_of_both_manifests_and_their_difference(both, published_home):
    page = both
    base, other = (kpi(published_home, name) for name in ("baseline", "higher_cola"))
    first, second = row(page, "Payroll at year end")
    assert first == formatting.money(base["payroll"])
    gap = formatting.money(other["payroll"] - base["payroll"], sign=True)
    assert second.startswith(formatting.money(other["payroll"])) and gap in second
    growth = row(page, "Change in average pay a year")[1]
    points = formatting.points(other["growth_compound"] - base["growth_compound"]).replace("\u00a0", " ")
    assert points in growth and "target" not in growth  # no one set one
    expect(page.get_by_role("heading", level=1)).to_have_text("higher_cola against baseline")
    levers = page.locator("table.compare:visible").nth(1)
    expect(levers).to_contain_text("5.00%")
    expect(levers).to_contain_text("set in the scenario")


def test_the_order_of_the_address_decides_what_the_base_is(compare, published_home):
    page = compare("&compare=higher_cola,baseline")
    expect(page.get_by_role("heading", level=1)).to_have_text("baseline against higher_cola")
    assert "−" in row(page, "Payroll at year end")[1]
    expect(page.get_by_label("Base", exact=True)).to_have_text("higher_cola")


def test_who_is_paid_more_or_less_counts_everybody(both, published_home):
    page = both
    page.get_by_role("heading", name="Who is paid more or less, by group").wait_for()
    frames = {}
    for name in ("baseline", "higher_cola"):
        frame = load_publication(published_home, name).frame("fct_workforce_snapshot")
        active = frame["employment_status"].isin(["continuous_active", "new_hire_active"])
        first = frame[active & (frame["simulation_year"] == kpi(published_home, name)["simulation_year"])]
        frames[name] = first.set_index("employee_id")["base_pay"].astype(float)
    gap = (frames["higher_cola"] - frames["baseline"]).dropna()
    strip = page.locator(".kpis:visible")
    expect(strip).to_contain_text(formatting.count((gap > 0).sum()))
    row = page.get_by_role("row").filter(has_text="Everyone")
    row.wait_for()  # the table comes after the strip
    everybody = row.locator("td").all_inner_texts()
    assert everybody[1:5] == [
        formatting.count(n) for n in (len(gap), (gap > 0).sum(), (gap < 0).sum(), (gap == 0).sum())
    ]


def test_the_workbook_and_the_files_are_taken_away(both, published_home):
    page = both
    book, name = download(page, re.compile("^Excel workbook"))
    assert name == "comparison_baseline_higher_cola.xlsx"
    assert openpyxl.load_workbook(io.BytesIO(book)).sheetnames[0] == "Summary"
    figures, _ = download(page, "Download the table of figures")
    frame = pd.read_csv(io.BytesIO(figures))
    first = frame["simulation_year"] == str(kpi(published_home, "baseline")["simulation_year"])
    payroll = frame[(frame["metric"] == "payroll") & first].set_index("scenario")["value"]
    assert payroll["higher_cola"] == pytest.approx(kpi(published_home, "higher_cola")["payroll"])


def test_policy_is_told_from_luck_with_draws_of_every_employee(compare):
    page = compare("&compare=baseline,higher_cola")
    settle(page)
    page.get_by_role("button", name="Estimate noise").click()
    page.get_by_role("button", name="Show policy against noise as a table or a chart").click(timeout=180_000)
    table = page.get_by_role("table").filter(has_text="Noise of one run (SD)")
    growth = (
        table.get_by_role("row").filter(has_text="Change in average pay a year since the census").inner_text()
    )
    assert float(re.search(r"([\d.]+)% ±", growth)[1]) > 90  # two and a half points of COLA are no luck
    assert table.get_by_role("row").filter(has_text="Headcount").inner_text().count("no difference") == 1


@pytest.fixture(scope="module")
def changing(published_home, tmp_path_factory):
    """Settings and address of a copy of the results, which the tests from here on change."""
    settings = Settings(home=tmp_path_factory.mktemp("changing") / "home")
    shutil.copytree(published_home.published_dir, settings.published_dir)
    with dashboard(settings.root) as url:
        yield settings, url


def test_one_published_scenario_says_what_to_do_and_a_second_shows_by_itself(visit, changing):
    home, url = changing
    aside = home.root / "aside"
    shutil.move(home.published_dir / "higher_cola", aside)
    page = visit(f"{url}/?page=compare", ".empty:visible")
    expect(page.locator(".empty")).to_contain_text("needs two published scenarios")
    shutil.move(aside, home.published_dir / "higher_cola")
    page.locator(FIGURES).first.wait_for(timeout=30_000)


def test_another_census_is_said_and_what_is_damaged_is_named(visit, changing):
    home, url = changing
    publication = load_publication(home, "higher_cola")
    file = publication.folder / "manifest.json"
    manifest = json.loads(file.read_text())
    manifest["census"] |= {"content_hash": "other", "name": "another", "rows": 7}
    file.write_text(json.dumps(manifest))
    page = visit(f"{url}/?page=compare&compare=baseline,baseline,nowhere,higher_cola&year=1999", FIGURES)
    settle(page)
    notices = " ".join(page.locator(".notice:visible").all_inner_texts())
    for said in (
        "baseline was named more than once",
        "'nowhere' is not published",
        "starts from census another (7 people",
        "Not all of them simulate 1999",
    ):
        assert said in notices
    page.get_by_text("People cannot be compared one by one:").wait_for()  # it comes after the figures
    publication.file("fct_scenario_kpis").write_bytes(b"not Parquet")
    (home.published_dir / "higher_cola" / "current").write_text(publication.fingerprint)
    expect(page.locator(".notice.bad:visible")).to_contain_text("higher_cola", timeout=20_000)
