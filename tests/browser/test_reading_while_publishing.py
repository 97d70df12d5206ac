"""While scenarios are simulated and published again and again, every page stays readable and whole."""

import json
import shutil
import subprocess
import sys
import time

import pytest

from planwise import formatting
from tests.browser.dashboards import dashboard
from tests.browser.page_objects import go
from ui.pages import PAGES

pytestmark = pytest.mark.long

WALK_SECONDS = 8
BETWEEN_LOOKS = 3  # pages
LOOKS_LEAST = 3  # different publications whose figures were held against what they say
STILL_MILLISECONDS = 250  # a page that says the same twice is not between two publications
DRAWN_MILLISECONDS = 3000
START_SECONDS = 180


@pytest.fixture
def publishing(published_home, tmp_path):
    """A home in which a process publishes until the test ends; and what it says it published."""
    folder = tmp_path / "home"
    shutil.copytree(published_home.root, folder, symlinks=True)
    log = tmp_path / "published.jsonl"
    log.touch()
    command = [sys.executable, "-m", "tests.browser.publishing", str(folder), str(log)]
    told = tmp_path / "told.log"
    with told.open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    deadline = time.monotonic() + START_SECONDS
    while not log.read_text():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            pytest.fail(f"Nothing was published:\n{told.read_text()}")
        time.sleep(0.1)
    yield folder, log
    still_running = process.poll() is None
    process.kill()
    process.wait()
    assert still_running, told.read_text()


def shown(page):
    """Return the fingerprint and the headline figures that stand on the overview at one moment."""
    facts = page.locator(".facts dt:text-is('Fingerprint') + dd").all_text_contents()
    figures = page.locator(".kpis").first.inner_text().replace("\u00a0", " ")
    return "".join(facts), figures


def test_pages_are_whole_and_without_errors_while_results_are_published(visit, publishing):
    folder, log = publishing
    with dashboard(folder) as url:
        page = visit(url)
        page.get_by_role("button", name="Source of the figures").click()
        page.locator(".facts").wait_for()
        held: dict[str, str] = {}
        walk = [info.title for info in PAGES if info.key != "overview"]
        end = time.monotonic() + WALK_SECONDS
        turn = 0
        while time.monotonic() < end or len(held) < LOOKS_LEAST or turn < len(walk):
            assert time.monotonic() < end + START_SECONDS, f"{len(held)} publications, {turn} pages seen"
            held |= looked_at(page, log)
            for title in (walk[(turn + further) % len(walk)] for further in range(BETWEEN_LOOKS)):
                go(page, title)
                page.locator("h1:visible, .empty:visible").first.wait_for()
                page.wait_for_timeout(STILL_MILLISECONDS)
                no_errors(page, title)
            go(page, "Overview")
            page.locator(".kpi:visible").first.wait_for()
            turn += BETWEEN_LOOKS
        page.close()


def looked_at(page, log):
    """Hold what the overview shows against what was published under that fingerprint."""
    no_errors(page, "Overview")
    fingerprint, figures = shown(page)
    page.wait_for_timeout(STILL_MILLISECONDS)
    if shown(page) != (fingerprint, figures):
        return {}
    published = {}
    for line in log.read_text().splitlines():
        said = json.loads(line)
        published[said["fingerprint"]] = said["kpis"][0]
    if fingerprint not in published:  # it was there before the process began, or its line is being written
        return {}
    kpi = published[fingerprint]
    expected = (
        formatting.percent(kpi["increase_rate"], 2),
        formatting.percent(kpi["growth_all"], 2),
        formatting.money_short(kpi["payroll"]),
        formatting.count(kpi["headcount"]),
    )
    missing = [figure for figure in expected if figure.replace("\u00a0", " ") not in figures]
    if missing:  # on a busy machine the cards of a new result follow each other slowly
        page.wait_for_timeout(DRAWN_MILLISECONDS)
        if shown(page) != (fingerprint, figures):
            return {}
    assert not missing, (fingerprint, missing, figures)
    return {fingerprint: figures}


def no_errors(page, title):
    notices = page.locator(".notice.bad:visible").all_inner_texts()
    assert notices == [], f"{title}: {notices}"
