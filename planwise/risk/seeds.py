"""Seeds of replicates: the scenario's own first, then others derived from it alone."""

import hashlib

from planwise.errors import InputError

SEED_LIMIT = 2**31  # the declared bounds of the assumption `seed` end below it
SEEDS_MAX = 10_000  # by then P10 and P90 are known to a hundredth of a standard deviation


def replicate_seeds(own: int, count: int) -> tuple[int, ...]:
    """Return `count` different seeds, the same for the same `own` whatever the count: own first.

    The i-th further one is the first four bytes of SHA-256 of "own:i", modulo 2³¹; one that was there already
    is skipped. Raises InputError for a count outside 1 to 10,000.
    """
    if not 1 <= count <= SEEDS_MAX:
        raise InputError(
            f"{count} seeds are outside 1 to {SEEDS_MAX:,}.", remedy="Give a number of seeds in between."
        )
    found, tried = {own: None}, 0
    while len(found) < count:
        tried += 1
        digest = hashlib.sha256(f"{own}:{tried}".encode()).digest()
        found.setdefault(int.from_bytes(digest[:4], "big") % SEED_LIMIT)
    return tuple(found)
