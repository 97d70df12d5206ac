"""The file of users: names, roles, hashed passwords; nothing else is kept about a person."""

import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from planwise.errors import InputError
from ui.auth.passwords import hash_password, matches, nobodys
from ui.auth.private import read_private, write_private
from ui.values.user import ROLES

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")
FORM = 1
WHAT = "The file of users"
ADD = "planwise user add NAME --role admin"


@dataclass(frozen=True)
class KnownUser:
    """One user; `changed_at` is when the password was set: who signed in before is signed out."""

    name: str
    role: str
    password: str
    changed_at: datetime


class Users:
    """The users of one file, read again when it changes."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._stamp: tuple[int, ...] | None = None
        self._users: dict[str, KnownUser] = {}

    def all(self) -> tuple[KnownUser, ...]:
        """Return the users by name; none when the file is not there."""
        return tuple(sorted(self._read().values(), key=lambda user: user.name))

    def get(self, name: str) -> KnownUser | None:
        """Return a user, or None."""
        return self._read().get(name)

    def check(self, name: str, password: str) -> KnownUser | None:
        """Return the user when the password is right, else None; as slow for a name that is not known."""
        user = self.get(name)
        right = matches(password, user.password if user else nobodys())
        return user if user and right else None

    def add(self, name: str, role: str, password: str, *, clock: Callable[[], datetime]) -> KnownUser:
        """Add a user or change one; raises InputError for a bad name, role or password."""
        if not NAME.fullmatch(name):
            raise InputError(
                f"{name!r} is not a name of a user.",
                remedy="1 to 64 letters, digits and . _ @ + -, a letter or digit first.",
            )
        require_role(role)
        user = KnownUser(name, role, hash_password(password), clock())
        self._write({**self._read(), name: user})
        return user

    def remove(self, name: str) -> None:
        """Remove a user, who is signed out at once; raises InputError when there is none."""
        users = dict(self._read())
        if name not in users:
            raise InputError(f"There is no user {name!r}.", remedy="`planwise user list` names them.")
        del users[name]
        self._write(users)

    def _read(self) -> dict[str, KnownUser]:
        try:
            found = self.file.stat()
        except FileNotFoundError:
            return {}
        stamp = (found.st_ino, found.st_mtime_ns, found.st_size, found.st_mode)
        if stamp != self._stamp:
            self._users, self._stamp = _parse(read_private(self.file, WHAT), self.file), stamp
        return self._users

    def _write(self, users: dict[str, KnownUser]) -> None:
        rows = [asdict(user) | {"changed_at": user.changed_at.isoformat()} for user in users.values()]
        write_private(self.file, json.dumps({"form": FORM, "users": rows}, indent=2) + "\n")


def require_role(role: str) -> None:
    """Raise InputError unless this is a role."""
    if role not in ROLES:
        raise InputError(f"There is no role {role!r}.", remedy=f"One of: {', '.join(ROLES)}.")


def _parse(text: str, file: Path) -> dict[str, KnownUser]:
    try:
        document = json.loads(text)
        if document["form"] != FORM:
            raise ValueError(f"form {document['form']!r}")
        users = {
            row["name"]: KnownUser(
                row["name"], row["role"], row["password"], datetime.fromisoformat(row["changed_at"])
            )
            for row in document["users"]
        }
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{WHAT} {file} cannot be understood: {error}.", remedy=f"Move it away, then: {ADD}"
        ) from error
    for user in users.values():
        require_role(user.role)
    return users
