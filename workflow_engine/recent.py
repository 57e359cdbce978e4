"""State that many keep and that must not grow for ever: the values used last, by key."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Recent(Generic[K, V]):
    """Values by key, of which the one unused longest is forgotten when there are too many.

    Blocks keep their state of each video, and of each track, in one. Safe to use from any thread.
    """

    def __init__(self, most: int = 256) -> None:
        """Keep at most ``most`` values."""
        self._most = most
        self._values: OrderedDict[K, V] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, key: K, make: Callable[[], V]) -> V:
        """Return the value of ``key``, made at the first use."""
        with self._lock:
            if key not in self._values:
                self._values[key] = make()
                if len(self._values) > self._most:
                    self._values.popitem(last=False)
            self._values.move_to_end(key)
            return self._values[key]

    def get(self, key: K) -> V | None:
        """Return the value of ``key``, or ``None``; this is a use."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
            return self._values.get(key)

    def put(self, key: K, value: V) -> None:
        """Set the value of ``key``."""
        self.forget(key)
        self.of(key, lambda: value)

    def forget(self, key: K) -> None:
        """Drop the value of ``key``, if there is one."""
        with self._lock:
            self._values.pop(key, None)

    def keys(self) -> list[K]:
        """Return the keys, the one used last at the end."""
        with self._lock:
            return list(self._values)
