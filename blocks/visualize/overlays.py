"""Tint an image by what is known of each of its pixels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from supervision import Color

from blocks.visualize.regions import regions
from workflow_engine.api import BlockError, Detections, Image, colors

PURPLE = ("#4d049a", "#6706ce", "#8315f9", "#a351fb", "#c28dfc")
COLOR_MAPS: Mapping[str, int] = {
    "JET": cv2.COLORMAP_JET,
    "TURBO": cv2.COLORMAP_TURBO,
    "INFERNO": cv2.COLORMAP_INFERNO,
    "VIRIDIS": cv2.COLORMAP_VIRIDIS,
    "HOT": cv2.COLORMAP_HOT,
}


def model_comparison_visualization(
    image: Image,
    predictions_a: Detections,
    predictions_b: Detections,
    *,
    color_a: str,
    color_b: str,
    background_color: str,
    opacity: float,
) -> dict[str, Image]:
    """Tint what only A found, what only B found, and what neither did; what both found stays as it is.

    What was found is the masks, or the boxes of objects without masks.
    """
    size = (image.height, image.width)
    in_a, in_b = _covered(predictions_a, size), _covered(predictions_b, size)
    drawn = colors.colored(image.pixels)
    for where, color in ((~in_a & ~in_b, background_color), (in_a & ~in_b, color_a), (in_b & ~in_a, color_b)):
        colors.cover(drawn, where, colors.tinted(image.pixels, colors.parse_color(color), opacity))
    return {"image": image.with_pixels(drawn)}


def _covered(predictions: Detections, size: tuple[int, int]) -> NDArray[np.bool_]:
    covered = np.zeros(size, dtype=np.bool_)
    for region in regions(predictions, size):
        covered[region.where] |= region.inside
    return covered


def anomaly_heatmap_visualization(
    image: Image, anomaly_map: Any, *, anomaly_threshold: float, color_map: str, opacity: float
) -> dict[str, Image]:
    """Colour the parts of the image that are more anomalous than the threshold.

    The map is one value per pixel of a picture of any size, which is stretched over the image. The colours begin at
    the threshold and end at twice the threshold.
    """
    values = np.squeeze(np.asarray(anomaly_map, dtype=np.float32))
    if values.ndim != 2 or not values.size:
        message = f"An anomaly map must have rows and columns of numbers; found an array of shape {values.shape}."
        raise BlockError(message, code="bad_value")
    values = np.asarray(cv2.resize(np.nan_to_num(values), (image.width, image.height)), dtype=np.float32)
    heat = np.clip((values - anomaly_threshold) / (abs(anomaly_threshold) or 1.0), 0, 1)
    drawn = colors.colored(image.pixels)
    painted = _painted((heat * 255).astype(np.uint8), color_map)
    colors.cover(drawn, values > anomaly_threshold, cv2.addWeighted(drawn, 1 - opacity, painted, opacity, 0))
    return {"image": image.with_pixels(drawn)}


def _painted(heat: NDArray[np.uint8], color_map: str) -> NDArray[np.uint8]:
    """Return the colour of every value, (H, W, 3)."""
    if color_map in COLOR_MAPS:
        return np.asarray(cv2.applyColorMap(heat, COLOR_MAPS[color_map]), dtype=np.uint8)
    stops = np.array([Color.from_hex(color).as_bgr() for color in PURPLE], dtype=np.float64)
    places = np.linspace(0, len(PURPLE) - 1, 256)
    table = np.stack([np.interp(places, np.arange(len(PURPLE)), stops[:, channel]) for channel in range(3)], axis=1)
    return table.astype(np.uint8)[heat]
