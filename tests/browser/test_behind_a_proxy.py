"""https for real: the server's own, and a proxy that shows it under a path of its own."""

from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

from planwise.processes import find_free_port
from planwise.settings import Settings, SignInSettings
from tests.browser.a_proxy import proxy, write_certificate
from tests.browser.serving import dashboard
from ui.auth.configuration import users_of

GOOD, PATH = "correct horse battery", "/hr/pay"


@pytest.fixture(scope="module")
def addresses(tmp_path_factory):
    """The server's own address and the proxy's; the home is empty but for a user."""
    folder = tmp_path_factory.mktemp("tls")
    settings = Settings(home=folder / "home")
    users_of(settings, SignInSettings(auth="basic")).add(
        "ada", "analyst", GOOD, clock=lambda: datetime.now(UTC)
    )
    certificate, key = write_certificate(folder)
    own, front = find_free_port(), find_free_port()
    tls = ("--tls-certificate", str(certificate), "--tls-key", str(key))
    public = ("--allow-origin", f"https://localhost:{front}{PATH}")
    with (
        dashboard(settings.root, "--auth", "basic", *tls, *public, port=own) as url,
        proxy(front, own, PATH, certificate, key) as behind,
    ):
        yield {"own": url, "behind": behind}


@pytest.mark.parametrize("which", ["own", "behind"])
def test_one_signs_in_works_and_signs_out_by_https(browser, addresses, which):
    url = addresses[which]
    context = browser.new_context(ignore_https_errors=True)
    page, sockets, problems = context.new_page(), [], []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    page.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
    page.goto(f"{url}/?page=learn")
    page.get_by_label("Name").fill("ada")
    page.get_by_label("Password").fill(GOOD)
    page.keyboard.press("Enter")
    page.locator("html[data-arrived]").wait_for()
    assert page.url.startswith(f"{url}/?page=learn")
    page.get_by_role("link", name="Run", exact=True).click()
    expect(page).to_have_url(f"{url}/?page=run")
    assert sockets and all(one.startswith(f"{url.replace('https', 'wss')}/ws") for one in sockets)
    kept = {one["name"].partition("-")[0]: one for one in context.cookies() if one["httpOnly"]}
    assert kept["planwise"]["secure"] and kept["planwise"]["sameSite"] == "Lax" and kept["_xsrf"]["secure"]
    page.get_by_role("button", name="Account: ada, analyst").click()
    page.get_by_role("link", name="Sign out").click()
    page.get_by_role("link", name="Sign in again").click()
    page.get_by_label("Name").wait_for()
    assert page.url.startswith(f"{url}/login")
    assert problems == []
    context.close()
