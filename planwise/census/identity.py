"""Direct identifiers never enter the store: a keyed hash gives the same person the same id in every file."""

import hashlib
import hmac
import os
import re
import secrets
import unicodedata
from pathlib import Path

import pandas as pd

from planwise.errors import InputError

KEY_FILE = "identity.key"
KEY_BYTES = 32
ID_HEX_DIGITS = 20  # 80 bits: no collision to expect among a million people
SSN = r"^\d{3}-\d{2}-\d{4}$"


def installation_key(home: Path) -> bytes:
    """Return the key of this installation, made on first use (mode 0600); whoever has it can link the ids."""
    path = home / KEY_FILE
    home.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        temporary = home / f".{KEY_FILE}-{secrets.token_hex(6)}"
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
        try:
            os.link(temporary, path)  # fails if another process was first: its key then counts
        except FileExistsError:
            pass
        finally:
            temporary.unlink()
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise InputError(
            f"{path} is damaged: {len(key)} bytes, not {KEY_BYTES}.", remedy="Restore it from a backup."
        )
    return key


def pseudonyms(identifiers: pd.Series, key: bytes) -> pd.Series:
    """Return `H` and a keyed hash per identifier, whatever its case and punctuation; blank stays blank."""

    def pseudonym(identifier: str) -> str:
        canonical = re.sub(r"[\W_]", "", unicodedata.normalize("NFKC", identifier).casefold())
        return (
            f"H{hmac.new(key, canonical.encode(), hashlib.sha256).hexdigest()[:ID_HEX_DIGITS]}"
            if canonical
            else ""
        )

    codes, distinct = pd.factorize(identifiers)
    return (
        pd.Series([pseudonym(str(d)) for d in distinct], dtype=object).take(codes).set_axis(identifiers.index)
    )


def look_like_ssn(values: pd.Series) -> bool:
    """Tell whether most values are written like US social security numbers, whatever the header says."""
    filled = values[values != ""]
    return len(filled) > 0 and bool(filled.str.match(SSN).mean() > 0.5)
