"""Signing in at an OpenID Connect provider: claims, tokens, and answers that do not hold."""

import asyncio
import threading
import time
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler, authenticated

from planwise.settings import Settings, SignInSettings
from tests.ui.oidc_provider import CLIENT, SECRET, provider_running
from ui.auth import oidc
from ui.auth.configuration import origins
from ui.auth.gate import Gate
from ui.auth.handlers import SignIn
from ui.auth.oidc import NotAdmitted, Provider, Rules, claim, name_of, role_of

RULES = Rules("preferred_username", "realm_access.roles", {"hr": "analyst", "boss": "admin"}, "auditor")


@pytest.mark.parametrize(
    ("said", "role"),
    [
        ({"realm_access": {"roles": ["hr"]}}, "analyst"),
        ({"realm_access": {"roles": ["hr", "boss"]}}, "admin"),
        ({"realm_access": {"roles": "hr"}}, "analyst"),
        ({"realm_access": {"roles": ["admin", 1, None]}}, "auditor"),
        ({"realm_access": "hr"}, "auditor"),
        ({"realm_access.roles": ["boss"]}, "admin"),
        ({}, "auditor"),
    ],
)
def test_values_of_a_claim_are_roles(said, role):
    assert role_of(said, RULES) == role


def test_a_value_that_is_a_role_counts_without_a_table():
    rules = Rules.of(SignInSettings(oidc_role_claim="groups"))
    assert role_of({"groups": ["x", "approver"]}, rules) == "approver"


@pytest.mark.parametrize("name", [None, "", " ", 7, "a\nb", "x" * 201])
def test_who_has_no_usable_name_is_refused(name):
    with pytest.raises(NotAdmitted, match="preferred_username"):
        name_of({"preferred_username": name}, RULES)


def test_an_e_mail_that_is_not_verified_is_no_name():
    rules = Rules("email", "roles", {}, "auditor")
    assert name_of({"email": "a@b.c", "email_verified": True}, rules) == "a@b.c"
    assert name_of({"email": "a@b.c", "email_verified": "true"}, rules) == "a@b.c"
    for said in ({"email_verified": False}, {}, {"email_verified": None}, {"email_verified": 1}):
        with pytest.raises(NotAdmitted, match="not verified"):
            name_of({"email": "a@b.c", **said}, rules)


def test_whether_an_e_mail_is_verified_is_asked_for(serve, fake):
    fake.claims |= {"email": "a@b.c"}
    fake.further = {"sub": "u1", "email_verified": True}
    assert serve(oidc_name_claim="email").get("/").json()["name"] == "a@b.c"
    assert fake.userinfo_asked == 1


def test_keys_that_were_exchanged_count_and_those_of_before_do_not(serve, fake, monkeypatch):
    monkeypatch.setattr(oidc, "KEYS_AGAIN_SECONDS", 0.0)
    browser, old = serve(), (fake.key, fake.key_id)
    assert browser.get("/").status_code == 200
    fake.key, fake.key_id = fake.other_key, "k2"
    fake.signs_with = fake.key
    browser.get("/logout")
    assert browser.get("/").status_code == 200
    browser.get("/logout")
    fake.signs_with, fake.header = old[0], {"kid": old[1]}
    assert "unpublished key" in browser.get("/").text
    fake.key, fake.key_id = old


def test_a_claim_may_be_nested_or_named_by_an_address():
    assert claim({"a": {"b": 1}}, "a.b") == 1
    assert claim({"https://x.y/r": 2}, "https://x.y/r") == 2
    assert claim({"a": 1}, "a.b") is None


class Me(RequestHandler):
    """The page behind the gate: says who it is."""

    def get_current_user(self):
        return self.application.auth_provider.get_user(self)

    def get_login_url(self):
        return "/login"

    @authenticated
    def get(self):
        user = self.current_user.user
        self.finish({"name": user.name, "role": user.role, "query": self.request.query})


class Site:
    """Our sign-in, on a thread of its own; the gate can be exchanged between tests."""

    def __init__(self, home, issuer):
        self.settings, self.issuer = Settings(home=home), issuer
        (self.socket,) = bind_sockets(0, "127.0.0.1")
        self.port = self.socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def application(self, **changes):
        sign_in = SignInSettings(auth="oidc", oidc_issuer=self.issuer, oidc_client_id=CLIENT, **changes)
        gate = Gate(self.settings, sign_in)
        provider = Provider(self.issuer, CLIENT, SECRET, sign_in.oidc_scopes)
        made = SignIn(gate, origins("127.0.0.1", self.port), provider, self.port)
        application = Application([*made.endpoints, ("/", Me)], cookie_secret=gate.secret)
        application.auth_provider = made
        return application


