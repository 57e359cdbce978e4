"""Models for runs that may be given up: the run ends in time, and its model goes on loading for the next one."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import ContextVar
from typing import Any

from workflow_engine.context import Stop
from workflow_engine.models.catalogue import Catalogue
from workflow_engine.models.pool import ModelPool
from workflow_engine.workflow import Engine

RUNNING: ContextVar[Stop] = ContextVar("RUNNING")
"""What tells the run of this thread to stop."""

_LOOK_SECONDS = 0.05
_LOADERS = 8


class PatientEngine(Engine):
    """An engine whose models load on threads of their own."""

    def _pool(self, catalogue: Catalogue) -> ModelPool:
        return PatientPool(catalogue)


class PatientPool(ModelPool):
    """Lends models; a run that waits for one can be stopped, which the loading is not."""

    def __init__(self, catalogue: Catalogue) -> None:
        """Load models of ``catalogue`` when they are asked for."""
        super().__init__(catalogue)
        self._loaders = ThreadPoolExecutor(_LOADERS, "segflow-load")
        self._asked: dict[tuple[Any, ...], Future[Any]] = {}

    def get(
        self, model_id: str, *, device: str = "auto", precision: str = "float32", resolution: int | None = None
    ) -> Any:
        """Return a model ready to predict, as ``ModelPool`` does.

        Raises:
            ModelError: If the model is unknown, or cannot be had, read, or used like this.
            RunCancelled: If the run of this thread is to stop before the model is there.
        """
        stop = RUNNING.get(None) or Stop()
        key = (model_id, device, precision, resolution)
        asked = self._asked.get(key)
        if asked is None:
            asked = self._loaders.submit(
                super().get, model_id, device=device, precision=precision, resolution=resolution
            )
            self._asked[key] = asked
            asked.add_done_callback(lambda _: self._asked.pop(key, None))
        while True:
            stop.check()
            try:
                return asked.result(_LOOK_SECONDS)
            except TimeoutError:
                if asked.done():
                    raise
