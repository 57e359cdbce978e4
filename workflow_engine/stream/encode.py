"""An annotated video: H.264 that any player shows, whole or absent."""

from __future__ import annotations

import os
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any
from uuid import uuid4

import cv2
import numpy as np
from numpy.typing import NDArray

from workflow_engine.errors import InputError, Problem
from workflow_engine.stream.frame import USUAL_FPS, SourceInfo
from workflow_engine.stream.sound import Sound

CONTAINERS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska"}
ENCODERS = ("libx264", "libopenh264", "mpeg4")
"""In order of preference; the last is part of every FFmpeg, and is not H.264."""
SETTINGS = {"libx264": {"preset": "veryfast", "crf": "23"}, "mpeg4": {"flags": "qscale", "global_quality": "472"}}
"""How good the pictures are. That of MPEG-4 is its quantizer, 4 of 31, in units of 1/118."""
FINEST = {"mpeg4": Fraction(1, 60_000)}
"""The shortest tick in seconds that an encoder's clock may have: MPEG-4 writes its number in 16 bits."""
BT709 = 1


class VideoFile:
    """A video file to which pictures are added, each at its own time; it appears under its name when it is closed.

    The sound of a source that is a file comes with it, unchanged, for as long as there are pictures.
    """

    def __init__(self, path: Path) -> None:
        """Name the file; it is begun with the first picture.

        Raises:
            InputError: The name's ending is that of no format for H.264.
        """
        if path.suffix.lower() not in CONTAINERS:
            hint = f"Use one of {', '.join(CONTAINERS)}."
            message = f"The video {path.name!r} has an ending that is not known."
            raise InputError(Problem(code="bad_ending", message=message, hint=hint, whose="caller"))
        self.path = path
        self.remarks: list[str] = []
        """What is other than one might expect, as sentences."""
        # In the same folder, so that the last step is a rename and not a copy.
        self._part = path.with_name(f".{path.name[:40]}.{uuid4().hex}.part")
        self.begun = False
        """Whether there is a picture in it, and so a file once it is closed."""
        self._container: Any = None
        self._stream: Any = None
        self._to_yuv: Any = None
        self._sound: Any = None
        self._size = (0, 0)
        self._clock = Fraction(1)
        self._step = 0.0
        self._last = -1
        self._scaled = False

    def add(self, pixels: NDArray[np.uint8], seconds: float, info: SourceInfo) -> None:
        """Add a picture, blue-green-red or grey, that is shown from ``seconds`` on.

        Raises:
            OSError: The file cannot be written.
        """
        import av

        if self._container is None:
            self._begin(pixels, info)
        frame = av.VideoFrame.from_ndarray(self._fitted(pixels), format="bgr24")
        frame = self._to_yuv.reformat(frame, format="yuv420p", dst_colorspace="ITU709")
        self._sound.copy_until(seconds)
        self._last = max(round(seconds / self._clock), self._last + 1)
        frame.pts, frame.time_base = self._last, self._clock
        self._container.mux(self._stream.encode(frame))

    def close(self) -> None:
        """Finish the file and give it its name; without a picture there is no file.

        Raises:
            OSError: The file cannot be finished; nothing is left of it.
        """
        if self._container is None:
            return
        try:
            self._sound.copy_until(float(self._last * self._clock) + self._step)  # the last picture is heard, too
            self._container.mux(self._stream.encode(None))
            self._container.close()
            self._sound.close()
            with self._part.open("rb") as file:
                os.fsync(file.fileno())
            self._part.replace(self.path)
        except BaseException:
            self.discard()
            raise

    def discard(self) -> None:
        """Leave nothing of the file."""
        if self._container is not None:
            with suppress(OSError, ValueError):  # what made it impossible may still be the case
                self._container.close()
            self._sound.close()
        with suppress(OSError):
            self._part.unlink()

    def _begin(self, pixels: NDArray[np.uint8], info: SourceInfo) -> None:
        import av
        from av.video.reformatter import VideoReformatter

        height, width = pixels.shape[:2]
        self._size = (width + width % 2, height + height % 2)
        if self._size != (width, height):
            self.remarks.append(
                f"{self.path.name} is {self._size[0]} x {self._size[1]} and its frames are {width} x {height}: H.264 "
                "takes even sizes, so the last column or row is there twice."
            )
        encoder = next(name for name in ENCODERS if name in av.codecs_available)
        if encoder == ENCODERS[-1]:
            remark = f"{self.path.name} is MPEG-4 and not H.264, which this build of FFmpeg cannot write."
            self.remarks.append(remark)
        kind = CONTAINERS[self.path.suffix.lower()]
        options = {} if kind == "matroska" else {"movflags": "+faststart"}
        self._container = av.open(str(self._part), "w", format=kind, options=options)
        self._to_yuv = VideoReformatter()
        self.begun = True
        rate = Fraction(info.fps or USUAL_FPS).limit_denominator(1001)
        self._step = 1 / (info.fps or USUAL_FPS)
        self._stream = self._container.add_stream(encoder, rate=rate, options=SETTINGS.get(encoder, {}))
        context = self._stream.codec_context
        context.width, context.height = self._size
        if (width, height) == (info.width, info.height):
            context.sample_aspect_ratio = info.pixel_aspect
        context.pix_fmt = "yuv420p"
        context.time_base = self._clock = max(info.clock, FINEST.get(encoder, info.clock))
        context.colorspace = context.color_primaries = context.color_trc = BT709
        context.color_range = 1  # from black at 16 to white at 235
        self._sound = Sound(info, self._container)
        if self._sound.refused:
            self.remarks.append(
                f"{self.path.name} has no sound: {self._container.format.name} takes none of the kind "
                f"{self._sound.refused}. Use .mkv, which takes more kinds."
            )

    def _fitted(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return a picture in the video's size: the last column or row repeated, or scaled when its size changed."""
        width, height = self._size
        coloured = cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR) if pixels.ndim == 2 else pixels
        below, right = height - pixels.shape[0], width - pixels.shape[1]
        if (below, right) == (0, 0):
            return np.ascontiguousarray(coloured)
        if below in (0, 1) and right in (0, 1):
            coloured = cv2.copyMakeBorder(coloured, 0, below, 0, right, cv2.BORDER_REPLICATE)
        else:
            coloured = cv2.resize(coloured, self._size, interpolation=cv2.INTER_AREA)
            self._tell_of_scaling(pixels)
        return np.asarray(coloured, dtype=np.uint8)

    def _tell_of_scaling(self, pixels: NDArray[np.uint8]) -> None:
        if not self._scaled:
            self._scaled = True
            (height, width), own = pixels.shape[:2], self._size
            self.remarks.append(
                f"{self.path.name} is {own[0]} x {own[1]} as its first picture; others, the first of them {width} x "
                f"{height}, were scaled to that."
            )
