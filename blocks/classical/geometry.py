"""Change the shape of an image: size, orientation, the bending of a lens."""

from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from blocks.classical.grey import grey
from workflow_engine.api import Ancestry, BlockError, Image

FLIPS = {"vertical": 0, "horizontal": 1, "both": -1}
MOST_PIXELS = 100_000_000
FLAT = 3.0  # standard deviation of the grey tones under which an image has no edges to speak of
STRONG = 80.0  # percentile of the gradients' lengths from which on they count
DISTINCT = 1.5  # how many standard deviations the best direction must stand out above the median one
NEAR = 3.0  # degrees around the best direction whose gradients refine it
BINS = 180


def image_preprocessing(
    image: Image, *, task_type: str, width: int | None, height: int | None, rotation_degrees: int, flip_type: str
) -> dict[str, Image]:
    """Resize, rotate or flip an image.

    A size of which one side is missing keeps the image's proportions. A rotation is counter-clockwise; the result
    grows so that nothing is cut off, and its new corners are black.
    """
    if task_type == "resize":
        return {"image": _resized(image, width, height)}
    if task_type == "rotate":
        return {"image": _rotated(image, rotation_degrees) if rotation_degrees else image}
    return {"image": _anew(image, np.asarray(cv2.flip(image.pixels, FLIPS[flip_type]), dtype=np.uint8))}


