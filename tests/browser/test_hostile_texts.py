"""Texts that people type and files bring stay texts: in every page, address, CSV and workbook."""

import csv
import io
import re
from pathlib import Path
from urllib.parse import urlencode

import openpyxl
import pytest

from tests.browser import hostile_world
from tests.browser.hostile_world import FOLDER, MARK, TEXTS
from tests.browser.looking import settle
from tests.browser.serving import dashboard
from ui.pages import PAGES

pytestmark = pytest.mark.long

READY = "h1:visible, .empty:visible"
CALCULATES = re.compile(r"^[\s]*[=+\-@|%]")
DOWNLOADS = re.compile(r"\bCSV\b|Excel|Download")
MADE = "img[src='x'], a[href^='javascript'], a[href*='evil.test'], script:text('hacked')"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    from planwise.settings import Settings

    settings = Settings(home=tmp_path_factory.mktemp("hostile") / "home")
    hostile_world.prepare(settings)
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
    """Download everything that the page offers; return how many files there were."""
    names = [
        button.get_attribute("aria-label") or button.inner_text()
        for button in page.get_by_role("button", name=DOWNLOADS).all()
        if button.is_visible() and button.is_enabled()
    ]
    for name in names:
        with page.expect_download() as download:
            page.get_by_role("button", name=name, exact=True).first.click()
        file = download.value
        assert not re.search(r"[<>\"/\\\t]", file.suggested_filename)
        content = Path(file.path()).read_bytes()
        if file.suggested_filename.endswith(".csv"):
            check_csv(content)
        elif file.suggested_filename.endswith(".xlsx"):
            check_workbook(content)
    return len(names)


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


@pytest.mark.parametrize("key", [page.key for page in PAGES])
def test_texts_of_a_home_are_texts_on_every_page_and_in_its_files(visit, url, key):
    page = visit(url + query(key, **CHOSEN.get(key, {})), READY)
    inert(page)
    if key in SEEN:
        page.get_by_text(SEEN[key]).first.wait_for()
    check_files(page)
    inert(page)


@pytest.mark.parametrize("key", [page.key for page in PAGES])
def test_texts_of_an_address_are_texts_on_every_page(visit, url, key):
    everything = TEXTS[0] + TEXTS[1] + TEXTS[7]
    chosen = {name: everything for name in ("scenario", "study", "employee", "topic", "job", "base")}
    more = {"year": everything, "level": everything, "set": f"cola_rate={everything}"}
    page = visit(url + query(key, compare=f"{everything},baseline", **chosen, **more), READY)
    inert(page)


def test_the_workbook_of_a_comparison_has_texts_where_texts_are_meant(visit, url):
    page = visit(url + query("compare", compare=f"baseline,filed,{FOLDER}"), READY)
    with page.expect_download() as download:
        page.get_by_role("button", name=re.compile("^Excel workbook")).click()
    check_workbook(Path(download.value.path()).read_bytes())
    with page.expect_download() as download:
        page.get_by_role("button", name=re.compile(r"^Employees \(CSV\)")).click()
    content = Path(download.value.path()).read_bytes()
    assert MARK.encode() in content
    check_csv(content)


def test_the_ledger_is_whole_afterwards(hostile):
    from planwise.governance import open_ledger

    with open_ledger(hostile) as ledger:
        assert [scenario.name for scenario in ledger.scenarios.list()] == ["baseline", "filed"]
