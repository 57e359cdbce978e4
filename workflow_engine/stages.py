"""Named stretches of the work: inside a block, and before and after the steps; timed when someone listens.

A block marks them with ``with stage("network"):`` and need not know who asks. A listener hears of the stages of the
thread that it was set on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeAlias

Listener: TypeAlias = Callable[[str, float], None]
"""Called with the name of a stage that has ended and the seconds that it took."""

_listener: ContextVar[Listener | None] = ContextVar("segflow_stages", default=None)


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Mark the body of the ``with`` as a stage of the work. Without a listener this costs about a microsecond."""
    listener = _listener.get()
    if listener is None:
        yield
        return
    started = time.perf_counter()
    yield
    listener(name, time.perf_counter() - started)


@contextmanager
def heard(listener: Listener) -> Iterator[None]:
    """Tell ``listener`` of every stage that ends well on this thread in the body of the ``with``."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)
