"""Write a text in a box on an image."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from workflow_engine.api import Image, apply_each, colors

PLACEHOLDER = re.compile(r"\{\{\s*\$parameters\.(\w+)\s*\}\}")
FONT = cv2.FONT_HERSHEY_SIMPLEX
SHARES: Mapping[str, float] = {"left": 0.0, "top": 0.0, "center": 0.5, "right": 1.0, "bottom": 1.0}


def text_display(
    image: Image,
    *,
    text: str,
    text_parameters: Mapping[str, Any],
    text_parameters_operations: Mapping[str, list[dict[str, Any]]],
    text_color: str,
    background_color: str,
    background_opacity: float,
    font_scale: float,
    font_thickness: int,
    padding: int,
    text_align: str,
    border_radius: int,
    position_mode: str,
    position_x: int,
    position_y: int,
    anchor: str,
    offset_x: int,
    offset_y: int,
) -> dict[str, Image]:
    """Write a text of one or more lines in a box that stays within the image.

    ``{{ $parameters.name }}`` stands for a value of ``text_parameters``, which first goes through the operations of
    that name; other placeholders stay as they are. The box's corner is at (``position_x``, ``position_y``), or the box
    lies at the ``anchor`` of the image, moved by the offset. The background ``transparent`` draws none.
    """
    drawn = colors.colored(image.pixels)
    values = apply_each(text_parameters_operations, text_parameters, field="text_parameters_operations")
    written = PLACEHOLDER.sub(lambda found: str(values[found[1]]) if found[1] in values else found[0], text)
    block = _measured(written, font_scale, font_thickness)
    size = (block.width + 2 * padding, block.height + 2 * padding)
    if position_mode == "absolute":
        x, y = position_x, position_y
    else:
        x, y = _anchored(anchor, size, (image.width, image.height))
        x, y = x + offset_x, y + offset_y
    x, y = max(min(x, image.width - size[0]), 0), max(min(y, image.height - size[1]), 0)
    if background_color.lower() != "transparent":
        box = drawn[y : y + size[1], x : x + size[0]]
        _fill(box, colors.parse_color(background_color).as_bgr(), background_opacity, border_radius)
    _write(drawn, block, x + padding, y + padding, text_align, colors.parse_color(text_color).as_bgr())
    return {"image": image.with_pixels(drawn)}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Block:
    """Lines of text with their measures in pixels."""

    lines: tuple[str, ...]
    widths: tuple[int, ...]
    ascent: int
    step: int
    height: int
    scale: float
    thickness: int

    @property
    def width(self) -> int:
        return max(self.widths)


def _measured(text: str, scale: float, thickness: int) -> _Block:
    """Return the measures of a text: lines as high as letters with a stroke above and one below, a quarter apart."""
    lines = tuple(text.split("\n"))
    (_, ascent), descent = cv2.getTextSize("Ag", FONT, scale, thickness)
    gap = max(1, round((ascent + descent) / 4))
    return _Block(
        lines=lines,
        widths=tuple(cv2.getTextSize(line, FONT, scale, thickness)[0][0] if line.strip() else 0 for line in lines),
        ascent=ascent,
        step=ascent + descent + gap,
        height=len(lines) * (ascent + descent + gap) - gap,
        scale=scale,
        thickness=thickness,
    )


def _anchored(anchor: str, size: tuple[int, int], room: tuple[int, int]) -> tuple[int, int]:
    """Return the corner (x, y) of a box of ``size`` (width, height) at the anchor of ``room``, such as ``top_left``."""
    down, _, across = anchor.partition("_")
    shares = (SHARES[across or "center"], SHARES[down])
    x, y = (round(share * whole) - round(share * part) for share, whole, part in zip(shares, room, size, strict=True))
    return x, y


def _fill(box: NDArray[np.uint8], color: tuple[int, int, int], opacity: float, radius: int) -> None:
    """Mix a colour into a part of an image, except beyond its round corners."""
    height, width = box.shape[:2]
    radius = min(radius, (width - 1) // 2, (height - 1) // 2)
    layer = box.copy()
    if radius > 0:
        for (left, top), (right, bottom) in (
            ((radius, 0), (width - 1 - radius, height - 1)),
            ((0, radius), (width - 1, height - 1 - radius)),
        ):
            cv2.rectangle(layer, (left, top), (right, bottom), color, cv2.FILLED)
        for x in (radius, width - 1 - radius):
            for y in (radius, height - 1 - radius):
                cv2.circle(layer, (x, y), radius, color, cv2.FILLED)
    else:
        layer[:] = color
    if box.size:
        box[:] = cv2.addWeighted(layer, opacity, box, 1 - opacity, 0)


def _write(pixels: NDArray[np.uint8], block: _Block, x: int, y: int, align: str, color: tuple[int, int, int]) -> None:
    """Draw the lines, the first one's top-left corner at (x, y)."""
    for number, (line, width) in enumerate(zip(block.lines, block.widths, strict=True)):
        left = x + int(SHARES[align] * (block.width - width))
        baseline = y + block.ascent + number * block.step
        cv2.putText(pixels, line, (left, baseline), FONT, block.scale, color, block.thickness, cv2.LINE_AA)
