"""Direct identifiers never enter the store: a keyed hash gives the same person the same id in every file."""

import hashlib
import hmac
import re
import secrets
import unicodedata
from pathlib import Path

import pandas as pd

from planwise.errors import InputError
from planwise.storage import create_file

KEY_FILE = "identity.key"
KEY_BYTES = 32
ID_HEX_DIGITS = 20  # 80 bits: no collision to expect among a million people
SSN = r"^\d{3}-\d{2}-\d{4}$"


def installation_key(home: Path) -> bytes:
    """Return the key of this installation, created on first use (mode 0600); it links ids to persons."""
    path = home / KEY_FILE
    if not path.exists():
        create_file(path, secrets.token_bytes(KEY_BYTES), mode=0o600)
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