@pytest.fixture(scope="module")
def fake():
    with provider_running() as provider:
        yield provider


@pytest.fixture
def site(fake, tmp_path):
    fake.reset()
    return Site(tmp_path, fake.issuer)


@pytest.fixture
def serve(site):
    """Serve with changed settings; returns a browser without a screen."""
    ready, stop, clients = threading.Event(), [], []

    def start(**changes):
        def run():
            async def main():
                server, ended = HTTPServer(site.application(**changes)), asyncio.Event()
                server.add_sockets([site.socket])
                stop.append((asyncio.get_running_loop(), ended))
                ready.set()
                await ended.wait()
                server.stop()

            asyncio.run(main())

        thread = threading.Thread(target=run)
        thread.start()
        clients.append(thread)
        ready.wait()
        return httpx.Client(base_url=site.url, follow_redirects=True, trust_env=False)

    yield start
    for loop, ended in stop:
        loop.call_soon_threadsafe(ended.set)
    for thread in clients:
        thread.join()


def test_a_person_signs_in_and_comes_back_to_the_page_that_was_asked_for(serve, fake, site):
    browser = serve()
    answer = browser.get("/?page=plan&scenario=x")
    assert answer.json() == {"name": "grace", "role": "analyst", "query": "page=plan&scenario=x"}
    asked = fake.asked[0]
    assert asked["redirect_uri"] == f"{site.url}/login/callback"
    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    assert "openid" in asked["scope"].split()
    assert fake.userinfo_asked == 0
    assert browser.get("/").status_code == 200
    assert len(fake.asked) == 1


def test_cookies_are_not_for_scripts_nor_other_sites_and_hold_no_token(serve, site):
    browser = serve()
    browser.follow_redirects = False
    first = browser.get("/login")
    back = browser.get(httpx.get(first.headers["location"], trust_env=False).headers["location"])
    for cookie in first.headers.get_list("set-cookie") + back.headers.get_list("set-cookie"):
        if not cookie.split(";")[0].endswith('=""'):
            assert "HttpOnly" in cookie and "SameSite=Lax" in cookie
            assert len(cookie) < 1000
    assert back.headers["location"] == "../"  # a proxy may show us under a path of its own


def test_a_role_comes_from_the_further_claims_when_the_token_has_none(serve, fake):
    del fake.claims["roles"]
    fake.further = {"sub": "u1", "roles": "operator"}
    assert serve().get("/").json()["role"] == "operator"
    assert fake.userinfo_asked == 1


def test_who_has_no_role_gets_the_default_that_is_set(serve, fake):
    del fake.claims["roles"]
    assert serve(oidc_default_role="auditor").get("/").json()["role"] == "auditor"


def test_who_has_no_role_sees_nothing_and_is_told_whom_to_ask(serve, fake):
    fake.claims["roles"] = ["somebody else's"]
    browser = serve()
    answer = browser.get("/")
    assert answer.status_code == 403
    assert "no role" in answer.text and "Ask the administrator" in answer.text
    browser.follow_redirects = False
    assert browser.get("/").status_code == 302


