"""Runs the work of requests on threads, a few at once, and answers in time although a step may not."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar

import anyio
from anyio.to_thread import run_sync

from workflow_engine.context import Stop
from workflow_engine.errors import Problem, RunCancelled

Result = TypeVar("Result")


class Workers:
    """Threads for work that keeps a processor busy, so that the event loop stays free for probes."""

    def __init__(self, seconds: float) -> None:
        """Allow one piece of work per processor; each may take ``seconds``, its wait for a turn included."""
        self._seconds = seconds
        self._limiter = anyio.CapacityLimiter(os.cpu_count() or 1)

    async def do(self, job: Callable[[Stop], Result]) -> Result:
        """Return what ``job`` returns; it is handed what tells it to stop.

        Raises:
            RunCancelled: If it is not done in time. A step that is still running keeps its thread until it ends.
        """
        stop = Stop(timeout=self._seconds)
        try:
            with anyio.move_on_after(self._seconds):
                return await run_sync(job, stop, limiter=self._limiter, abandon_on_cancel=True)
        finally:
            stop.cancel()
        message = f"The request was not done within {self._seconds:g} s."
        hint = "Use a smaller model or picture, or fewer pictures at once."
        raise RunCancelled(Problem(code="deadline", message=message, hint=hint, whose="caller"))
