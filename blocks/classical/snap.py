"""Move the outlines of masks to the edges that can be seen."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from blocks.classical.grey import grey
from workflow_engine.api import Detections, Image, detections, masks

TANGENT = 5  # points of the outline on either side that its direction is taken from


def mask_edge_snap(
    image: Image,
    segmentation: Detections,
    *,
    pixel_tolerance: int,
    sigma: float,
    min_contour_area: float,
    dilation_iterations: int,
    boundary_band_width: int,
    adaptive_window_size: int,
) -> dict[str, Detections]:
    """Move each point of each mask's outline along its normal to the best edge within ``pixel_tolerance`` pixels.

    Edges are where the brightness's gradient is longer than is usual around there (the mean plus ``sigma`` standard
    deviations in a window); of them count those near an outline that enclose ``min_contour_area``. The best edge is
    the one of the longest gradient, one further away counting less.
    """
    if segmentation.mask is None or not len(segmentation):
        return {"refined_segmentation": segmentation, "edges": detections.empty(image.ancestry, masks=True)}
    strength, edges = _edges(grey(image.pixels), sigma, dilation_iterations, adaptive_window_size | 1)
    edges &= _band(segmentation.mask, edges.shape, boundary_band_width)
    edges = _large(edges, min_contour_area)
    snapped = [
        _snapped(window, strength, edges, pixel_tolerance)
        for window in _windows(segmentation.mask, edges.shape, pixel_tolerance + 1)
    ]
    refined = detections.replace(segmentation, mask=masks.from_windows(snapped, masks.image_size(segmentation.mask)))
    return {"refined_segmentation": refined, "edges": _table(image, edges)}


def _edges(
    tones: NDArray[np.uint8], sigma: float, iterations: int, window: int
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the length of the gradient everywhere, and where it stands out; gaps in the edges are closed."""
    from skimage import morphology

    strength = cv2.magnitude(cv2.Sobel(tones, cv2.CV_32F, 1, 0), cv2.Sobel(tones, cv2.CV_32F, 0, 1))
    mean = cv2.boxFilter(strength, cv2.CV_32F, (window, window))
    variance = cv2.boxFilter(strength**2, cv2.CV_32F, (window, window)) - mean**2
    edges = strength > mean + sigma * np.sqrt(np.maximum(variance, 0))
    if iterations:
        square = np.ones((3, 3), dtype=np.uint8)
        closed = cv2.morphologyEx(edges.astype(np.uint8), cv2.MORPH_CLOSE, square, iterations=iterations)
        edges = morphology.thin(closed > 0, max_num_iter=1)  # type: ignore[no-untyped-call]
    return np.asarray(strength, dtype=np.float32), np.asarray(edges, dtype=np.bool_)


def _windows(table: masks.Masks, size: tuple[int, ...], margin: int) -> Iterator[masks.Window]:
    """Yield every mask in a window with room for ``margin`` pixels around it, where the image of ``size`` has them."""
    for index in range(len(table)):
        pixels, x, y = masks.window(table, index)
        left, top = min(x, margin), min(y, margin)
        right = min(max(size[1] - x - pixels.shape[1], 0), margin)
        bottom = min(max(size[0] - y - pixels.shape[0], 0), margin)
        yield np.pad(pixels, ((top, bottom), (left, right))), x - left, y - top


def _band(table: masks.Masks, size: tuple[int, ...], width: int) -> NDArray[np.bool_]:
    """Return where an outline is within ``width`` pixels."""
    band = np.zeros(size, dtype=np.bool_)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * width + 1, 2 * width + 1))
    for pixels, x, y in _windows(table, size, width):
        inside = pixels.astype(np.uint8)
        part = band[y : y + pixels.shape[0], x : x + pixels.shape[1]]
        near = (cv2.dilate(inside, disc) > 0) & (cv2.erode(inside, disc) == 0)
        part |= near[: part.shape[0], : part.shape[1]]
    return band


