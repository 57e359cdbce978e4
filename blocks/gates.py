"""Let steps run less often: not again so soon, or only when a value has changed."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from workflow_engine.api import Image, Recent


class RateLimiter:
    """Remembers when it last let steps run, whatever video they worked on."""

    def __init__(self) -> None:
        self._last: float | None = None

    def __call__(
        self,
        depends_on: Any,
        video_reference_image: Image | None,
        *,
        cooldown_seconds: float,
        next_steps: list[str],
    ) -> list[str]:
        """Return the steps if enough time has passed: on the wall clock, or from frame to frame of a video."""
        now = _now(video_reference_image)
        # To the microsecond: frames 1 and 3 at ten a second are 0.2 apart, whatever floats make of it.
        if self._last is not None and round(now - self._last, 6) < cooldown_seconds:
            return []
        self._last = now
        return next_steps


def _now(image: Image | None) -> float:
    video = None if image is None else image.video_metadata()
    return video.frame_number / video.fps if video is not None and video.fps else time.monotonic()


class DeltaFilter:
    """Remembers the last value of each video."""

    def __init__(self) -> None:
        self._last: Recent[str, Any] = Recent()

    def __call__(self, image: Image, value: Any, *, next_steps: list[str]) -> list[str]:
        """Return the steps if the value is not the one before, which is nothing at first."""
        video = image.video_metadata().video_identifier
        if _same(self._last.get(video), value):
            return []
        self._last.put(video, value)
        return next_steps


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        return np.array_equal(one, other)
    return bool(one == other)
