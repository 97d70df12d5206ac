import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import httpx
import pytest
from playwright.sync_api import expect
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import websocket_connect

from planwise.dashboard_link import link_file, read_link
from planwise.settings import SignInSettings
from tests.browser.dashboards import come_to, cookie_of, dashboard
from tests.browser.page_objects import GOOD, sign_in
from tests.ui.oidc_provider import CLIENT, SECRET, provider_running
from ui.auth.configuration import users_of

CLOSED = ("/", "/?page=plan", "/autoload.js?bokeh-autoload-element=x", "/metadata", "/plotly/plotly.min.js")


@pytest.fixture(scope="module")
def guarded_home(published_home, tmp_path_factory):
    """The published home, with users of its own."""
    import shutil

    from planwise.settings import Settings

    settings = Settings(home=tmp_path_factory.mktemp("guarded") / "home")
    shutil.copytree(published_home.published_dir, settings.published_dir)
    users = users_of(settings, SignInSettings(auth="basic"))
    for name, role in (("ada", "analyst"), ("olga", "auditor"), ("rob", "analyst")):
        users.add(name, role, GOOD, clock=lambda: datetime.now(UTC))
    return settings


@pytest.fixture(scope="module")
def guarded(guarded_home):
    with dashboard(guarded_home.root, "--auth", "basic") as url:
        yield url


@pytest.fixture
def users(guarded_home):
    return users_of(guarded_home, SignInSettings(auth="basic"))


def signed_in(url, name):
    client = httpx.Client(base_url=url, follow_redirects=True, trust_env=False, timeout=60)
    client.get("/login")
    answer = client.post(
        "/login", data={"_xsrf": client.cookies["_xsrf"], "name": name, "password": GOOD, "next": "/"}
    )
    assert answer.status_code == 200
    return client


def test_a_person_signs_in_works_and_signs_out(window, guarded):
    page, other = window.new_page(), window.new_page()
    sign_in(page, f"{guarded}/?page=overview&scenario=higher_cola", "ada", "wrong password")
    expect(page.get_by_role("alert")).to_contain_text("password is wrong")
    expect(page.get_by_label("Name")).to_have_value("ada")
    assert page.evaluate("document.activeElement.id") == "password"
    page.keyboard.type(GOOD)
    page.keyboard.press("Enter")
    page.locator(".kpi:visible").first.wait_for()
    assert "scenario=higher_cola" in page.url
    account = page.get_by_role("button", name="Account: ada, analyst")
    come_to(other, guarded)
    other.locator(".kpi:visible").first.wait_for()
    account.click()
    page.get_by_role("link", name="Sign out").click()
    expect(page.get_by_role("heading", name="Signed out")).to_be_visible()
    other.bring_to_front()  # a tab that is not seen draws nothing, and is told when it is
    expect(other.get_by_role("heading", name="Signed out")).to_be_visible()  # every page of this sign-in
    page.get_by_role("link", name="Sign in again").click()
    expect(page.get_by_label("Name")).to_be_visible()
    assert "higher_cola" in page.locator("input[name=next]").get_attribute("value")


def test_signing_in_needs_no_script_and_no_other_host(browser, guarded):
    context = browser.new_context(java_script_enabled=False)
    page, foreign = context.new_page(), []
    page.on(
        "request", lambda asked: None if asked.url.startswith((guarded, "data:")) else foreign.append(asked)
    )
    sign_in(page, guarded, "ada")
    page.wait_for_url(f"{guarded}/")
    assert page.title() == "PlanWise"
    assert foreign == []
    context.close()


def test_the_role_decides_what_one_may_do(window, guarded):
    page = window.new_page()
    sign_in(page, f"{guarded}/?page=overview", "olga")
    page.get_by_role("button", name="Account: olga, auditor").wait_for()


def test_a_removed_user_is_out_at_once(window, guarded, users):
    page = window.new_page()
    sign_in(page, guarded, "rob")
    page.locator(".kpi:visible").first.wait_for()
    users.remove("rob")
    expect(page.get_by_text("Your account or the sign-in method was changed.")).to_be_visible()
    assert page.locator(".kpi").count() == 0


