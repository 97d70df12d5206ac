"""`planwise user`: manage dashboard users of the sign-in `basic`."""

import getpass
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from rich.table import Table

from planwise.cli.options import PARAMETERS, Home, Json
from planwise.console import emit_json, progress, results, settings_for
from planwise.errors import InputError
from ui.auth.configuration import sign_in_settings, users_of
from ui.auth.users import Users, read_private

app = App(name="user", group_parameters=PARAMETERS, help="Manage dashboard users (sign-in `basic`).")
PasswordFile = Annotated[
    Path | None, Parameter(help="Read the password from the first line of a file (mode 600).")
]


@app.command
def add(name: str, *, role: str, password_file: PasswordFile = None, home: Home = None) -> None:
    """Add a user or change one's role and password; prompts for the password.

    Open sessions of the user are signed out. When the input is not a terminal, the password is its first
    line.

    Parameters
    ----------
    name
        1 to 64 letters, digits and . _ @ + -
    role
        analyst, approver, operator, auditor or admin.

    """
    users = _users(home)
    known = users.get(name) is not None
    users.add(name, role, _password(password_file), clock=lambda: datetime.now(UTC))
    progress().print(f"{'Changed' if known else 'Added'} {name} ({role}) in {users.file}", markup=False)


@app.command(name="list")
def list_(*, json: Json = False, home: Home = None) -> None:
    """List users, their roles, and when their passwords were set."""
    users = _users(home).all()
    if json:
        rows = [{"name": user.name, "role": user.role, "changed_at": user.changed_at} for user in users]
        emit_json({"users": rows})
        return
    table = Table("name", "role", "password set")
    for user in users:
        table.add_row(user.name, user.role, f"{user.changed_at:%Y-%m-%d %H:%M} UTC")
    results().print(table if users else "No users yet: planwise user add NAME --role admin")


@app.command
def remove(name: str, *, home: Home = None) -> None:
    """Remove a user; open sessions are signed out.

    Parameters
    ----------
    name
        Name from `planwise user list`.

    """
    _users(home).remove(name)
    progress().print(f"Removed {name}", markup=False)


def _users(home: Path | None) -> Users:
    settings = settings_for(home)
    return users_of(settings, sign_in_settings(settings))


def _password(file: Path | None) -> str:
    if file is not None:
        return _first_line(read_private(file, "The password file"))
    if not sys.stdin.isatty():
        return _first_line(sys.stdin.readline())
    password = getpass.getpass("Password: ")
    if getpass.getpass("Repeat password: ") != password:
        raise InputError("The passwords differ.", remedy="Try again; nothing was changed.")
    return password


def _first_line(text: str) -> str:
    return text.splitlines()[0] if text else ""
