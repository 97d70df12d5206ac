"""The settings of signing in, checked before anything is served."""

from urllib.parse import urlsplit

from planwise.console import valid_settings
from planwise.errors import InputError
from planwise.settings import Settings, SignInSettings
from ui.auth.private import FOLDER, folder, read_private, secret_of
from ui.auth.users import ADD, Users
from ui.values.user import ROLES

NO_ROLE = "none"
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def sign_in_settings(auth: str | None = None) -> SignInSettings:
    """Return the settings of the environment, with `auth` instead of PLANWISE_AUTH where it is given."""
    return valid_settings(
        lambda: SignInSettings() if auth is None else SignInSettings(auth=auth),
        "The settings of signing in",
    )


def users_of(settings: Settings, sign_in: SignInSettings) -> Users:
    """Return the users; the file need not be there yet."""
    return Users((sign_in.users_file or settings.root / FOLDER / "users.json").expanduser())


def cookie_secret(settings: Settings, sign_in: SignInSettings) -> str:
    """Return what signs the cookies: PLANWISE_COOKIE_SECRET, else a file of the home, made at first."""
    if sign_in.cookie_secret is not None:
        return sign_in.cookie_secret.get_secret_value()
    return secret_of(folder(settings.root) / "cookie_secret")


def client_secret(sign_in: SignInSettings) -> str | None:
    """Return what the provider knows this dashboard by; None for a public client (PKCE protects it)."""
    if sign_in.oidc_client_secret is not None:
        return sign_in.oidc_client_secret.get_secret_value()
    if sign_in.oidc_client_secret_file is not None:
        return read_private(sign_in.oidc_client_secret_file.expanduser(), "The client secret").strip()
    return None


def require_usable(settings: Settings, sign_in: SignInSettings) -> None:
    """Raise InputError when nobody could sign in."""
    if sign_in.auth == "basic" and not users_of(settings, sign_in).all():
        raise InputError(
            f"Sign-in is `basic`, and there are no users in {users_of(settings, sign_in).file}.",
            remedy=f"Add one: {ADD}",
        )
    if sign_in.auth == "oidc":
        _require_oidc(sign_in)


def require_secure(url: str, what: str) -> str:
    """Return a URL that tokens may be sent to: https, or this machine; raises InputError for another."""
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK):
        return url
    raise InputError(f"{what} {url!r} is not an https address.", remedy="Use the provider's https address.")


def _require_oidc(sign_in: SignInSettings) -> None:
    missing = [
        f"PLANWISE_{name.upper()}" for name in ("oidc_issuer", "oidc_client_id") if not getattr(sign_in, name)
    ]
    if missing:
        raise InputError(
            f"Sign-in is `oidc`, and {' and '.join(missing)} is not set.",
            remedy="Register the dashboard at the provider, and set what it says.",
        )
    require_secure(str(sign_in.oidc_issuer), "PLANWISE_OIDC_ISSUER")
    for role in sign_in.oidc_roles.values():
        if role not in ROLES:
            raise InputError(
                f"PLANWISE_OIDC_ROLES names the role {role!r}.", remedy=f"One of: {', '.join(ROLES)}."
            )
    if sign_in.oidc_default_role not in (*ROLES, NO_ROLE):
        raise InputError(
            f"PLANWISE_OIDC_DEFAULT_ROLE is {sign_in.oidc_default_role!r}.",
            remedy=f"One of: {', '.join((*ROLES, NO_ROLE))}.",
        )
    client_secret(sign_in)