@pytest.mark.parametrize("path", CLOSED)
def test_nothing_is_shown_to_who_is_not_signed_in(guarded, path):
    answer = httpx.get(guarded + path, trust_env=False, timeout=60)
    assert answer.status_code in (302, 403, 500)
    assert "login" in answer.headers.get("location", "login")
    assert "higher_cola" not in answer.text


@pytest.mark.parametrize("module", ["antigravity", "ui.app", "panel.config"])
def test_no_address_imports_a_module_of_another_package(guarded, module):
    path = f"/components/{module}/x/y/z"
    assert httpx.get(guarded + path, trust_env=False, timeout=60).status_code == 302
    assert signed_in(guarded, "ada").get(path).status_code in (403, 404)


def websocket(url, cookie="", origin=None, token="x"):
    headers = {"Sec-WebSocket-Protocol": f"bokeh, {token}", "Origin": origin or url, "Cookie": cookie}

    async def connect():
        connection = await websocket_connect(HTTPRequest(url.replace("http", "ws") + "/ws", headers=headers))
        connection.close()

    def ask():  # on a thread: Playwright has this one's event loop
        try:
            asyncio.run(connect())
        except HTTPClientError as error:
            return error.code
        return 101

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(ask).result()


def test_a_websocket_is_for_who_is_signed_in_and_for_our_own_page(guarded):
    client = signed_in(guarded, "ada")
    cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    assert websocket(guarded) == 403
    assert websocket(guarded, cookie.replace("planwise-", "x-")) == 403
    assert websocket(guarded, cookie, origin="https://evil.example") == 403
    assert websocket(guarded, cookie) == 101


def test_the_page_does_not_repeat_the_cookie_that_scripts_cannot_read(guarded):
    import base64
    import re

    client = signed_in(guarded, "ada")
    text = client.get("/").text
    (secret,) = [value for name, value in client.cookies.items() if name.startswith("planwise-")]
    assert secret not in text
    token = re.search(r'"token":"([^"]+)"', text)[1].split(".")
    payload = "".join(part + "=" * (-len(part) % 4) for part in token[:1])
    assert secret.encode() not in base64.urlsafe_b64decode(payload)
    assert len(token) == 2  # signed: nobody makes one up


def test_a_forged_form_signs_nobody_in(guarded):
    client = httpx.Client(base_url=guarded, trust_env=False, timeout=60)
    form = {"name": "ada", "password": GOOD}
    assert client.post("/login", data=form).status_code == 403
    assert not any(name.startswith("planwise-") for name in client.cookies)


def test_who_guesses_waits(guarded):
    client = httpx.Client(base_url=guarded, trust_env=False, timeout=60)
    client.get("/login")
    form = {"_xsrf": client.cookies["_xsrf"], "name": "eve", "password": "guess"}
    codes = [client.post("/login", data=form).status_code for _ in range(6)]
    assert codes == [401] * 5 + [429]


def test_every_answer_keeps_the_page_to_itself(guarded):
    for path in ("/", "/login", "/static/js/bokeh.min.js", "/nothing"):
        headers = httpx.get(guarded + path, trust_env=False, timeout=60).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["referrer-policy"] == "same-origin"
    assert httpx.get(f"{guarded}/login", trust_env=False, timeout=60).headers["cache-control"] == "no-store"


