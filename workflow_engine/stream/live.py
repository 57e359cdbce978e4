"""Frames of a camera or a network stream, read by a process that can be ended, and taken up again when it is lost."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from random import SystemRandom
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from workflow_engine.errors import InputError
from workflow_engine.stream import reader
from workflow_engine.stream.clock import Clock
from workflow_engine.stream.frame import USUAL_FPS, Frame, Gap, SourceInfo, Tell
from workflow_engine.stream.rules import CameraPlace, StreamPlace
from workflow_engine.vision.refusals import refusal

OPEN_SECONDS = 5.0
READ_SECONDS = 5.0
START_SECONDS = 10.0
"""For the reader's process to start, before it opens anything."""
FIRST_WAIT, LONGEST_WAIT = 0.25, 2.0
"""Seconds before the first and before every later attempt to reconnect; up to half of it is left to chance."""
WATCH_SECONDS = 0.5
MOST_PIXELS = 40_000_000
SMALLEST_STEP = 0.001
"""Seconds by which a frame is later than the one before, whatever a broken clock says."""


class _Lost(Exception):
    """The source gave no more; the text says why."""


@dataclass(frozen=True, slots=True)
class _Picture:
    """A picture as its reader gave it, with the stream's timestamp in seconds, if there is one."""

    pixels: NDArray[np.uint8]
    stamp: float | None
    fps: float | None
    pixel_aspect: Fraction
    decode_seconds: float

    def frame(self, number: int, seconds: float, taken: datetime, gap: Gap | None) -> Frame:
        height, width = self.pixels.shape[:2]
        return Frame(
            number=number,
            seconds=seconds,
            taken=taken,
            pixels=self.pixels,
            info=SourceInfo(width=width, height=height, fps=self.fps, pixel_aspect=self.pixel_aspect),
            decode_seconds=self.decode_seconds,
            gap=gap,
        )


class _Child:
    """A reader's process, which ends with the ``with`` or after a silence, whatever it is doing."""

    def __init__(self, order: bytes, silence: tuple[float, float]) -> None:
        """Start it.

        Args:
            order: What to read, as ``reader`` takes it.
            silence: Seconds until the first message, and until every later one, after which it is ended.
        """
        command = [sys.executable, "-P", str(Path(reader.__file__))]
        self._process = subprocess.Popen(  # noqa: S603 - our own program, and nothing from outside in its arguments
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=1 << 20
        )
        self.silenced = False
        self._allowed, self._later = silence
        self._waiting_since: float | None = time.monotonic()
        self._over = threading.Event()
        self._watching = threading.Thread(target=self._watch, daemon=True, name="segflow-video-watch")
        self._watching.start()
        with suppress(BrokenPipeError):
            self._stdin.write(order)
            self._stdin.flush()

    @property
    def _stdin(self) -> IO[bytes]:
        assert self._process.stdin is not None
        return self._process.stdin

    def __enter__(self) -> _Child:
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.end()
        self._process.wait()
        self._watching.join()
        assert self._process.stdout is not None
        self._process.stdout.close()
        with suppress(BrokenPipeError):
            self._stdin.close()

    def end(self) -> None:
        """End the process at once."""
        self._process.kill()

    def messages(self) -> Iterator[tuple[dict[str, Any], NDArray[np.uint8] | None]]:
        """Yield what it says: the header, and for a frame the pixels."""
        assert self._process.stdout is not None
        pipe = self._process.stdout
        while True:
            self._waiting_since = time.monotonic()
            length = pipe.read(4)
            if len(length) < 4:
                return
            header = json.loads(pipe.read(int.from_bytes(length, "big")) or b'{"kind": "end"}')
            pixels = None
            if header["kind"] == "frame":
                pixels = np.empty((header["height"], header["width"], 3), np.uint8)
                if pipe.readinto(pixels.data) < pixels.nbytes:  # type: ignore[attr-defined]
                    return
            self._allowed = self._later
            self._waiting_since = None  # whoever takes its time with a picture must not blame the reader
            yield header, pixels

    def _watch(self) -> None:
        while not self._over.wait(WATCH_SECONDS):
            since = self._waiting_since
            if since is not None and time.monotonic() - since > self._allowed:
                self.silenced = True
                self.end()
                return


