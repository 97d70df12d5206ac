"""Debian's Chromium on a dashboard that is served as people serve it; any page may only ask its own host."""

import os
import shutil
from contextlib import contextmanager
from pathlib import Path

import pytest

from planwise.formatting import in_currency
from tests.browser.dashboards import come_to, dashboard
from tests.browser.publishing import simulate_and_publish
from tests.homes import copy_of

# The one without windows, where it is installed: a page takes a quarter less time in it.
FOUND = next(filter(None, map(shutil.which, ("chromium-headless-shell", "chromium"))), "/usr/bin/chromium")
CHROMIUM = Path(os.environ.get("PLANWISE_CHROMIUM", FOUND))
EMPLOYEES = 300
NOTHING = "http://127.0.0.1/nothing"  # of the host of all dashboards; no dashboard is asked for it
TIMEOUT_MILLISECONDS = 30_000  # how busy the machine is must not decide a test


@pytest.fixture(autouse=True)
def _in_dollars():
    """Figures that a test expects are written as a page writes those of the synthetic census."""
    with in_currency("USD"):
        yield


@pytest.fixture(scope="session")
def browser():
    if not CHROMIUM.exists():
        pytest.fail(
            f"{CHROMIUM} is missing: install Chromium (Debian: apt-get install chromium), "
            "or name it in PLANWISE_CHROMIUM."
        )
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=TIMEOUT_MILLISECONDS)
    with sync_playwright() as playwright:
        # One process for all pages of a context, so that it compiles their scripts once.
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--process-per-site"]
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=arguments)
        yield browser
        browser.close()


@contextmanager
def window_of(browser):
    """Yield a context as of a person who was never here before."""
    # What moves while one waits is drawn sixty times a second, on the processor that the tests wait for.
    context = browser.new_context(
        viewport={"width": 1440, "height": 900}, accept_downloads=True, reduced_motion="reduce"
    )
    context.set_default_timeout(TIMEOUT_MILLISECONDS)
    try:
        yield context
    finally:
        context.close()


def worded(message):
    return f"{message.text} ({message.location['url'].partition('?')[0]})"  # of a link without its token


@contextmanager
def visits_in(context, arrive=come_to):
    """Open pages, wait for what is `ready`; afterwards no error was logged and no other host was asked."""
    problems, foreign = [], []

    def opened(url, ready=".kpi:visible, .empty:visible"):
        host = url.split("/")[2]
        page = context.new_page()
        page.on("console", lambda said: problems.append(worded(said)) if said.type == "error" else None)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on(
            "request",
            lambda request: (
                None
                if request.url.startswith((f"http://{host}/", "data:", "blob:"))
                else foreign.append(request.url)
            ),
        )
        page.on("websocket", lambda ws: None if ws.url.split("/")[2] == host else foreign.append(ws.url))
        page.on("dialog", lambda dialog: (problems.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        arrive(page, url)
        page.locator(ready).first.wait_for()
        page.locator(".loading:visible").first.wait_for(state="hidden")  # a page's outline has a heading too
        return page

    yield opened
    assert problems == []
    assert foreign == []


@contextmanager
def visiting(browser):
    """The same in a window of its own."""
    with window_of(browser) as context, visits_in(context) as opened:
        yield opened


@pytest.fixture(scope="session")
def _used_window(browser):
    with window_of(browser) as context:
        page = context.new_page()  # it stays: the process of all pages ends with the last one
        page.route(NOTHING, lambda route: route.fulfill(body=""))
        page.goto(NOTHING)
        yield context


@pytest.fixture
def window(_used_window):
    """A window that has nothing but the dashboard's files, compiled: half of what loading a page takes."""
    kept, *_ = _used_window.pages
    yield _used_window
    storage = _used_window.new_cdp_session(kept)
    for page in _used_window.pages:
        origin = "/".join(page.url.split("/")[:3])
        storage.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "local_storage"})
        if page is not kept:
            page.close()
    storage.detach()
    _used_window.clear_cookies()


@pytest.fixture
def visit(window):
    with visits_in(window) as opened:
        yield opened


@pytest.fixture(scope="session")
def published_home(tmp_path_factory):
    """A home with two simulated, gated and published scenarios of 300 employees."""
    return copy_of(tmp_path_factory, "published", publish_two)


def publish_two(settings):
    from planwise.census import generate_census
    from planwise.engine.warehouse import open_warehouse
    from planwise.governance import open_ledger
    from planwise.parameters import parse_assignments, resolve, simulated_years

    census = generate_census(settings, employees=EMPLOYEES)
    years = simulated_years(3, census.first_year)
    with open_warehouse(settings, "browser test") as warehouse:
        for scenario, sets in {"baseline": [], "higher_cola": ["cola_rate=0.05"]}.items():
            effective = resolve(years, scenario=parse_assignments(sets, kind="lever"))
            simulate_and_publish(settings, warehouse, census, scenario, effective)
    with open_ledger(settings) as ledger:
        ledger.scenarios.create("higher_cola", {"cola_rate": 0.05, "years": 3})


@pytest.fixture
def home(published_home, tmp_path):
    """A copy of the published results that a test may change."""
    from planwise.settings import Settings

    settings = Settings(home=tmp_path / "home")
    shutil.copytree(published_home.published_dir, settings.published_dir)
    return settings


@pytest.fixture(scope="session")
def served(published_home):
    with dashboard(published_home.root) as url:
        yield url


@pytest.fixture(scope="session")
def simulated_home(tmp_path_factory):
    """A home with a census, its ledger and the published baseline, as a first day ends."""
    return copy_of(tmp_path_factory, "simulated", simulate_baseline)


def simulate_baseline(settings):
    from planwise.app.requests import SimulateRequest
    from planwise.app.runner import InProcessRunner
    from planwise.app.simulate import simulate
    from planwise.census import generate_census

    generate_census(settings, employees=EMPLOYEES)
    simulate(settings, SimulateRequest(years="2"), InProcessRunner(lambda message: None))


@pytest.fixture(scope="module")
def office(simulated_home, tmp_path_factory):
    """Settings and address of a copy of it that is served, where the tests of a file run what they like."""
    from planwise.settings import Settings

    settings = Settings(home=tmp_path_factory.mktemp("office") / "home")
    shutil.copytree(simulated_home.root, settings.root)
    with dashboard(settings.root) as url:
        yield settings, url
