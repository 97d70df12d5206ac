"""The Audit page: who may see it, what it lists, and what verification says."""

import asyncio

import pytest
from sqlalchemy import text

from planwise.errors import InputError
from planwise.governance import EventType, open_ledger
from planwise.governance.permissions import ALLOWED, Action, Role
from planwise.governance.verifier import read_export
from planwise.settings import Settings
from ui.pages.audit.page import NOT_ALLOWED, AuditPage
from ui.session import Services, Session
from ui.store import Store
from ui.values.audit import AuditFilter
from ui.values.user import User


@pytest.fixture
def settings(tmp_path):
    settings = Settings(home=tmp_path)
    with open_ledger(settings, actor="ann") as ledger:
        ledger.scenarios.create("plan_a", {"cola_rate": 0.02})
        ledger.scenarios.set("plan_a", {"cola_rate": 0.03}, reason="<b>market</b>")
    with open_ledger(settings, actor="bob") as ledger:
        ledger.events.record(EventType.LOGIN, subject="bob", payload={"method": "basic"})
    return settings


def session_of(settings, role="auditor"):
    return Session(Services(settings, Store(settings)), User("mia", role))


def read(page):
    asyncio.run(page._read())
    return page


@pytest.mark.parametrize("role", Role)
def test_the_page_is_for_those_who_may_read_the_trail(settings, role):
    session = session_of(settings, role)
    page = AuditPage(session)
    allowed = role in ALLOWED[Action.AUDIT]
    refused = any(getattr(part, "object", None) == NOT_ALLOWED for part in page.layout.objects)
    assert refused is not allowed
    if not allowed:
        with pytest.raises(InputError, match="may not read the audit trail"):
            _ = session.audit


def test_events_are_listed_in_sentences_filtered_and_opened(settings):
    page = read(AuditPage(session_of(settings)))
    rows = page._trail.rows
    assert rows["what"].tolist() == [
        "bob signed in (basic)",
        "cola_rate from 0.02 to 0.03: <b>market</b>",
        "Scenario created with 1 override",
    ]
    page._actor.value = "bob"
    read(page)
    assert page._trail.rows["actor"].tolist() == ["bob"]
    assert list(page._actor.options.values()) == ["", "ann", "bob"]
    page._actor.value = ""
    read(page)
    page._open(2)
    assert "&lt;b&gt;market&lt;/b&gt;" in page._details.object and "<b>market" not in page._details.object
    file = page._as_csv().getvalue().decode()
    assert "cola_rate from 0.02 to 0.03" in file


def test_verification_names_the_broken_link(settings):
    page = read(AuditPage(session_of(settings)))
    asyncio.run(page._verified())
    assert "The trail is whole: 3 events" in page._result.object
    page._anchor.value = "0" * 64
    asyncio.run(page._verified())
    assert "was replaced or shortened" in page._result.object
    with open_ledger(settings) as ledger, ledger.engine.begin() as connection:
        connection.execute(text("DROP TRIGGER event_update"))
        connection.execute(text("UPDATE event SET actor = 'eve' WHERE sequence = 2"))
    page._anchor.value = ""
    asyncio.run(page._verified())
    assert "event 2 was changed after it was recorded" in page._result.object


def test_report_and_export_are_events_of_the_user(settings, tmp_path):
    audit = session_of(settings).audit
    assert audit.report(AuditFilter(actor="ann"), ".html").startswith(b"<!")
    file = tmp_path / "export.jsonl"
    file.write_bytes(audit.export())
    head, events = read_export(file)
    assert head[0] == len(events) == 4  # with the report, before the export itself
    with open_ledger(settings) as ledger:
        exports = ledger.events.list(kind=EventType.EXPORT)
        assert ledger.events.verify([str(head[1])]).ok
    assert [(event.actor, event.role, event.subject) for event in exports] == [
        ("mia", "auditor", "audit trail"),
        ("mia", "auditor", "audit report"),
    ]
