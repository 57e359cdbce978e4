"""A record of where a run's time went, in the trace-event format that chrome://tracing and Perfetto read."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from workflow_engine.events import Event, RunFinished, StepFinished


class Trace:
    """Collects spans; its ``observe`` is an observer of runs."""

    def __init__(self) -> None:
        """Start the clock."""
        self._zero = time.perf_counter()
        self.events: list[dict[str, Any]] = []
        """Complete events (``ph`` is ``X``); ``ts`` and ``dur`` are in microseconds."""

    @contextmanager
    def span(self, name: str, **args: Any) -> Iterator[None]:
        """Record the time that the body of the ``with`` takes."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self._add(name, time.perf_counter() - started, args)

    def observe(self, event: Event) -> None:
        """Record a step or a run that has just finished; other events have no length."""
        match event:
            case StepFinished():
                args = {"step": f"$steps.{event.step}", "block": event.block, "elements": event.elements}
                args |= {"cached": True} if event.cached else {}
                self._add("step_execution", event.seconds, args)
            case RunFinished():
                self._add("workflow_run", event.seconds, {})

    def _add(self, name: str, seconds: float, args: dict[str, Any]) -> None:
        ended = (time.perf_counter() - self._zero) * 1e6
        length = seconds * 1e6
        place = {"pid": os.getpid(), "tid": threading.get_ident(), "cat": "workflow", "args": args}
        self.events.append({"name": name, "ph": "X", "ts": ended - length, "dur": length, **place})
