"""What a run carries besides its values: when to stop, whom to tell, and the resources that blocks may ask for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from workflow_engine.cache import Shelf
from workflow_engine.errors import Problem, RunCancelled
from workflow_engine.events import Event
from workflow_engine.recent import Recent
from workflow_engine.settings import Settings


class ModelSource(Protocol):
    """Where a block gets a loaded model from; ``models.pool.ModelPool`` is the one that ships."""

    def get(self, model_id: str, *, device: str, precision: str, resolution: int | None) -> Any:
        """Return the model ready to predict, loading it at the first call.

        Raises:
            WorkflowError: If the id is unknown, or the weights cannot be had or used.
        """

    def version(self, model_id: str) -> str:
        """Return what changes whenever the id comes to stand for other weights.

        Raises:
            WorkflowError: If the id is unknown.
        """


class Stop:
    """Tells a run to end early: cancelled by someone, or past its deadline. Safe to use from any thread."""

    def __init__(self, *, timeout: float | None = None) -> None:
        """Start the clock; ``timeout`` is in seconds, ``None`` for no deadline."""
        self._timeout = timeout
        self._deadline = None if timeout is None else time.monotonic() + timeout
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        """Ask the run to end before its next step."""
        self._cancelled.set()

    def check(self) -> None:
        """Raise ``RunCancelled`` when the run should end; cheap enough to call per element."""
        if self._cancelled.is_set():
            raise RunCancelled(Problem(code="cancelled", message="The run was cancelled.", whose="caller"))
        if self._deadline is not None and time.monotonic() > self._deadline:
            message = f"The run passed its deadline of {self._timeout:g} s."
            hint = "Allow more time, or use a smaller model or picture."
            raise RunCancelled(Problem(code="deadline", message=message, hint=hint, whose="caller"))


@dataclass(frozen=True, slots=True, kw_only=True)
class RunContext:
    """Passed to every block that declares a ``context`` argument.

    Attributes:
        settings: How this installation behaves.
        models: Loaded models by name.
        stop: Long-running blocks call ``stop.check()`` now and then.
        observers: Called with every event of the run, in order, on the thread that runs the steps.
        sinks: Whether blocks with an effect outside the run may have it; otherwise they do nothing and say so.
        folder: Below it blocks may write files; ``None`` where they may not.
        allowed_hosts: Hosts, addresses and networks that blocks may call although they are not public.
        shared: What the steps of one session leave for each other: values by key, in spaces by name.
        kept: What the block has kept of an earlier run, and may keep for a later one.
    """

    settings: Settings
    models: ModelSource
    stop: Stop = field(default_factory=Stop)
    observers: tuple[Callable[[Event], None], ...] = ()
    sinks: bool = True
    folder: Path | None = None
    allowed_hosts: tuple[str, ...] = ()
    shared: Recent[str, dict[str, Any]] = field(default_factory=Recent)
    kept: Shelf = field(default_factory=Shelf)

    def emit(self, event: Event) -> None:
        """Tell every observer."""
        for observer in self.observers:
            observer(event)
