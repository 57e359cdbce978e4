"""Surround objects with a glow."""

from __future__ import annotations

from typing import Unpack

import cv2
import numpy as np
from numpy.typing import NDArray
from supervision import ColorPalette

from blocks.visualize.palettes import Coloring, row_colors
from blocks.visualize.regions import largest_first, regions
from workflow_engine.api import Detections, Image, colors

# Rows of an image that are mixed at a time.
BAND = 64


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
    paint, covered = _painted(predictions, (image.height, image.width), palette)
    x, y, width, height = cv2.boundingRect(covered.view(np.uint8))
    if width:
        # Beyond this rectangle there is no halo.
        where = np.s_[
            max(y - kernel_size, 0) : y + height + kernel_size, max(x - kernel_size, 0) : x + width + kernel_size
        ]
        blurred = cv2.blur(paint[where], (kernel_size, kernel_size))
        glow = np.asarray(cv2.copyTo(blurred, (~covered[where]).view(np.uint8)), dtype=np.uint8)
        _add(pixels[where], glow, opacity, look)
    return {"image": image.with_pixels(pixels)}


def _painted(
    predictions: Detections, size: tuple[int, int], palette: ColorPalette
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Return the objects' colours over black, larger objects under smaller ones, and which pixels are objects."""
    paint, covered = np.zeros((*size, 3), dtype=np.uint8), np.zeros(size, dtype=np.bool_)
    for region in regions(predictions, size, order=largest_first(predictions)):
        colors.cover(
            paint[region.where], region.inside, colors.filled(region.inside.shape, palette.by_idx(region.index))
        )
        covered[region.where] |= region.inside
    return paint, covered


def _add(pixels: NDArray[np.uint8], glow: NDArray[np.uint8], opacity: float, look: str) -> None:
    """Mix the pixels with a halo where there is one, in place; in bands, since a mixture is of wide numbers."""
    brightness = np.asarray(cv2.cvtColor(glow, cv2.COLOR_BGR2GRAY), dtype=np.uint8)
    brightest = brightness.max()
    for start in range(0, len(pixels), BAND):
        band = slice(start, start + BAND)
        lit = np.flatnonzero(brightness[band] > 0)
        taken = (opacity * brightness[band].ravel()[lit] / brightest)[:, np.newaxis]
        halo = glow[band].reshape(-1, 3)[lit] * (opacity if look == "Glow" else taken)
        mixed = pixels[band].reshape(-1, 3)
        mixed[lit] = (mixed[lit] * (1 - taken) + halo).clip(0, 255)
        pixels[band] = mixed.reshape(pixels[band].shape)
