"""What a source gives: frames, where they stand in their video, and what is said about the source besides."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

USUAL_FPS = 25.0
"""Frames per second of a source that declares none."""
LIVE_CLOCK = Fraction(1, 90_000)
"""Ticks in seconds of a stream whose own clock may jump: that of MPEG."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceInfo:
    """What a source says of itself.

    Attributes:
        width: Width of the upright picture in pixels.
        height: Height of the upright picture in pixels.
        fps: Frames per second on average, if it is declared.
        total_frames: Number of frames of a file, if it is declared.
        file: The file that it is, if it is one.
        start: Seconds on the file's clock at which the first frame is shown.
        constant_rate: Whether frames follow each other at equal distances.
        clock: Seconds of one tick of the timestamps.
        pixel_aspect: Width of a pixel of the upright picture, its height being 1.
    """

    width: int
    height: int
    fps: float | None
    total_frames: int | None = None
    file: Path | None = None
    start: float = 0.0
    constant_rate: bool = False
    clock: Fraction = LIVE_CLOCK
    pixel_aspect: Fraction = Fraction(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """An interruption of a live source: nothing came for ``seconds`` because of ``reason``; it took ``attempts``."""

    seconds: float
    reason: str
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Frame:
    """One picture of a video.

    Attributes:
        number: Its number in the stream, the first being 1.
        seconds: Time since the first frame on the stream's own clock; across a gap the gap's length is added.
        taken: When it was taken, counted by ``seconds`` from when the first frame came, if the source is live; from the
            time of recording, if it is a file that tells it; and else from the beginning of 1970.
        pixels: Blue-green-red, (H, W, 3), upright.
        info: The source's facts.
        decode_seconds: Time that decoding took.
        gap: The interruption that ended with this frame.
    """

    number: int
    seconds: float
    taken: datetime
    pixels: NDArray[np.uint8]
    info: SourceInfo
    decode_seconds: float
    gap: Gap | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something worth telling about a source that does not end the run.

    Attributes:
        code: Machine-readable name: ``lost``, ``resumed``, ``damaged``, ``empty``, ``failed``.
        message: A sentence, without credentials.
        source: Which source: its number as text.
        moment: When it was told.
    """

    code: str
    message: str
    source: str
    moment: datetime


Tell: TypeAlias = Callable[[str, str], None]
"""Takes the code and the message of a notice."""


@runtime_checkable
class Source(Protocol):
    """Where frames come from; serves one reader."""

    @property
    def name(self) -> str:
        """How messages call it, without credentials."""

    @property
    def live(self) -> bool:
        """Whether frames go by whether or not anybody takes them."""

    def frames(self, stopped: threading.Event, tell: Tell) -> Generator[Frame, None, None]:
        """Open the source and yield its frames until it ends or ``stopped`` is set.

        Raises:
            InputError: It cannot be opened.
        """

    def interrupt(self) -> None:
        """Make a wait for the next frame end at once; called from another thread after ``stopped`` was set."""