LIES = {
    "expired": ({"exp": 1}, "expired"),
    "of another issuer": ({"iss": "https://evil.example"}, "issuer"),
    "for another client": ({"aud": "another"}, "Audience"),
    "for another client too": ({"aud": [CLIENT, "b"], "azp": "b"}, "azp"),
    "to another question": ({"nonce": "x"}, "nonce"),
    "without an end": ({"exp": None}, "exp"),
    "of nobody": ({"sub": None}, "sub"),
    "from the future": ({"iat": 9_999_999_999}, "not yet valid"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_token_that_does_not_hold_lets_nobody_in(serve, fake, lie):
    claims, says = LIES[lie]
    fake.claims |= claims
    browser = serve()
    answer = browser.get("/")
    assert answer.status_code == 502
    assert says.lower() in answer.text.lower()
    browser.follow_redirects = False
    assert browser.get("/").status_code == 302


def test_a_token_signed_by_another_key_lets_nobody_in(serve, fake):
    fake.signs_with = fake.other_key
    assert "Signature verification failed" in serve().get("/").text


def test_a_token_of_a_key_not_published_lets_nobody_in(serve, fake):
    fake.header = {"kid": "another"}
    assert "unpublished key" in serve().get("/").text


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_a_token_without_a_real_signature_lets_nobody_in(serve, fake, algorithm):
    fake.algorithm, fake.signs_with = algorithm, None if algorithm == "none" else "s" * 32
    assert serve().get("/").status_code == 502


def test_further_claims_about_somebody_else_let_nobody_in(serve, fake):
    del fake.claims["roles"]
    fake.further = {"sub": "u2", "roles": "admin"}
    assert "another user" in serve().get("/").text


@pytest.mark.parametrize(
    ("discovery", "says"),
    [
        ({"issuer": "https://evil.example"}, "its issuer is"),
        ({"token_endpoint": None}, "no token_endpoint"),
        ({"token_endpoint": "http://evil.example/token"}, "not an https address"),
    ],
)
def test_a_provider_that_is_not_what_it_should_be_is_not_used(serve, fake, discovery, says):
    fake.discovery = discovery
    assert says in serve().get("/").text


def test_an_answer_to_no_question_of_this_browser_lets_nobody_in(serve, fake):
    browser, other = serve(), httpx.Client(follow_redirects=False, trust_env=False)
    browser.follow_redirects = False
    first = browser.get("/login").headers["location"]
    back = httpx.get(first, trust_env=False).headers["location"]
    assert other.get(back).status_code == 400  # another browser: a stolen or planted link
    forged = back.replace("state=", "state=x")
    assert browser.get(forged).status_code == 400
    assert browser.get(back).status_code == 400  # the cookie is gone with the first answer
    assert not any(name.startswith("planwise-") and not name.endswith("way") for name in browser.cookies)


def test_a_code_counts_once(serve):
    browser = serve()
    browser.follow_redirects = False
    back = httpx.get(browser.get("/login").headers["location"], trust_env=False).headers["location"]
    kept = dict(browser.cookies)
    assert browser.get(back).status_code == 302
    again = httpx.Client(cookies={k: v for k, v in kept.items() if k.endswith("way")}, trust_env=False)
    assert again.get(back).status_code == 502


def test_the_provider_says_no(serve, fake):
    fake.error = "access_denied"
    answer = serve().get("/")
    assert (answer.status_code, "access_denied" in answer.text) == (403, True)


@pytest.mark.parametrize("target", ["https://evil.example", "//evil.example", "/\\evil.example"])
def test_nobody_is_led_elsewhere(serve, target):
    assert serve().get("/login", params={"next": target}).json()["query"] == ""


def test_an_unknown_host_begins_nothing(serve, site):
    serve()
    answer = httpx.get(f"{site.url}/login", headers={"Host": "evil.example"}, trust_env=False)
    assert answer.status_code == 400
    assert "--allow-origin" in answer.text


def test_signing_out_ends_the_cookie_for_good(serve):
    browser = serve()
    browser.get("/")
    stolen = dict(browser.cookies)
    assert "Signed out" in browser.get("/logout").text
    thief = httpx.Client(cookies=stolen, trust_env=False)
    assert thief.get(f"{browser.base_url}").status_code == 302


def test_another_site_signs_nobody_out(serve):
    browser = serve()
    browser.get("/")
    browser.get("/logout", headers={"Sec-Fetch-Site": "cross-site"})
    browser.follow_redirects = False
    assert browser.get("/").status_code == 200


def test_a_provider_that_is_away_is_said_within_its_time(site, serve, fake):
    site.issuer = "http://127.0.0.1:9"
    begun = time.monotonic()
    answer = serve().get("/")
    assert (answer.status_code, "does not respond" in answer.text) == (502, True)
    assert time.monotonic() - begun < 5


def test_the_address_of_the_provider_keeps_its_own_query(serve, fake):
    fake.discovery = {"authorization_endpoint": f"{fake.issuer}/authorization?tenant=1"}
    browser = serve()
    browser.follow_redirects = False
    query = parse_qs(urlsplit(browser.get("/login").headers["location"]).query)
    assert query["tenant"] == ["1"] and query["client_id"] == [CLIENT]