class LiveSource:
    """The frames of a camera or a stream; a lost connection is tried again for as long as it takes."""

    live = True

    def __init__(
        self,
        place: CameraPlace | StreamPlace,
        *,
        max_pixels: int | None = None,
        open_seconds: float = OPEN_SECONDS,
        read_seconds: float = READ_SECONDS,
    ) -> None:
        """Name the source; it is opened when its frames are asked for.

        Args:
            place: What ``rules.locate`` found.
            max_pixels: Most pixels of a frame.
            open_seconds: How long opening may take.
            read_seconds: How long the source may be silent.
        """
        what: dict[str, Any]
        if isinstance(place, CameraPlace):
            self.name, what = f"camera {place.device}", {"device": place.device}
        else:
            self.name, what = place.name, {"url": place.url, "address": place.address}
        limits = {"open_seconds": open_seconds, "read_seconds": read_seconds, "max_pixels": max_pixels or MOST_PIXELS}
        self._order = json.dumps(what | limits).encode() + b"\n"
        self._silence = (START_SECONDS + open_seconds, read_seconds)
        self._child: _Child | None = None

    def interrupt(self) -> None:
        """End the process that reads."""
        child = self._child
        if child is not None:
            child.end()

    def frames(self, stopped: threading.Event, tell: Tell) -> Generator[Frame, None, None]:
        """Yield frames until the source ends by itself or ``stopped`` is set.

        Raises:
            InputError: It could not be opened the first time (``video_unreachable``).
        """
        clock, number = Clock(smallest=SMALLEST_STEP), 0
        failures, reason, last = 0, "", 0.0
        began = datetime.now(UTC)
        while not stopped.is_set():
            try:
                for picture in self._connection(stopped):
                    now = time.monotonic()
                    gap = Gap(seconds=now - last, reason=reason, attempts=failures) if failures else None
                    if gap:
                        clock.resume(gap.seconds)
                        tell("resumed", f"The source {self.name!r} is back after {gap.seconds:.1f} s.")
                    if not number:
                        began, last = datetime.now(UTC), now
                    stamp = now if picture.stamp is None else picture.stamp
                    seconds = clock.reading(stamp, step=1 / (picture.fps or USUAL_FPS), passed=now - last)
                    failures, last, number = 0, now, number + 1
                    yield picture.frame(number, seconds, began + timedelta(seconds=seconds), gap)
                return
            except _Lost as lost:
                if stopped.is_set():
                    return
                if not number:
                    raise self._unreachable(str(lost)) from lost
                if not failures:
                    reason = str(lost)
                    tell("lost", f"The source {self.name!r} was lost: {reason}. Trying again.")
                failures += 1
            stopped.wait(_pause(failures))

    def _connection(self, stopped: threading.Event) -> Iterator[_Picture]:
        """Yield the pictures of one connection.

        Raises:
            _Lost: It failed, or ended where it should not.
        """
        with _Child(self._order, self._silence) as child:
            self._child = child
            if stopped.is_set():  # interrupt() may have found no child to end
                return
            fps, pixel_aspect = None, Fraction(1)
            for header, pixels in child.messages():
                if header["kind"] == "end":
                    return
                if header["kind"] == "error":
                    raise _Lost(header["reason"])
                if pixels is None:
                    fps, pixel_aspect = header["fps"], Fraction(*header["pixel_aspect"])
                else:
                    yield _Picture(pixels, header["seconds"], fps, pixel_aspect, header["decode"])
            raise _Lost(reader.SILENT if child.silenced else "its reader ended")

    def _unreachable(self, reason: str) -> InputError:
        return refusal(f"The source {self.name!r} cannot be opened: {reason}.", at="", code="video_unreachable")


def _pause(failures: int) -> float:
    longest = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(failures - 1, 10))
    return longest * SystemRandom().uniform(0.5, 1.0)
