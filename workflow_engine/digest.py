"""What a value holds, in 32 bytes: two values with one digest are equal."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, time, timedelta, tzinfo
from hashlib import sha256
from pathlib import PurePath
from typing import Any

_PLAIN = (int, float, complex, type(None), date, time, timedelta, tzinfo, PurePath)


class Opaque(Exception):
    """The content of a value cannot be told, or is larger than was allowed."""


def digest(value: Any, *, most: float = float("inf")) -> bytes:
    """Return the digest of a value: numbers, text, lists, sets, mappings, arrays, and objects made of these.

    Args:
        value: What to look at, with all that it holds. The order of a mapping counts.
        most: Bytes of arrays and text to look at before giving up.

    Raises:
        Opaque: If there is something in it that does not show what it holds, or there is too much.
    """
    work = _Digest(most)
    try:
        work.take(value)
    except RecursionError:
        raise Opaque from None
    return work.state.digest()


def state_of(value: Any) -> Any:
    """Return what an object holds, its attributes and slots; ``None`` when it holds nothing or does not show it."""
    try:
        return None if isinstance(value, type) else value.__getstate__()
    except TypeError:
        return None


class _Digest:
    def __init__(self, most: float) -> None:
        self.state = sha256()
        self._left = most

    def take(self, value: Any) -> None:
        kind = type(value).__qualname__
        if isinstance(value, str):
            self._note(kind, value.encode("utf-8", "surrogatepass"))
        elif isinstance(value, bytes):
            self._note(kind, value)
        elif isinstance(value, _PLAIN):
            self._note(kind, repr(value).encode("utf-8", "surrogatepass"))
        elif isinstance(value, list | tuple):
            self._members(value, "list" if isinstance(value, list) else "tuple")
        elif isinstance(value, Mapping):
            self._members([part for pair in value.items() for part in pair], "mapping")
        elif isinstance(value, set | frozenset):
            self._members(sorted(digest(member, most=self._left) for member in value), "set")
        elif hasattr(value, "tobytes") and hasattr(value, "dtype"):
            self._array(value)
        else:
            self._object(value)

    def _note(self, kind: str, content: Any, size: int | None = None) -> None:
        """Take in bytes, with what they are and how many, so that no two sequences of notes look alike."""
        size = len(content) if size is None else size
        self._left -= size
        if self._left < 0:
            raise Opaque
        self.state.update(f"{kind}:{size}:".encode())
        self.state.update(content)

    def _members(self, members: Sequence[Any], kind: str) -> None:
        self._note(kind, str(len(members)).encode())
        for member in members:
            self.take(member)

    def _array(self, array: Any) -> None:
        self._note("array", f"{array.dtype}{array.shape}".encode())
        if array.dtype.hasobject:
            self._members(array.tolist(), "rows")
        else:
            flat: Callable[[], Any] = array.tobytes
            whole = array.ndim > 0 and array.flags.c_contiguous
            self._note("elements", array.data if whole else flat(), array.nbytes)

    def _object(self, value: Any) -> None:
        # What a function or a handle on the world outside is does not show in its state.
        state = None if callable(value) or hasattr(value, "close") else state_of(value)
        if not state:
            raise Opaque
        self._note("object", f"{type(value).__module__}.{type(value).__qualname__}".encode())
        self.take(state)
