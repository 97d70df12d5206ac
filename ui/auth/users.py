"""Dashboard users: file, roles, password hashes."""

import base64
import hashlib
import hmac
import json
import os
import re
import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from os.path import lexists
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, Field

from planwise.errors import InputError
from planwise.storage import OTHERS, OWNER_ONLY_FOLDER, create_file, hold_lock, reading, write_text
from ui.values.user import ROLES

COST, BLOCK, LANES = 2**15, 8, 3  # 32 MiB and about 0.2 s an attempt: OWASP's minimum for scrypt
MEMORY_BYTES = 128 * COST * BLOCK * 2
SALT_BYTES = 16
KEY_BYTES = 32
LENGTH_MIN, LENGTH_MAX = 12, 1024  # NIST SP 800-63B: length, not character classes
SCHEME = "scrypt"


def hash_password(password: str) -> str:
    """Return `scrypt$cost$block$lanes$salt$key`; raises InputError for a password too short or too long."""
    if not LENGTH_MIN <= len(password) <= LENGTH_MAX:
        raise InputError(
            f"The password has {len(password)} characters.",
            remedy=f"Use {LENGTH_MIN} to {LENGTH_MAX} characters, for example several words.",
        )
    salt = secrets.token_bytes(SALT_BYTES)
    return _format(salt, _derive(password, salt, COST, BLOCK, LANES))


def matches(password: str, hashed: str) -> bool:
    """Return whether the password is the hashed one; a wrong one takes as long as the right one."""
    if len(password) > LENGTH_MAX:
        return False
    scheme, cost, block, lanes, salt, key = hashed.split("$")
    if scheme != SCHEME:
        raise InputError(f"Unknown password scheme {scheme!r}.", remedy="Set the password again.")
    derived = _derive(password, base64.b64decode(salt), int(cost), int(block), int(lanes))
    return hmac.compare_digest(derived, base64.b64decode(key))


def unusable_hash() -> str:
    """Return a hash that no password has, so that an unknown name takes as long to check as a known one."""
    return _format(bytes(SALT_BYTES), bytes(KEY_BYTES))


def _derive(password: str, salt: bytes, cost: int, block: int, lanes: int) -> bytes:
    return hashlib.scrypt(
        password.encode(), salt=salt, n=cost, r=block, p=lanes, maxmem=MEMORY_BYTES, dklen=KEY_BYTES
    )


def _format(salt: bytes, key: bytes) -> str:
    return "$".join((SCHEME, str(COST), str(BLOCK), str(LANES), _text(salt), _text(key)))


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


FOLDER = "auth"
SECRET_BYTES = 48


def folder(root: Path) -> Path:
    """Return the home's folder for secrets and users, created for its owner only."""
    made = root / FOLDER
    made.mkdir(mode=OWNER_ONLY_FOLDER, parents=True, exist_ok=True)
    return made


def read_private(file: Path, what: str, remedy: str = "Check its path.") -> str:
    """Return the text of a file; raises InputError if it cannot be read or others may read or change it."""
    if not lexists(file):
        raise InputError(f"{what} {file} cannot be read: there is no such file.", remedy=remedy)
    with reading(what, file, remedy), file.open(encoding="utf-8") as opened:
        mode = os.fstat(opened.fileno()).st_mode
        if mode & OTHERS:
            raise InputError(
                f"{what} {file} can be read or changed by others (mode {mode & 0o777:04o}).",
                remedy=f"Replace the secrets in it if others may have read them, then: chmod 600 {file}",
            )
        return opened.read()


def write_private(file: Path, text: str) -> None:
    """Replace a file's text atomically; only its owner may read it."""
    file.parent.mkdir(mode=OWNER_ONLY_FOLDER, parents=True, exist_ok=True)
    write_text(file, text)


def secret_of(file: Path) -> str:
    """Return the secret in a file, created first if needed; deleting the file signs every user out."""
    if not file.exists():
        create_file(file, secrets.token_urlsafe(SECRET_BYTES).encode())
    found = read_private(file, "The cookie secret").strip()
    if len(found) < SECRET_BYTES:
        raise InputError(
            f"The cookie secret {file} has {len(found)} characters, fewer than {SECRET_BYTES}.",
            remedy="Delete the file: a new one is created, and every user signs in again.",
        )
    return found


