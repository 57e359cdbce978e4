"""Results that are kept for the next run, by what they depend on; bounded by the memory that they take."""

from __future__ import annotations

import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from workflow_engine.digest import state_of

T = TypeVar("T")


class ResultCache:
    """What steps gave. It may outlive sessions and plans, and serve several; safe to use from any thread.

    Arrays that are kept become read-only, for every later run gets the same ones.
    """

    def __init__(self, *, limit: int = 1 << 30) -> None:
        """Keep at most ``limit`` bytes; the results unused longest are let go."""
        self._limit = limit
        self._kept: OrderedDict[bytes, tuple[Any, int]] = OrderedDict()
        self._lock = threading.Lock()
        self._nbytes = 0

    @property
    def nbytes(self) -> int:
        """Bytes of all that is kept; what several results share counts for each."""
        return self._nbytes

    def get(self, key: bytes) -> Any:
        """Return what is kept under ``key``, or ``None``."""
        with self._lock:
            if key not in self._kept:
                return None
            self._kept.move_to_end(key)
            return self._kept[key][0]

    def of(self, key: bytes, make: Callable[[], T]) -> T:
        """Return what is kept under ``key``, made and kept now if there is nothing."""
        found: T | None = self.get(key)
        if found is None:
            found = make()
            self.put(key, found)
        return found

    def put(self, key: bytes, value: Any) -> None:
        """Keep ``value`` under ``key``, unless it alone is larger than the limit."""
        size = sealed(value)
        with self._lock:
            _, freed = self._kept.pop(key, (None, 0))
            self._nbytes -= freed
            if size > self._limit:
                return
            self._kept[key] = value, size
            self._nbytes += size
            while self._nbytes > self._limit:
                _, (_, freed) = self._kept.popitem(last=False)
                self._nbytes -= freed


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where a block keeps what depends on none of its parameters marked ``x-live``, for when only those change.

    Everything else that the block is given is the same when it finds here what it has put. By itself it keeps nothing.
    """

    cache: ResultCache | None = None
    key: bytes = b""

    def get(self, name: str) -> Any:
        """Return what the block has put under ``name``, or ``None``."""
        return None if self.cache is None else self.cache.get(self.key + name.encode())

    def put(self, name: str, value: Any) -> None:
        """Keep ``value`` under ``name``, for as long as there is room."""
        if self.cache is not None:
            self.cache.put(self.key + name.encode(), value)


def sealed(value: Any) -> int:
    """Make every array that ``value`` holds read-only, and return the bytes that it takes with all that it holds."""
    total = 0
    seen: dict[int, Any] = {}  # keeps what it has seen, so that no two things have one id
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if id(one) not in seen:
            seen[id(one)] = one
            size, held = _look(one)
            total += size
            waiting += held
    return total


def _look(value: Any) -> tuple[int, list[Any]]:
    """Return the bytes of a thing by itself, and what it holds."""
    if isinstance(value, Mapping):
        return sys.getsizeof(value), [*value.keys(), *value.values()]
    if isinstance(value, list | tuple | set | frozenset):
        return sys.getsizeof(value), list(value)
    if hasattr(value, "setflags"):
        value.setflags(write=False)
        held = value.ravel().tolist() if value.dtype.hasobject else []
        # A view keeps alive the array that it is a part of.
        return (value.nbytes, held) if value.base is None else (0, [value.base, *held])
    if hasattr(value, "nbytes"):
        return value.nbytes, []
    return sys.getsizeof(value), [state_of(value)] if type(value).__module__ != "builtins" else []
