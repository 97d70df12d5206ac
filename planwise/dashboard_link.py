"""The link that lets the user who started a dashboard in, when sign-in is off.

It has a token, new at each start. The link is in a file of the home that only its owner can read, so that
other accounts of the machine, which reach the same port, have none.
"""

import re
import secrets
from dataclasses import dataclass
from html import escape, unescape
from pathlib import Path

from planwise.errors import InputError
from planwise.storage import OWNER_ONLY_FOLDER, write_text

TOKEN = "token"
TOKEN_BYTES = 32
LOGIN = "/login"
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>PlanWise</title>
<meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0; url={link}">
</head>
<body><a href="{link}">Open the dashboard</a></body>
</html>
"""


@dataclass(frozen=True)
class DashboardLink:
    """The token of one server, the full link, and the file that opens it in a browser."""

    token: str
    url: str
    file: Path


def link_file(root: Path, port: int) -> Path:
    """Return the file with the link of the home's dashboard on a port."""
    return root / "auth" / f"dashboard-{port}.html"


def create_link(root: Path, address: str, port: int) -> DashboardLink:
    """Write a new link to a dashboard; the earlier one ends. Raises InputError if the home is read-only."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    link = DashboardLink(token, f"{address}{LOGIN}?{TOKEN}={token}", link_file(root, port))
    try:
        link.file.parent.mkdir(mode=OWNER_ONLY_FOLDER, parents=True, exist_ok=True)
        write_text(link.file, PAGE.format(link=escape(link.url)))
    except OSError as error:
        raise InputError(
            f"The link to the dashboard cannot be written to {link.file}: {error.strerror}.",
            remedy="Make the home writable, or serve with --auth basic.",
        ) from error
    return link


def read_link(root: Path, port: int) -> str | None:
    """Return the full link of the home's dashboard on a port; None when none is written."""
    try:
        found = re.search(r'href="([^"]+)"', link_file(root, port).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return unescape(found[1]) if found else None
