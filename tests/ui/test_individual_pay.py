"""Who sees the pay of single people: every role at every reader, download and page."""

import asyncio
import base64
import hashlib
import io
from types import SimpleNamespace

import openpyxl
import pandas as pd
import pytest

from planwise.errors import Busy, InputError
from planwise.governance import EventType, open_ledger
from planwise.governance.activity import sentence_of
from tests.ui.published import people, publish_by_hand, publish_people
from tests.unit.comparison.comparison_worlds import Person, prepare, publish
from ui.components import downloads
from ui.components.card import Card, Content, quality_gate
from ui.components.downloads import Download
from ui.pages.compare.page import ComparePage
from ui.pages.results.events import Explorer
from ui.queries.individual_pay import IndividualPay
from ui.session import Services, Session
from ui.store import Store
from ui.values.people import EventQuery, Filter, IncreaseQuery
from ui.values.user import ROLES, User

MAY = {"analyst": True, "approver": False, "operator": False, "auditor": True, "admin": True}
PAIR = ("base", "raised")
SECRET_ID, SECRET_PAY = "E07", 61_237.19
EVERYONE = Filter("everyone")
READERS = {
    "points": lambda reader, name: reader.sample(name, EVERYONE, 2027, 10).points,
    "events": lambda reader, name: reader.events(name, EventQuery(EVERYONE), limit=1).frame,
    "exported events": lambda reader, name: reader.export_events(name, EventQuery(EVERYONE), limit=1).frame,
    "search": lambda reader, name: reader.find(name, "Analyst", limit=1).rows,
    "one person": lambda reader, name: reader.person(name, "EMP-000007").years,
    "increases": lambda reader, name: reader.increases(name, IncreaseQuery(), limit=1)[0],
    "increase list": lambda reader, name: reader.increases_file(name, "csv"),
    "raises that close a gap": lambda reader, name: reader.equity_raises(name, 2027),
    "workbook": lambda reader, _: reader.workbook(PAIR),
    "employees": lambda reader, _: reader.people_file(PAIR),
}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    from planwise.settings import Settings

    settings = Settings(home=tmp_path_factory.mktemp("roles") / "home")
    prepare(settings)
    for name, raised in zip(PAIR, (0, 1), strict=True):
        staff = [
            Person(f"E{n:02}", (50_000, 50_000, SECRET_PAY + raised if n == 7 else 51_000)) for n in range(12)
        ]
        publish(settings, name, staff)
    publish_by_hand(settings, "baseline")
    publish_people(settings, snapshot=people(60))
    return Store(settings)


def test_every_role_is_in_the_table_and_every_reader_of_single_people():
    assert set(MAY) == set(ROLES)
    read = {name for name in vars(IndividualPay) if not name.startswith("_")}
    assert read == {
        "sample",
        "events",
        "export_events",
        "find",
        "person",
        "increases",
        "increases_file",
        "workbook",
        "people_file",
        "equity_raises",
    }


@pytest.mark.parametrize("role", [*MAY, "none", ""])
def test_single_people_are_read_by_who_has_the_right(store, role):
    user = User("somebody", role)
    if MAY.get(role, False):
        reader = store.individual_pay(user)
        for name, read in READERS.items():
            assert len(read(reader, "baseline")), name
        return
    with pytest.raises(InputError, match=r"may not see the pay of single people") as refused:
        store.individual_pay(user)
    assert "admin or analyst or auditor" in refused.value.remedy


@pytest.mark.parametrize("shared", ["people", "comparisons"])
def test_the_readers_that_everybody_has_answer_about_groups_only(store, shared):
    single = {name for name in vars(IndividualPay) if not name.startswith("_")} - {"workbook"}
    assert not single & set(dir(getattr(store, shared)))


def texts(content):
    book = openpyxl.load_workbook(io.BytesIO(content))
    return book.sheetnames, {cell.value for sheet in book for row in sheet.iter_rows() for cell in row}


