"""Hash and compare passwords with scrypt (RFC 7914)."""

import base64
import hashlib
import hmac
import secrets

from planwise.errors import InputError

COST, BLOCK, LANES = 2**15, 8, 3  # 32 MiB and some 0.2 s a try: equal to OWASP's least for scrypt
MEMORY_BYTES = 128 * COST * BLOCK * 2
SALT_BYTES = 16
KEY_BYTES = 32
LENGTH_MIN, LENGTH_MAX = 12, 1024  # NIST SP 800-63B: length, not character classes
SCHEME = "scrypt"


def hash_password(password: str) -> str:
    """Return `scrypt$cost$block$lanes$salt$key`; raises InputError for one that is too short or long."""
    if not LENGTH_MIN <= len(password) <= LENGTH_MAX:
        raise InputError(
            f"The password has {len(password)} characters.",
            remedy=f"Choose one of {LENGTH_MIN} to {LENGTH_MAX} characters; several words are good.",
        )
    salt = secrets.token_bytes(SALT_BYTES)
    return _written(salt, _derive(password, salt, COST, BLOCK, LANES))


def matches(password: str, hashed: str) -> bool:
    """Whether the password is the hashed one; takes as long for a wrong one as for the right one."""
    if len(password) > LENGTH_MAX:
        return False
    scheme, cost, block, lanes, salt, key = hashed.split("$")
    if scheme != SCHEME:
        raise InputError(f"Unknown password scheme {scheme!r}.", remedy="Set the password again.")
    tried = _derive(password, base64.b64decode(salt), int(cost), int(block), int(lanes))
    return hmac.compare_digest(tried, base64.b64decode(key))


def nobodys() -> str:
    """Return a hash that no password has, so that an unknown name takes as long as a known one."""
    return _written(bytes(SALT_BYTES), bytes(KEY_BYTES))


def _derive(password: str, salt: bytes, cost: int, block: int, lanes: int) -> bytes:
    return hashlib.scrypt(
        password.encode(), salt=salt, n=cost, r=block, p=lanes, maxmem=MEMORY_BYTES, dklen=KEY_BYTES
    )


def _written(salt: bytes, key: bytes) -> str:
    return "$".join((SCHEME, str(COST), str(BLOCK), str(LANES), _text(salt), _text(key)))


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
