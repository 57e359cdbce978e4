"""Look back: at a value some frames ago, or at the last pictures."""

from __future__ import annotations

from collections import deque
from typing import Any

import cv2
import numpy as np

from blocks.video.state import video_id
from workflow_engine.api import Image, Recent

MOST_PICTURES, SMALLEST, LARGEST = 64, 64, (1920, 1080)
"""How many pictures a stack holds at most; the least side, and the greatest width and height they are shrunk to."""
JPEG_QUALITY = 75


class _History:
    """The values of one video by frame number."""

    def __init__(self) -> None:
        self.values: dict[int, Any] = {}
        self._deepest = 0

    def note(self, frame: int, value: Any, *, depth: int) -> None:
        """Add a frame's value, and drop those farther back than anyone has looked."""
        if self.values and frame < max(self.values):
            self.values, self._deepest = {}, 0
        self._deepest = max(self._deepest, depth)
        self.values[frame] = value
        self.values = {number: kept for number, kept in self.values.items() if number >= frame - self._deepest}


class FrameDelay:
    """Remembers the values of the last frames of each video."""

    def __init__(self) -> None:
        self._videos: Recent[str, _History] = Recent(most=16)

    def __call__(self, image: Image, data: Any, *, offset: int, default_value: Any) -> dict[str, Any]:
        """Return the value of the frame ``offset`` (0 or less) frames away; when frame numbers go back, all is new."""
        frame = image.video_metadata().frame_number
        history = self._videos.of(video_id(image), _History)
        history.note(frame, data, depth=-offset)
        there = frame + offset in history.values
        return {
            "output": history.values[frame + offset] if there else default_value,
            "is_available": there,
            "reference_frame_number": frame,
        }


class ImageStack:
    """Keeps the last pictures of each video."""

    def __init__(self) -> None:
        self._stacks: Recent[str, deque[bytes]] = Recent(most=16)

    def __call__(
        self, image: Image, *, stack_size: int, resolution_width: int, resolution_height: int, clear: bool
    ) -> dict[str, Any]:
        """Add the picture, shrunk to fit, as JPEG; return all there are, the newest first.

        Values out of range count as the nearest one in it.
        """
        stack = self._stacks.of(video_id(image), lambda: deque(maxlen=MOST_PICTURES))
        if clear:
            stack.clear()
        limits = np.clip((resolution_width, resolution_height), SMALLEST, LARGEST)
        stack.appendleft(_shrunk(image, *limits.tolist()))
        while len(stack) > max(stack_size, 1):
            stack.pop()
        return {"frames": list(stack), "frames_count": len(stack)}


def _shrunk(image: Image, width: int, height: int) -> bytes:
    scale = min(width / image.width, height / image.height)
    pixels = image.pixels
    if scale < 1:
        size = max(int(image.width * scale), 1), max(int(image.height * scale), 1)
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    return bytes(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1])
