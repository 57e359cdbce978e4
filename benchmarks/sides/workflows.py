"""What both engines' sides do alike: what a run is given, how its parts are timed, what its answer is."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np


def read(values: str) -> dict[str, Any]:
    """Return the inputs of a run from a file; a value that names a file of pixels becomes the array."""
    given = json.loads(Path(values).read_text())
    return {
        name: np.load(value) if isinstance(value, str) and value.endswith(".npy") else value
        for name, value in given.items()
    }


class Parts:
    """Tells the time of blocks from that of the engine around them."""

    def __init__(self, clock: str) -> None:
        """Count by the ``wall`` clock or by ``cpu``, the processor time of all threads."""
        self._now = {"wall": time.perf_counter, "cpu": time.process_time}[clock]
        self._blocks = 0.0
        self._seconds: dict[str, float] = {}

    def timed(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a block's function, its time counted."""

        def call(*args: Any, **kwargs: Any) -> Any:
            started = self._now()
            try:
                return function(*args, **kwargs)
            finally:
                self._blocks += self._now() - started

        return call

    def runs(self, once: Callable[[], Any], repeats: int) -> Any:
        """Run so often and return the last answer; ``seconds`` then knows the means."""
        self._blocks = 0.0
        started = self._now()
        for _ in range(repeats):
            answer = once()
        total = (self._now() - started) / repeats
        blocks = self._blocks / repeats
        self._seconds = {"total": total, "blocks": blocks, "engine": total - blocks}
        return answer

    def seconds(self, answer: Any) -> dict[str, float]:
        """Return the means of the last runs."""
        return self._seconds


def save(outputs: list[dict[str, Any]], path: str) -> None:
    """Write the outputs of a run on one picture: pictures as arrays, the rest as JSON."""
    (row,) = outputs
    plain = {name: getattr(value, "numpy_image", getattr(value, "pixels", value)) for name, value in row.items()}
    pictures = {name: value for name, value in plain.items() if isinstance(value, np.ndarray)}
    rest = {name: value for name, value in plain.items() if name not in pictures}
    np.savez(path, rest=json.dumps(rest, sort_keys=True, default=float), **pictures)
