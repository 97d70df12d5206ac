"""Files that only their owner may read."""

import os
import secrets
from pathlib import Path

from planwise.errors import InputError
from planwise.storage import create_file, write_text

OWNER_ONLY = 0o600
OTHERS = 0o077
FOLDER = "auth"
SECRET_BYTES = 48


def folder(root: Path) -> Path:
    """Return the home's folder for secrets and users, made for its owner only."""
    made = root / FOLDER
    made.mkdir(mode=0o700, parents=True, exist_ok=True)
    return made


def read_private(file: Path, what: str) -> str:
    """Return the text of a file; raises InputError when it is not there or others may read or change it."""
    try:
        with file.open(encoding="utf-8") as opened:
            mode = os.fstat(opened.fileno()).st_mode
            if mode & OTHERS:
                raise InputError(
                    f"{what} {file} can be read or changed by others (mode {mode & 0o777:04o}).",
                    remedy=f"Change what is in it if others may have seen it, then: chmod 600 {file}",
                )
            return opened.read()
    except OSError as error:
        raise InputError(
            f"{what} {file} cannot be read: {error.strerror}.", remedy="Check its path."
        ) from error


def write_private(file: Path, text: str) -> None:
    """Replace a file's text atomically; only its owner may read it."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_text(file, text, mode=OWNER_ONLY)


def secret_of(file: Path) -> str:
    """Return the secret in a file, created first if needed; deleting the file signs every user out."""
    if not file.exists():
        create_file(file, secrets.token_urlsafe(SECRET_BYTES).encode(), mode=OWNER_ONLY)
    found = read_private(file, "The cookie secret").strip()
    if len(found) < SECRET_BYTES:
        raise InputError(
            f"The cookie secret {file} has {len(found)} characters, fewer than {SECRET_BYTES}.",
            remedy="Delete the file: a new one is created, and every user signs in again.",
        )
    return found
