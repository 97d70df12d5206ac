"""Files that only their owner may read."""

import os
import secrets
import tempfile
from pathlib import Path

from planwise.errors import InputError

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
    """Replace a file at once by one that only its owner may read; a crash leaves the old one."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")  # mode 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as opened:
            opened.write(text)
            opened.flush()
            os.fsync(opened.fileno())
        os.replace(name, file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def secret_of(file: Path) -> str:
    """Return the secret in a file, made at first; deleting the file signs everybody out."""
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        found = read_private(file, "The cookie secret").strip()
        if len(found) < SECRET_BYTES:
            raise InputError(
                f"The cookie secret {file} has {len(found)} characters, fewer than {SECRET_BYTES}.",
                remedy="Delete the file: another is made, and everybody signs in again.",
            ) from None
        return found
    made = secrets.token_urlsafe(SECRET_BYTES)
    with os.fdopen(handle, "w", encoding="utf-8") as opened:
        opened.write(made)
    return made