def _resized(image: Image, width: int | None, height: int | None) -> Image:
    """Return the image in another size; objects found on it can be traced back where its proportions are kept."""
    if width is None and height is None:
        return image
    new_width = width or max(int(image.width * (height or 1) / image.height), 1)
    new_height = height or max(int(image.height * new_width / image.width), 1)
    if new_width * new_height > MOST_PIXELS:
        message = f"The resized image would have {new_width} x {new_height} pixels; at most {MOST_PIXELS} are made."
        raise BlockError(message, hint="Ask for a smaller width or height.", code="bad_value")
    pixels = np.asarray(cv2.resize(image.pixels, (new_width, new_height), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    factor = new_width / image.width
    if abs(image.height * factor - new_height) > 1:
        return _anew(image, pixels)
    ancestry = replace(image.ancestry, size=(new_height, new_width), scale=image.ancestry.scale * factor)
    return Image(pixels=pixels, ancestry=ancestry, video=image.video)


def _anew(image: Image, pixels: NDArray[np.uint8]) -> Image:
    """Return an image whose pixels lie elsewhere than the offsets and the scale of an ancestry can tell.

    Objects found on it are given in its own coordinates, also where those of the workflow's input are asked for.
    """
    ancestry = Ancestry.root(image.ancestry.id, (pixels.shape[0], pixels.shape[1]))
    return Image(pixels=pixels, ancestry=ancestry, video=image.video)


def _rotated(image: Image, degrees: float) -> Image:
    """Return the image turned counter-clockwise around its middle, on a canvas that holds all of it."""
    center = (image.width // 2, image.height // 2)
    turn = np.asarray(cv2.getRotationMatrix2D(center, degrees, 1.0), dtype=np.float64)
    cosine, sine = abs(turn[0, 0]), abs(turn[0, 1])
    width = max(int(image.height * sine + image.width * cosine), 1)
    height = max(int(image.height * cosine + image.width * sine), 1)
    turn[:, 2] += np.array([width / 2 - center[0], height / 2 - center[1]])
    return _anew(image, np.asarray(cv2.warpAffine(image.pixels, turn, (width, height)), dtype=np.uint8))


def auto_rotate_on_edges(
    image: Image,
    *,
    target_orientation: str,
    skip_below_degrees: float,
    max_correction_degrees: float,
    internal_resolution: int,
) -> dict[str, Image | float]:
    """Turn an image so that most of its edges stand upright, lie flat, or do whichever is nearer.

    The image stays as it is, and the angle is 0, when it has no distinct direction, when it is off by less than
    ``skip_below_degrees``, and when it is off by more than ``max_correction_degrees``.
    """
    direction = _edge_direction(_small(grey(image.pixels), internal_resolution))
    if direction is None:
        return {"image": image, "angle": 0.0}
    period = 90.0 if target_orientation == "either" else 180.0
    wanted = 90.0 if target_orientation == "horizontal" else 0.0
    angle = (direction - wanted) % period
    angle = angle - period if angle > period / 2 else angle
    if not skip_below_degrees <= abs(angle) <= max_correction_degrees:
        return {"image": image, "angle": 0.0}
    return {"image": _rotated(image, angle), "angle": angle}


def _small(tones: NDArray[np.uint8], longest: int) -> NDArray[np.uint8]:
    scale = min(longest / max(tones.shape), 1.0)
    size = (max(round(tones.shape[1] * scale), 1), max(round(tones.shape[0] * scale), 1))
    return np.asarray(cv2.resize(tones, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _edge_direction(tones: NDArray[np.uint8]) -> float | None:
    """Return the direction across most edges, 0 to 180 degrees from the x axis towards the y axis; 0 if they stand.

    It is the peak of a histogram of the gradients' directions, weighted with their lengths, refined by the mean of
    those near it, which is taken over twice the angles so that directions 180 degrees apart are one.
    """
    if tones.std() < FLAT:
        return None
    even = cv2.createCLAHE(clipLimit=3.0, tileGridSize=(8, 8)).apply(tones)
    smooth = cv2.GaussianBlur(even, (5, 5), 0).astype(np.float32)
    across, down = cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)
    lengths = np.hypot(across, down)
    strong = lengths >= max(float(np.percentile(lengths, STRONG)), 1e-6)
    angles = np.degrees(np.arctan2(down[strong], across[strong])) % 180
    weights = lengths[strong].astype(np.float64)
    counts, _ = np.histogram(angles, bins=BINS, range=(0, 180), weights=weights)
    counts = np.mean([np.roll(counts, shift) for shift in range(-2, 3)], axis=0)
    if not counts.any() or counts.max() - np.median(counts) < DISTINCT * counts.std():
        return None
    peak = (int(counts.argmax()) + 0.5) * 180 / BINS
    near = np.abs((angles - peak + 90) % 180 - 90) <= NEAR
    doubled = np.radians(2 * angles[near])
    sine, cosine = float(weights[near] @ np.sin(doubled)), float(weights[near] @ np.cos(doubled))
    return math.degrees(math.atan2(sine, cosine)) / 2 % 180 if near.any() else peak


def camera_calibration(
    image: Image,
    *,
    fx: float | None,
    fy: float | None,
    cx: float | None,
    cy: float | None,
    k1: float | None,
    k2: float | None,
    k3: float | None,
    p1: float | None,
    p2: float | None,
    use_fisheye_model: bool | None,
) -> dict[str, Image]:
    """Straighten what a lens bends, by the figures of its calibration.

    The pin-hole model has the radial coefficients k1, k2 and k3 and the tangential ones p1 and p2, and keeps all of
    the image in view; the fisheye model has k1, k2 and k3. A missing coefficient is 0.
    """
    if fx is None or fy is None or cx is None or cy is None:
        message = "A camera calibration needs the focal lengths fx, fy and the centre cx, cy, all in pixels."
        raise BlockError(message, code="bad_value", whose="author")
    camera = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]], dtype=np.float64)
    if use_fisheye_model:
        bending = np.array([k1 or 0, k2 or 0, k3 or 0, 0], dtype=np.float64)
        straight = cv2.fisheye.undistortImage(image.pixels, camera, bending, Knew=camera)
    else:
        bending = np.array([k1 or 0, k2 or 0, p1 or 0, p2 or 0, k3 or 0], dtype=np.float64)
        view, _ = cv2.getOptimalNewCameraMatrix(camera, bending, (image.width, image.height), 1)
        straight = cv2.undistort(image.pixels, camera, bending, newCameraMatrix=view)
    return {"calibrated_image": image.with_pixels(np.asarray(straight, dtype=np.uint8))}
