"""Calls from several threads share one batch, for on a GPU the images of a batch go through the network side by side.

Not for processors, where a batch of several gains nothing and makes the first of them wait for the last.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from blocks.instance_segmentation.backends.interface import Backend, Looked

# Longest wait for others, where there were others a moment ago: the smallest size takes as long on a T4 (variants.py).
WAIT_SECONDS = 0.003


class _Request:
    """One call's images, and in the end what was seen in them or what went wrong."""

    def __init__(self, pixels: NDArray[np.float32]) -> None:
        self.pixels = pixels
        self.answer: Looked | BaseException | None = None


class Batching:
    """A backend whose concurrent calls of ``look`` are gathered. Safe to use from several threads; has none itself.

    One of the callers leads: it takes what is waiting, computes for all, and hands on. What arrives meanwhile is the
    next batch, so under load nobody waits for the sake of company. Only a leader who had company the last time waits
    for it, and no longer than ``wait``.
    """

    def __init__(self, backend: Backend, *, wait: float = WAIT_SECONDS) -> None:
        """Gather calls of ``backend`` into batches of its size; ``wait`` is in seconds."""
        self.facts, self.batch = backend.facts, backend.batch
        self._backend = backend
        self._wait = wait
        self._changed = threading.Condition()
        self._waiting: deque[_Request] = deque()
        self._led = False
        self._company = False

    def look(self, pixels: NDArray[np.float32]) -> Looked:
        """Return what is found in normalised red-green-blue images, (N, 3, side, side)."""
        mine = _Request(pixels)
        with self._changed:
            self._waiting.append(mine)
            self._changed.notify_all()
        while True:
            with self._changed:
                self._changed.wait_for(lambda: mine.answer is not None or not self._led)
                if mine.answer is not None:
                    break
                self._led = True
                together = self._gather()
            try:
                self._answer(together)
            finally:
                with self._changed:
                    self._led = False
                    self._changed.notify_all()
        if isinstance(mine.answer, BaseException):
            raise mine.answer
        return mine.answer

    def mask_maps(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return feature maps, (N, d, h, w), at mask resolution, (N, d, m, m)."""
        return self._backend.mask_maps(features)

    def save(self, folder: Path) -> None:
        """Write what a later start needs, if anything, into an empty folder."""
        self._backend.save(folder)

    def _gather(self) -> list[_Request]:
        """Take what is waiting, the first call in any case, up to a batch."""
        if self._company:
            self._changed.wait_for(lambda: self._images() >= self.batch, timeout=self._wait)
        together = [self._waiting.popleft()]
        size = len(together[0].pixels)
        while self._waiting and size + len(self._waiting[0].pixels) <= self.batch:
            together.append(self._waiting.popleft())
            size += len(together[-1].pixels)
        self._company = len(together) > 1
        return together

    def _images(self) -> int:
        return sum(len(request.pixels) for request in self._waiting)

    def _answer(self, together: Sequence[_Request]) -> None:
        try:
            looked = self._backend.look(np.concatenate([request.pixels for request in together]))
        except BaseException as error:  # noqa: BLE001 -- every caller is to hear of it, whatever it is
            for request in together:
                request.answer = error
            return
        start = 0
        for request in together:
            share = slice(start, start + len(request.pixels))
            request.answer = Looked(
                looked.logits[share], looked.boxes[share], looked.queries[share], looked.features[share]
            )
            start = share.stop