NAME_MAX = 64
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")
FORM = 1
WHAT = "The file of users"
LOCK_SECONDS = 30.0  # a change takes milliseconds
ADD = "planwise user add NAME --role admin"
RESTORE = f"Restore a backup of it; or move it away, then: {ADD}"


@dataclass(frozen=True)
class KnownUser:
    """One user; sign-ins before `changed_at`, the time the password was set, have ended."""

    name: str
    role: str
    password: str
    changed_at: datetime


class _Row(BaseModel):
    name: Annotated[str, Field(pattern=NAME.pattern)]
    role: str
    password: Annotated[str, Field(pattern=r"^scrypt(\$[A-Za-z0-9+/=]+){5}$")]
    changed_at: AwareDatetime


class _Document(BaseModel):
    form: Literal[1]
    users: list[_Row]


class Users:
    """The users of one file, read again when it changes."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._stamp: tuple[int, ...] | None = None
        self._users: dict[str, KnownUser] = {}

    def all(self) -> tuple[KnownUser, ...]:
        """Return the users by name; none if the file does not exist."""
        return tuple(sorted(self._read().values(), key=lambda user: user.name))

    def get(self, name: str) -> KnownUser | None:
        """Return a user, or None."""
        return self._read().get(name)

    def check(self, name: str, password: str) -> KnownUser | None:
        """Return the user if the password is right, else None; an unknown name takes as long."""
        user = self.get(name)
        is_right = matches(password, user.password if user else unusable_hash())
        return user if user and is_right else None

    def add(self, name: str, role: str, password: str, *, clock: Callable[[], datetime]) -> KnownUser:
        """Add a user or change one; raises InputError for a bad name, role or password."""
        if not NAME.fullmatch(name):
            raise InputError(
                f"{name!r} is not a valid user name.",
                remedy="Use 1 to 64 letters, digits and . _ @ + -, starting with a letter or digit.",
            )
        require_role(role)
        hashed = hash_password(password)  # slow: before the others have to wait
        with self._changing():
            user = KnownUser(name, role, hashed, clock())
            self._write({**self._read(), name: user})
        return user

    def change_role(self, name: str, role: str) -> None:
        """Give a user another role; the password and the time it was set stay."""
        with self._changing():
            users = self._read()
            self._write({**users, name: replace(users[name], role=role)})

    def remove(self, name: str) -> None:
        """Remove a user, who is signed out at once; raises InputError if there is none."""
        with self._changing():
            users = dict(self._read())
            if name not in users:
                raise InputError(f"There is no user {name!r}.", remedy="List them with `planwise user list`.")
            del users[name]
            self._write(users)

    def _changing(self) -> AbstractContextManager[object]:
        """Hold the file's lock: a change is written before another process reads what it changes."""
        self.file.parent.mkdir(mode=OWNER_ONLY_FOLDER, parents=True, exist_ok=True)
        return hold_lock(
            self.file.with_name(f"{self.file.name}.lock"),
            "changing users",
            timeout_seconds=LOCK_SECONDS,
            resource="file of users",
            remedy="Try again.",
            on_wait=None,
        )

    def _read(self) -> dict[str, KnownUser]:
        try:
            found = self.file.stat()
        except FileNotFoundError:
            return {}
        stamp = (found.st_ino, found.st_mtime_ns, found.st_size, found.st_mode)
        if stamp != self._stamp:
            self._users, self._stamp = _parse(read_private(self.file, WHAT, RESTORE), self.file), stamp
        return self._users

    def _write(self, users: dict[str, KnownUser]) -> None:
        rows = [asdict(user) | {"changed_at": user.changed_at.isoformat()} for user in users.values()]
        write_private(self.file, json.dumps({"form": FORM, "users": rows}, indent=2) + "\n")


def require_role(role: str) -> None:
    """Raise InputError unless this is a role."""
    if role not in ROLES:
        raise InputError(f"Unknown role {role!r}.", remedy=f"One of: {', '.join(ROLES)}.")


def _parse(text: str, file: Path) -> dict[str, KnownUser]:
    with reading(WHAT, file, RESTORE):
        document = _Document.model_validate_json(text)
        if unknown := {row.role for row in document.users} - set(ROLES):
            raise ValueError(f"it has roles that PlanWise does not know: {len(unknown)}")
    return {row.name: KnownUser(row.name, row.role, row.password, row.changed_at) for row in document.users}
