"""Slow down guessing: who fails often waits, longer each time."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

WAIT_MAX_SECONDS = 900.0
FORGET_SECONDS = 3600.0
KEYS_MAX = 10_000  # the longest unused go first, so memory is bounded whatever is tried
FREE_OF_PAIR, FREE_OF_ADDRESS, FREE_OF_NAME = 5, 30, 100  # failures before one waits


@dataclass(frozen=True)
class Failures:
    """How often in a row, and when last (seconds of the clock)."""

    count: int
    last: float


class Limits:
    """Failures by name and address together, by address, and by name (many addresses, one name)."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failures: OrderedDict[str, Failures] = OrderedDict()

    def wait_seconds(self, name: str, address: str) -> float:
        """Return how long until the next try is looked at; 0 when it may be made now."""
        return max(self._wait(key, free) for key, free in _keys(name, address))

    def failed(self, name: str, address: str) -> None:
        """Count a failure."""
        now = self._clock()
        for key, _ in _keys(name, address):
            before = self._recent(key)
            self._failures[key] = Failures(before.count + 1, now)
            self._failures.move_to_end(key)
        while len(self._failures) > KEYS_MAX:
            self._failures.popitem(last=False)

    def succeeded(self, name: str, address: str) -> None:
        """Forget the failures of this name from this address."""
        self._failures.pop(_keys(name, address)[0][0], None)

    def _wait(self, key: str, free: int) -> float:
        failures = self._recent(key)
        if failures.count < free:
            return 0.0
        # The exponent is capped before it is raised: a float power overflows at 1024.
        wait = min(2.0 ** min(failures.count - free, 16), WAIT_MAX_SECONDS)
        return max(0.0, failures.last + wait - self._clock())

    def _recent(self, key: str) -> Failures:
        found = self._failures.get(key)
        if found is None or self._clock() - found.last > FORGET_SECONDS:
            return Failures(0, 0.0)
        return found


def _keys(name: str, address: str) -> tuple[tuple[str, int], ...]:
    return (
        (f"pair {address} {name}", FREE_OF_PAIR),
        (f"address {address}", FREE_OF_ADDRESS),
        (f"name {name}", FREE_OF_NAME),
    )
