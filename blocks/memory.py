"""Remember values: the last ones, or one under a name that other steps know."""

from __future__ import annotations

from collections import deque
from typing import Any

from workflow_engine.api import Image, RunContext


class Buffer:
    """Keeps the last values that it was given, whatever video they are of."""

    def __init__(self) -> None:
        self._values: deque[Any] = deque()

    def __call__(self, data: Any, *, length: int, pad: bool) -> dict[str, list[Any]]:
        """Return the last ``length`` values, the newest first; with ``pad``, nothing stands for what is not there."""
        self._values.appendleft(data)
        while len(self._values) > length:
            self._values.pop()
        missing = length - len(self._values) if pad else 0
        return {"output": [*self._values, *[None] * missing]}


def cache_get(image: Image, *, key: str, context: RunContext) -> dict[str, Any]:
    """Return what was stored under a key for the image's video; ``False`` when nothing was."""
    return {"output": _space(image, context).get(key, False)}


def cache_set(image: Image, value: Any, *, key: str, context: RunContext) -> dict[str, Any]:
    """Store a value under a key for the image's video, and pass it on."""
    _space(image, context)[key] = value
    return {"output": value}


def _space(image: Image, context: RunContext) -> dict[str, Any]:
    return context.shared.of(f"cache of {image.video_metadata().video_identifier}", dict)