def _large(edges: NDArray[np.bool_], least: float) -> NDArray[np.bool_]:
    """Return the edges that hang together and enclose an area of ``least`` pixels or more."""
    _, labels = cv2.connectedComponents(edges.astype(np.uint8), connectivity=8)
    outlines, nesting = cv2.findContours(edges.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    areas = np.zeros(int(labels.max()) + 1)
    for outline, (_, _, _, parent) in zip(outlines, nesting[0] if outlines else (), strict=True):
        if parent < 0:  # an outer border, not that of a hole
            x, y = outline[0, 0]
            areas[labels[y, x]] = cv2.contourArea(outline)
    kept = areas >= least
    kept[0] = False
    return np.asarray(kept[labels], dtype=np.bool_)


def _snapped(
    window: masks.Window, strength: NDArray[np.float32], edges: NDArray[np.bool_], tolerance: int
) -> masks.Window:
    """Return the mask in its window with every outline drawn through the edges that its points move to."""
    pixels, x, y = window
    inside = np.ascontiguousarray(pixels).astype(np.uint8)
    where = np.s_[y : y + pixels.shape[0], x : x + pixels.shape[1]]
    depth = cv2.distanceTransform(cv2.copyMakeBorder(inside, 1, 1, 1, 1, cv2.BORDER_REPLICATE), cv2.DIST_L2, 5)
    reach = (depth[1:-1, 1:-1] <= tolerance) | (cv2.dilate(inside, np.ones((3, 3), np.uint8)) == 0)
    shape = edges[where].shape
    gain = np.where(edges[where] & reach[: shape[0], : shape[1]], strength[where], 0)
    outlines, _ = cv2.findContours(inside, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    drawn = np.zeros_like(inside)
    for outline in outlines:
        cv2.fillPoly(drawn, [_moved(np.asarray(outline, dtype=np.int32).reshape(-1, 2), gain, tolerance)], (1,))
    return drawn.astype(np.bool_), x, y


def _moved(points: NDArray[np.int32], gain: NDArray[np.float32], tolerance: int) -> NDArray[np.int32]:
    """Return the points (K, 2) of an outline, each at the best place along its normal, or where it was."""
    if not gain.size:
        return points
    along = np.roll(points, -TANGENT, axis=0) - np.roll(points, TANGENT, axis=0)
    length = np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-6)
    normals = np.stack([-along[:, 1], along[:, 0]], axis=1) / length
    steps = np.concatenate([np.arange(1, tolerance + 1), -np.arange(1, tolerance + 1)])
    places = np.rint(points[:, np.newaxis] + normals[:, np.newaxis] * steps[:, np.newaxis]).astype(np.int32)
    limits = np.array([gain.shape[1], gain.shape[0]])
    seen = ((places >= 0) & (places < limits)).all(axis=2)
    at = np.clip(places, 0, limits - 1)
    scores = np.where(seen, gain[at[..., 1], at[..., 0]] * (1 - np.abs(steps) / (tolerance + 1)), 0)
    best = scores.argmax(axis=1)
    rows = np.arange(len(points))
    return np.where((scores[rows, best] > 0)[:, np.newaxis], places[rows, best], points).astype(np.int32)


def _table(image: Image, edges: NDArray[np.bool_]) -> Detections:
    """Return all edges as one object, or none."""
    rows, columns = np.flatnonzero(edges.any(axis=1)), np.flatnonzero(edges.any(axis=0))
    if not rows.size:
        return detections.empty(image.ancestry, masks=True)
    x1, y1, x2, y2 = (int(edge) for edge in (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1))
    return detections.build(
        [[x1, y1, x2, y2]],
        ancestry=image.ancestry,
        class_id=[0],
        class_names=["edges"],
        confidence=[1.0],
        mask=masks.from_windows([(edges[y1:y2, x1:x2], x1, y1)], image.ancestry.size),
    )
