"""From a lever to the release: an analyst plans, another approves, an operator releases and rolls back."""

import re
import shutil
from contextlib import ExitStack
from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

from planwise.governance.publications import load_publication
from planwise.settings import Settings, SignInSettings
from tests.browser.conftest import EMPLOYEES, visits_in, window_of
from tests.browser.dashboards import dashboard, settle, sticks_out
from tests.browser.page_objects import (
    COLA,
    GOOD,
    Compare,
    Optimise,
    Plan,
    Run,
    choose,
    csv_rows,
    download,
    go,
    sign_in,
)
from ui.auth.configuration import users_of

pytestmark = pytest.mark.long

TWO_YEARS = "set=years%3D2"  # of five: more of them show nothing new
TARGET_PERCENT = 3.5  # increase budget of the first year
APPROVE, RELEASE = "role=button[name='Approve'][disabled=false]", "text=Show what would change"
PEOPLE = {"ann": "analyst", "bob": "approver", "olga": "operator"}


@pytest.fixture
def settings(simulated_home, tmp_path):
    """A copy of the first day's home, with the people who may sign in."""
    settings = Settings(home=tmp_path / "home")
    shutil.copytree(simulated_home.root, settings.root)
    users = users_of(settings, SignInSettings(auth="basic"))
    for name, role in PEOPLE.items():
        users.add(name, role, GOOD, clock=lambda: datetime.now(UTC))
    return settings


@pytest.fixture
def sign_in_as(browser, window, settings):
    """Open a page as one of the people; all but the first have windows of their own."""
    with dashboard(settings.root, "--auth", "basic") as url, ExitStack() as opened:

        def come(name, query, ready):
            context = window if name == "ann" else opened.enter_context(window_of(browser))
            visit = opened.enter_context(visits_in(context, lambda page, url: sign_in(page, url, name)))
            return visit(f"{url}/{query}", ready)

        yield come


def last_kpis(settings, scenario):
    return load_publication(settings, scenario).manifest["kpis"][-1]


def in_force(settings):
    return load_publication(settings, "prod").fingerprint


@pytest.mark.timeout(600)
def test_from_a_lever_to_release_and_rollback(sign_in_as, settings):
    analyst = sign_in_as("ann", f"?page=plan&{TWO_YEARS}", Plan.READY)
    change_a_lever_run_and_compare(analyst, settings)
    find_levers_for_a_budget(analyst, settings)
    propose(analyst)
    approver = sign_in_as("bob", "?page=approvals&proposal=1", APPROVE)
    approve(approver)
    operator = sign_in_as("olga", "?page=release", RELEASE)
    release(operator, settings)
    take_the_increase_list(analyst)
    roll_back(operator, settings)
    verify(approver)


def change_a_lever_run_and_compare(page, settings):
    plan, run, compare = Plan(page), Run(page), Compare(page)
    baseline = last_kpis(settings, "baseline")
    plan.set(COLA, 3.5)
    plan.wait_for_figures(EMPLOYEES)
    last = baseline["simulation_year"]
    choose(page, "Figures of", str(last))
    expect(plan.tile(f"–{last}")).to_be_visible()
    growth, change = plan.growth()
    before = 100 * baseline["growth_compound"]
    assert growth == pytest.approx(before + change, abs=0.01)
    assert change > 0.5

    plan.save_and_run()
    run.save_and_run("more_cola")
    run.wait_until_published("more_cola")
    assert 100 * last_kpis(settings, "more_cola")["growth_compound"] == pytest.approx(growth, abs=0.005)
    run.compare_with_the_baseline()
    compare.wait_for("more_cola", "baseline")
    assert compare.growth() == pytest.approx([before, growth], abs=0.006)


def find_levers_for_a_budget(page, settings):
    run, optimise = Run(page), Optimise(page)
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
    run.results_link("on_target").click()


def propose(page):
    page.get_by_role("button", name="Propose …").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Study that found its levers")).to_have_text(
        re.compile(r"^more_cola_\w+_\d{8}_")
    )
    dialog.get_by_label("Why it should be released").fill("It meets the budget.")
    dialog.get_by_role("button", name="Propose", exact=True).click()
    expect(page.get_by_role("heading", name="Proposal 1: on_target")).to_be_visible()
    refused = page.get_by_role("button", name="Approve: ann (analyst) may not approve or reject a proposal.")
    expect(refused).to_be_disabled()


def approve(page):
    page.get_by_role("button", name="Approve", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Approve", exact=True).click()
    expect(page.get_by_role("row", name="1 on_target Approved 1 of 1")).to_be_visible()
    page.set_viewport_size({"width": 1024, "height": 768})
    settle(page)
    assert sticks_out(page) == (0, [])


def release(page, settings):
    dialog = page.get_by_role("dialog")
    page.locator(RELEASE).click()
    expect(dialog.get_by_text("checkpoint_1 keeps what is in force now")).to_be_visible()
    dialog.get_by_role("button", name="Release", exact=True).click()
    expect(page.get_by_text("olga, proposal 1")).to_be_visible()
    assert in_force(settings) == load_publication(settings, "on_target").fingerprint


def take_the_increase_list(page):
    """The operator may not see single people's pay; the analyst may."""
    go(page, "Release")
    file, name = download(page, "Increase list (CSV)")
    assert name == "increases_prod.csv" and len(csv_rows(file)) >= EMPLOYEES  # one row per incumbent


def roll_back(page, settings):
    dialog = page.get_by_role("dialog")
    page.get_by_role("button", name="Roll back…").click()
    expect(dialog.get_by_text("0 run")).to_be_visible()
    dialog.get_by_role("button", name="Roll back", exact=True).click()
    expect(page.get_by_text("olga, rollback to checkpoint_1")).to_be_visible()
    assert in_force(settings) == load_publication(settings, "baseline").fingerprint


def verify(page):
    go(page, "Audit")
    page.get_by_role("button", name="Verify the trail").click()
    expect(page.get_by_text(re.compile(r"The trail is whole: \d+ events."))).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("olga Implementation event"))).not_to_have_count(0)
