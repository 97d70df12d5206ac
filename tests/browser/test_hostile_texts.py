"""Texts that people type and files bring stay texts: in every page, address, CSV and workbook."""

import csv
import io
import json
import re
import shutil
from urllib.parse import urlencode

import httpx
import openpyxl
import pandas as pd
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import visiting
from tests.browser.dashboards import cookie_of, dashboard, follow, leave_out_pages_before, settle
from tests.browser.page_objects import download
from tests.browser.publishing import simulate_and_publish
from ui.pages import PAGES

MARK = "evil"
TEXTS = (
    '<img src=x onerror="window.hacked=1">evil',
    "<script>window.hacked=1</script>evil",
    '=HYPERLINK("http://evil.test","evil")',
    "+evil+1",
    "-evil",
    "@SUM(evil)",
    "\t=evil",
    "'; DROP TABLE scenario; -- evil",
    "{{7*7}}${7*7}%{evil}",
)
FOLDER = "=evil<img src=x onerror=window.hacked=1>"  # what a file system lets be a name
EMPLOYEES = 300
FILED_UNDER = "filed"  # whom most texts are about


def prepare(settings):
    """Fill a home: a census, scenarios, results, a study, a sweep and jobs, all with these texts."""
    from planwise.governance import open_ledger

    _import_census(settings)
    with open_ledger(settings) as ledger:
        ledger.scenarios.create("filed", {"cola_rate": 0.05}, description="".join(TEXTS))
    _publish(settings)
    _file_under_another_name(settings)
    _write_study(settings)
    _write_sweep(settings)
    _write_jobs(settings)


def _import_census(settings):
    from planwise.census import generate_census, import_census

    plain = generate_census(settings, employees=EMPLOYEES)
    people = pd.read_parquet(plain.census_file)
    people["department"] = [TEXTS[n % 6].strip() for n in range(len(people))]
    people["job_title"] = [TEXTS[n % len(TEXTS)].strip() for n in range(len(people))]
    people["employee_id"] = [f"{TEXTS[n % len(TEXTS)].strip()}-{n:04}" for n in range(len(people))]
    file = settings.root / "hostile.csv"
    people.to_csv(file, index=False)
    import_census(
        settings,
        file,
        name="hostile",
        levels="pay-quantiles",
        options={"pay_is": "full-time"},
        as_of=plain.as_of,
    )
    file.unlink()


def _publish(settings):
    from planwise.census import load_census
    from planwise.engine.warehouse import open_warehouse
    from planwise.parameters import resolve, simulated_years

    census = load_census(settings)
    years = simulated_years(2, census.first_year)
    with open_warehouse(settings, "browser test") as warehouse:
        for scenario, overrides in {"baseline": {}, "filed": {"cola_rate": 0.05}}.items():
            effective = resolve(years, scenario=overrides)
            simulate_and_publish(settings, warehouse, census, scenario, effective)


def _file_under_another_name(settings):
    """Copy a result to a folder with a hostile name, with hostile texts in its manifest."""
    copy = settings.published_dir / FOLDER
    shutil.copytree(settings.published_dir / "filed", copy)
    file = copy / (copy / "current").read_text().strip() / "manifest.json"
    manifest = json.loads(file.read_text())
    manifest["scenario"] = FOLDER
    manifest["census"]["name"] = "".join(TEXTS)
    for check, text in zip(manifest["gate"]["results"], TEXTS, strict=False):
        check |= {"expectation": text, "observed": text, "threshold": text, "remedy": text, "success": False}
        check["severity"] = "info"
    file.write_text(json.dumps(manifest))


def _write_study(settings):
    from planwise.study.journal import Journal
    from planwise.study.optuna_storage import open_storage
    from planwise.study.space import TunedLever
    from planwise.study.study_files import write_study, write_summary

    bounds = dict(low=0.01, high=0.08, start=0.025, scale=0.01)
    space = (TunedLever(name="cola_rate", level_id=None, increasing=True, dynamics=False, **bounds),)
    about = {
        "study": FOLDER,
        "question": {"strategy": TEXTS[1], "target_growth": 0.03, "tolerance": 0.001},
        "scenario": FOLDER,
        "census": TEXTS[0],
        "kind": "real",
        "state": "failed: " + TEXTS[0],
        "levers": ["cola_rate"],
        "created_at": "2026-11-20T12:00:00+00:00",
    }
    Journal.create(open_storage(settings, FOLDER), FOLDER, space, about)
    write_study(settings, FOLDER, about)
    write_summary(settings, FOLDER, {"state": "failed: " + TEXTS[0], "levers": {"cola_rate": 0.07}})
    (settings.studies_dir / FOLDER / "lock").touch()


def _write_sweep(settings):
    row = {
        "scenario": FOLDER, "variant": TEXTS[2], "feasible": False, "reasons": list(TEXTS), "growth": None,
        "target_growth": None, "payroll": None, "headcount": None, "fingerprint": None, "gate": TEXTS[0],
        "published": False,
    }  # fmt: skip
    own = row | {"variant": "as it is", "growth": 0.01, "payroll": 1.0, "scenario": "filed"}
    folder = settings.root / "sweeps"
    folder.mkdir()
    data = {"at": "2026-11-20T02:00:00+00:00", "asked": "{}", "complete": True, "rows": [own, row]}
    (folder / "20261120T020000000.json").write_text(json.dumps(data))


