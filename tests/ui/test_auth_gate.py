from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from planwise.settings import SignInSettings
from ui.auth import users as passwords
from ui.auth.gate import IDENTITY, KEYS_MAX, Gate, SignInLimits, Ticket, user_of
from ui.auth.handlers import SignInPage, login_to, own_page, render

GOOD = "correct horse battery"


class Clock:
    def __init__(self):
        self.now = 1_800_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def gate(settings, clock, monkeypatch):
    monkeypatch.setattr(passwords, "COST", 2**10)
    gate = Gate(settings, SignInSettings(auth="basic", session_hours=12, idle_minutes=30), clock=clock)
    gate.users.add("ada", "analyst", GOOD, clock=lambda: datetime.fromtimestamp(clock.now, UTC))
    return gate


def test_a_ticket_says_who_it_is_and_the_file_says_the_role(gate):
    identity = gate.identify(gate.issue("ada").to_text())
    assert (identity.user.name, identity.user.role, identity.user.signed_in) == ("ada", "analyst", True)


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"id": 1}', "not json"])
def test_a_cookie_of_another_form_is_nobody(gate, text):
    assert gate.identify(text) is None


def test_a_ticket_of_somebody_unknown_is_nobody(gate):
    assert gate.identify(gate.issue("eve").to_text()) is None


def test_a_role_in_the_cookie_does_not_count_where_the_file_says_it(gate):
    text = Ticket("x", "ada", "admin", gate.issue("ada").issued_at, "basic").to_text()
    assert gate.identify(text).user.role == "analyst"


def test_a_sign_in_ends_when_it_is_old(gate, clock):
    ticket = gate.issue("ada")
    for _ in range(24):
        clock.now += 1799
        gate.presence.touch(ticket.id)
    assert gate.identify(ticket.to_text())
    clock.now += 100
    gate.presence.touch(ticket.id)
    assert gate.end_reason(ticket) == "expired"
    assert "12 hours" in gate.reason_text("expired")


def test_a_sign_in_ends_when_nothing_is_done(gate, clock):
    ticket = gate.issue("ada")
    clock.now += 1801
    assert gate.end_reason(ticket) == "idle"
    assert gate.identify(ticket.to_text()) is None


def test_who_signed_out_stays_so_after_a_restart(gate, settings, clock):
    ticket = gate.issue("ada")
    gate.presence.end(ticket.id)
    assert gate.identify(ticket.to_text()) is None
    again = Gate(settings, gate.sign_in, clock=clock)
    assert again.identify(ticket.to_text()) is None
    assert again.identify(gate.issue("ada").to_text())


def test_what_ended_long_ago_is_forgotten(gate, clock):
    for _ in range(50):
        gate.presence.end(gate.issue("ada").id)
    clock.now += 12 * 3600 + 1
    gate.presence.end("last")
    assert list(gate.presence._ended) == ["last"]
    assert not gate.presence._used


@pytest.mark.parametrize("change", ["remove", "password", "role"])
def test_a_changed_account_ends_what_is_open(gate, clock, change):
    identity = gate.identify(gate.issue("ada").to_text())
    assert gate.close_if_ended(identity) == ""
    clock.now += 1
    if change == "remove":
        gate.users.remove("ada")
    else:
        role = "auditor" if change == "role" else "analyst"
        gate.users.add("ada", role, GOOD, clock=lambda: datetime.fromtimestamp(clock.now, UTC))
    assert gate.close_if_ended(identity)
    assert gate.presence.ended(identity.ticket.id)


def test_a_ticket_of_another_way_to_sign_in_is_over(gate):
    assert gate.identify(Ticket("x", "ada", "admin", gate.issue("ada").issued_at, "oidc").to_text()) is None


def test_the_same_secret_after_a_restart(gate, settings):
    assert Gate(settings, gate.sign_in).secret == gate.secret


def test_nobody_gets_a_session_by_accident(gate):
    with pytest.raises(PermissionError):
        user_of(SimpleNamespace(), gate)
    with pytest.raises(PermissionError):
        user_of(None, gate)
    identity = gate.identify(gate.issue("ada").to_text())
    assert user_of(SimpleNamespace(**{IDENTITY: identity}), gate)[0].name == "ada"
    assert user_of(None, None)[0].role == "admin"


def test_who_fails_often_waits_longer_each_time(clock):
    limits = SignInLimits(clock)
    waits = []
    for _ in range(9):
        waits.append(limits.wait_seconds("ada", "10.0.0.1"))
        limits.failed("ada", "10.0.0.1")
    assert waits == [0, 0, 0, 0, 0, 1, 2, 4, 8]
    assert limits.wait_seconds("ada", "10.0.0.2") == 0  # its owner, elsewhere, is not locked out
    clock.now += 17
    assert limits.wait_seconds("ada", "10.0.0.1") == 0
    limits.succeeded("ada", "10.0.0.1")
    limits.failed("ada", "10.0.0.1")
    assert limits.wait_seconds("ada", "10.0.0.1") == 0


def test_one_address_that_tries_many_names_waits_and_memory_is_bounded(clock):
    limits = SignInLimits(clock)
    for number in range(KEYS_MAX):
        limits.failed(f"name{number}", "10.0.0.1")
    assert limits.wait_seconds("another", "10.0.0.1") == 900
    assert len(limits._failures) <= KEYS_MAX


@pytest.mark.parametrize(
    ("asked", "goes"),
    [
        ("/", "/"),
        ("/?page=plan&set=cola_rate%3D0.04", "/?page=plan&set=cola_rate%3D0.04"),
        ("", "/"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("///evil.example", "/"),
        ("/\\evil.example", "/"),
        ("\\\\evil.example", "/"),
        ("/%09/evil.example", "/"),
        ("/\t/evil.example", "/"),
        ("/\r\nSet-Cookie: a=b", "/"),
        ("javascript:alert(1)", "/"),
        ("/logout", "/"),
        ("/login?next=/login", "/"),
        ("/../x", "/"),
        ("//", "/"),
        ("/?x=//evil.example", "/?x=//evil.example"),
    ],
)
def test_after_signing_in_one_is_on_our_own_page(asked, goes):
    assert own_page(asked) == goes


def test_the_way_back_is_in_the_address_of_the_sign_in():
    assert login_to("/?page=run") == "/login?next=%2F%3Fpage%3Drun"
    assert login_to("https://evil.example") == "/login"


def test_what_people_type_is_text_on_the_page():
    bad = '"><script>alert(1)</script>'
    made = render(
        SignInPage(bad, bad, bad, is_error=True, form=True, name=bad, next=bad, link=bad, token=bad)
    )
    assert "<script>alert" not in made
    assert made.count("&lt;script&gt;alert(1)") >= 6
