"""What people see who are not signed in: one page of our own, without a script it needs or another host."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from jinja2 import Environment, FileSystemLoader, Template

ASSETS = Path(__file__).parent.parent / "assets"
LOGIN, LOGOUT, CALLBACK = "/login", "/logout", "/login/callback"
HOME = "/"


@dataclass(frozen=True)
class SignInPage:
    """One page: heading, what to say, and a form or a link."""

    title: str
    message: str = ""
    remedy: str = ""
    is_error: bool = False
    form: bool = False
    name: str = ""
    next: str = HOME
    token: str = ""
    link: str = ""
    link_text: str = ""


def render(page: SignInPage) -> str:
    """Return the page as HTML; every text is escaped."""
    return _template().render(page=page)


def own_page(address: str) -> str:
    """Return where to go after signing in: the dashboard with the query of `address`, or its first page.

    Anything but our own page gives the first page, so that no link can lead people elsewhere through us.
    """
    if not address.startswith(HOME) or any(ord(letter) < 32 or letter == "\\" for letter in address):
        return HOME
    parts = urlsplit(address)
    if parts.scheme or parts.netloc or parts.path != HOME or address.startswith("//"):
        return HOME
    return f"{HOME}?{parts.query}" if parts.query else HOME


def from_here(here: str, address: str) -> str:
    """Return an address of ours as the page at `here` must link to it, both from the root as we see it.

    Relative, because a proxy may show the dashboard under a path of its own.
    """
    return ("../" * (here.count("/") - 1) or "./") + address.removeprefix("/")


def login_to(address: str) -> str:
    """Return the address of the sign-in that comes back to `address`."""
    page = own_page(address)
    return LOGIN if page == HOME else f"{LOGIN}?{urlencode({'next': page})}"


@cache
def _template() -> Template:
    loader = Environment(
        loader=FileSystemLoader(ASSETS), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    return loader.get_template("sign_in.html")
