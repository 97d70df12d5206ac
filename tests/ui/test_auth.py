"""Signing in: users, settings, tickets and the gate."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from planwise.cli.commands import run
from planwise.errors import DamagedStore, InputError
from planwise.governance import EventType, open_ledger
from planwise.settings import Settings, SignInSettings
from ui.auth import users as passwords
from ui.auth.configuration import client_secret, origins, require_usable
from ui.auth.gate import FREE_ATTEMPTS, IDENTITY, KEYS_MAX, Gate, SignInLimits, Ticket, user_of
from ui.auth.handlers import SignInPage, login_to, own_page, render
from ui.auth.users import (
    Users,
    folder,
    hash_password,
    matches,
    read_private,
    secret_of,
    unusable_hash,
    write_private,
)
from ui.serve import require_guarded

GOOD = "correct horse battery"


def now():
    return datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture(autouse=True)
def cheap(monkeypatch):
    monkeypatch.setattr(passwords, "COST", 2**10)


@pytest.fixture
def users(tmp_path):
    return Users(tmp_path / "auth" / "users.json")


def test_a_password_matches_its_hash_only_and_no_two_hashes_are_equal():
    hashed = hash_password(GOOD)
    assert matches(GOOD, hashed)
    assert not matches(GOOD + " ", hashed)
    assert not matches("", hashed)
    assert hashed != hash_password(GOOD)
    assert GOOD not in hashed


@pytest.mark.parametrize("password", ["", GOOD, "x" * 2000])
def test_no_password_is_unusable_hash(password):
    assert not matches(password, unusable_hash())


def test_the_real_cost_is_what_owasp_asks_for(monkeypatch):
    monkeypatch.undo()
    assert (passwords.COST, passwords.BLOCK, passwords.LANES) == (2**15, 8, 3)


@pytest.mark.parametrize("password", ["", "elevenchars", "x" * 1025])
def test_a_password_too_short_or_long_is_refused(password):
    with pytest.raises(InputError, match=f"{len(password)} characters"):
        hash_password(password)


def test_users_are_kept_for_their_owner_only_and_without_passwords(users):
    users.add("ada", "analyst", GOOD, clock=now)
    assert users.file.stat().st_mode & 0o777 == 0o600
    assert users.file.parent.stat().st_mode & 0o777 == 0o700
    assert GOOD not in users.file.read_text()
    assert users.check("ada", GOOD).role == "analyst"
    assert users.check("ada", "wrong password") is None
    assert users.check("bob", GOOD) is None


def test_a_file_that_others_may_read_is_refused(users):
    users.add("ada", "analyst", GOOD, clock=now)
    for mode in (0o640, 0o604, 0o620, 0o602):
        users.file.chmod(mode)
        with pytest.raises(InputError, match="read or changed by others"):
            Users(users.file).all()


def test_a_change_of_the_file_shows_without_a_restart(users):
    users.add("ada", "analyst", GOOD, clock=now)
    other = Users(users.file)
    assert other.get("ada").role == "analyst"
    users.add("ada", "auditor", GOOD, clock=now)
    assert other.get("ada").role == "auditor"
    users.remove("ada")
    assert other.get("ada") is None


@pytest.mark.parametrize("name", ["", " ada", "a b", "<script>", "é", "a" * 65, "../x", "-a"])
def test_a_name_that_is_none_is_refused(users, name):
    with pytest.raises(InputError, match="not a valid user name"):
        users.add(name, "analyst", GOOD, clock=now)


def test_a_role_that_is_none_is_refused(users):
    with pytest.raises(InputError, match="Unknown role"):
        users.add("ada", "root", GOOD, clock=now)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"form": 2, "users": []}', '{"form": 1, "users": [{}]}'])
def test_a_file_that_is_broken_is_said(users, text):
    write_private(users.file, text)
    with pytest.raises(DamagedStore, match=r"is damaged: .*users\.json"):
        users.all()


def test_the_cookie_secret_is_made_once_for_its_owner_only(tmp_path):
    file = folder(tmp_path) / "cookie_secret"
    secret = secret_of(file)
    assert len(secret) >= 48
    assert file.stat().st_mode & 0o777 == 0o600
    assert secret_of(file) == secret
    file.chmod(0o644)
    with pytest.raises(InputError, match="by others"):
        secret_of(file)


def test_a_cookie_secret_that_is_too_short_is_refused(tmp_path):
    write_private(tmp_path / "s", "short")
    with pytest.raises(InputError, match="5 characters"):
        secret_of(tmp_path / "s")


def test_a_crash_while_writing_leaves_the_old_file(tmp_path, monkeypatch):
    file = tmp_path / "f"
    write_private(file, "old")
    monkeypatch.setattr("planwise.storage.os.replace", lambda *_: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        write_private(file, "new")
    assert read_private(file, "It") == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_users_by_command(tmp_path, capsys, monkeypatch):
    home = ["--home", str(tmp_path)]
    password = tmp_path / "password"
    write_private(password, GOOD + "\nrest")
    add = ["user", "add", "ada", "--role", "analyst", "--password-file", str(password)]
    assert run([*add, *home]) == 0
    assert run(["user", "list", *home]) == 0
    assert "ada" in capsys.readouterr().out
    assert Users(tmp_path / "auth" / "users.json").check("ada", GOOD)
    assert run(["user", "remove", "ada", *home]) == 0
    assert run(["user", "remove", "ada", *home]) == 2
    password.chmod(0o644)
    assert run([*add, *home]) == 2


def test_a_password_comes_from_the_input_or_is_asked_for_twice(tmp_path, monkeypatch):
    import io

    users = Users(tmp_path / "auth" / "users.json")
    add = ["user", "add", "ada", "--role", "admin", "--home", str(tmp_path)]
    monkeypatch.setattr("sys.stdin", io.StringIO(GOOD + "\n"))
    assert run(add) == 0
    assert users.check("ada", GOOD)

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    asked = iter([GOOD + "2", "another one"])
    monkeypatch.setattr("getpass.getpass", lambda _: next(asked))
    assert run(add) == 2
    assert users.check("ada", GOOD)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"auth": "basic"}, "no users"),
        ({"auth": "oidc"}, "PLANWISE_OIDC_ISSUER and PLANWISE_OIDC_CLIENT_ID"),
        ({"auth": "oidc", "oidc_issuer": "http://idp.example", "oidc_client_id": "x"}, "not an https"),
        (
            {"auth": "oidc", "oidc_issuer": "https://i", "oidc_client_id": "x", "oidc_roles": {"a": "god"}},
            "god",
        ),
        (
            {"auth": "oidc", "oidc_issuer": "https://i", "oidc_client_id": "x", "oidc_default_role": "x"},
            "DEFAULT_ROLE",
        ),
    ],
)
def test_a_sign_in_that_lets_nobody_in_is_not_served(settings, changes, says):
    with pytest.raises(InputError, match=says):
        require_usable(settings, SignInSettings(**changes))


def test_the_client_secret_comes_from_a_private_file(tmp_path):
    file = tmp_path / "secret"
    file.write_text("s3cret\n")
    file.chmod(0o600)
    assert client_secret(SignInSettings(oidc_client_secret_file=file)) == "s3cret"
    file.chmod(0o640)
    with pytest.raises(InputError, match="by others"):
        client_secret(SignInSettings(oidc_client_secret_file=file))


@pytest.mark.parametrize("address", ["127.0.0.1", "localhost", "::1", "127.0.0.2"])
def test_this_machine_needs_no_sign_in(address):
    require_guarded(address, (), SignInSettings())


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.168.1.7", "example.org", ""])
def test_others_reach_it_only_through_a_sign_in(address):
    with pytest.raises(InputError, match="sign-in is off"):
        require_guarded(address, (), SignInSettings())
    require_guarded(address, (), SignInSettings(auth="basic"))


def test_a_proxy_needs_a_sign_in_too():
    with pytest.raises(InputError, match="allow-origin"):
        require_guarded("127.0.0.1", ("https://pay.example.org",), SignInSettings())


def test_which_names_a_browser_may_use():
    assert origins("127.0.0.1", 5006).hosts == ("127.0.0.1:5006", "localhost:5006")
    assert "10.0.0.5:5006" in origins("10.0.0.5", 5006).hosts
    assert not any("0.0.0.0" in host for host in origins("0.0.0.0", 5006).hosts)
    assert "[::1]:5006" in origins("::1", 5006).hosts
    behind = origins("127.0.0.1", 5006, ("https://Pay.example.org/",))
    assert "pay.example.org" in behind.hosts
    assert (behind.base("anything"), behind.is_secure) == ("https://pay.example.org", True)
    under = origins("127.0.0.1", 5006, ("https://intranet.example.org/hr/pay/",))
    assert "intranet.example.org" in under.hosts
    assert under.base("anything") == "https://intranet.example.org/hr/pay"
    assert "a.example:8443" in origins("127.0.0.1", 5006, ("https://a.example:8443",)).hosts
    assert "localhost" in origins("127.0.0.1", 443, tls=True).hosts


@pytest.mark.parametrize(
    "text",
    [
        *("*", "pay.example.org", "https://", "ftp://x", "https://x:y", "https://x/a b", "https://x/..//y"),
        *("https://x/?q", "https://x/#f", "https://u:p@x"),
    ],
)
def test_an_origin_that_is_none_is_refused(text):
    with pytest.raises(InputError, match="not an origin"):
        origins("127.0.0.1", 5006, (text,))


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


def test_a_ticket_by_other_rules_of_the_provider_is_over(settings, clock):
    def gate_of(roles):
        provider = {"auth": "oidc", "oidc_issuer": "https://i", "oidc_client_id": "x"}
        return Gate(settings, SignInSettings(**provider, oidc_roles=roles), clock=clock)

    ticket = gate_of({"hr": "admin"}).issue("ada", "admin").to_text()
    assert gate_of({"hr": "admin"}).identify(ticket).user.role == "admin"
    assert gate_of({"hr": "auditor"}).identify(ticket) is None


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


ME, MINE = "ada", "10.0.0.1"


@pytest.mark.parametrize(
    ("name", "address", "same"),
    [
        ("ADA", MINE, True),
        ("\uff41da", MINE, True),  # full-width
        (" ada ", MINE, True),
        ("ada", "::ffff:10.0.0.1", True),
        ("eve", MINE, False),  # who shares a proxy with a guesser
        ("ada", "10.0.0.2", False),  # the owner, elsewhere
    ],
)
def test_a_lock_is_for_a_name_however_it_is_written_from_an_address(clock, name, address, same):
    limits = SignInLimits(clock)
    for _ in range(FREE_ATTEMPTS + 2):
        limits.failed(name, address)
    assert (limits.wait_seconds(ME, MINE) > 0) is same


def test_all_addresses_of_a_customer_s_network_are_one(clock):
    limits = SignInLimits(clock)
    for number in range(FREE_ATTEMPTS):
        limits.failed(ME, f"2001:db8:1:2::{number}%eth0")
    assert limits.wait_seconds(ME, "2001:db8:1:2:ffff::1") > 0
    assert limits.wait_seconds(ME, "2001:db8:1:3::1") == 0


def test_no_number_of_failures_elsewhere_or_by_other_names_locks_the_owner_out(clock):
    limits = SignInLimits(clock)
    for number in range(300):
        limits.failed(ME, f"192.0.2.{number % 250}")
        limits.failed(f"name{number}", MINE)
    assert limits.wait_seconds(ME, MINE) == 0


def test_memory_of_failures_is_bounded_whatever_is_sent(clock):
    limits = SignInLimits(clock)
    for number in range(KEYS_MAX + 50):
        limits.failed(f"{number}" + "x" * 1000 * (number > KEYS_MAX) + "\ud800", MINE)
    assert len(limits._failures) == KEYS_MAX
    assert {len(key) for key in limits._failures} == {32}


def test_users_added_at_once_are_all_kept(users, monkeypatch):
    write = passwords.write_private

    def slowly(file, text):
        time.sleep(0.02)
        write(file, text)

    monkeypatch.setattr(passwords, "write_private", slowly)
    names = [f"user{number}" for number in range(10)]

    def add(name):
        Users(users.file).add(name, "analyst", GOOD, clock=now)  # as a process of its own does

    with ThreadPoolExecutor(len(names)) as pool:
        list(pool.map(add, names))
        list(pool.map(lambda name: Users(users.file).remove(name), names[:3]))
    assert [user.name for user in users.all()] == names[3:]
    assert users.file.stat().st_mode & 0o777 == 0o600


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


def test_a_sign_in_is_an_event_of_the_person_and_the_role(tmp_path):
    settings = Settings(home=tmp_path)
    gate = Gate(settings, SignInSettings(auth="basic"))
    gate.users.add("mia", "auditor", "a long enough password", clock=lambda: datetime.now(UTC))
    gate.issue("mia")
    with open_ledger(settings) as ledger:
        (event,) = ledger.events.list()
    assert (event.type, event.actor, event.role, event.payload) == (
        EventType.LOGIN,
        "mia",
        "auditor",
        {"method": "basic"},
    )