def test_a_person_signs_in_at_a_provider(browser, guarded_home):
    with provider_running() as fake:
        environment = {
            "PLANWISE_OIDC_ISSUER": fake.issuer,
            "PLANWISE_OIDC_CLIENT_ID": CLIENT,
            "PLANWISE_OIDC_CLIENT_SECRET": SECRET,
            "PLANWISE_OIDC_ROLES": '{"pay-team": "approver"}',
            "PLANWISE_OIDC_ROLE_CLAIM": "groups",
        }
        fake.claims["groups"] = ["pay-team"]
        with dashboard(guarded_home.root, "--auth", "oidc", environment=environment) as url:
            page = browser.new_page()
            come_to(page, f"{url}/?scenario=higher_cola")
            page.get_by_role("button", name="Account: grace, approver").wait_for(timeout=30_000)
            assert "scenario=higher_cola" in page.url
            page.close()


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/", {}, 200),
        ("/", {"Host": "pay.attacker.example"}, 403),
        ("/?page=results", {"Host": "attacker.example:{port}"}, 403),
        ("/static/js/bokeh.min.js", {"Host": "attacker.example:{port}"}, 403),
        ("/nothing-here", {"Host": "attacker.example:{port}"}, 403),
        ("/", {"Origin": "https://attacker.example"}, 403),
        ("/", {"Origin": "null"}, 403),
        ("/", {"Host": "LOCALHOST:{port}", "Origin": "http://localhost:{port}"}, 200),
        ("/", {"X-Forwarded-Host": "attacker.example"}, 200),
    ],
)
def test_other_names_of_this_machine_and_other_origins_are_refused(served, path, headers, status):
    port = httpx.URL(served).port
    headers = {name: value.replace("{port}", str(port)) for name, value in headers.items()}
    headers |= cookie_of(served)
    answer = httpx.get(served + path, headers=headers, trust_env=False, timeout=60)
    assert answer.status_code == status
    assert (b"employees" in answer.content or b"bokeh" in answer.content) == (status == 200)


def test_a_web_socket_by_another_name_is_refused(served):
    port = httpx.URL(served).port

    async def connect():
        url = f"ws://127.0.0.1:{port}/ws"
        for headers in (
            {"Host": f"attacker.example:{port}", "Origin": f"http://attacker.example:{port}"},
            {"Host": f"attacker.example:{port}"},
            {"Origin": f"http://attacker.example:{port}"},
        ):
            with pytest.raises(HTTPClientError, match="403"):
                await websocket_connect(HTTPRequest(url, headers=headers | cookie_of(served)))

    with ThreadPoolExecutor(1) as other_thread:  # this one has Playwright's loop
        other_thread.submit(asyncio.run, connect()).result()


@pytest.mark.parametrize("path", [*CLOSED, "/login", "/login?token=", "/login?token=guess&next=/"])
def test_without_the_link_no_account_of_the_machine_is_let_in(served, path):
    answer = httpx.get(served + path, trust_env=False, timeout=60, follow_redirects=True)
    assert answer.status_code == 403
    assert "employees" not in answer.text and "set-cookie" not in answer.headers


def test_the_link_lets_its_owner_in_and_stays_secret(browser, served, published_home):
    link = read_link(published_home.root, httpx.URL(served).port)
    file = link_file(published_home.root, httpx.URL(served).port)
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    answer = httpx.get(link, trust_env=False, timeout=60)
    cookie = answer.headers["set-cookie"]
    assert answer.status_code == 200 and "HttpOnly" in cookie and "SameSite=Strict" in cookie
    assert httpx.get(f"{served}/metadata", headers=cookie_of(served), trust_env=False).status_code == 200
    assert websocket(served, cookie.partition(";")[0]) == 101
    assert websocket(served) == websocket(served, cookie.partition("=")[0] + "=admitted") == 403
    token, window = link.partition("token=")[2], browser.new_context()
    page, asked = window.new_page(), []
    page.on("request", lambda request: asked.append(request))
    page.goto(served)
    expect(page.get_by_role("alert")).to_contain_text("only the user who started this dashboard")
    page.goto(
        file.as_uri()
    )  # as `planwise serve` opens it: another origin, whose redirect a strict cookie fears
    page.locator(".kpi:visible").first.wait_for()
    assert not [request.url for request in asked if token in request.all_headers().get("referer", "")]
    assert token not in page.url and token not in page.content()
    other = window.new_page()  # a link on another site
    other.goto(f"data:text/html,<a href='{served}/?page=results'>pay</a>")
    other.get_by_role("link").click()
    other.wait_for_url("**page=results**")
    other.locator(".kpi:visible, .empty:visible").first.wait_for()
    window.close()
