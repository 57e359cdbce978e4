"""Surround objects with a glow."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Unpack

import cv2
import numpy as np
from numpy.typing import NDArray
from supervision import ColorPalette

from blocks.visualize.palettes import Coloring, row_colors
from blocks.visualize.regions import Region, regions
from workflow_engine.api import Detections, Image, colors


def halo_visualization(
    image: Image,
    predictions: Detections,
    *,
    look: str,
    opacity: float,
    kernel_size: int,
    **coloring: Unpack[Coloring],
) -> dict[str, Image]:
    """Surround every object with a halo that reaches half of ``kernel_size`` pixels; objects stay as they are.

    An object is its mask, or its box when it has none. The halo is the objects' colours averaged over a square, and
    black on the objects. The image gives way to it to the degree of its brightness; with the ``look`` of ``Glow`` all
    of its colour is added there, with ``Shade`` only that degree of it.
    """
    palette = row_colors(predictions, **coloring)
    pixels = colors.colored(image.pixels)
    glow = _glow(list(regions(predictions, (image.height, image.width))), pixels.shape, palette, kernel_size)
    brightness = cv2.cvtColor(glow, cv2.COLOR_BGR2GRAY).astype(np.float32)
    if brightness.any():
        taken = (opacity / brightness.max() * brightness)[..., np.newaxis]
        mixed = pixels * (1 - taken) + glow * (np.float32(opacity) if look == "Glow" else taken)
        pixels = np.clip(mixed, 0, 255).astype(np.uint8)
    return {"image": image.with_pixels(pixels)}


def _glow(
    shown: Iterable[Region], shape: tuple[int, ...], palette: ColorPalette, kernel_size: int
) -> NDArray[np.uint8]:
    """Return the objects' colours, larger objects under smaller ones, blurred over black; black where objects are."""
    paint, covered = np.zeros(shape, dtype=np.uint8), np.zeros(shape[:2], dtype=np.bool_)
    for region in sorted(shown, key=lambda region: -np.count_nonzero(region.inside)):
        paint[region.where][region.inside] = palette.by_idx(region.index).as_bgr()
        covered[region.where] |= region.inside
    blurred = np.asarray(cv2.blur(paint, (kernel_size, kernel_size)), dtype=np.uint8)
    blurred[covered] = 0
    return blurred