def _write_jobs(settings):
    from planwise.jobs import JobFailure, JobKind, JobWriter, State, new_job

    for state in (State.FAILED, State.DONE):
        folder = new_job(
            settings, JobKind.SIMULATE, {"scenario": FOLDER}, title="".join(TEXTS), started_by=TEXTS[0]
        )
        writer = JobWriter(folder)
        for text in TEXTS:
            writer.log(text)
        writer.step(TEXTS[0], "failed")
        writer.table("gate", [{TEXTS[1]: TEXTS[0]}], TEXTS[0])
        error = JobFailure(TEXTS[0], TEXTS[1], TEXTS[2]) if state is State.FAILED else None
        writer.end(state, result={"scenario": FOLDER}, error=error)


pytestmark = pytest.mark.long

READY = "h1:visible, .empty:visible"
CALCULATES = re.compile(r"^[\s]*[=+\-@|%]")
DOWNLOADS = re.compile(r"\bCSV\b|Excel|Download")
MADE = "img[src='x'], a[href^='javascript'], a[href*='evil.test'], script:text('hacked')"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    from planwise.settings import Settings

    settings = Settings(home=tmp_path_factory.mktemp("hostile") / "home")
    prepare(settings)
    return settings


@pytest.fixture(scope="module")
def url(hostile):
    with dashboard(hostile.root) as address:
        yield address


def inert(page):
    settle(page)
    assert page.evaluate("window.hacked") is None
    assert page.locator(MADE).count() == 0
    assert page.get_by_text("49$49").count() == 0


def query(page, **chosen):
    return f"/?{urlencode({'page': page, **chosen})}"


def check_csv(content):
    for row in csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")):
        for cell in row:
            if CALCULATES.match(cell):
                float(cell)  # a number may begin with a sign; nothing else may


def check_workbook(content):
    book = openpyxl.load_workbook(io.BytesIO(content))
    texts = 0
    for cell in (cell for sheet in book for row in sheet.iter_rows() for cell in row):
        assert cell.hyperlink is None
        if MARK in str(cell.value):
            assert cell.data_type == "s", (cell.coordinate, cell.value)
            texts += 1
    assert texts


def check_files(page):
    """Download everything that the page offers; return the files by what their buttons say."""
    names = [
        button.get_attribute("aria-label") or button.inner_text()
        for button in page.get_by_role("button", name=DOWNLOADS).and_(page.locator("button")).all()
        if button.is_visible() and button.is_enabled()
    ]
    files = {}
    for name in names:
        content, file = download(page, name, exact=True)
        files[name] = content
        assert not re.search(r"[<>\"/\\\t]", file)
        if file.endswith(".csv"):
            check_csv(content)
        elif file.endswith(".xlsx"):
            check_workbook(content)
    return files


CHOSEN = {
    "overview": {"scenario": FOLDER},
    "plan": {"scenario": "filed"},
    "run": {"scenario": "filed"},
    "results": {"scenario": FOLDER},
    "compare": {"compare": f"baseline,filed,{FOLDER}"},
    "optimise": {"study": FOLDER},
}
# Where the texts are seen without a click: they must be there, or the test attacks nothing.
SEEN = {"overview": FOLDER, "results": FOLDER, "compare": FOLDER}


@pytest.fixture(scope="module")
def visitor(browser, url):
    """One who comes from address to address; the application is loaded once."""
    with visiting(browser) as visit:
        yield visit(url + query(PAGES[-1].key), READY)


@pytest.mark.parametrize("info", PAGES, ids=lambda info: info.key)
def test_texts_of_a_home_are_texts_on_every_page_and_in_its_files(visitor, info):
    page = visitor
    follow(page, query(info.key, **CHOSEN.get(info.key, {})), info.title)
    leave_out_pages_before(page)
    inert(page)
    if info.key in SEEN:
        page.get_by_text(SEEN[info.key]).locator("visible=true").first.wait_for()
    if info.key == "compare":  # its files are offered once it has compared
        expect(
            page.get_by_role("button", name="Excel workbook").locator("visible=true").first
        ).to_be_enabled()
    if files := check_files(page):
        inert(page)
    if info.key == "compare":
        assert any(name.startswith("Excel workbook") for name in files)
        (employees,) = (files[name] for name in files if name.startswith("Employees (CSV)"))
        assert MARK.encode() in employees


EVERYTHING = TEXTS[0] + TEXTS[1] + TEXTS[7]
ATTACK = {
    name: EVERYTHING for name in ("scenario", "study", "employee", "topic", "job", "base", "year", "level")
}
ATTACK |= {"set": f"cola_rate={EVERYTHING}", "compare": f"{EVERYTHING},baseline"}


@pytest.fixture(scope="module")
def attacked(browser, url):
    """One who was given an address full of texts; it is that of the last page."""
    with visiting(browser) as visit:
        yield visit(url + query(PAGES[-1].key, **ATTACK), READY)


@pytest.mark.parametrize("info", PAGES, ids=lambda info: info.key)
def test_texts_of_an_address_are_texts_on_every_page(attacked, url, info):
    answer = httpx.get(url + query(info.key, **ATTACK), headers=cookie_of(url), trust_env=False, timeout=60)
    assert answer.status_code == 200 and not any(text in answer.text for text in TEXTS[:2])
    follow(attacked, query(info.key, **ATTACK), info.title)
    leave_out_pages_before(attacked)
    inert(attacked)


def test_the_ledger_is_whole_afterwards(hostile):
    from planwise.governance import open_ledger

    with open_ledger(hostile) as ledger:
        assert [scenario.name for scenario in ledger.scenarios.list()] == ["baseline", "filed"]
