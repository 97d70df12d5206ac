"""The Results page as people use it: links, filters, events, one employee, downloads, hostile names."""

import io
import json
import re
from urllib.parse import quote

import duckdb
import openpyxl
import pytest
from playwright.sync_api import expect

from planwise import formatting
from planwise.governance.publications import load_publication
from planwise.storage import digest
from tests.browser.dashboards import come_back, dashboard, settle
from tests.browser.page_objects import choose, csv_rows, download

ACTIVE = ["continuous_active", "new_hire_active"]
HOSTILE = (
    '=HYPERLINK("http://x/")<img src=x onerror=alert(1)>, & "Söhne" with a name that goes on and on and on'
)


def marts(settings, scenario="baseline"):
    publication = load_publication(settings, scenario)
    return publication.frame("fct_workforce_snapshot"), publication.frame("fct_yearly_events")


def strip(page):
    return page.locator(".kpis:visible").first


def test_a_link_says_scenario_year_and_filters_and_a_filter_changes_the_figures(
    visit, served, published_home
):
    snapshot, _ = marts(published_home, "higher_cola")
    year = int(snapshot["simulation_year"].max()) - 1
    department = snapshot["department"].mode()[0]
    named = quote(quote(department, safe=""))
    page = visit(f"{served}/?page=results&scenario=higher_cola&year={year}&departments={named}")
    expect(page.locator("h1")).to_have_text("Results of higher_cola")
    mine = snapshot[(snapshot["simulation_year"] == year) & (snapshot["department"] == department)]
    active = mine[mine["employment_status"].isin(ACTIVE)]
    expect(strip(page)).to_contain_text(formatting.count(len(active)))
    expect(strip(page)).to_contain_text(formatting.money(active["base_pay"].mean()))
    level = int(active["level_id"].mode()[0])
    choose(page, "Level", formatting.level(level))
    chosen = active[active["level_id"] == level]
    expect(strip(page)).to_contain_text(formatting.money(chosen["base_pay"].mean()))
    expect(strip(page)).to_contain_text(f"median {formatting.money(chosen['base_pay'].median())}")
    choose(page, "Employment status", "Active, continuing")
    continuing = chosen[chosen["employment_status"] == "continuous_active"]
    expect(strip(page)).to_contain_text(formatting.money(continuing["base_pay"].mean()))
    assert f"level={level}" in page.url
    assert "status=continuing" in page.url
    come_back(page)
    expect(strip(page)).to_contain_text(formatting.money(continuing["base_pay"].mean()))


def test_each_section_opens_and_the_bridge_sums(visit, served, published_home):
    page = visit(f"{served}/?page=results")
    for section, text in {
        "Growth bridge": "The parts sum to the growth exactly",
        "Distributions": "P50",
        "Merit and range": "drawn evenly|shown, without ids",
        "Pay equity": "Mean and median gap compare",
        "Employee": "Find an employee",
    }.items():
        page.get_by_role("tab", name=section).click()
        page.get_by_text(re.compile(text)).locator("visible=true").first.wait_for()
    page.get_by_role("tab", name="Growth bridge").click()
    content = csv_rows(download(page, "Download the table of growth bridge of the year")[0])
    for row in content:
        parts = sum(float(value) for name, value in row.items() if name.startswith("bridge_"))
        assert parts == pytest.approx(float(row["growth_all"]), abs=1e-12)


def test_events_are_filtered_paged_and_downloaded_and_lead_to_a_person(visit, served, published_home):
    snapshot, events = marts(published_home)
    year = int(snapshot["simulation_year"][snapshot["simulation_year"] > 0].min())
    mine = events[(events["simulation_year"] == year) & (events["event_reason"] == "MERIT")]
    mine = mine.sort_values(["effective_date", "employee_id", "event_sequence"]).reset_index(drop=True)
    page = visit(f"{served}/?page=results&section=events&event=merit")
    table = page.locator(".paged")
    expect(table).to_contain_text(f"{len(mine):,} events")
    expect(table.locator("tbody tr").first).to_contain_text(mine["employee_id"][0])
    page.get_by_role("button", name="Next page").click()
    expect(table.locator("tbody tr").first).to_contain_text(mine["employee_id"][25])
    found = csv_rows(download(page, "Download the events as CSV")[0])
    assert [row["event_id"] for row in found] == mine["event_id"].tolist()
    for row, expected in zip(found, mine.itertuples(), strict=True):
        assert float(row["compensation_amount"]) == pytest.approx(expected.compensation_amount, abs=1e-9)
        assert float(row["applied_rate"]) == pytest.approx(expected.applied_rate, abs=1e-12)
    sheet = openpyxl.load_workbook(io.BytesIO(download(page, "Download the events as Excel")[0])).active
    assert sheet.max_row == len(mine) + 1
    someone = mine["employee_id"][26]
    page.get_by_label("Employee ID contains").fill(someone)
    page.get_by_label("Employee ID contains").press("Enter")
    expect(table).to_contain_text("1 event")
    page.get_by_role("button", name=f"Timeline of {someone}").click()
    mine = events[events["employee_id"] == someone]
    expect(strip(page)).to_contain_text(f"{len(mine)} events")
    expect(strip(page)).to_contain_text("exact · replayed to the year-end pay")
    last = snapshot[snapshot["employee_id"] == someone].sort_values("simulation_year").iloc[-1]
    expect(strip(page)).to_contain_text(formatting.money(last["base_pay"]))
    expect(page.get_by_text("not released").first).to_be_visible()
    assert f"employee={someone}" in page.url
    page.locator(".chart .main-svg").first.wait_for()


def test_hostile_and_long_names_of_departments_are_text_and_nothing_else(visit, home):
    file = load_publication(home, "baseline").file("fct_workforce_snapshot")
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE people AS SELECT * REPLACE "
            "(CASE WHEN department = 'Operations' THEN ? ELSE department END AS department) "
            "FROM read_parquet(?)",
            [HOSTILE, str(file)],
        )
        connection.execute(f"COPY people TO '{file}' (FORMAT parquet)")
    about = file.parent / "manifest.json"
    manifest = json.loads(about.read_text())
    manifest["sha256"]["fct_workforce_snapshot"] = digest(file)
    about.write_text(json.dumps(manifest))
    with dashboard(home.root) as url:
        page = visit(f"{url}/?page=results&section=groups")
        page.locator(".chart .main-svg").first.wait_for()
        page.get_by_role("button", name="Show departments as a table or a chart").click()
        page.get_by_role("rowheader", name=HOSTILE).wait_for()
        content = csv_rows(download(page, "Download the table of departments")[0])
        assert f"'{HOSTILE}" in [row["department"] for row in content]
        page.get_by_role("tab", name="Events").click()
        page.locator(".paged tbody tr").first.wait_for()
        choose(page, "Kind of event", "Promotions")
        settle(page)
        assert page.locator("img[src=x]").count() == 0
        page.close()
