"""Measure the colours of an image."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from workflow_engine.api import Image, colors

SETTLED = 0.5  # squared distance, in colour steps, under which a cluster's middle has stopped moving


def pixel_color_count(image: Image, *, target_color: str | Sequence[int], tolerance: int) -> dict[str, int]:
    """Count the pixels of which every channel is within ``tolerance`` of the colour."""
    wanted = np.array(colors.parse_color(target_color).as_bgr())
    matching = cv2.inRange(colors.colored(image.pixels), wanted - tolerance, wanted + tolerance)
    return {"matching_pixels_count": cv2.countNonZero(matching)}


def dominant_color(
    image: Image, *, color_clusters: int, max_iterations: int, target_size: int
) -> dict[str, tuple[int, int, int]]:
    """Return the mean colour, as red, green, blue, of the largest of the clusters that an image's colours fall into.

    Of a large image every n-th row and column is looked at, so that the shorter side has about ``target_size`` pixels.
    The same image always gives the same colour.
    """
    step = max(1, min(image.width, image.height) // target_size)
    sampled = colors.colored(image.pixels[::step, ::step]).reshape(-1, 3)
    shades, counts = np.unique(sampled, axis=0, return_counts=True)
    middles = _clusters(shades.astype(np.float64), counts, color_clusters, max_iterations)
    sizes = np.bincount(_nearest(shades, middles), weights=counts, minlength=len(middles))
    blue, green, red = (round(channel) for channel in middles[sizes.argmax()].tolist())
    return {"rgb_color": (red, green, blue)}


def _clusters(
    shades: NDArray[np.float64], counts: NDArray[np.int64], number: int, max_iterations: int
) -> NDArray[np.float64]:
    """Return the middles of at most ``number`` clusters of shades that occur ``counts`` times (k-means).

    They start from the most frequent shade and, each time, the one that is farthest from those already taken, weighted
    with how often it occurs.
    """
    middles = shades[[counts.argmax()]]
    for _ in range(min(number, len(shades)) - 1):
        gaps = ((shades[:, np.newaxis] - middles) ** 2).sum(axis=2).min(axis=1)
        middles = np.vstack([middles, shades[(gaps * counts).argmax()]])
    for _ in range(max_iterations):
        members = _nearest(shades, middles)
        sizes = np.bincount(members, weights=counts, minlength=len(middles))
        sums = [
            np.bincount(members, weights=counts * shades[:, channel], minlength=len(middles)) for channel in range(3)
        ]
        moved = np.where(
            sizes[:, np.newaxis] > 0, np.stack(sums, axis=1) / np.maximum(sizes, 1)[:, np.newaxis], middles
        )
        settled = ((moved - middles) ** 2).sum(axis=1).max() < SETTLED**2
        middles = moved
        if settled:
            break
    return middles


def _nearest(shades: NDArray[np.number], middles: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the place of the nearest middle for every shade."""
    offsets = (middles**2).sum(axis=1) - 2 * (shades @ middles.T)
    return np.asarray(offsets.argmin(axis=1), dtype=np.intp)
