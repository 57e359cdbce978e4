"""Frames of a video file, decoded with PyAV.

FFmpeg is handed an open file and never a name, and knows only formats that hold a video themselves: a playlist, a list
of files or a pattern in a name has nothing to act on.
"""

from __future__ import annotations

import math
import os
import struct
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workflow_engine.errors import InputError
from workflow_engine.stream.clock import Clock
from workflow_engine.stream.frame import USUAL_FPS, Frame, SourceInfo, Tell
from workflow_engine.vision.refusals import refusal

if TYPE_CHECKING:  # av is loaded with the first video
    from av import Packet, VideoFrame, VideoStream
    from av.container import InputContainer

FORMATS = "mov,matroska,avi,mpegts,mpeg,mpegvideo,flv,asf,ogg,h264,hevc,m4v,mjpeg,gif,apng,mxf,ivf,obu,yuv4mpegpipe,dv"
PLAIN = {"protocol_whitelist": "pipe", "format_whitelist": FORMATS}
BUFFER = 1 << 18
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECONDS = 1_000_000
DECODERS = max((os.cpu_count() or 1) // 2, 1)
"""Threads that decode. With one for every core they take turns with those of the network, which wait for each other."""
END_SECONDS = 1.0
"""How long before the end of a whole video its last frame may be over: its sound may go on for a little."""
FRAMES_SHORT = 2
"""How many frames before the end of the pictures the last one may lie."""


@dataclass(frozen=True, slots=True)
class Held:
    """How a camera was held, which its file tells and its pictures do not show.

    Attributes:
        mirrored: Whether left and right are to be exchanged first.
        turns: Quarters of a turn, counter-clockwise, by which pictures are then to be turned.
    """

    mirrored: bool
    turns: int

    @classmethod
    def of(cls, frame: VideoFrame) -> Held:
        """Read it from the matrix that comes with a frame; FFmpeg's ``display.h`` tells how that is laid out."""
        matrix: Any = frame.side_data.get("DISPLAYMATRIX")
        if matrix is None:
            return cls(mirrored=False, turns=0)
        a, b, _, c, d, *_ = struct.unpack("=9i", bytes(matrix))
        mirrored = a * d < b * c
        angle = math.degrees(math.atan2(-b, -a) if mirrored else math.atan2(b, a))
        return cls(mirrored=mirrored, turns=round(-angle / 90) % 4)

    def upright(self, pixels: NDArray[Any]) -> NDArray[np.uint8]:
        """Return pixels (H, W, 3) as they are to be seen."""
        if not (self.mirrored or self.turns):
            return pixels
        return np.ascontiguousarray(np.rot90(pixels[:, ::-1] if self.mirrored else pixels, self.turns))


class FileSource:
    """The frames of a video file, every one of them."""

    live = False

    def __init__(self, path: Path, *, max_pixels: int | None = None) -> None:
        """Name the file; it is opened when its frames are asked for.

        Args:
            path: The file.
            max_pixels: Most pixels of a frame; ``None`` for no limit.
        """
        self.name = path.name
        self._path, self._most = path, max_pixels

    def interrupt(self) -> None:
        """Do nothing: reading a file waits for nobody."""

    def frames(self, stopped: threading.Event, tell: Tell) -> Generator[Frame, None, None]:
        """Yield every frame that can be decoded.

        Raises:
            InputError: The file cannot be opened (``video_unreadable``), or its pictures are too large
                (``video_too_large``).
        """
        from av.video.reformatter import VideoReformatter

        with opened(self._path) as container:
            stream = container.streams.video[0]
            stream.thread_type, stream.thread_count = "AUTO", DECODERS
            to_bgr = VideoReformatter()  # one for all: a frame's own would make its tables and threads anew
            held, info, clock = None, None, Clock()
            start = _recorded(container)
            seconds = 0.0
            number, began = 0, time.perf_counter()
            for decoded in self._decoded(container, stream, tell):
                held = held or Held.of(decoded)
                info = info or self._info(stream, decoded, held)
                pixels = held.upright(to_bgr.reformat(decoded, format="bgr24").to_ndarray())
                step = 1 / (info.fps or USUAL_FPS)
                stamp = number * step if decoded.time is None else float(decoded.time)
                seconds = clock.reading(stamp, step=step)
                number += 1
                yield Frame(
                    number=number,
                    seconds=seconds,
                    taken=start + timedelta(seconds=seconds),
                    pixels=pixels,
                    info=info,
                    decode_seconds=time.perf_counter() - began,
                )
                if stopped.is_set():
                    return
                began = time.perf_counter()
            self._tell_what_lacks(container, number, seconds, tell)

    def _tell_what_lacks(self, container: InputContainer, frames: int, reached: float, tell: Tell) -> None:
        """Tell when there are fewer frames than the file declares, or they end before it does."""
        stream = container.streams.video[0]
        step = 1 / float(stream.average_rate or USUAL_FPS)
        declared, shown = stream.frames, float((stream.duration or 0) * (stream.time_base or 0))
        length = (container.duration or 0) / MICROSECONDS
        if container.format.name.startswith("matroska"):  # it counts from its clock's zero, not from the first frame
            length -= (container.start_time or 0) / MICROSECONDS
        if not frames:
            tell("empty", f"The video {self.name!r} holds no frame that can be decoded.")
        elif declared > frames and shown - reached > FRAMES_SHORT * step:
            # Else those that lack are there and not to be shown: an editor has cut them off and left them in the file.
            tell("damaged", f"The video {self.name!r} declares {declared} frames and has only {frames}.")
        elif length - reached > END_SECONDS + step:
            tell("damaged", f"The video {self.name!r} declares {length:.1f} s and its frames end at {reached:.1f} s.")

    def _decoded(self, container: InputContainer, stream: VideoStream, tell: Tell) -> Iterator[VideoFrame]:
        """Yield what can be decoded, and tell once of what cannot."""
        broken = 0
        packets = self._packets(container, stream, tell)
        for packet in packets:
            try:
                yield from _checked(packet.decode(), self._most, self.name)
            except ValueError:  # what FFmpeg's errors are: of invalid data, mostly
                broken += 1
        if broken:
            tell("damaged", f"Of the video {self.name!r}, {broken} pieces could not be decoded.")

    def _packets(self, container: InputContainer, stream: VideoStream, tell: Tell) -> Iterator[Packet[VideoStream]]:
        try:
            yield from container.demux(stream)
        except (OSError, ValueError):
            tell("damaged", f"The video {self.name!r} cannot be read to its end.")

    def _info(self, stream: VideoStream, first: VideoFrame, held: Held) -> SourceInfo:
        rate, size, aspect = stream.average_rate, (first.width, first.height), stream.sample_aspect_ratio or Fraction(1)
        width, height = reversed(size) if held.turns % 2 else size
        return SourceInfo(
            width=width,
            height=height,
            pixel_aspect=1 / aspect if held.turns % 2 else aspect,
            fps=float(rate) if rate else None,
            total_frames=stream.frames or None,
            file=self._path,
            start=float(first.time or 0.0),
            constant_rate=bool(rate) and rate == stream.base_rate,
            **({"clock": stream.time_base} if stream.time_base else {}),
        )


@contextmanager
def opened(path: Path) -> Iterator[InputContainer]:
    """Open a video file.

    Raises:
        InputError: It cannot be opened, or has no pictures (``video_unreadable``).
    """
    import av

    if not path.is_file():
        raise _unreadable(path, "is a folder" if path.is_dir() else "is not there, or is no file")
    if not path.stat().st_size:
        raise _unreadable(path, "is empty")
    with ExitStack() as stack:
        try:
            file = stack.enter_context(path.open("rb"))
            container = stack.enter_context(av.open(file, "r", options=PLAIN, buffer_size=BUFFER))
        except (av.FFmpegError, ValueError) as error:
            raise _unreadable(path, "is no video, is of a rare format, or lacks its beginning or its end") from error
        except OSError as error:
            raise _unreadable(path, f"cannot be opened: {(error.strerror or '').lower()}") from error
        if not container.streams.video:
            raise _unreadable(path, "has no pictures")
        yield container


def _unreadable(path: Path, what: str) -> InputError:
    return refusal(f"The video {path.name or str(path)!r} {what}.", at="", code="video_unreadable")


def _checked(frames: list[VideoFrame], most: int | None, name: str) -> Iterator[VideoFrame]:
    for frame in frames:
        if most is not None and frame.width * frame.height > most:
            message = (
                f"The video {name!r} has {frame.width} x {frame.height} pixels a frame; at most {most} are allowed."
            )
            raise refusal(message, at="", code="video_too_large")
        yield frame


def _recorded(container: InputContainer) -> datetime:
    """Return when the recording began, if the file says so."""
    try:
        told = datetime.fromisoformat(container.metadata.get("creation_time", ""))
    except ValueError:
        return EPOCH
    return told if told.tzinfo else told.replace(tzinfo=UTC)
