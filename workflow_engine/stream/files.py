"""Frames of a video file, decoded with PyAV.

FFmpeg is handed an open file and never a name, and knows only formats that hold a video themselves: a playlist, a list
of files or a pattern in a name has nothing to act on.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workflow_engine.errors import InputError
from workflow_engine.stream.frame import Frame, SourceInfo, Tell
from workflow_engine.vision.refusals import refusal

if TYPE_CHECKING:  # av is loaded with the first video
    from av import Packet, VideoFrame, VideoStream
    from av.container import InputContainer

FORMATS = "mov,matroska,avi,mpegts,mpeg,mpegvideo,flv,asf,ogg,h264,hevc,m4v,mjpeg,gif,apng,mxf,ivf,obu,yuv4mpegpipe,dv"
PLAIN = {"protocol_whitelist": "pipe", "format_whitelist": FORMATS}
BUFFER = 1 << 18
USUAL_FPS = 25.0
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECONDS = 1_000_000
DECODERS = max((os.cpu_count() or 1) // 2, 1)
"""Threads that decode. With one for every core they take turns with those of the network, which wait for each other."""
END_SECONDS = 1.0
"""How long before the end of a whole video its last frame may lie: its sound may go on for a little."""
TURNED = 90  # degrees: the step in which pictures are turned


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
            info = None
            start = _recorded(container)
            seconds = 0.0
            number, began = 0, time.perf_counter()
            for decoded in self._decoded(container, stream, tell):
                info = info or self._info(stream, decoded)
                pixels = _upright(to_bgr.reformat(decoded, format="bgr24"), decoded.rotation)
                seconds = number / (info.fps or USUAL_FPS) if decoded.time is None else float(decoded.time)
                number += 1
                yield Frame(
                    number=number,
                    seconds=seconds - info.start,
                    taken=start + timedelta(seconds=seconds - info.start),
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
        declared, length = container.streams.video[0].frames, (container.duration or 0) / MICROSECONDS
        if not frames:
            tell("empty", f"The video {self.name!r} holds no frame that can be decoded.")
        elif declared > frames:
            tell("damaged", f"The video {self.name!r} declares {declared} frames and has only {frames}.")
        elif length - reached > END_SECONDS:
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

    def _info(self, stream: VideoStream, first: VideoFrame) -> SourceInfo:
        turned = round(first.rotation / TURNED) % 2
        width, height = (first.height, first.width) if turned else (first.width, first.height)
        rate = stream.average_rate
        return SourceInfo(
            width=width,
            height=height,
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
    return refusal(f"The video {path.name!r} {what}.", at="", code="video_unreadable")


def _upright(frame: VideoFrame, rotation: float) -> NDArray[np.uint8]:
    """Return a frame's pixels turned as the camera was held: by ``rotation`` degrees, counter-clockwise."""
    pixels: NDArray[Any] = frame.to_ndarray()
    turns = round(rotation / TURNED) % 4  # counter-clockwise, as numpy turns
    return np.ascontiguousarray(np.rot90(pixels, turns)) if turns else pixels


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
