"""Work of one run that is done side by side, on threads that all runs of the process share."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar, copy_context
from functools import cache
from typing import TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")

FEWEST = 4
"""Threads on a machine of few cores: they also wait for other machines."""

CROWDED: ContextVar[bool] = ContextVar("segflow_crowded", default=False)
"""Whether other runs have the cores already."""


def crowded(runs: int) -> bool:
    """Whether so many runs at once have the cores, so that one that used threads besides would be in others' way."""
    return runs >= (os.cpu_count() or 1)


def side_by_side(calls: Mapping[K, Callable[[], T]]) -> dict[K, Callable[[], T]]:
    """Let threads make the calls; return for each what gives its result, or raises what it raised.

    A call that no thread has begun when its result is asked for is made by who asks, so that nobody waits in vain.
    """
    return {key: _offered(call) for key, call in calls.items()}


def on_free_cores(calls: Mapping[K, Callable[[], T]]) -> dict[K, Callable[[], T]]:
    """Do the same for calls that only compute: where other runs have the cores, each is made by who asks for it."""
    return dict(calls) if CROWDED.get() else side_by_side(calls)


def _offered(call: Callable[[], T]) -> Callable[[], T]:
    future = threads().submit(copy_context().run, call)
    return lambda: call() if future.cancel() else future.result()


@cache
def threads() -> ThreadPoolExecutor:
    """The threads, which start as they are needed."""
    return ThreadPoolExecutor(max(os.cpu_count() or 1, FEWEST), "segflow-side")