@pytest.mark.parametrize(("role", "may"), MAY.items())
def test_downloads_of_a_page_give_single_people_to_who_has_the_right(store, role, may):
    session = Session(Services(store._settings, store), User("somebody", role))
    session.selection.param.update(compare=PAIR, page="compare")
    page = ComparePage(session)
    page._names = PAIR
    labels = [button.label for button in page._files]
    assert labels == ["Excel workbook", "Summary (PDF)", "Employees (CSV)"][: 2 + may]
    sheets, values = texts(asyncio.run(page._files[0]._file()).read())
    assert ("Employees" in sheets) is ("Levels" in sheets) is ("People" in sheets) is may
    assert (SECRET_ID in values) is (SECRET_PAY in values) is may
    explorer = Explorer(session, lambda: None, lambda _: None)
    explorer._view = (SimpleNamespace(scenario="baseline"), EventQuery(EVERYONE))
    if may:
        assert b"EMP-0000" in explorer._export(10, lambda frame: frame.to_csv().encode())
    else:
        with pytest.raises(InputError, match="may not see"):
            explorer._export(10, lambda frame: frame.to_csv().encode())


def test_every_file_that_a_browser_gets_is_recorded_under_the_user(store, monkeypatch):
    """Before it is sent: what cannot be recorded is not sent."""
    settings = store._settings
    session = Session(Services(settings, store), User("ann", "analyst"))
    session.selection.param.update(page="results", scenario="baseline")
    monkeypatch.setattr(downloads, "session_here", lambda: session)

    def exports():
        with open_ledger(settings) as ledger:
            return ledger.events.list(kind=EventType.EXPORT)

    card = Card(name="merit matrix")
    card.show(Content("Merit", "", pd.DataFrame({"pay": [1.0]}), (), "merit.csv"))
    before = len(exports())
    card._download._transfer()
    sent = base64.b64decode(card._download.data.partition("base64,")[2])
    event = exports()[0]
    assert (event.actor, event.role, event.scenario, event.subject) == (
        "ann", "analyst", "baseline", "results page",
    )  # fmt: skip
    assert event.payload == {
        "file": "merit.csv", "bytes": len(sent), "sha256": hashlib.sha256(sent).hexdigest(),
    }  # fmt: skip
    assert sentence_of(event) == "Results page as merit.csv"

    async def written():
        return b"x"

    for is_recorded, more in ((True, 1), (False, 2)):  # a use-case has recorded the first
        button = Download(written, pytest.fail, label="", busy="", is_recorded=is_recorded)
        asyncio.run(button._async_sync_data())
        assert button.data and len(exports()) == before + more
    monkeypatch.setattr(session, "record_download", lambda *_: (_ for _ in ()).throw(Busy("The ledger.")))
    with pytest.raises(Busy):
        card._download._transfer()
    assert card._download.data is None


OF_SINGLE_PEOPLE = ("fct_workforce_snapshot", "fct_yearly_events", "census", "fct_level_summary")


@pytest.mark.parametrize("table", OF_SINGLE_PEOPLE)
def test_a_gate_shows_the_highest_pay_and_examples_to_who_has_the_right(table):
    row = {
        "expectation": "workforce_pay_usual", "table": table, "column": "base_pay", "severity": "warning",
        "success": False, "observed": f"[1.0, {SECRET_PAY}]", "threshold": "below 60,000",
        "offending rows": 1, "sample": f"employee_id {SECRET_ID}, base_pay {SECRET_PAY}",
    }  # fmt: skip

    def shown(row, may):
        found = quality_gate([row], "base", "", individual_pay=may).frame.to_csv()
        return SECRET_ID in found, str(SECRET_PAY) in found

    assert (shown(row, True), shown(row, False)) == ((True, True), (False, False))
    assert shown(row | {"table": "fct_budget"}, False) == (True, True)  # of all people together
