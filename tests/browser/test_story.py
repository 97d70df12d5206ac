"""One analyst's day: a lever, a run, a comparison, a budget, a trial kept, files taken away, its release."""

import re
from io import BytesIO

import pandas as pd
import pytest
from playwright.sync_api import expect

from planwise.app.proposals import decide, list_proposals
from planwise.governance import open_ledger
from planwise.governance.proposals import Decision
from planwise.governance.publications import load_publication
from planwise.governance.roles import acting_as
from tests.browser.conftest import EMPLOYEES
from tests.browser.page_objects import COLA, Compare, Optimise, Plan, Run, choose, download, go

pytestmark = pytest.mark.long

TARGET_PERCENT = 3.5  # increase budget of the first year


def last_growth(settings, scenario):
    return 100 * load_publication(settings, scenario).manifest["kpis"][-1]["growth_compound"]


@pytest.mark.timeout(300)
def test_from_a_lever_to_the_export(visit, office):
    settings, url = office
    page = visit(f"{url}/?page=plan", Plan.READY)
    plan, run = Plan(page), Run(page)
    compare, optimise = Compare(page), Optimise(page)
    baseline = last_growth(settings, "baseline")

    plan.set(COLA, 3.5)
    plan.wait_for_figures(EMPLOYEES)
    last = load_publication(settings, "baseline").manifest["kpis"][-1]["simulation_year"]
    choose(page, "Figures of", str(last))
    expect(plan.tile(f"–{last}")).to_be_visible(timeout=30_000)
    growth, change = plan.growth()
    assert growth == pytest.approx(baseline + change, abs=0.01)
    assert change > 0.5

    plan.save_and_run()
    run.save_and_run("more_cola")
    run.wait_until_published("more_cola")
    assert last_growth(settings, "more_cola") == pytest.approx(growth, abs=0.005)

    run.compare_with_the_baseline()
    compare.wait_for("more_cola", "baseline")
    assert compare.growth() == pytest.approx([baseline, growth], abs=0.006)

    go(page, "Auto-optimise")
    optimise.ask(TARGET_PERCENT)
    optimise.start()
    seen = optimise.wait_until_it_converges()
    assert sorted(seen) == seen and seen[-1] > 3
    trial = optimise.open_the_answer()
    optimise.make_scenario("on_target")
    expect(page.get_by_text(f"Scenario on_target is trial {trial} of").first).to_be_visible()
    optimise.run_it()
    run.run()
    run.wait_until_published("on_target")
    first = load_publication(settings, "on_target").manifest["kpis"][0]
    assert 100 * first["increase_rate"] == pytest.approx(TARGET_PERCENT, abs=0.05)

    run.compare_with_the_baseline()
    compare.wait_for("on_target", "baseline")
    book = compare.workbook()
    assert {"Summary", "Levers", "Levels", "People", "Notes"} <= set(book.sheetnames)
    formulas = [cell for row in book["Summary"].iter_rows() for cell in row if cell.data_type == "f"]
    assert formulas, "totals and differences are live formulas"
    exported = {
        row["scenario"]: 100 * float(row["value"])
        for row in compare.figures_csv()
        if row["metric"] == "increase_rate"
    }  # merit is the same in every year, 3.3 % before
    assert exported == pytest.approx({"baseline": 3.3, "on_target": TARGET_PERCENT}, abs=0.05)
    go(page, "Results")
    page.get_by_role("tab", name="Increases").click()
    file, name = download(page, "Download the increase list as Excel")
    listed = pd.read_excel(BytesIO(file), sheet_name=None)
    assert name == f"increases_on_target_{first['simulation_year']}.xlsx"
    assert any(len(sheet) >= EMPLOYEES for sheet in listed.values())  # one row per incumbent
    file, name = download(page, "Summary, PDF")
    assert file.startswith(b"%PDF") and name == "summary_on_target.pdf"
    decide_release_and_roll_back(page, settings)
    expect(page.get_by_role("alert").filter(has_text="error")).to_have_count(0)


def decide_release_and_roll_back(page, settings):
    """Propose on_target; two other people approve it; release it, and take it back."""
    go(page, "Approvals")
    page.get_by_role("button", name="Propose a scenario").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Why it should be released").fill("It meets the budget.")
    dialog.get_by_role("button", name="Propose", exact=True).click()
    expect(page.get_by_role("heading", name="Proposal 1: on_target")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("Approve: .* submitted proposal 1"))).to_be_disabled()
    for approver in ("bob", "dora"):
        with acting_as(approver, "approver"):
            if list_proposals(settings)[0].status == "submitted":  # one is enough for a small change
                decide(settings, 1, Decision.APPROVED)

    def in_force():
        return load_publication(settings, "prod").fingerprint

    go(page, "Release")
    page.get_by_role("button", name="Show what would change").click()
    expect(dialog.get_by_text("checkpoint_1 keeps what is in force now")).to_be_visible()
    dialog.get_by_role("button", name="Release", exact=True).click()
    expect(page.get_by_text(", proposal 1").first).to_be_visible()
    assert in_force() == load_publication(settings, "on_target").fingerprint
    page.get_by_role("button", name="Roll back…").click()
    expect(dialog.get_by_text("0 run")).to_be_visible()
    dialog.get_by_role("button", name="Roll back", exact=True).click()
    expect(page.get_by_text("rollback to checkpoint_1").first).to_be_visible()
    assert in_force() == load_publication(settings, "baseline").fingerprint
    with open_ledger(settings) as ledger:
        assert ledger.events.verify().ok
