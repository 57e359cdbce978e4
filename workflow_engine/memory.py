"""What becomes of memory that was freed, in processes of our own: glibc's malloc keeps it or gives it to the system.

A library must leave that to whoever's process it is in. Where the C library is another one, nothing happens.
"""

from __future__ import annotations

import ctypes
import gc

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # mallopt's numbers
KEPT = 128 << 20
"""Bytes that may lie free at the end of a heap."""
FROM_HEAP = 32 << 20
"""Bytes up to which a piece is taken from a heap and not from the system; glibc allows no more."""


def keep_freed() -> None:
    """Keep what one picture has freed for the next one.

    By default pictures' arrays go back to the system, which then hands out each of their pages anew: with pictures of
    480 x 640 that was a quarter of the time of a workflow that draws.
    """
    if (libc := _glibc()) is not None:
        libc.mallopt(_MMAP_THRESHOLD, FROM_HEAP)
        libc.mallopt(_TRIM_THRESHOLD, KEPT)


def give_back() -> None:
    """Let the system have what a run filled memory with and has dropped.

    It would count against the limit of the process, and the next run would find no memory either.
    """
    gc.collect()
    if (libc := _glibc()) is not None:
        libc.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    try:
        libc = ctypes.CDLL(None)
    except (TypeError, OSError):  # Windows
        return None
    return libc if hasattr(libc, "malloc_trim") else None
