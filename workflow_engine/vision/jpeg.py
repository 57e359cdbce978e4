"""JPEG files, encoded by several cores at once.

What stands between two restart markers depends on nothing before them (ITU-T T.81, section E.1.4). So strips of a
picture are encoded by themselves and put one below the other, and a reader finds the very pixels that it finds in a
file that was encoded as a whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import ceil

import cv2
import numpy as np
from numpy.typing import NDArray

from workflow_engine.side_by_side import on_free_cores

LEAST_PIXELS = 1 << 17
"""Of a strip: for fewer, waking a thread takes as long as it saves."""
MOST_STRIPS = 8
"""The same on every machine, so that a picture has the same file everywhere."""
MOST_BLOCKS = 0xFFFF
"""As many may lie between two restart markers."""
HIGHEST = 65_500
"""Rows that libjpeg takes."""
COLOR_BLOCK, GREY_BLOCK = 16, 8
"""Side of a block in pixels; that of colours has four of brightness and one of each colour, at half the resolution."""

FRAME, SCAN, RESTART, END = 0xC0, 0xDA, 0xD0, b"\xff\xd9"
"""Markers: of what tells the size, of what stands before the data, between two strips, and after all."""


def encode(pixels: NDArray[np.uint8], quality: int) -> bytes:
    """Return a picture, grey or blue-green-red, as a JPEG file of ``quality`` 0 to 100.

    Raises:
        cv2.error: The array is no such picture, or too large for the format.
    """
    rows, blocks = _strip(pixels) if pixels.ndim in (2, 3) and len(pixels) <= HIGHEST else (len(pixels), 0)
    if rows >= len(pixels):
        return bytes(_encoded(pixels, [cv2.IMWRITE_JPEG_QUALITY, quality]))
    settings = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_RST_INTERVAL, blocks]
    first, *others = (partial(_encoded, pixels[top : top + rows], settings) for top in range(0, len(pixels), rows))
    below = on_free_cores(dict(enumerate(others)))
    return _joined([first(), *(strip() for strip in below.values())], height=len(pixels))


def _strip(pixels: NDArray[np.uint8]) -> tuple[int, int]:
    """Return how many rows a strip has, and how many blocks."""
    height, width, *channels = pixels.shape
    side = GREY_BLOCK if channels in ([], [1]) else COLOR_BLOCK
    count = min(height * width // LEAST_PIXELS, MOST_STRIPS) or 1
    across, down = ceil(width / side), ceil(height / (count * side))
    down = min(down, MOST_BLOCKS // max(across, 1))
    return down * side, down * across


def _encoded(pixels: NDArray[np.uint8], settings: list[int]) -> memoryview:
    written, file = cv2.imencode(".jpg", pixels, settings)
    if not written:
        raise cv2.error("the picture is too large for the format")
    return file.data


def _joined(files: Sequence[memoryview], *, height: int) -> bytes:
    """Return the files of strips, alike and of one restart interval each, as that of a picture of ``height``."""
    frame, scan = _places(files[0])
    head = bytearray(files[0][:scan])
    head[frame + 5 : frame + 7] = height.to_bytes(2, "big")  # behind the marker, a length, and the bits of a sample
    pieces: list[bytes | bytearray | memoryview] = [head, files[0][scan:-2]]
    for number, file in enumerate(files[1:]):
        pieces += [bytes((0xFF, RESTART + number % 8)), file[_places(file)[1] : -2]]
    return b"".join([*pieces, END])


def _places(file: memoryview) -> tuple[int, int]:
    """Return where the size is told, from the marker on, and where the data begin."""
    at = frame = 2
    while file[at + 1] != SCAN:
        frame = at if file[at + 1] == FRAME else frame
        at = _after(file, at)
    return frame, _after(file, at)


def _after(file: memoryview, at: int) -> int:
    """Return where the segment ends that begins with a marker at ``at``."""
    return at + 2 + int.from_bytes(file[at + 2 : at + 4], "big")
