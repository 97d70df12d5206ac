"""`planwise user`: manage dashboard users of the sign-in `basic`."""

import getpass
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from rich.table import Table
from sqlalchemy import Connection

from planwise.cli.options import PARAMETERS, Home, Json
from planwise.console import emit_json, progress, results, settings_for
from planwise.errors import InputError
from planwise.governance import EventType, open_ledger
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
    """List people with a role or a password."""
    passwords = {user.name: user for user in _users(home).all()}
    roles = {user.name: user.role for user in passwords.values()} | _roles(home)
    set_at = {name: user.changed_at for name, user in passwords.items()}
    if json:
        rows = [{"name": name, "role": role, "changed_at": set_at.get(name)} for name, role in roles.items()]
        emit_json({"users": rows})
        return
    table = Table("name", "role", "password set")
    for name, role in sorted(roles.items()):
        table.add_row(name, role, f"{set_at[name]:%Y-%m-%d %H:%M} UTC" if name in set_at else "none")
    results().print(table if roles else "No users yet: planwise user add NAME --role admin")


@app.command
def remove(name: str, *, home: Home = None) -> None:
    """Remove a user; open sessions are signed out.

    Parameters
    ----------
    name
        Name from `planwise user list`.

    """
    users, roles = _users(home), _roles(home)
    if name in roles:
        give_role(home, name, None)
    if name not in roles or users.get(name) is not None:
        users.remove(name)
    progress().print(f"Removed {name}", markup=False)


@app.command
def role(name: str, role: str, *, json: Json = False, home: Home = None) -> None:
    """Give a person a role, for commands and for the dashboard.

    Until someone has a role, everyone has every role; a person cannot approve their own proposal in any case.

    Parameters
    ----------
    name
        Name in the dashboard, of the operating system, or given with --as.
    role
        analyst, approver, operator, auditor or admin.

    """
    give_role(home, name, role)
    users = _users(home)
    if users.get(name) is not None:
        users.change_role(name, role)
    if json:
        emit_json({"user": name, "role": role})
    else:
        progress().print(f"{name} is {role}.", markup=False)


def give_role(home: Path | None, name: str, role: str | None) -> None:
    """Write a person's role into the ledger, or take it away."""
    with open_ledger(settings_for(home)) as ledger:

        def record(connection: Connection, before: str | None) -> None:
            payload = {"old": before, "new": role}
            ledger.events.record(EventType.ROLE_CHANGED, subject=name, payload=payload, connection=connection)

        ledger.roles.give(name, role, record)


def _roles(home: Path | None) -> dict[str, str]:
    with open_ledger(settings_for(home)) as ledger:
        return ledger.roles.all()


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
