"""Colours as a workflow writes them, and pixels that can take a colour."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from supervision import Color

from workflow_engine.errors import BlockError

NAMES = {
    "WHITE": "#FFFFFF",
    "BLACK": "#000000",
    "GREY": "#808080",
    "RED": "#FF0000",
    "GREEN": "#00FF00",
    "BLUE": "#0000FF",
    "YELLOW": "#FFFF00",
    "ROBOFLOW": "#A351FB",
}
_HEX = re.compile(r"#(?:[0-9a-f]{3}|[0-9a-f]{6})", re.IGNORECASE)
_NUMBERS = re.compile(r"(rgb|bgr)?\(\s*(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})\s*\)", re.IGNORECASE)


def parse_color(value: str | Sequence[int]) -> Color:
    """Read a colour.

    Args:
        value: ``#RRGGBB``, ``#RGB``, ``rgb(r, g, b)`` or ``(r, g, b)``, ``bgr(b, g, r)``, one of ``NAMES`` in any case,
            or three numbers red, green, blue; each from 0 to 255.

    Raises:
        BlockError: The value is none of these.
    """
    numbers = _numbers(value.strip()) if isinstance(value, str) else list(value)
    if len(numbers) != 3 or not all(0 <= number <= 255 for number in numbers):
        message = f"{value!r} is not a colour; expected #RRGGBB, rgb(r, g, b) with numbers up to 255, or a name."
        raise BlockError(message, hint=f"The names are {', '.join(NAMES)}.", code="bad_color")
    red, green, blue = (int(number) for number in numbers)
    return Color(red, green, blue)


def _numbers(text: str) -> list[int]:
    """Return red, green and blue, or nothing when the text is no colour."""
    text = NAMES.get(text.upper(), text)
    if _HEX.fullmatch(text):
        return list(Color.from_hex(text).as_rgb())
    match = _NUMBERS.fullmatch(text)
    if match is None:
        return []
    numbers = [int(number) for number in match.groups()[1:]]
    return numbers[::-1] if (match[1] or "").lower() == "bgr" else numbers


def colored(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a copy in three channels (blue, green, red) that may be drawn on; grey pixels keep their looks."""
    if pixels.ndim == 3:
        return pixels.copy()
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR), dtype=np.uint8)


def tinted(pixels: NDArray[np.uint8], color: Color, opacity: float) -> NDArray[np.uint8]:
    """Return a copy in three channels, mixed with ``color``: the share ``opacity`` of it, the rest pixels."""
    drawn = colored(pixels)
    return np.asarray(cv2.addWeighted(drawn, 1 - opacity, filled(drawn.shape[:2], color), opacity, 0), dtype=np.uint8)


def filled(size: tuple[int, int], color: Color) -> NDArray[np.uint8]:
    """Return an image of ``size`` (height, width) in one colour, (H, W, 3)."""
    pixels = np.empty((*size, 3), dtype=np.uint8)
    # By whole rows: pixel by pixel takes a hundred times as long.
    pixels.reshape(size[0], -1)[...] = np.tile(np.array(color.as_bgr(), dtype=np.uint8), size[1])
    return pixels


def cover(pixels: NDArray[np.uint8], inside: NDArray[np.bool_], source: NDArray[Any]) -> None:
    """Replace the pixels that are ``inside``, (H, W), by those of ``source``, in place; both are of one shape.

    A part of a larger image may be covered. Indexing does the same and takes a hundred times as long.
    """
    cv2.copyTo(source, inside.view(np.uint8), pixels)
