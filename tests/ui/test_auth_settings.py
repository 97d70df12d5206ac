"""Settings of signing in that would let nobody in, or everybody, are refused before anything is served."""

import pytest

from planwise.errors import InputError
from planwise.settings import SignInSettings
from ui.auth.configuration import client_secret, origins, require_usable
from ui.serve import require_guarded


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
