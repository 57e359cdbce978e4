"""What takes results, and the thread of its own that each has beside the run."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from queue import Full, Queue
from typing import Protocol, runtime_checkable

from workflow_engine.errors import Problem, WorkflowError
from workflow_engine.stream.run import FrameResult

WAITING = 8
"""Results that wait for a sink: more would only fill the memory."""


class Sink(Protocol):
    """Takes results, one at a time and in order."""

    @property
    def remarks(self) -> list[str]:
        """What the user should know of it in the end, as sentences."""

    @property
    def results(self) -> list[str]:
        """What there is to look at once it is closed: names of files, mostly."""

    def write(self, result: FrameResult) -> None:
        """Take a result.

        Raises:
            OSError: It cannot be written.
        """

    def close(self) -> None:
        """Finish what was written.

        Raises:
            OSError: It cannot be finished.
        """

    def discard(self) -> None:
        """Give up after an error: leave nothing half done."""


@runtime_checkable
class Patient(Protocol):
    """A sink that waits for others."""

    def hurry(self) -> None:
        """Wait no longer, now and later."""


class Queued:
    """A sink that works on a thread of its own, beside the run."""

    def __init__(self, sink: Sink, *, called: str) -> None:
        """Start the thread; ``called`` is the sink's name in errors."""
        self.seconds = 0.0
        """Time that writing took."""
        self._sink, self._called = sink, called
        self._waiting: Queue[FrameResult | None] = Queue(WAITING)
        self._error: WorkflowError | None = None
        self._thread = threading.Thread(target=self._work, daemon=True, name="segflow-video-sink")
        self._thread.start()

    @property
    def remarks(self) -> list[str]:
        """What the user should know of it in the end."""
        return self._sink.remarks

    @property
    def results(self) -> list[str]:
        """What there is to look at once it is closed, if it has not failed."""
        return [] if self._error is not None else self._sink.results

    def hurry(self) -> None:
        """Have the sink wait for nobody: the run is being stopped. May be called at any time, from any thread."""
        if isinstance(self._sink, Patient):
            self._sink.hurry()

    def write(self, result: FrameResult) -> None:
        """Hand over a result; waits while the sink is behind.

        Raises:
            WorkflowError: The sink has failed (``output_unwritable``).
        """
        self._put(result)
        self._check()

    def close(self) -> None:
        """Wait until everything is written and finished.

        Raises:
            WorkflowError: The sink has failed (``output_unwritable``).
        """
        self._put(None)
        self._thread.join()
        self._check()

    def _put(self, result: FrameResult | None) -> None:
        while self._thread.is_alive():
            with suppress(Full):
                self._waiting.put(result, timeout=0.2)
                return

    def _check(self) -> None:
        if self._error is not None:
            raise self._error

    def _work(self) -> None:
        try:
            while (result := self._waiting.get()) is not None:
                began = time.perf_counter()
                self._sink.write(result)
                self.seconds += time.perf_counter() - began
            self._sink.close()
        except Exception as error:  # noqa: BLE001 - whatever it is, the run must hear of it
            self._sink.discard()
            self._error = self._in_words(error)

    def _in_words(self, error: Exception) -> WorkflowError:
        if isinstance(error, WorkflowError):
            return error
        reason = (error.strerror or str(error)).lower() if isinstance(error, OSError) else str(error)
        message = f"{self._called} cannot be written: {reason}."
        hint = "Check that the folder exists, may be written to, and has room left."
        told = WorkflowError(Problem(code="output_unwritable", message=message, hint=hint, whose="operator"))
        told.__cause__ = error
        return told


def close_all(sinks: Iterable[Queued]) -> None:
    """Finish every sink, also when one fails.

    Raises:
        WorkflowError: The first failure.
    """
    failures = []
    for sink in sinks:
        try:
            sink.close()
        except WorkflowError as error:
            failures.append(error)
    if failures:
        raise failures[0]
