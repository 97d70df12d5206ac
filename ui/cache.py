"""A bounded cache, shared by the sessions of one server."""

from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

from cachetools import LRUCache

Value = TypeVar("Value")


class BoundedCache(Generic[Value]):
    """A thread-safe LRU cache; values are made outside its lock, so a slow one delays no other session."""

    def __init__(self, limit: int) -> None:
        self._values: LRUCache[Hashable, Value] = LRUCache(limit)
        self._lock = Lock()

    def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """Return the value of a key, made when it is not there; what `make` raises is not kept."""
        with self._lock:
            if key in self._values:
                return self._values[key]
        value = make()
        self.keep(key, value)
        return value

    def known(self, key: Hashable) -> Value | None:
        """Return the value of a key if it is there."""
        with self._lock:
            return self._values.get(key)

    def keep(self, key: Hashable, value: Value) -> None:
        """Keep a value that was made elsewhere."""
        with self._lock:
            self._values[key] = value

    def __len__(self) -> int:
        return len(self._values)
