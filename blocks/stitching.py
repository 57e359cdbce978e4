"""Put two pictures of one scene together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from workflow_engine.api import Ancestry, Image, RunContext, colors

Pixels: TypeAlias = NDArray[np.uint8]
Points: TypeAlias = NDArray[np.float32]  # (k, 2) of x, y
Matrix: TypeAlias = NDArray[np.float64]  # (3, 3)
Features: TypeAlias = tuple[Points, NDArray[np.float32]]  # where they are, and what they look like

DISTINCT = 0.75  # a match counts when it is closer than this share of the next best (D. Lowe, IJCV 2004)
LEAST_MATCHES = 4  # that a homography takes


def stitch_images(
    image1: Image,
    image2: Image,
    *,
    max_allowed_reprojection_error: float | None,
    count_of_best_matches_per_query_descriptor: int | None,
    context: RunContext,
) -> dict[str, Image | None]:
    """Warp one picture so that it continues the other one, which is put on top of it as it is.

    The one that is warped has its features further left on average. The result is a picture of its own, named after
    both; it is ``None`` where the two have too little in common, or would make one that is too large.
    """
    error = 3.0 if max_allowed_reprojection_error is None else max_allowed_reprojection_error
    pictures = _alike([image1.pixels, image2.pixels])
    one, other = (_features(pixels) for pixels in pictures)
    places = _matched(one, other, count_of_best_matches_per_query_descriptor or 2)
    if len(places[0]) < LEAST_MATCHES:
        return {"stitched_image": None}
    moved = 0 if one[0][:, 0].mean() < other[0][:, 0].mean() else 1
    matrix, most = _homography(places[moved], places[1 - moved], error), context.settings.limits.image_pixels
    pixels = None if matrix is None else _joined(pictures[moved], pictures[1 - moved], matrix, most)
    if pixels is None:
        return {"stitched_image": None}
    id, size = f"{image1.ancestry.id} + {image2.ancestry.id}", (pixels.shape[0], pixels.shape[1])
    return {"stitched_image": Image(pixels=pixels, ancestry=Ancestry.root(id, size), video=image1.video)}


def _alike(pictures: Sequence[Pixels]) -> Sequence[Pixels]:
    """Return the pictures, all in colour when some are."""
    return pictures if all(pixels.ndim == 2 for pixels in pictures) else [colors.colored(one) for one in pictures]


def _features(pixels: Pixels) -> Features:
    found, descriptors = cv2.SIFT.create().detectAndCompute(pixels, None)
    places = np.array([one.pt for one in found], dtype=np.float32).reshape(-1, 2)
    return places, np.zeros((0, 128), np.float32) if descriptors is None else np.asarray(descriptors, np.float32)


def _matched(one: Features, other: Features, count: int) -> tuple[Points, Points]:
    """Return where features of the first that have one clear likeness in the second lie, in both."""
    candidates: Sequence[Sequence[Any]] = []
    if len(one[1]) and len(other[1]):
        candidates = cv2.BFMatcher.create().knnMatch(one[1], other[1], k=count)
    clear = [best for best, *others in candidates if others and best.distance < DISTINCT * others[0].distance]
    return one[0][[match.queryIdx for match in clear]], other[0][[match.trainIdx for match in clear]]


def _homography(moved: Points, fixed: Points, error: float) -> Matrix | None:
    matrix, _ = cv2.findHomography(moved, fixed, cv2.RANSAC, error)
    return None if matrix is None else np.asarray(matrix, dtype=np.float64)


def _joined(moved: Pixels, fixed: Pixels, matrix: Matrix, most: int | None) -> Pixels | None:
    """Return the warped picture with the other one on it; ``None`` when that takes more than so many pixels."""
    height, width = moved.shape[:2]
    corners = np.array([[(0, 0), (0, height), (width, height), (width, 0)]], dtype=np.float64)
    reached = cv2.perspectiveTransform(corners, matrix)[0]
    height, width = fixed.shape[:2]
    left, top = np.minimum(np.trunc(reached.min(axis=0)), 0).tolist()
    right, bottom = np.maximum(np.trunc(reached.max(axis=0)), (width, height)).tolist()
    if most is not None and (right - left) * (bottom - top) > most:
        return None
    x, y = int(-left), int(-top)
    shift = np.array([(1, 0, x), (0, 1, y), (0, 0, 1)], dtype=np.float64)
    canvas = np.asarray(cv2.warpPerspective(moved, shift @ matrix, (int(right) + x, int(bottom) + y)), dtype=np.uint8)
    canvas[y : y + height, x : x + width] = fixed
    return canvas
